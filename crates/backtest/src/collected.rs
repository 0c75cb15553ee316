//! What going through a journal leaves: who had which score when, and what happened.

use crate::busy::Busy;
use crate::schedule::Schedule;
use model::plan::Plan;
use std::sync::Arc;

/// The segment of an account that has none.
pub const NO_SEGMENT: u16 = u16::MAX;

/// A measure that is not known, in [`Series::points`].
pub(crate) const UNKNOWN: u16 = u16::MAX;

/// A score at a cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Place of the account in [`Collected::accounts`].
    pub account: u32,
    /// Number of the cut.
    pub cut: i32,
    /// Place in [`Collected::segments`] of the segment in which the account was then, or [`NO_SEGMENT`].
    pub segment: u16,
    /// Hundredths of a point, 0 to 10,000.
    pub score: u16,
}

/// That an outcome happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Happened {
    /// When, ms since the epoch.
    pub time: i64,
    /// The first cut at which it was told.
    pub known: i32,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: Box<str>,
    /// When outcomes happened, ascending; each instant once.
    pub happened: Vec<Happened>,
}

/// An episode of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Firing {
    /// Place of the account.
    pub account: u32,
    /// Index of the rule in the model.
    pub rule: u32,
    /// When it could be said, ms since the epoch: not before what caused it had happened, nor before time had got there.
    pub fired: i64,
    /// When it was resolved, if it was.
    pub resolved: Option<i64>,
}

/// Accounts that were told of by a cut and have no row, summed over cuts, by the first reason that holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Unscored {
    /// All of their subscriptions had ended, or they were closed.
    pub ended: u64,
    /// They were told of for less long than is asked for.
    pub young: u64,
    /// The model does not score them, or knew nothing of them.
    pub unscored: u64,
}

/// What one model said.
#[derive(Clone, Debug)]
pub struct Series {
    /// The model.
    pub plan: Arc<Plan>,
    /// Its scores.
    pub rows: Vec<Row>,
    /// For each row the points of each measure, hundredths of a point, or [`u16::MAX`] where that was not known.
    pub points: Vec<u16>,
    /// Its alerts.
    pub firings: Vec<Firing>,
    /// Who had no score.
    pub unscored: Unscored,
}

/// What became of an account after a cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The outcome happened within the horizon.
    Outcome,
    /// It did not.
    None,
    /// The data end within the horizon.
    Censored,
    /// Nothing is told of anyone within the horizon before the cut, or from it on: whoever is scored then, nothing can be seen
    /// to follow.
    Idle,
    /// It had happened before the cut, and was told only after it: the score could no longer say it beforehand.
    Untold,
}

/// What going through a journal leaves.
#[derive(Clone, Debug)]
pub struct Collected {
    /// When accounts were scored.
    pub schedule: Schedule,
    /// How far after a cut an outcome is looked for, ms.
    pub horizon: i64,
    /// Up to when all is told; [`i64::MAX`] while no partition was gone through.
    pub end: i64,
    /// Accounts.
    pub accounts: Vec<Account>,
    /// Names of segments.
    pub segments: Vec<Box<str>>,
    /// One for each model.
    pub series: Vec<Series>,
    /// When anything happened to anyone.
    pub busy: Busy,
    /// Activities.
    pub activities: u64,
    /// Those of them that came more than a day after they had happened, and not for a second time.
    pub late: u64,
}

impl Collected {
    /// What became of an account after a cut.
    #[must_use]
    pub fn fate(&self, row: &Row) -> Fate {
        let cut = self.schedule.instant(row.cut);
        let until = cut.saturating_add(self.horizon);
        let happened = self.accounts.get(row.account as usize).map_or(&[][..], |account| &account.happened);
        if happened.iter().any(|one| one.time < cut && one.known > row.cut) {
            Fate::Untold
        } else if until > self.end {
            Fate::Censored
        } else if !self.busy.is_around(&self.schedule, row.cut, self.horizon) {
            Fate::Idle
        } else if happened.iter().any(|one| (cut..until).contains(&one.time)) {
            Fate::Outcome
        } else {
            Fate::None
        }
    }

    /// The name of a segment; empty where an account has none.
    #[must_use]
    pub fn segment(&self, segment: u16) -> &str {
        self.segments.get(usize::from(segment)).map_or("", |name| name)
    }
}
