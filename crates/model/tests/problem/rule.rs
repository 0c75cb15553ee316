//! Caps, alerts and their conditions.

use super::spoiled;
use rstest::rstest;

#[rstest]
#[case::cap_on_score(
    "quiet: { at_least: 90d }",
    "score: { below: 9 }",
    "27:28: caps[0].when.score: a cap decides about the score, so it cannot ask for it; name a signal"
)]
#[case::cap_name("name: quiet,", "", "27:5: caps[0]: `name` is missing; add `name: gone-quiet`")]
#[case::cap_twice(
    "caps:\n",
    "caps:\n  - { name: quiet, when: { quiet: { above: 80d } }, score_at_most: 60 }\n",
    "28:13: caps[1].name: a cap `quiet` is already defined; rename one"
)]
#[case::no_list("caps:\n  -", "caps:\n ", "27:3: caps: a list belongs here; write `[ … ]`")]
#[case::signal(
    "when: { score: { below: 45 } }",
    "when: { scores: { below: 45 } }",
    "29:19: alerts.risk.when.scores: unknown signal `scores`; did you mean `score`?"
)]
#[case::comparison(
    "score: { below: 45 }",
    "score: { bellow: 45 }",
    "29:28: alerts.risk.when.score.bellow: unknown comparison `bellow`; did you mean `below`?"
)]
#[case::no_comparison(
    "score: { below: 45 }",
    "score: 45",
    "29:26: alerts.risk.when.score: a comparison belongs here; write it like `{ below: … }`"
)]
#[case::nothing(
    "score: { below: 45 }",
    "score: {}",
    "29:26: alerts.risk.when.score: there is nothing to compare with; write it like `{ below: … }`"
)]
#[case::limit(
    "score: { below: 45 }",
    "score: { below: 145 }",
    "29:35: alerts.risk.when.score.below: 145 is out of range; write 0 to 100"
)]
#[case::limit_unit(
    "renewal: { below: 90d }",
    "renewal: { below: 90 }",
    "29:87: alerts.risk.critical_when.renewal.below: `90` is not a span of time; write it like `90d`"
)]
#[case::empty(
    "when: { score: { below: 45 } }",
    "when: {}",
    "29:17: alerts.risk.when: the condition is empty; write it like `{ score: { below: 45 } }`"
)]
#[case::any(
    "any: [ { late: { at_least: 1 } }, { tickets: { above: 2 } } ]",
    "any: []",
    "30:25: alerts.other.when.any: the list is empty; name at least one, or leave the key out"
)]
#[case::no_clock(
    "when: { csat: { below: 50 }, stage",
    "when: { stage",
    "31:9: alerts.csat: the rule names neither the score nor a signal, so no clock drives it; add one of them to `when`"
)]
#[case::no_when(
    "when: { score: { below: 45 } }, ",
    "",
    "29:9: alerts.risk: `when` is missing; add `when: { score: { below: 45 } }`"
)]
#[case::no_notify(
    ", critical_when: { renewal: { below: 90d } }, notify: csm",
    ", critical_when: { renewal: { below: 90d } }",
    "29:9: alerts.risk: `notify` is missing; add `notify: csm`"
)]
#[case::severity(
    "for: 2d",
    "severity: fatal",
    "29:53: alerts.risk.severity: unknown word `fatal`; choose from info, warning, error, critical"
)]
#[case::inhibited_by_unknown(
    "for: 2d",
    "inhibited_by: [othr]",
    "29:58: alerts.risk.inhibited_by[0]: unknown alert `othr`; did you mean `other`?"
)]
#[case::inhibited_by_what_is_no_alert(
    "for: 2d",
    "inhibited_by: [other, quiet]",
    "29:65: alerts.risk.inhibited_by[1]: unknown alert `quiet`; choose from other, csat"
)]
#[case::inhibited_by_itself(
    "for: 2d",
    "inhibited_by: risk",
    "29:57: alerts.risk.inhibited_by: an alert cannot inhibit itself; name another one, or leave it out"
)]
#[case::inhibited_twice(
    "for: 2d",
    "inhibited_by: [csat, other, csat]",
    "29:71: alerts.risk.inhibited_by[2]: `csat` is named twice; keep one of them"
)]
#[case::inhibited_by_nothing(
    "for: 2d",
    "inhibited_by: []",
    "29:57: alerts.risk.inhibited_by: the list is empty; name at least one, or leave the key out"
)]
#[case::inhibited_by_a_condition(
    "for: 2d",
    "inhibited_by: { other: true }",
    "29:57: alerts.risk.inhibited_by: a mapping stands where one value belongs; write one value"
)]
#[case::inhibited_in_a_circle(
    "for: 2d, critical_when: { renewal: { below: 90d } }, notify: csm }\n  other: {",
    "inhibited_by: [other, csat], notify: csm }\n  other: { inhibited_by: [risk],",
    "30:27: alerts.other.inhibited_by[0]: alerts inhibit each other in a circle: `risk` by `other` by `risk`; leave one of these out"
)]
#[case::unknown("for: 2d", "fore: 2d", "29:43: alerts.risk.fore: unknown key `fore`; did you mean `for`?")]
#[case::words(
    "stage: [live, onboarding]",
    "stage: { live: true }",
    "31:47: alerts.csat.when.stage: a mapping stands where one value belongs; write one value"
)]
#[case::missing(
    "for: 2d",
    "for:",
    "29:46: alerts.risk.for: a value is missing; write it, or leave the key out"
)]
fn caps_and_alerts(#[case] good: &str, #[case] bad: &str, #[case] told: &str) {
    assert_eq!(spoiled(good, bad), told);
}

#[test]
fn a_circle_of_alerts_is_told_once_however_long_it_is() {
    let alerts = (0..12).map(|i| {
        let by = (i + 1) % 12;
        format!("  a{i}: {{ when: {{ score: {{ below: 45 }} }}, notify: csm, inhibited_by: [a{by}] }}\n")
    });
    assert_eq!(
        spoiled("outcomes: {", &(alerts.collect::<String>() + "outcomes: {")),
        "43:70: alerts.a11.inhibited_by[0]: alerts inhibit each other in a circle: `a0` by `a1` by `a2` by `a3` by `a4` by `a5` by `a6` by `a7` by … by `a0`; leave one of these out"
    );
}
