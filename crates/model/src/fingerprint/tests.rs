use super::*;
use crate::problem::Report;
use crate::{compile, tree};

const SMALL: &str = "
format: 1
model: small
score: { bands: { healthy: 70, at-risk: 0 }, publish_change: 1 }
signals:
  logins: { count: login, where: { kind: [signed-in, signed-up] }, over: 28d }
  days: { count_days: login, over: 28d }
  spent: { sum: minutes, from: csm-activity, over: 48h }
  people: { distinct: contact, from: csm-activity, over: 90d, where: { state: scheduled } }
  csat: { mean: score, from: feedback, over: 90d }
  seats: { latest: seats, from: subscription }
  share: { ratio: logins, to: seats }
  trend: { trend: logins, against: previous }
  quiet: { since_last: login }
  tickets: { open: support, where: { priority: [urgent, high] } }
  renewal: { until: renews_at, from: subscription }
  got: { reached: milestone }
  late: { overdue: milestone }
goals:
  use:
    statement: s
    owner: o
    weight: 1
    measures:
      logins: { kind: leading, weight: 2, curve: { 0: 0, 10: 100 } }
      quiet: { kind: leading, weight: 1, curve: { 1d: 100, 30d: 0 } }
alerts:
  risk: { when: { share: { below: 60%, above: 1% }, stage: live }, notify: csm }
";

fn id(text: &str) -> String {
    compile(text).unwrap().plan.id.to_string()
}

#[test]
fn the_identity_of_a_model_is_stable() {
    assert_eq!(id(SMALL), "sha256:6b30e580b63a86fb37d47350cfb91337190353665cd53fae9da6f670bf5ce83f");
}

#[test]
fn the_definitions_of_signals_are_stable() {
    let plan = compile(SMALL).unwrap().plan;
    let definitions: Vec<String> =
        plan.signals.iter().map(|signal| format!("{} {:016x}", signal.name, signal.definition)).collect();
    assert_eq!(
        definitions,
        [
            "logins f1df2ecf47d03a65",
            "days 65ac2a60149fe0fb",
            "spent de7dfbe6ba432079",
            "people 9f4232a41c817d19",
            "csat 6c1dd032f9becc86",
            "seats d5faeda136853fd7",
            "share d5463210066706a4",
            "trend 6be8e9b79addf264",
            "quiet d5b358c6954ffb96",
            "tickets e1d0addf53ecc06e",
            "renewal 3fa11fec0a61e2eb",
            "got 03990d6659e41882",
            "late f6a2ee89c78809bc",
        ]
    );
}

/// Further signals, and what follows them in the small model.
const MORE: &str = "
  again: { share: { kind: reopened }, among: { kind: solved }, from: support, over: 56d, min_base: 5 }
  nps: { nps: feedback, over: 180d }
  mood: { mean: score, from: feedback, half_life: 45d }
  pulse: { latest: score, from: csm-activity, expires: 90d }
  review: { cadence: csm-activity, where: { kind: qbr }, every: 90d }
  usual: { trend: people, against: own-average, over: 270d }
  behind: { gap_to: best }
outcomes: { good: { subscription: { kind: renewed } } }
benchmarks:
  best: { cohort: { outcome: good, within: 90d }, by: segment, value: median, signals: logins, refresh: 7d, min_accounts: 3 }
goals:
";

fn with_more() -> String {
    SMALL.replace("goals:\n", MORE.trim_start_matches('\n'))
}

#[test]
fn the_definitions_of_more_signals_are_stable() {
    let plan = compile(&with_more()).unwrap().plan;
    let more = plan.signals.iter().skip(13);
    let definitions: Vec<String> =
        more.map(|signal| format!("{} {:016x}", signal.name, signal.definition)).collect();
    assert_eq!(
        definitions,
        [
            "again 27871a8d5697e087",
            "nps 4d8563ce625335d3",
            "mood 5f9697d1da86915d",
            "pulse 935456c29a3d8296",
            "review 34fca2940ebb7961",
            "usual 33ea785773c9c59c",
            "behind 5bd83bf67b16f3d1",
        ]
    );
}

#[test]
fn layout_does_not_change_the_identity() {
    for (from, to) in [
        ("format: 1\n", "# a comment\nformat:   1  # another\n\n"),
        ("model: small", "model: 'small'"),
        ("model: small", "\"model\": \"small\""),
        (
            "{ bands: { healthy: 70, at-risk: 0 }, publish_change: 1 }",
            "{ publish_change: 1, bands: { at-risk: 0, healthy: 70 } }",
        ),
        ("{ latest: seats, from: subscription }", "\n    latest: seats\n    from: subscription"),
        ("format: 1\nmodel: small\n", "model: small\nformat: 1\n"),
        ("over: 90d, where: { state: scheduled }", "where: { state: scheduled }, over: 90d"),
    ] {
        assert_eq!(id(SMALL), id(&SMALL.replace(from, to)), "{to}");
    }
}

#[test]
fn content_changes_the_identity() {
    for (from, to) in [
        ("weight: 2", "weight: 3"),
        ("over: 28d }\n  days", "over: 4w }\n  days"),
        ("[urgent, high]", "[high, urgent]"),
        ("below: 60%, above: 1%", "above: 1%, below: 60%"),
        ("statement: s", "statement: t"),
        (
            "  got: { reached: milestone }\n  late: { overdue: milestone }",
            "  late: { overdue: milestone }\n  got: { reached: milestone }",
        ),
    ] {
        assert_ne!(id(SMALL), id(&SMALL.replace(from, to)), "{to}");
    }
}

