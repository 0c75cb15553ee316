//! The compiled model: what the fold reads. Flat, resolved to indices, with every number scaled.
//!
//! Scales: a [`Unit::Span`] is in milliseconds, every other value in millionths (31 % is 31 000 000, a count of
//! 3 is 3 000 000). Points and scores are hundredths of a point (0 to 10 000). Weights are hundredths of a per
//! cent and sum to 10 000. Signals stand in an order in which each follows the parts it is made of.

mod operator;
mod source_set;

use crate::source::SOURCES;
pub use operator::{Bucket, Feed, Fold, Operator, Window, WordTest};
pub use source_set::SourceSet;
use std::fmt;

/// One hundred per cent of weight, or one hundred points of score.
pub const WHOLE: u32 = 10_000;

/// The most measures of a model: the fold keeps a bit for each of those that are known.
pub const MOST_MEASURES: usize = 128;

/// How far back dead time of a source is remembered whatever the models ask for, in milliseconds of its living time: so
/// that a model that comes later and looks further back than those before it finds what was, up to so far.
pub const REMEMBERED: i64 = 400 * crate::time::DAY;

/// The most windows of which an average is taken.
pub const MOST_WINDOWS: u8 = 60;

/// How many buckets one record of a distinct value tells of, where an average is taken of several windows.
pub const STRETCH: i32 = 32;

/// The most records that an account keeps for a trend of distinct values, each of a value and a bucket or, where an
/// average is taken, a stretch of them: beyond it the signal is unknown.
pub const MOST_RECORDS: u32 = 16_384;

/// The content hash of a model: SHA-256 of its canonical form, which leaves out layout and comments.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelId(pub [u8; 32]);

/// `sha256:` and all 64 hexadecimal digits.
impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How a feed behaves: the `sources:` block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceRules {
    /// How long after it happened an activity may still be appended, in milliseconds; default 5 minutes.
    pub max_delay: i64,
    /// How far an activity's time may lie after its record's timestamp, in milliseconds; default 1 minute.
    pub max_skew: i64,
    /// The most of a gap of the whole source that counts as silence, in milliseconds; `None`: all of it.
    pub silent_at_most: Option<i64>,
    /// Dead time after which the source's signals are stale, in milliseconds; default one day.
    pub stale_after: i64,
    /// How far back in event time duplicates are recognised, in milliseconds; default 48 hours.
    pub dedup: i64,
}

impl Default for SourceRules {
    fn default() -> Self {
        use crate::time::{DAY, HOUR, MINUTE};
        Self {
            max_delay: 5 * MINUTE,
            max_skew: MINUTE,
            silent_at_most: None,
            stale_after: DAY,
            dedup: 48 * HOUR,
        }
    }
}

/// The unit of a signal's value, which its curve, target and limits share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A number of things, millionths.
    Count,
    /// A number of UTC days, millionths.
    Days,
    /// A share, 100 % = 100 000 000.
    Percent,
    /// Milliseconds.
    Span,
    /// A bare number, millionths.
    Number,
}

/// A named signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// Its name.
    pub name: String,
    /// The unit of its value.
    pub unit: Unit,
    /// Its definition.
    pub operator: Operator,
    /// Fingerprint of what its state depends on: same fingerprint, same state (marks left out).
    pub definition: u64,
    /// The sources that feed it, through its parts too.
    pub sources: SourceSet,
}

/// A curve from a value to points: linear between its points, flat beyond them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Curve(pub Vec<(i64, u32)>);

impl Curve {
    /// Hundredths of a point at `value`, rounded half up.
    #[must_use]
    pub fn points(&self, value: i64) -> u32 {
        let points = &self.0;
        let next = points.partition_point(|(x, _)| *x <= value);
        match (next.checked_sub(1).and_then(|i| points.get(i)), points.get(next)) {
            (Some(low), Some(high)) => {
                let rise = i64::from(high.1) - i64::from(low.1);
                let step = crate::number::scale_round(value - low.0, rise, high.0 - low.0);
                u32::try_from(i64::from(low.1) + step).unwrap_or(0)
            }
            (Some(edge), None) | (None, Some(edge)) => edge.1,
            (None, None) => 0,
        }
    }
}

