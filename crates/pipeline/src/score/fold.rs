//! Folding what a poll brought: record by record, entry by entry, minute by minute, as far as the outbox takes it.

use super::ahead::Ahead;
use super::outbox::{Outbox, Silent};
use super::owned::{Folding, State};
use super::{REBUILD, Score};
use crate::failure::Failure;
use crate::refusal::Cure;
use crate::variant::Variant;
use engine::Step;
use engine::effect::Sink;
use engine::entry::Position;
use log::{Log, Member, Partition};
use wire::frame::{FrameBuffer, FrameError};
use wire::output::Journal;

/// A place in the batch at hand.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cursor {
    pub(super) record: usize,
    pub(super) entry: u32,
    /// Whether the shard is in the midst of that entry.
    pub(super) within: bool,
}

/// What folding a record came to.
enum Done {
    Record,
    /// The outbox is full.
    Full,
    /// The position at which effects begin was reached.
    Reached,
}

impl<L: Log, V: Variant> Score<L, V> {
    /// Folds the batch at hand, as far as the outbox takes it.
    pub(super) fn fold(&mut self) {
        let Some(partition) = self.batch.partition.clone() else { return };
        if let Err(trouble) = self.fold_batch(&partition) {
            self.cursor = None;
            if let Some(member) = &mut self.member {
                member.pause(&partition);
            }
            self.owned.insert(partition, trouble.into());
        }
    }

    fn fold_batch(&mut self, partition: &Partition) -> Result<(), Trouble> {
        let Some(mut cursor) = self.cursor.take() else { return Ok(()) };
        let Some(State::Folding(folding)) = self.owned.get_mut(partition) else { return Ok(()) };
        while let Some(record) = self.batch.record(cursor.record) {
            // Of a journal that may be another nothing is certain.
            let cure = if folding.is_proved() { Cure::Restart } else { Cure::Possible };
            let wrong = |reason| Trouble::of(partition, reason, cure);
            let loaded = self.frame.load(record.value.unwrap_or_default());
            loaded.map_err(|error| wrong(unreadable(record.offset, &error)))?;
            let frame = self.frame.checksum();
            let proved = folding.prove(record.offset, frame);
            // A shard that was restored to where it is to go live goes on from there with effects.
            let proved = proved.and_then(|()| go_live::<V>(folding, partition));
            proved.map_err(|reason| Trouble::of(partition, reason, Cure::Possible))?;
            let mut out = Outbox {
                encoder: &mut self.encoder,
                journal: Journal { epoch: self.frame.epoch(), partition: partition.number },
                topics: &self.topics,
                appends: &mut folding.appends,
            };
            let again = V::EFFECTS_REPLAYED || V::ENTRY_IGNORED && record.offset == folding.target.offset;
            let (target, live) = (folding.target, folding.live);
            let from = self.settings.ahead_from;
            let parts = Parts { shard: &mut folding.shard, target, live, speaks: live || again, from };
            match fold_record::<V>(
                record.offset,
                &self.frame,
                &mut cursor,
                parts,
                &mut out,
                self.settings.outbox_bytes,
            )
            .map_err(wrong)?
            {
                Done::Record => {
                    folding.next = record.offset + 1;
                    folding.stand(record.offset, frame);
                    cursor = Cursor { record: cursor.record + 1, ..Cursor::default() };
                }
                Done::Full => {
                    folding.next = record.offset;
                    folding.stand(record.offset, frame);
                    self.cursor = Some(cursor);
                    return Ok(());
                }
                Done::Reached => {
                    folding.stand(record.offset, frame);
                    go_live::<V>(folding, partition)
                        .map_err(|reason| Trouble::of(partition, reason, Cure::Possible))?;
                }
            }
        }
        Ok(())
    }
}

/// Goes live if the shard has come to where its effects were committed, and the journal there is the same as then.
pub(super) fn go_live<V: Variant>(folding: &mut Folding, partition: &Partition) -> Result<(), String> {
    if folding.live || folding.shard.position() < folding.target || !folding.is_proved() {
        return Ok(());
    }
    if let Some(head) = folding.head.take().filter(|_| !V::HEAD_IGNORED && !V::REPLAY_LEFT_OUT) {
        folding.shard.read_head(&head).map_err(|error| format!("the head: {error}; {REBUILD}"))?;
    }
    folding.live = true;
    folding.position = folding.shard.position();
    tracing::info!(%partition, position = ?folding.position, accounts = folding.shard.len(), "shard live");
    Ok(())
}

/// A refusal is the shard's; any other failure is the worker's.
pub(super) fn refused<L: Log, V: Variant>(failure: Failure) -> Result<State<L, V>, Failure> {
    let failure = failure.explain();
    match failure {
        Failure::Refused { .. } => Ok(State::Refused(failure.to_string(), Cure::Possible)),
        Failure::Log(_) | Failure::Fenced { .. } | Failure::Stuck(_) => Err(failure),
    }
}

/// Why a shard does not go on.
pub(super) struct Trouble {
    reason: String,
    cure: Cure,
}

impl Trouble {
    pub(super) fn of(partition: &Partition, reason: impl std::fmt::Display, cure: Cure) -> Self {
        Self { reason: format!("{partition}: {reason}"), cure }
    }
}

impl<L: Log, V: Variant> From<Trouble> for State<L, V> {
    fn from(trouble: Trouble) -> Self {
        Self::Refused(trouble.reason, trouble.cure)
    }
}

fn unreadable(offset: i64, error: &FrameError) -> String {
    format!(
        "the journal record at offset {offset} cannot be read: {error}; run the version of vitals that wrote it"
    )
}

/// What folding a record needs of the shard.
struct Parts<'a> {
    shard: &'a mut engine::Shard,
    target: Position,
    live: bool,
    /// Whether effects are sent.
    speaks: bool,
    /// From how many accounts on it is read ahead.
    from: usize,
}

/// Folds a record from the cursor on.
fn fold_record<V: Variant>(
    offset: i64,
    frame: &FrameBuffer,
    cursor: &mut Cursor,
    parts: Parts<'_>,
    out: &mut Outbox<'_>,
    limit: usize,
) -> Result<Done, String> {
    let Parts { shard, target, live, speaks, from } = parts;
    let unreadable = |error| unreadable(offset, &error);
    let mut entries = Ahead::of(frame.reader_from(cursor.entry).map_err(unreadable)?, from);
    while let Some(entry) = entries.next(shard).map_err(unreadable)? {
        let at = Position { offset, entry: cursor.entry, minute: i64::MIN };
        // What the marker reflects is passed over; where it stands in the midst of an entry, that goes on.
        if !cursor.within && shard.position() >= Position::after(offset, cursor.entry) {
            cursor.entry += 1;
            continue;
        }
        loop {
            let sink: &mut dyn Sink = if speaks { out } else { &mut Silent };
            let in_midst = (shard.position().offset, shard.position().entry) == (offset, cursor.entry);
            let step =
                if cursor.within || in_midst { Ok(shard.go_on(sink)) } else { shard.fold(at, entry, sink) };
            let step =
                step.map_err(|refused| format!("the entry {} of offset {offset}: {refused}", cursor.entry))?;
            cursor.within = step == Step::More;
            if step == Step::Done {
                cursor.entry += 1;
            }
            if !live && shard.position() >= target {
                return Ok(Done::Reached);
            }
            if live && out.appends.size() >= limit {
                return Ok(Done::Full);
            }
            if step == Step::Done {
                break;
            }
        }
        if V::AHEAD_SHARED {
            entries.drop_rest();
        }
    }
    cursor.entry = 0;
    Ok(Done::Record)
}
