//! What is done to a world from outside that the log's dice do not do, and how often it made a difference.

use std::fmt;

/// A kind of deed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A process is killed; it changes something if it lived.
    Killed,
    /// A worker is started anew while its predecessor lives on; it changes something once that one has had to end.
    Doubled,
    /// A partition delivers nothing for a while; it changes something if records wait in it at the end of that.
    Stalled,
    /// A group is rebalanced; it changes something unless it was anyway.
    Rebalanced,
    /// A group forgets a member; it changes something if it had it.
    MemberLost,
    /// An upstream transaction stands open; it changes something if other records wait behind those of it at its end.
    UpstreamOpen,
    /// A source has one more partition; it changes something once all of that is consumed.
    PartitionAdded,
    /// The state is compacted; it changes something if records go.
    Compacted,
    /// A source dies for a while; it changes something if there would have been something to send.
    SourceDead,
    /// Much garbage comes in a row; it changes something if a source is stopped by that.
    Flooded,
    /// Old activity comes, as of a backfill.
    Backfilled,
    /// Every transaction times out; it changes something if one was open.
    TransactionsExpired,
    /// The wall clock of a worker is put wrong; it changes something if that lives, since it looks at each step.
    ClockWrong,
    /// A model with other rules of sources is published; it changes something once time is told by them.
    OtherRules,
    /// Records of a source are deleted that were read.
    ReadDeleted,
    /// Records of a source are deleted that were not read; it changes something once that is accepted as lost.
    UnreadDeleted,
    /// A loss is accepted once more, since whoever was told of it first died.
    AcceptedAgain,
    /// Offsets of ingest are deleted; these and all that follow change something once a worker refuses.
    IngestForgotten,
    /// Offsets of ingest are set back by a tool.
    IngestReset,
    /// Offsets of ingest are those of a backup.
    IngestOlder,
    /// Offsets of score are deleted.
    ScoreForgotten,
    /// Offsets of score are set back by a tool.
    ScoreReset,
    /// Offsets of score are those of a backup.
    ScoreOlder,
    /// The first records of the state are deleted.
    StateCut,
    /// The state is deleted.
    StateGone,
}

const KINDS: usize = 25;

impl Deed {
    /// Every kind.
    pub const ALL: [Self; KINDS] = [
        Self::Killed,
        Self::Doubled,
        Self::Stalled,
        Self::Rebalanced,
        Self::MemberLost,
        Self::UpstreamOpen,
        Self::PartitionAdded,
        Self::Compacted,
        Self::SourceDead,
        Self::Flooded,
        Self::Backfilled,
        Self::TransactionsExpired,
        Self::ClockWrong,
        Self::OtherRules,
        Self::ReadDeleted,
        Self::UnreadDeleted,
        Self::AcceptedAgain,
        Self::IngestForgotten,
        Self::IngestReset,
        Self::IngestOlder,
        Self::ScoreForgotten,
        Self::ScoreReset,
        Self::ScoreOlder,
        Self::StateCut,
        Self::StateGone,
    ];
}

/// How often each kind was done, and how often it changed something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deeds {
    fired: [u64; KINDS],
    changed: [u64; KINDS],
}

impl Deeds {
    /// How often it changed something.
    #[must_use]
    pub const fn changed(&self, deed: Deed) -> u64 {
        self.changed[deed as usize]
    }

    /// How often any changed something.
    #[must_use]
    pub fn all_changed(&self) -> u64 {
        self.changed.iter().sum()
    }

    /// Adds those of another run.
    pub fn add(&mut self, other: &Self) {
        for (own, more) in self.fired.iter_mut().zip(other.fired) {
            *own += more;
        }
        for (own, more) in self.changed.iter_mut().zip(other.changed) {
            *own += more;
        }
    }

    pub(super) const fn fire(&mut self, deed: Deed) {
        self.fired[deed as usize] += 1;
    }

    pub(super) const fn change(&mut self, deed: Deed) {
        self.changed[deed as usize] += 1;
    }

    /// Done, with what it changed known at once.
    pub(super) const fn strike(&mut self, deed: Deed, has_changed: bool) {
        self.fire(deed);
        if has_changed {
            self.change(deed);
        }
    }
}

impl fmt::Display for Deeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for deed in Deed::ALL {
            let (fired, changed) = (self.fired[deed as usize], self.changed[deed as usize]);
            writeln!(f, "{:<20}{fired:>8}{changed:>10}", format!("{deed:?}"))?;
        }
        Ok(())
    }
}
