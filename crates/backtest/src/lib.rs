//! Whether a score says beforehand what happens.
//!
//! Entries of a journal → [`Fold`] (the pipeline's own fold under the models in question, broken off at regular cuts) →
//! [`Collected`] (who had which score when, and what happened) → [`report`] and [`compare`] (statistics).
//!
//! Invariants:
//! - Nothing that is told after a cut has a say in a score at that cut: what is folded by then is all there is.
//! - A journal is gone through once for all cuts and models. What is kept of it is a [`Row`] for each account and cut at
//!   which it has a score, 12 bytes and 2 for each measure, at most [`Fold::MOST_ROWS`]; what is known of each account; and one
//!   shard at a time.
//! - A model is given the time that ingest would have told under it: watermarks that another model's `sources:` rules made are
//!   moved by the difference of their max delay.
//! - Overrides are passed over: it is the model that is judged.
//! - The same entries give the same figures: no randomness, and sums in a fixed order.
//!
//! Floating point begins where scores are counted and ends in figures for people; nothing goes back into a score. It does no
//! I/O, and knows neither frames nor commands.

mod alert;
mod auc;
mod busy;
mod collected;
mod compare;
mod fold;
mod ledger;
mod rank;
mod report;
mod schedule;
mod trail;

pub use alert::{RuleReport, Warning};
pub use auc::{Case, Estimate, mean_auc};
pub use busy::Busy;
pub use collected::{Account, Collected, Fate, Firing, Happened, NO_SEGMENT, Row, Series, Unscored};
pub use compare::{Comparison, compare};
pub use fold::{Fold, Stopped};
pub use rank::Ranked;
pub use report::{
    CutReport, Decile, Interval, LeftOut, MeasureReport, Report, SegmentReport, Top, Verdict, report,
};
pub use schedule::Schedule;
pub use trail::{Quantiles, Week};

use model::plan::Feed;

/// Which outcome is looked for, and so which way a score is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// What is feared: a low score should come before it.
    Bad,
    /// What is hoped for: a high score should come before it.
    Good,
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// Which outcome.
    pub side: Side,
    /// The activities that are this outcome.
    pub outcome: Vec<Feed>,
    /// How far after a cut it is looked for, ms: from the cut on, and before the cut and this.
    pub horizon: i64,
    /// When accounts are scored.
    pub schedule: Schedule,
    /// How long before a cut an account must have been told of, ms.
    pub min_history: i64,
}
