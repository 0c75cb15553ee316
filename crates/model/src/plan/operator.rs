//! What a signal is made of: activities that pass, windows, and what is taken over them.

#[cfg(doc)]
use super::{MOST_WINDOWS, Plan};
use crate::source::{Field, Source};

/// A test on a word of an activity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordTest {
    /// The field; its type is [`crate::source::FieldType::Word`].
    pub field: Field,
    /// It passes when the field holds one of these.
    pub any_of: Vec<String>,
}

/// Which activities a signal takes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// The source.
    pub source: Source,
    /// All must pass. A CSM activity that the model does not test for its state must have been held.
    pub filter: Vec<WordTest>,
}

/// The width of one bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucket {
    /// An hour.
    Hour,
    /// A UTC day.
    Day,
}

impl Bucket {
    /// The width in milliseconds.
    #[must_use]
    pub const fn width(self) -> i64 {
        match self {
            Self::Hour => crate::time::HOUR,
            Self::Day => crate::time::DAY,
        }
    }
}

/// A rolling window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its width in milliseconds, a multiple of the bucket's.
    pub width: i64,
    /// Its buckets: hours where the width is below three days, else days.
    pub bucket: Bucket,
}

/// What is taken over a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// The number of activities.
    Count,
    /// The number of buckets (days) that hold an activity.
    CountDays,
    /// The sum of a number; an activity without the field adds nothing, `count` of feature usage defaults to 1.
    Sum(Field),
    /// The number of distinct values of a key or word; an activity without the field adds nothing.
    Distinct(Field),
    /// The plain mean of a number over the activities that have the field; unknown when there is none.
    Mean(Field),
    /// The Net Promoter Score of the activities that have a `score` of 0 to 10: per cent of 9 and more less per cent of
    /// those below 7 (Reichheld, "The One Number You Need to Grow", 2003), -100 to 100; unknown when there is none.
    Nps,
}

/// A signal's definition. Indices point into [`Plan::signals`], always to an earlier one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operator {
    /// Something taken over a rolling window.
    Rolling {
        /// Which activities.
        feed: Feed,
        /// What is taken.
        fold: Fold,
        /// Over which window.
        window: Window,
        /// Unknown while fewer activities than this are in the window; 0 for none.
        min_base: u32,
    },
    /// The activities that pass one filter in per cent of those that pass another, over a rolling window: 100 % and
    /// more where the first is no part of the second. Unknown while no activity passes the second.
    Share {
        /// Which activities either of them is taken from.
        feed: Feed,
        /// What is counted of them.
        part: Vec<WordTest>,
        /// What it is compared with.
        whole: Vec<WordTest>,
        /// Over which window.
        window: Window,
        /// Unknown while fewer activities than this pass `whole`; 0 for none.
        min_base: u32,
    },
    /// The mean of a number over a rolling window, in which a day counts the less the longer it was before the newest
    /// one that holds an activity: half after each half-life. Unknown while no activity has the field.
    DecayedMean {
        /// Which activities.
        feed: Feed,
        /// A number.
        field: Field,
        /// Over which window; its buckets are days.
        window: Window,
        /// Unknown while fewer activities than this with the field are in the window; 0 for none.
        min_base: u32,
        /// What each day within a half-life weighs, in parts of 2^32, the newest first; as many as it has days. A day so
        /// many half-lives older weighs as much shifted down by so many bits.
        weights: Vec<u64>,
    },
    /// A rolling value in per cent of its value over the window directly before; unknown when that is zero.
    Trend {
        /// Which activities.
        feed: Feed,
        /// What is taken; never a mean or a Net Promoter Score.
        fold: Fold,
        /// The window of which there are two.
        window: Window,
    },
    /// A rolling value in per cent of its average over windows before, back to the oldest of them that holds an
    /// activity and, unless it is the only one or the last, without that; unknown when that is zero.
    OwnAverage {
        /// Which activities.
        feed: Feed,
        /// What is taken; never a mean or a Net Promoter Score.
        fold: Fold,
        /// The window.
        window: Window,
        /// How many windows of its width directly before it make the average: 1 to [`MOST_WINDOWS`].
        windows: u8,
    },
    /// The value of the activity with the greatest (time, partition, offset) that has the field.
    Latest {
        /// Which activities.
        feed: Feed,
        /// A number.
        field: Field,
        /// Living time since that activity after which it is unknown, ms: an hour to ten years; `None` for never.
        expires: Option<i64>,
    },
    /// One signal in per cent of another; unknown when either is, or when the whole is zero or below `min_base`.
    Ratio {
        /// The part.
        part: usize,
        /// The whole.
        whole: usize,
        /// The least whole, in the whole's scale; 0 for none.
        min_base: i64,
    },
    /// Living time since the newest activity, as the greatest of `marks` that it has reached, or 0.
    SinceLast {
        /// Which activities.
        feed: Feed,
        /// Ascending positive milliseconds: whole days, points of curves, publish steps, limits.
        marks: Vec<i64>,
    },
    /// By how much living time since the newest activity is beyond a span, as the greatest of `marks` that it has
    /// reached, or 0: what is done on schedule is never beyond. Unknown before the first activity.
    Cadence {
        /// Which activities.
        feed: Feed,
        /// The span, ms: an hour to ten years.
        every: i64,
        /// As those of `SinceLast`, counted from the end of the span.
        marks: Vec<i64>,
    },
    /// The number of tickets that are open and whose priority is one of `priority` (any, if empty).
    Open {
        /// Priorities that count.
        priority: Vec<String>,
    },
    /// Plain time until the latest value of an instant, as the least of `marks` not below it; 0 once it passed.
    Until {
        /// Which activities.
        feed: Feed,
        /// An instant.
        field: Field,
        /// Ascending positive milliseconds; beyond the last the value is the last.
        marks: Vec<i64>,
    },
    /// The share of an account's planned milestones that are reached; unknown when none is planned.
    Reached,
    /// The number of an account's planned milestones past their due instant and not reached.
    Overdue,
    /// How far the account is from what the cohort of a benchmark does: always unknown, since that is not yet computed.
    /// It is fed by what feeds the signals of the benchmark, and keeps nothing. No other signal is made of it.
    GapTo,
}
