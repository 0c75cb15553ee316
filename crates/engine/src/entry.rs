//! What stands in the journal, and where.

use crate::activity::Activity;
use model::plan::ModelId;
use model::source::Source;
use model::time::EventTime;

/// One entry of a journal record.
#[allow(clippy::large_enum_variant, reason = "a view, made one at a time; nearly all are the large one")]
#[derive(Clone, Debug, PartialEq)]
pub enum Entry<'a> {
    /// Something happened.
    Activity(Activity<'a>),
    /// Time advanced.
    Watermarks(Watermarks),
    /// A model takes effect here; its text, at most 1 MiB.
    Model(&'a str),
    /// From here on the journal is read under this version of the fold's rules.
    FoldVersion(u32),
}

/// An advance of time: what ingest knows, at one moment, of the sources that moved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watermarks {
    /// The model by whose `sources:` block the watermarks were made.
    pub model: Option<ModelId>,
    /// Which accounts that changed are published as they then stand.
    pub latest: Latest,
    /// One for each source that moved, ascending.
    pub sources: Vec<SourceMark>,
}

/// Which accounts that changed are published as they stand, at the end of a watermark entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Latest {
    /// All of them.
    #[default]
    All,
    /// Those whose turn it is, by their spread: in recorded time, where most of what is so now is superseded as soon as
    /// the run goes on.
    Turn {
        /// Which turn, below `turns`.
        turn: u16,
        /// How many turns there are, 1 to [`Latest::TURNS`].
        turns: u16,
    },
}

impl Latest {
    /// The most turns, and about as many as there are seconds in a spread.
    pub const TURNS: u16 = 900;

    /// One turn of several; `None` if there is no such turn.
    #[must_use]
    pub const fn turn(turn: u16, turns: u16) -> Option<Self> {
        if turn < turns && turns <= Self::TURNS { Some(Self::Turn { turn, turns }) } else { None }
    }
}

/// What is known of one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceMark {
    /// The source.
    pub source: Source,
    /// How many partitions its topic has.
    pub partition_count: u32,
    /// One for each of its partitions that the entry holds for, ascending.
    pub partitions: Vec<PartitionMark>,
}

/// What is known of one source partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionMark {
    /// Its number.
    pub partition: u32,
    /// No activity older than this is still to come; `None` while that is not known of any instant: then the mark
    /// moves no time, and only its counts and runs are told.
    pub watermark: Option<EventTime>,
    /// Runs of accepted activity since the partition's last mark, ascending, with gaps of up to the source's
    /// `silent_at_most` closed.
    pub runs: Vec<Run>,
    /// Records rejected so far, ever.
    pub rejected: u64,
    /// Records skipped at ingest so far, ever.
    pub skipped: u64,
    /// What was deleted before ingest read it, and accepted as lost, so far, ever.
    pub lost: Lost,
}

/// Records of a source partition that were deleted before they were read, and whose loss was accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// How many offsets: at most as many records, since offsets have gaps.
    pub offsets: u64,
    /// The offset after the last of them.
    pub to: i64,
}

/// A stretch of event time in which activity happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Run {
    /// Time of the first activity.
    pub first: EventTime,
    /// Time of the last activity.
    pub last: EventTime,
}

/// How far a shard has folded its journal partition. Ordered as the fold goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Offset of the journal record.
    pub offset: i64,
    /// Entry within the record, from 0.
    pub entry: u32,
    /// Last minute of that entry's advance that is done, in minutes since the epoch of T + max delay;
    /// [`Position::DONE`] once the whole entry is.
    pub minute: i64,
}

impl Position {
    /// The minute of an entry that is done.
    pub const DONE: i64 = i64::MAX;
    /// Before everything.
    pub const START: Self = Self { offset: -1, entry: 0, minute: Self::DONE };

    /// Entry `entry` of the record at `offset` is done.
    #[must_use]
    pub const fn after(offset: i64, entry: u32) -> Self {
        Self { offset, entry, minute: Self::DONE }
    }
}
