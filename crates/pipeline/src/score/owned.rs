//! One journal partition of a score worker, from its assignment to its end.

use super::checkpoint::Checkpoint;
use super::restore::{Restore, Restored};
use crate::failure::BRING_BACK;
use crate::refusal::Cure;
use crate::status::{Phase, Way};
use crate::variant::Variant;
use engine::Shard;
use engine::entry::Position;
use engine::shard::Census;
use log::{Appends, Log};

/// Where a partition stands.
#[derive(Debug)]
pub(crate) enum State<L: Log, V: Variant> {
    /// Its committed offset is not known yet.
    Waiting,
    /// Its state is being read.
    Restoring(Box<Restore<L, V>>),
    /// It folds; without effects while it is not past `target`.
    Folding(Box<Folding>),
    /// It does not go on, for this reason.
    Refused(String, Cure),
}

/// A shard that folds.
#[derive(Debug)]
pub(crate) struct Folding {
    pub(crate) shard: Shard,
    /// The position up to which effects were committed before.
    pub(crate) target: Position,
    pub(crate) head: Option<Vec<u8>>,
    /// The offset and the checksum of the journal record in which it stood before, until that is read again.
    unproved: Option<(i64, u32)>,
    /// The checksum of the frame at `position`.
    pub(crate) frame: u32,
    pub(crate) live: bool,
    pub(crate) checkpoint: Checkpoint,
    /// What is to be sent: effects, then state.
    pub(crate) appends: Appends,
    /// The offset from which the journal is folded again.
    from: i64,
    /// The offset to commit: of the record to read next.
    pub(crate) next: i64,
    /// The position whose effects are all in `appends` or committed.
    pub(crate) position: Position,
    /// The position that was committed last.
    pub(crate) committed: Position,
    /// The greatest end that was reported.
    pub(crate) end: Option<i64>,
    /// Its accounts as they were counted last, all of them; nothing until it is live.
    pub(crate) census: Option<Census>,
    /// Those that were counted since, up to this place.
    counted: (Census, usize),
}

impl Folding {
    /// Goes on counting accounts once it is live, at most so many of them: all at once would hold the flow where they
    /// are many. The first time it is all of them, so that no number is ever too small.
    pub(crate) fn count(&mut self, most: usize) {
        if !self.live {
            return;
        }
        let most = if self.census.is_some() { most } else { usize::MAX };
        let (census, from) = &mut self.counted;
        if most >= self.shard.len() {
            (*census, *from) = (Census::default(), 0);
        }
        let to = from.saturating_add(most).min(self.shard.len());
        self.shard.count(*from..to, census);
        *from = to;
        if to == self.shard.len() {
            (self.census, *from) = (Some(std::mem::take(census)), 0);
        }
    }

    pub(crate) fn new(restored: Restored) -> Self {
        let Restored { mut shard, models, marked, ground, last, target, from, head, .. } = restored;
        shard.halt_at(target);
        let position = shard.position();
        // Where nothing is stored that can be restored, as after a rebuild, it is once the shard is live.
        let committed = if marked { target } else { Position::START };
        Self {
            shard,
            target,
            head,
            unproved: last.filter(|(offset, _)| *offset >= 0),
            frame: last.map_or(0, |(_, frame)| frame),
            live: false,
            checkpoint: Checkpoint::restored(models, marked, ground, position),
            appends: Appends::default(),
            from,
            next: from,
            position,
            committed,
            end: None,
            census: None,
            counted: (Census::default(), 0),
        }
    }

    /// Takes note of how far the shard has come in the journal record at an offset.
    pub(crate) fn stand(&mut self, offset: i64, frame: u32) {
        self.position = self.position.max(self.shard.position());
        if self.position.offset == offset {
            self.frame = frame;
        }
    }

    /// Takes note of a journal record that was delivered.
    ///
    /// # Errors
    /// It is not the one in which the shard stood.
    pub(crate) fn prove(&mut self, offset: i64, frame: u32) -> Result<(), String> {
        let Some((at, before)) = self.unproved.filter(|(at, _)| *at <= offset) else { return Ok(()) };
        if (offset, frame) != (at, before) {
            return Err(format!(
                "the journal record at offset {at} is another than the one that was folded: the journal was truncated \
                 or made anew; {BRING_BACK}"
            ));
        }
        self.unproved = None;
        Ok(())
    }

    /// Whether the journal is known to be the one that was folded before.
    pub(crate) const fn is_proved(&self) -> bool {
        self.unproved.is_none()
    }

    /// Whether there is something to commit.
    pub(crate) fn has_content(&self) -> bool {
        self.live && (self.position > self.committed || !self.appends.is_empty())
    }
}

impl<L: Log, V: Variant> State<L, V> {
    pub(crate) const fn folding(&self) -> Option<&Folding> {
        match self {
            Self::Folding(folding) => Some(folding),
            Self::Waiting | Self::Restoring(_) | Self::Refused(..) => None,
        }
    }

    /// How far it has come on its way back, if it is on it.
    pub(crate) fn way(&self) -> Option<Way> {
        match self {
            Self::Restoring(restore) => Some(restore.way()),
            Self::Folding(folding) if !folding.live => {
                Some(Way::new(folding.from, folding.next, folding.target.offset.saturating_add(1)))
            }
            Self::Waiting | Self::Folding(_) | Self::Refused(..) => None,
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        match self {
            Self::Waiting => Phase::Waiting,
            Self::Restoring(_) => Phase::Restoring,
            Self::Folding(folding) if folding.live => Phase::Live,
            Self::Folding(_) => Phase::Replaying,
            Self::Refused(reason, _) => Phase::Refused(reason.clone()),
        }
    }
}
