//! A back-test: recorded activity or a journal, folded under models, and what the scores were worth.
//!
//! [`input`] (files into a journal of its own) → [`journal`] (every partition, once) → the crate `backtest` → [`Found`], which
//! [`crate::render::backtest`] shows and [`scores`] lists row by row.

pub(crate) mod input;
pub(crate) mod journal;
pub(crate) mod scores;

use backtest::{Comparison, Report};
use serde::Serialize;

/// What a back-test found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Found {
    /// `bad` or `good`.
    pub(crate) outcome: &'static str,
    /// How far after a cut it was looked for, days.
    pub(crate) horizon_days: f64,
    /// The time from cut to cut, days.
    pub(crate) every_days: f64,
    /// Up to when all is told, RFC 3339.
    pub(crate) complete_to: String,
    /// Activities folded.
    pub(crate) activities: u64,
    /// Those of them that came more than a day after they had happened.
    pub(crate) late: u64,
    /// Records of the files that are no activity; none of a journal.
    pub(crate) rejected: u64,
    /// Each model.
    pub(crate) models: Vec<Report>,
    /// The first model against the second, where there are two.
    pub(crate) comparison: Option<Comparison>,
}

impl Found {
    /// Whether the score of the first model tells those to whom it happens from the others, and does so as well as is asked.
    pub(crate) fn tells(&self, at_least: Option<f64>) -> bool {
        let auc = self.models.first().and_then(|report| report.auc);
        auc.is_some_and(|auc| auc.low > 0.5 && at_least.is_none_or(|least| auc.value >= least))
    }
}
