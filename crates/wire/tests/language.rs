//! How the value of each operator is told: as a number with its unit, and in the reason.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use engine::effect::{Cause, Effect, EffectId, Health};
use model::time::DAY;
use serde_json::{Value, json};
use support::{line, standing};
use wire::output::{Encoder, Journal};

const MODEL: &str = "
format: 1
model: language
score: { bands: { healthy: 70, neutral: 45, at-risk: 0 } }
signals:
  reopen_rate: { share: { kind: reopened }, among: { kind: solved }, from: support, over: 56d, min_base: 5 }
  nps: { nps: feedback, where: { kind: nps }, over: 180d, min_base: 3 }
  csat: { mean: score, from: feedback, where: { kind: csat }, half_life: 45d, min_base: 3 }
  csm_pulse: { latest: score, from: csm-activity, where: { kind: pulse }, expires: 90d }
  qbr_overdue: { cadence: csm-activity, where: { kind: qbr }, every: 90d }
  weekly_active: { distinct: user, from: feature-usage, over: 7d }
  usage_trend: { trend: weekly_active, against: own-average, over: 8w }
goals:
  all:
    statement: All is well.
    owner: csm
    weight: 1
    measures:
      reopen_rate: { kind: quality, weight: 1, target: 5%, curve: { 5%: 100, 25%: 0 } }
      nps: { kind: lagging, in_score: true, weight: 1, target: 36, curve: { -50: 0, 36: 80, 50: 100 } }
      csat: { kind: quality, weight: 1, target: 85, curve: { 50: 0, 78: 70, 90: 100 } }
      csm_pulse: { kind: quality, weight: 1, target: 4, curve: { 1: 0, 5: 100 } }
      qbr_overdue: { kind: activity, weight: 1, target: 0d, curve: { 0d: 100, 30d: 0 } }
      usage_trend: { kind: leading, weight: 1, target: 100%, curve: { 50%: 0, 90%: 80, 100%: 100 } }
";

#[test]
fn the_value_of_each_operator_is_told_with_its_unit_and_in_the_reason() {
    let compiled = model::compile(MODEL).unwrap();
    assert!(compiled.warnings.is_empty(), "{:?}", compiled.warnings);
    let plan = compiled.plan;
    for (measure, (name, was, is, told, unit, reason)) in [
        ("reopen_rate", 10_000_000, 16_666_667, json!(16.67), "%", "reopen_rate is 16.67% (was 10%)"),
        ("nps", 50_000_000, -33_000_000, json!(-33), "number", "nps is -33 (was 50)"),
        ("csat", 80_000_000, 78_250_000, json!(78.25), "number", "csat is 78.25 (was 80)"),
        ("csm_pulse", 4_000_000, 2_000_000, json!(2), "number", "csm_pulse is 2 (was 4)"),
        ("qbr_overdue", 0, 12 * DAY, json!(12), "d", "qbr_overdue is 12d (was 0)"),
        ("usage_trend", 104_000_000, 52_000_000, json!(52), "%", "usage_trend is 52% (was 104%)"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut changed = line(measure, Some(is), 4_000, 10_000, -100);
        changed.previous_value = Some(was);
        let lines = [changed];
        let health = Health {
            previous_score: Some(4_100),
            previous_band: Some(2),
            first: false,
            cap_change: 0,
            override_change: 0,
            removed_change: 0,
            cause: Cause::Time,
            standing: standing(&plan, &lines),
        };
        let mut encoder = Encoder::new("test");
        let id = EffectId { offset: 1, entry: 0, index: 0 };
        let effect = Effect::Health(health);
        let record = encoder.encode(Journal { epoch: 1, partition: 0 }, id, &effect);
        let record: Value = serde_json::from_slice(record.value.unwrap()).unwrap();
        let shown = &record["contributions"][0];
        assert_eq!((&shown["measure"], &shown["value"], &shown["unit"]), (&json!(name), &told, &json!(unit)));
        assert!(record["reason"].as_str().unwrap().contains(reason), "{}", record["reason"]);
    }
}
