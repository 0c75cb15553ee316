//! What the fold says to the world, as views of its state. A [`Sink`] turns them into records.
//!
//! All numbers are scaled as in [`model::plan`]. Every effect is a function of the journal alone.

use model::number::Number;
use model::plan::{Plan, Severity, SourceSet};
use model::source::Source;
use model::time::EventTime;

/// Takes effects in the order in which the fold makes them.
pub trait Sink {
    /// Takes one.
    fn effect(&mut self, id: EffectId, effect: &Effect<'_>);

    /// Whether it drops all that it is given: then it is given nothing, and what is only said is not worked out.
    fn is_silent(&self) -> bool {
        false
    }
}

/// Names one effect for ever: the journal position that caused it, and its place among that entry's effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EffectId {
    /// Offset of the journal record.
    pub offset: i64,
    /// Entry within the record.
    pub entry: u32,
    /// Place among the entry's effects, from 0.
    pub index: u32,
}

/// One effect.
#[derive(Clone, Debug)]
pub enum Effect<'a> {
    /// A published change of a score or band; goes to `vitals.health`.
    Health(Health<'a>),
    /// A transition of an alert; goes to `vitals.alerts`.
    Alert(Alert<'a>),
    /// The latest health and open alerts; replaces the account's record in `vitals.account-health`.
    AccountHealth(AccountHealth<'a>),
    /// The account is closed; removes its record from `vitals.account-health`.
    AccountClosed(Closed<'a>),
}

/// What is known of the account itself.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    /// Its id: the key of every output.
    pub id: &'a str,
    /// Its name.
    pub name: Option<&'a str>,
    /// Its segment.
    pub segment: Option<&'a str>,
    /// The stage of its life.
    pub stage: Option<&'a str>,
    /// Who looks after it.
    pub owner: Option<&'a str>,
    /// The owner's team.
    pub team: Option<&'a str>,
    /// Monthly recurring revenue.
    pub mrr: Option<Number>,
    /// Currency of that.
    pub currency: Option<&'a str>,
    /// When the contract renews.
    pub renews_at: Option<EventTime>,
}

/// Why something changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// An activity of this source.
    Activity(Source),
    /// The passing of time, or a change of a source's state.
    Time,
    /// A new model, and nothing else.
    Model,
    /// It was not published for as long as the model says; nothing moved far enough to be published by itself.
    Repeat,
}

/// How well a measure's signal is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Known.
    Fresh,
    /// Known as of when its source died.
    Stale,
    /// Not known: it has no weight.
    Unknown,
}

/// The contribution of one measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Index into [`Plan::measures`].
    pub measure: usize,
    /// How well its signal is known.
    pub freshness: Freshness,
    /// The signal's value; `None` if unknown.
    pub value: Option<i64>,
    /// The value at the previous publication; `None` if unknown then, or if there was none.
    pub previous_value: Option<i64>,
    /// Hundredths of a point that the curve gives; 0 if unknown.
    pub points: u32,
    /// Effective weight, hundredths of a per cent; 0 if unknown.
    pub weight: u32,
    /// What it adds to the score, hundredths of a point.
    pub contribution: i32,
    /// The contribution's change since the previous publication.
    pub change: i32,
}

/// A cap in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapLine {
    /// Index into [`Plan::caps`]; with several in force, the one that takes most stands for all (ties: the first).
    pub cap: usize,
    /// What it takes from the score: 0 or less.
    pub contribution: i32,
}

/// What a person set in place of the score, while it is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverrideLine<'a> {
    /// What it adds to lines and cap, hundredths of a point.
    pub contribution: i32,
    /// Who set it.
    pub author: &'a str,
    /// Why.
    pub reason: &'a str,
    /// When it ends by itself, on the T of `command`.
    pub expires_at: EventTime,
}