/// What kind of evidence a measure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Moves before the outcome does.
    Leading,
    /// Known only afterwards.
    Lagging,
    /// What our own people do.
    Activity,
    /// How well something is done.
    Quality,
}

impl Kind {
    /// The word of the language.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Leading => "leading",
            Self::Lagging => "lagging",
            Self::Activity => "activity",
            Self::Quality => "quality",
        }
    }
}

/// A measure: a signal turned into points. It bears the name of its signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measure {
    /// Index of the signal.
    pub signal: usize,
    /// Index of the goal.
    pub goal: usize,
    /// Its kind.
    pub kind: Kind,
    /// Whether it counts in the live score (lagging measures only where the model says so).
    pub in_score: bool,
    /// Its weight within the goal, any whole number.
    pub weight: u32,
    /// Its effective share of [`WHOLE`] when everything is known.
    pub base_weight: u32,
    /// The value aimed at, in the signal's scale.
    pub target: Option<i64>,
    /// The unit a span is printed in, in milliseconds (an hour or a day); 0 for other units.
    pub print_span: i64,
    /// Value to points.
    pub curve: Curve,
}

/// A goal with its share of the score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Goal {
    /// Its name.
    pub name: String,
    /// What it says, for people.
    pub statement: String,
    /// Who answers for it.
    pub owner: String,
    /// 1 is the most important.
    pub priority: u32,
    /// Its weight among the goals, any whole number.
    pub weight: u32,
}

/// A comparison with a limit in the scale of what is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Less than.
    Below(i64),
    /// Not more than.
    AtMost(i64),
    /// Not less than.
    AtLeast(i64),
    /// More than.
    Above(i64),
}

impl Comparison {
    /// Whether `value` passes.
    #[must_use]
    pub const fn passes(self, value: i64) -> bool {
        match self {
            Self::Below(limit) => value < limit,
            Self::AtMost(limit) => value <= limit,
            Self::AtLeast(limit) => value >= limit,
            Self::Above(limit) => value > limit,
        }
    }

    /// The limit.
    #[must_use]
    pub const fn limit(self) -> i64 {
        match self {
            Self::Below(limit) | Self::AtMost(limit) | Self::AtLeast(limit) | Self::Above(limit) => limit,
        }
    }
}

/// A text of the account that a condition may test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// Segment.
    Segment,
    /// Stage of its life.
    Stage,
}

/// A condition on one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Every part holds; true if there is none.
    All(Vec<Condition>),
    /// One part holds.
    Any(Vec<Condition>),
    /// A signal's value passes; false while it is unknown.
    Signal {
        /// Index of the signal.
        signal: usize,
        /// All of these.
        tests: Vec<Comparison>,
    },
    /// The score, in hundredths of a point, passes; false while it is unknown.
    Score {
        /// All of these.
        tests: Vec<Comparison>,
    },
    /// The account's text is one of these.
    Attribute {
        /// Which text.
        attribute: Attribute,
        /// The accepted values.
        any_of: Vec<String>,
    },
}

/// A cap: one grave sign is not averaged away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cap {
    /// Its name.
    pub name: String,
    /// When it applies; it may not name the score.
    pub when: Condition,
    /// The greatest score while it applies, hundredths of a point.
    pub score_at_most: u32,
}

/// How grave an alert is; the words of PagerDuty Events v2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the contract's words")]
pub enum Severity {
    Info,
    Warning,
    Error,
    Critical,
}

impl Severity {
    /// The contract's word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }
}

/// Whether an alert is about a danger or a chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the contract's words")]
pub enum Purpose {
    Risk,
    Opportunity,
}