#[test]
fn a_definition_changes_with_what_its_state_depends_on_and_with_nothing_else() {
    let of = |text: &str, name: &str| {
        let plan = compile(text).unwrap().plan;
        plan.signals.iter().find(|signal| signal.name == name).unwrap().definition
    };
    for (name, from, to, same) in [
        ("logins", "over: 28d }\n  days", "over: 29d }\n  days", false),
        ("logins", "over: 28d }\n  days", "over: 4w, min_base: 3 }\n  days", true),
        ("logins", "[signed-in, signed-up]", "[signed-up, signed-in]", true),
        ("logins", "[signed-in, signed-up]", "signed-in", false),
        ("share", "over: 28d }\n  days", "over: 29d }\n  days", false),
        ("share", "to: seats }", "to: seats, min_base: 5 }", true),
        ("quiet", "30d: 0", "40d: 0", true),
        ("people", "state: scheduled", "state: held", false),
        ("tickets", "[urgent, high]", "[high, urgent]", true),
    ] {
        let text = SMALL.replace(from, to);
        let text = if name == "logins" || to.contains("min_base: 3") {
            // A trend keeps no base.
            text.replace("trend: logins", "trend: days")
        } else {
            text
        };
        assert_eq!(of(SMALL, name) == of(&text, name), same, "{name}: {to}");
    }
}

#[test]
fn what_only_turns_state_into_a_value_is_no_part_of_a_definition() {
    let of = |text: &str, name: &str| {
        let plan = compile(text).unwrap().plan;
        plan.signals.iter().find(|signal| signal.name == name).unwrap().definition
    };
    let text = with_more();
    for (name, from, to, same) in [
        ("again", "min_base: 5", "min_base: 6", true),
        ("again", "share: { kind: reopened }", "share: { kind: opened }", false),
        ("again", "among: { kind: solved }", "among: { kind: closed }", false),
        ("again", "from: support, over: 56d", "from: support, where: { by: agent }, over: 56d", false),
        ("nps", "nps: feedback, over", "nps: feedback, where: { kind: ces }, over", false),
        ("nps", "nps: feedback, over", "nps: feedback, where: { kind: nps }, over", true),
        ("mood", "half_life: 45d", "half_life: 40d, over: 360d", true),
        ("mood", "half_life: 45d", "half_life: 40d", false),
        ("pulse", "expires: 90d", "expires: 30d", true),
        ("review", "every: 90d", "every: 180d", true),
        // Dead time that far back is remembered only for who asks for it.
        ("review", "every: 90d", "every: 500d", false),
        ("pulse", "expires: 90d", "expires: 500d", false),
        ("review", "kind: qbr", "kind: call", false),
        ("usual", "over: 270d", "over: 90d", false),
        ("behind", "signals: logins", "signals: days", true),
    ] {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        assert_eq!(of(&text, name) == of(&text.replace(from, to), name), same, "{name}: {to}");
    }
}

#[test]
fn whoever_looks_back_beyond_what_is_remembered_is_a_signal_of_its_own() {
    const REVIEW: &str = "review: { cadence: csm-activity, where: { kind: qbr }, every: 90d }";
    const MEASURE: &str = "      quiet: { kind: leading, weight: 1, curve: { 1d: 100, 30d: 0 } }\n";
    let text = with_more();
    let of = |name: &str, last: &str, every: &str| {
        let curve = format!("{{ kind: leading, weight: 1, curve: {{ 1d: 100, {last}: 0 }} }}\n");
        let measures = format!("      quiet: {curve}      review: {curve}");
        assert_eq!((text.matches(REVIEW).count(), text.matches(MEASURE).count()), (1, 1));
        let text = text.replace(REVIEW, &REVIEW.replace("90d", every)).replace(MEASURE, &measures);
        let plan = compile(&text).unwrap().plan;
        plan.signals.iter().find(|signal| signal.name == name).unwrap().definition
    };
    for (name, last, every, same) in [
        ("quiet", "400d", "90d", true),
        ("quiet", "500d", "90d", false),
        ("review", "310d", "90d", true),
        ("review", "311d", "90d", false),
        ("review", "20d", "380d", true),
        ("review", "30d", "380d", false),
    ] {
        assert_eq!(of(name, "30d", "90d") == of(name, last, every), same, "{name} to {last}, every {every}");
    }
    assert_ne!(of("quiet", "500d", "90d"), of("quiet", "501d", "90d"));
}

/// Reverses the keys of some mappings.
fn mixed(node: &Node, seed: &mut u64) -> Node {
    let value = match &node.value {
        Value::Scalar(text) => Value::Scalar(text.clone()),
        Value::Sequence(items) => Value::Sequence(items.iter().map(|item| mixed(item, seed)).collect()),
        Value::Mapping(entries) => {
            let mut entries: Vec<_> =
                entries.iter().map(|(key, node)| (key.clone(), mixed(node, seed))).collect();
            *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // Few at a time, so that most mixed models still compile and some keep their identity.
            if *seed >> 59 == 0 {
                entries.reverse();
            }
            Value::Mapping(entries)
        }
    };
    Node { mark: node.mark, value }
}

#[test]
fn one_identity_is_one_plan() {
    let plan = |root: &Node| {
        let mut report = Report::default();
        let plan = compile::top(root, &mut report).map(|(plan, _)| plan);
        report.close().ok().and(plan)
    };
    let (mut same, mut different) = (0, 0);
    for text in [SMALL, include_str!("../../../../deploy/models/b2b.yaml")] {
        let root = tree::parse(text, "model").unwrap();
        let original = plan(&root).unwrap();
        for seed in 0..1_000_u64 {
            let mixed = mixed(&root, &mut seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            if model(&mixed) != original.id {
                different += 1;
            } else if let Some(plan) = plan(&mixed) {
                assert_eq!(original, plan);
                same += 1;
            }
        }
    }
    assert!(same > 100 && different > 100, "{same} {different}");
}
