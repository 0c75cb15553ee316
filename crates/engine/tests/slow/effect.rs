//! What the slow fold says, in a form to compare: owned, and without what is only copied from the account.

use engine::effect::{AlertState, CapLine, Cause, EffectId, Evidence, Line, OpenAlert, Status};
use model::plan::Severity;

/// An effect and the journal entry that caused it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Caused {
    pub(crate) id: EffectId,
    pub(crate) effect: SlowEffect,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum SlowEffect {
    Health(Health),
    Alert(Alert),
    AccountHealth(AccountHealth),
    Closed { account: String, revision: u64, as_of: i64 },
}

impl SlowEffect {
    pub(crate) const fn health(&self) -> Option<&Health> {
        if let Self::Health(health) = self { Some(health) } else { None }
    }

    pub(crate) const fn alert(&self) -> Option<&Alert> {
        if let Self::Alert(alert) = self { Some(alert) } else { None }
    }
}

/// Where an account stands. Indices are those of the plan that is the account's at that moment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Standing {
    pub(crate) account: String,
    pub(crate) revision: u64,
    pub(crate) as_of: i64,
    pub(crate) score: Option<u32>,
    pub(crate) band: Option<usize>,
    pub(crate) band_since: i64,
    pub(crate) coverage: u32,
    pub(crate) lines: Vec<Line>,
    pub(crate) cap: Option<CapLine>,
    /// What the override in force adds, who set it, why and until when.
    pub(crate) overridden: Option<(i32, String, String, i64)>,
    pub(crate) status: Status,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Health {
    pub(crate) standing: Standing,
    pub(crate) first: bool,
    pub(crate) previous_score: Option<u32>,
    pub(crate) previous_band: Option<usize>,
    pub(crate) cap_change: i32,
    pub(crate) override_change: i32,
    /// What measures that the model no longer has contributed before, negated.
    pub(crate) removed_change: i32,
    pub(crate) cause: Cause,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Alert {
    pub(crate) account: String,
    pub(crate) as_of: i64,
    pub(crate) rule: String,
    pub(crate) rule_index: Option<usize>,
    pub(crate) episode: u32,
    pub(crate) revision: u32,
    pub(crate) state: AlertState,
    pub(crate) severity: Severity,
    pub(crate) started_at: i64,
    pub(crate) fired_at: i64,
    pub(crate) ended_at: Option<i64>,
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) cause: Cause,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AccountHealth {
    pub(crate) standing: Standing,
    pub(crate) open_alerts: Vec<OpenAlert>,
}
