//! The engine's effects in the slow fold's form.

use engine::effect::{self, Effect, EffectId, Sink};

use super::effect::{AccountHealth, Alert, Caused, Health, SlowEffect, Standing};

/// Takes effects from the engine.
#[derive(Debug, Default)]
pub(crate) struct Recorder(pub(crate) Vec<Caused>);

impl Sink for Recorder {
    fn effect(&mut self, id: EffectId, effect: &Effect<'_>) {
        self.0.push(Caused { id, effect: owned(effect) });
    }
}

fn standing(standing: &effect::Standing<'_>) -> Standing {
    Standing {
        account: standing.account.id.into(),
        revision: standing.revision,
        as_of: standing.as_of.0,
        score: standing.score,
        band: standing.band,
        band_since: standing.band_since.0,
        coverage: standing.coverage,
        lines: standing.lines.to_vec(),
        cap: standing.cap,
        overridden: standing
            .overridden
            .map(|line| (line.contribution, line.author.into(), line.reason.into(), line.expires_at.0)),
        status: standing.status,
    }
}

fn owned(effect: &Effect<'_>) -> SlowEffect {
    match effect {
        Effect::Health(health) => SlowEffect::Health(Health {
            standing: standing(&health.standing),
            first: health.first,
            previous_score: health.previous_score,
            previous_band: health.previous_band,
            cap_change: health.cap_change,
            override_change: health.override_change,
            removed_change: health.removed_change,
            cause: health.cause,
        }),
        Effect::Alert(alert) => SlowEffect::Alert(Alert {
            account: alert.standing.account.id.into(),
            as_of: alert.standing.as_of.0,
            rule: alert.rule.into(),
            rule_index: alert.rule_index,
            episode: alert.episode,
            revision: alert.revision,
            state: alert.state,
            severity: alert.severity,
            started_at: alert.started_at.0,
            fired_at: alert.fired_at.0,
            ended_at: alert.ended_at.map(|time| time.0),
            evidence: alert.evidence.to_vec(),
            cause: alert.cause,
        }),
        Effect::AccountHealth(latest) => SlowEffect::AccountHealth(AccountHealth {
            standing: standing(&latest.standing),
            open_alerts: latest.open_alerts.to_vec(),
        }),
        Effect::AccountClosed(closed) => SlowEffect::Closed {
            account: closed.account.into(),
            revision: closed.revision,
            as_of: closed.as_of.0,
        },
    }
}