/// What a rule does while a signal that it names is unknown or stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfUnknown {
    /// Nothing fires and nothing resolves, and the time does not count.
    Hold,
    /// An unknown signal makes its part of the condition false; a stale one counts with its value.
    Proceed,
}

/// An alert rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// When it begins.
    pub when: Condition,
    /// When it ends; the opposite of `when` unless the model says otherwise.
    pub clears_when: Option<Condition>,
    /// How long `when` must hold before it fires, ms.
    pub for_ms: i64,
    /// How long `clears_when` must hold before it resolves, ms.
    pub keep_firing_for: i64,
    /// How long after a resolution it does not fire again, ms.
    pub cooldown: i64,
    /// Its severity.
    pub severity: Severity,
    /// When it is critical at the moment it fires.
    pub critical_when: Option<Condition>,
    /// Danger or chance.
    pub purpose: Purpose,
    /// Who is told: a role (`csm`: the account's owner) or an address.
    pub notify: String,
    /// What to do about it, for people.
    pub play: String,
    /// What a hold means.
    pub if_unknown: IfUnknown,
    /// How far apart T + max delay of its sources may lie before it holds, ms; default one hour.
    pub lag_at_most: i64,
    /// The rules of which none may be open when it fires, by their places, ascending.
    pub inhibited_by: Vec<usize>,
    /// The signals that it names, ascending, without those of `critical_when`.
    pub signals: Vec<usize>,
    /// Whether it names the score: then its times run on the greatest T.
    pub on_score: bool,
    /// Its sources: those of its signals, or all of the model if it names the score.
    pub sources: SourceSet,
}

/// A band: a name and its lower limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Band {
    /// Its name.
    pub name: String,
    /// The least score in it, hundredths of a point.
    pub at_least: u32,
}

/// The compiled model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Its content hash.
    pub id: ModelId,
    /// Its name.
    pub name: String,
    /// How each source behaves, by [`crate::source::Source::index`].
    pub sources: [SourceRules; SOURCES],
    /// The sources that feed its signals.
    pub used: SourceSet,
    /// Signals, parts before what is made of them.
    pub signals: Vec<Signal>,
    /// Goals in the model's order.
    pub goals: Vec<Goal>,
    /// Measures, goal by goal, in the model's order.
    pub measures: Vec<Measure>,
    /// Caps in the model's order.
    pub caps: Vec<Cap>,
    /// Alert rules in the model's order.
    pub rules: Vec<Rule>,
    /// The places of all rules in the order in which they are decided: the model's, but before each those that inhibit
    /// it.
    pub rule_order: Vec<usize>,
    /// Bands from the highest limit to the lowest, which is 0.
    pub bands: Vec<Band>,
    /// By how much a limit must be passed before the band changes, hundredths of a point.
    pub band_margin: u32,
    /// The least coverage with a band, hundredths of a per cent.
    pub min_coverage: u32,
    /// The least change of the score that is published, hundredths of a point, at least 1.
    pub publish_change: u32,
    /// After how long without a record an account is published, however little has changed, ms: an hour to 366 days.
    pub publish_every: i64,
    /// Stages in which an account is not scored.
    pub not_scored_stages: Vec<String>,
    /// Segments of which no account is scored.
    pub not_scored_segments: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_is_linear_between_its_points_and_flat_beyond() {
        let curve = Curve(vec![(0, 0), (8, 6_000), (15, 10_000)]);
        for (value, points) in
            [(-1, 0), (0, 0), (4, 3_000), (8, 6_000), (9, 6_571), (15, 10_000), (99, 10_000)]
        {
            assert_eq!(curve.points(value), points, "{value}");
        }
        let falling = Curve(vec![(0, 10_000), (2, 6_000), (5, 0)]);
        for (value, points) in [(1, 8_000), (3, 4_000), (4, 2_000), (6, 0)] {
            assert_eq!(falling.points(value), points, "{value}");
        }
    }
}