/// Where an account stands.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// The account.
    pub account: Identity<'a>,
    /// The model in force.
    pub plan: &'a Plan,
    /// Counts up by one with each health and account-health record of the account.
    pub revision: u64,
    /// The instant this is true of.
    pub as_of: EventTime,
    /// Hundredths of a point; `None` if nothing is known or the account is not scored.
    pub score: Option<u32>,
    /// Index into [`Plan::bands`]; `None` if unknown.
    pub band: Option<usize>,
    /// Since when the band is what it is.
    pub band_since: EventTime,
    /// Share of the weight that is known and fresh, hundredths of a per cent.
    pub coverage: u32,
    /// Up to when each source of the model is complete (its T).
    pub complete_to: &'a [(Source, EventTime)],
    /// Sources of the model whose clocks have stopped, or have not begun.
    pub sources_out: SourceSet,
    /// One line per measure of the model.
    pub lines: &'a [Line],
    /// The cap in force.
    pub cap: Option<CapLine>,
    /// The override in force. Contributions of lines, the cap and this sum to the score.
    pub overridden: Option<OverrideLine<'a>>,
    /// Whether the account is scored.
    pub status: Status,
}

/// Whether an account is scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is.
    Scored,
    /// The model does not score its stage.
    NotScored,
}

/// A published change.
#[derive(Clone, Debug)]
pub struct Health<'a> {
    /// Where the account stands now.
    pub standing: Standing<'a>,
    /// The score at the previous publication; `None` if unknown then, or if there was none.
    pub previous_score: Option<u32>,
    /// The band at the previous publication, as an index; `None` if unknown then, or if there was none.
    pub previous_band: Option<usize>,
    /// Whether anything was published before; if not, the changes of the lines count from nothing.
    pub first: bool,
    /// The change of the cap's contribution (or of the one that no longer applies).
    pub cap_change: i32,
    /// The change of what an override adds (or of one that is over).
    pub override_change: i32,
    /// What measures that a new model no longer has contributed to the previous record, negated: with the
    /// changes of the lines, the cap and the override this sums to the change of the score. 0 but after a model change.
    pub removed_change: i32,
    /// Why.
    pub cause: Cause,
}

/// The state of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertState {
    /// It has begun.
    Firing,
    /// It has ended.
    Resolved(Resolution),
}

/// Why an alert ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the contract's words")]
pub enum Resolution {
    Recovered,
    AccountClosed,
    NotScored,
    RuleRemoved,
    ModelChanged,
    Overridden,
}

impl Resolution {
    /// The contract's word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Recovered => "recovered",
            Self::AccountClosed => "account-closed",
            Self::NotScored => "not-scored",
            Self::RuleRemoved => "rule-removed",
            Self::ModelChanged => "model-changed",
            Self::Overridden => "overridden",
        }
    }
}

/// One signal that a rule names, at the moment of the transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Index into [`Plan::signals`].
    pub signal: usize,
    /// Its value; `None` if unknown.
    pub value: Option<i64>,
    /// How well it is known.
    pub freshness: Freshness,
}

/// A transition of an alert.
#[derive(Clone, Debug)]
pub struct Alert<'a> {
    /// Where the account stands.
    pub standing: Standing<'a>,
    /// The rule's name.
    pub rule: &'a str,
    /// Index into [`Plan::rules`] of the model in force; `None` if that has no such rule any more.
    pub rule_index: Option<usize>,
    /// Counts the times this rule fired for the account, from 1.
    pub episode: u32,
    /// Counts the records of the episode, from 1.
    pub revision: u32,
    /// What it is now.
    pub state: AlertState,
    /// How grave it was when it fired.
    pub severity: Severity,
    /// When its condition began to hold.
    pub started_at: EventTime,
    /// When it fired.
    pub fired_at: EventTime,
    /// When it ended.
    pub ended_at: Option<EventTime>,
    /// The signals that the rule names.
    pub evidence: &'a [Evidence],
    /// Why.
    pub cause: Cause,
}

/// An alert that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenAlert {
    /// Index into [`Plan::rules`].
    pub rule: usize,
    /// Which episode.
    pub episode: u32,
    /// How grave.
    pub severity: Severity,
    /// When it fired.
    pub fired_at: EventTime,
}

/// The latest of an account.
#[derive(Clone, Debug)]
pub struct AccountHealth<'a> {
    /// Where the account stands.
    pub standing: Standing<'a>,
    /// Its open alerts in the model's order.
    pub open_alerts: &'a [OpenAlert],
}

/// An account that is closed.
#[derive(Clone, Copy, Debug)]
pub struct Closed<'a> {
    /// Its id.
    pub account: &'a str,
    /// Its last revision.
    pub revision: u64,
    /// Since when.
    pub as_of: EventTime,
}
