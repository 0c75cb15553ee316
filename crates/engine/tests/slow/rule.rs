//! "Rules": one rule of one account, from evaluation to evaluation.

use std::collections::BTreeMap;

use engine::effect::Freshness;
use model::plan::{IfUnknown, Rule, Severity};
use model::source::Source;

use super::condition::Facing;
use super::now::Now;

/// What a rule counts its time on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Axis {
    /// G.
    Greatest,
    /// L of a source.
    Living(Source),
}

/// Where each axis of a rule stands.
pub(crate) type Marks = BTreeMap<Axis, i64>;

pub(crate) fn marks(rule: &Rule, now: &Now<'_>) -> Marks {
    if rule.on_score || rule.signals.is_empty() {
        return Marks::from([(Axis::Greatest, now.greatest().unwrap())]);
    }
    let living = |source| (Axis::Living(source), now.source(source).map_or(0, |at| at.reading()));
    rule.sources.iter().map(living).collect()
}

/// Time that counts: between holds the least growth of all axes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stopwatch {
    /// What had counted when it was last stopped.
    counted: i64,
    /// Where the axes stood when it last began to run; `None` while it is stopped.
    from: Option<Marks>,
}

impl Stopwatch {
    fn start(now: &Marks) -> Self {
        Self { counted: 0, from: Some(now.clone()) }
    }

    /// What each axis must reach for `span` to have passed; nothing while it is stopped.
    pub(crate) fn ends(&self, span: i64) -> Marks {
        let end = |(axis, from): (&Axis, &i64)| (*axis, from + span - self.counted);
        self.from.iter().flatten().map(end).collect()
    }

    fn has_passed(&self, span: i64, now: &Marks) -> bool {
        self.ends(span).iter().all(|(axis, end)| now[axis] >= *end)
    }

    fn stop(&mut self, now: &Marks) {
        if let Some(from) = self.from.take() {
            self.counted += from.iter().map(|(axis, from)| now[axis] - from).min().unwrap();
        }
    }

    fn go_on(&mut self, now: &Marks) {
        self.from.get_or_insert_with(|| now.clone());
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Phase {
    #[default]
    Idle,
    Pending {
        since: Stopwatch,
        started_at: i64,
    },
    Firing {
        started_at: i64,
        fired_at: i64,
        severity: Severity,
        clearing: Option<Stopwatch>,
    },
    Cooling {
        since: Stopwatch,
    },
}

/// One rule of one account.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Watch {
    pub(crate) phase: Phase,
    /// How often it has fired.
    pub(crate) episode: u32,
}

/// What a rule may do at an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leave {
    /// Every step that is due.
    Everything,
    /// Every step but to fire: an alert is open that inhibits it.
    NotToFire,
    /// Nothing, and its time stands: it is on hold.
    Nothing,
}

/// What became of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) fired: bool,
    pub(crate) started_at: i64,
    pub(crate) fired_at: i64,
    pub(crate) severity: Severity,
}

pub(crate) fn is_on_hold(rule: &Rule, facing: &Facing<'_>, now: &Now<'_>, sigma: i64) -> bool {
    let not_fresh = |signal: &usize| facing.readings[*signal].freshness != Freshness::Fresh;
    let blind = rule.signals.iter().any(not_fresh) || (rule.on_score && facing.score.is_none());
    let scattered = now.sees_apart(rule.sources, rule.lag_at_most, sigma);
    scattered || (blind && rule.if_unknown == IfUnknown::Hold)
}

impl Watch {
    /// Takes every step that is due at this evaluation.
    pub(crate) fn evaluate(
        &mut self,
        rule: &Rule,
        facing: &Facing<'_>,
        leave: Leave,
        now: &Marks,
        as_of: i64,
    ) -> Vec<Turn> {
        let stopwatch = self.stopwatch();
        if leave == Leave::Nothing {
            stopwatch.into_iter().for_each(|stopwatch| stopwatch.stop(now));
            return Vec::new();
        }
        stopwatch.into_iter().for_each(|stopwatch| stopwatch.go_on(now));
        let mut turns = Vec::new();
        while let Some(next) = self.next(rule, facing, now, as_of) {
            let resolves = matches!((&self.phase, &next), (Phase::Firing { .. }, Phase::Cooling { .. }));
            if resolves {
                turns.extend(self.turn(false));
            }
            let fires = matches!((&self.phase, &next), (Phase::Pending { .. }, Phase::Firing { .. }));
            if fires && leave == Leave::NotToFire {
                break;
            }
            self.phase = next;
            if fires {
                self.episode += 1;
                turns.extend(self.turn(true));
            }
            assert!(turns.len() <= 1, "{} fired and ended at once", rule.name);
        }
        turns
    }

    /// The phase that follows at once, if one does.
    fn next(&self, rule: &Rule, facing: &Facing<'_>, now: &Marks, as_of: i64) -> Option<Phase> {
        let when = facing.holds(&rule.when);
        let clears = !when && rule.clears_when.as_ref().is_none_or(|condition| facing.holds(condition));
        match &self.phase {
            Phase::Idle if when => Some(Phase::Pending { since: Stopwatch::start(now), started_at: as_of }),
            Phase::Pending { .. } if !when => Some(Phase::Idle),
            Phase::Pending { since, started_at } if since.has_passed(rule.for_ms, now) => {
                let critical = rule.critical_when.as_ref().is_some_and(|condition| facing.holds(condition));
                let severity = if critical { Severity::Critical } else { rule.severity };
                Some(Phase::Firing { started_at: *started_at, fired_at: as_of, severity, clearing: None })
            }
            Phase::Firing { started_at, fired_at, severity, clearing } => {
                let firing = |clearing| Phase::Firing {
                    started_at: *started_at,
                    fired_at: *fired_at,
                    severity: *severity,
                    clearing,
                };
                match clearing {
                    None if clears => Some(firing(Some(Stopwatch::start(now)))),
                    Some(_) if !clears => Some(firing(None)),
                    Some(since) if since.has_passed(rule.keep_firing_for, now) => {
                        Some(Phase::Cooling { since: Stopwatch::start(now) })
                    }
                    _ => None,
                }
            }
            Phase::Cooling { since } if since.has_passed(rule.cooldown, now) => Some(Phase::Idle),
            Phase::Idle | Phase::Pending { .. } | Phase::Cooling { .. } => None,
        }
    }

    /// The alert that is open, as a turn.
    pub(crate) fn turn(&self, fired: bool) -> Option<Turn> {
        match self.phase {
            Phase::Firing { started_at, fired_at, severity, .. } => {
                Some(Turn { fired, started_at, fired_at, severity })
            }
            Phase::Idle | Phase::Pending { .. } | Phase::Cooling { .. } => None,
        }
    }

    pub(crate) const fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Firing { .. })
    }

    fn stopwatch(&mut self) -> Option<&mut Stopwatch> {
        match &mut self.phase {
            Phase::Pending { since, .. } | Phase::Cooling { since } => Some(since),
            Phase::Firing { clearing, .. } => clearing.as_mut(),
            Phase::Idle => None,
        }
    }

    /// The stopwatch of the phase, with its span: an end to look out for.
    pub(crate) fn running(&self, rule: &Rule) -> Option<(&Stopwatch, i64)> {
        match &self.phase {
            Phase::Pending { since, .. } => Some((since, rule.for_ms)),
            Phase::Firing { clearing, .. } => Some((clearing.as_ref()?, rule.keep_firing_for)),
            Phase::Cooling { since } => Some((since, rule.cooldown)),
            Phase::Idle => None,
        }
    }
}
