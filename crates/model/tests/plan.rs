//! What the plan says that the text says only in other words.

use model::plan::{Bucket, Comparison, Condition, Feed, Operator, Plan, SourceSet, WHOLE, WordTest};
use model::source::{Field, Source};
use model::{Outcomes, compile};

const TEXT: &str = "
format: 1
model: test
score: { bands: { at-risk: 0, healthy: 70 }, publish_change: 0.5, not_scored: { stage: trial } }
signals:
  share: { ratio: people, to: seats }
  calls: { count: csm-activity, where: { kind: call }, over: 48h }
  plans: { count: csm-activity, where: { state: [scheduled, cancelled] }, over: 72h }
  people: { distinct: user, from: feature-usage, over: 7d }
  seats: { latest: seats, from: subscription }
  nps: { mean: score, from: feedback, over: 90d }
  reply: { since_last: login }
goals:
  idle:
    { statement: s, owner: o, weight: 50, measures: { nps: { kind: lagging, weight: 9, curve: { 0: 0, 9: 100 } } } }
  first:
    statement: s
    owner: o
    weight: 2
    measures:
      share: { kind: leading, weight: 1, curve: { 10%: 0, 80%: 100 } }
      calls: { kind: activity, weight: 2, curve: { 0: 0, 3: 100 } }
      plans: { kind: activity, weight: 0, curve: { 0: 0, 3: 100 } }
  second:
    statement: s
    owner: o
    weight: 1
    measures:
      reply: { kind: quality, in_score: true, weight: 1, target: 36h, curve: { 1d: 100, 9d: 0 } }
alerts:
  mixed:
    when: { any: [ { calls: { below: 1 } }, { share: { at_most: 20%, above: 1% }, segment: [b, a] } ] }
    clears_when: { score: { at_least: 50.5 } }
    notify: csm
  plain: { when: { share: { below: 20% } }, critical_when: { reply: { above: 2d } }, notify: csm }
";

fn plan() -> Option<Plan> {
    compile(TEXT).ok().map(|compiled| compiled.plan)
}

#[test]
fn parts_stand_before_what_is_made_of_them() {
    let plan = plan().unwrap();
    let names: Vec<&str> = plan.signals.iter().map(|signal| signal.name.as_str()).collect();
    assert_eq!(names, ["people", "seats", "share", "calls", "plans", "nps", "reply"]);
    assert_eq!(plan.signals[2].operator, Operator::Ratio { part: 0, whole: 1, min_base: 0 });
    let both = SourceSet::of(Source::FeatureUsage).union(SourceSet::of(Source::Subscription));
    assert_eq!(plan.signals[2].sources, both);
}

#[test]
fn what_was_only_planned_is_no_contact_unless_asked_for() {
    let plan = plan().unwrap();
    let filter = |index: usize| {
        let operator = &plan.signals[index].operator;
        let Operator::Rolling { feed, window, .. } = operator else { panic!("{operator:?}") };
        (feed.filter.clone(), window.bucket)
    };
    let test =
        |field, words: &[&str]| WordTest { field, any_of: words.iter().map(|w| (*w).to_owned()).collect() };
    assert_eq!(filter(3), (vec![test(Field::Kind, &["call"]), test(Field::State, &["held"])], Bucket::Hour));
    assert_eq!(filter(4), (vec![test(Field::State, &["cancelled", "scheduled"])], Bucket::Day));
}

#[test]
fn outcomes_are_beside_the_plan_and_change_nothing_in_it() {
    let block = "outcomes:\n  good: { subscription: { kind: [renewed, expanded] }, csm-activity: { kind: qbr } }\n  bad: { account: { state: closed } }\n";
    let with = compile(&format!("{TEXT}{block}")).unwrap();
    let test =
        |field, words: &[&str]| WordTest { field, any_of: words.iter().map(|w| (*w).to_owned()).collect() };
    let feed = |source, filter| Feed { source, filter };
    let held = vec![test(Field::Kind, &["qbr"]), test(Field::State, &["held"])];
    let renewed = vec![test(Field::Kind, &["expanded", "renewed"])];
    assert_eq!(with.outcomes.good, [feed(Source::Subscription, renewed), feed(Source::CsmActivity, held)]);
    assert_eq!(with.outcomes.bad, [feed(Source::Account, vec![test(Field::State, &["closed"])])]);
    let without = compile(TEXT).unwrap();
    assert_eq!(without.outcomes, Outcomes::default());
    // All but the identity of the whole is the same, the definitions of signals too.
    assert_ne!(with.plan.id, without.plan.id);
    assert_eq!(Plan { id: without.plan.id, ..with.plan }, without.plan);
}

#[test]
fn both_filters_of_a_share_take_what_was_held_unless_asked_for() {
    let filters = |share: &str| {
        let good = "  reply: { since_last: login }\n";
        let plan =
            compile(&TEXT.replace(good, &format!("{good}  it: {{ {share}, over: 7d }}\n"))).unwrap().plan;
        let operator = &plan.signals.last().unwrap().operator;
        let Operator::Share { feed, part, whole, .. } = operator else { panic!("{operator:?}") };
        [&feed.filter, part, whole].map(|tests| {
            let test = |test: &WordTest| format!("{}={}", test.field.name(), test.any_of.join(","));
            tests.iter().map(test).collect::<Vec<_>>().join(" ")
        })
    };
    let of_calls = "from: csm-activity, where: { kind: call }";
    let cancelled =
        format!("share: {{ state: cancelled }}, among: {{ state: [held, cancelled] }}, {of_calls}");
    assert_eq!(filters(&cancelled), ["kind=call", "state=cancelled", "state=cancelled,held"]);
    // Where one of them asks for what else there is, the other is not of what was held.
    let of_all = format!("share: {{ state: held }}, among: {{}}, {of_calls}");
    assert_eq!(filters(&of_all), ["kind=call", "state=held", ""]);
    let inbound_of_all =
        format!("share: {{ direction: inbound }}, among: {{ state: scheduled }}, {of_calls}");
    assert_eq!(filters(&inbound_of_all), ["kind=call", "direction=inbound", "state=scheduled"]);
    // What passes neither of two tests is not accepted by one of them.
    let some = "share: { kind: [call, email] }, among: {}, from: csm-activity, where: { kind: [call, note] }";
    assert_eq!(filters(some), ["kind=call,note", "kind=call state=held", "state=held"]);
    let inbound = format!("share: {{ direction: inbound }}, among: {{}}, {of_calls}");
    assert_eq!(filters(&inbound), ["kind=call", "state=held direction=inbound", "state=held"]);
}

#[test]
fn a_net_promoter_score_is_of_answers_of_its_kind_unless_asked_for() {
    for (nps, kinds) in [("nps: feedback", "nps"), ("nps: feedback, where: { kind: [ces, nps] }", "ces nps")]
    {
        let text = TEXT.replace("mean: score, from: feedback", nps);
        let plan = compile(&text).unwrap().plan;
        let Operator::Rolling { feed, .. } = &plan.signals[5].operator else { panic!("{nps}") };
        assert_eq!(
            feed.filter,
            [WordTest { field: Field::Kind, any_of: kinds.split(' ').map(str::to_owned).collect() }]
        );
    }
}

#[test]
fn a_decayed_mean_looks_back_over_eight_half_lives_unless_told() {
    for (keys, days, half_life) in
        [("half_life: 45d", 360, 45), ("half_life: 100d", 400, 100), ("half_life: 7d, over: 28d", 28, 7)]
    {
        let text = TEXT.replace(
            "mean: score, from: feedback, over: 90d",
            &format!("mean: score, from: feedback, {keys}"),
        );
        let plan = compile(&text).unwrap().plan;
        let Operator::DecayedMean { window, weights, .. } = &plan.signals[5].operator else {
            panic!("{keys}")
        };
        assert_eq!((window.width / model::time::DAY, weights.len()), (days, half_life));
    }
}

#[test]
fn weights_are_shared_out_over_what_is_in_the_score() {
    let plan = plan().unwrap();
    let shares: Vec<(u32, bool)> = plan.measures.iter().map(|m| (m.base_weight, m.in_score)).collect();
    assert_eq!(shares, [(0, false), (2_222, true), (4_445, true), (0, true), (3_333, true)]);
    assert_eq!(shares.iter().map(|(share, _)| share).sum::<u32>(), WHOLE);
}

#[test]
fn spans_print_in_hours_where_days_would_not_do() {
    let plan = plan().unwrap();
    let units: Vec<i64> = plan.measures.iter().map(|measure| measure.print_span).collect();
    assert_eq!(units, [0, 0, 0, 0, model::time::HOUR]);
}

#[test]
fn rules_know_their_signals_and_clocks() {
    let plan = plan().unwrap();
    let [mixed, plain] = plan.rules.as_slice() else { panic!("{:?}", plan.rules) };
    assert_eq!(
        (mixed.signals.as_slice(), mixed.on_score, mixed.sources),
        ([2, 3].as_slice(), true, plan.used)
    );
    assert_eq!((plain.signals.as_slice(), plain.on_score), ([2].as_slice(), false));
    assert_eq!(plain.sources, plan.signals[2].sources);
    let Condition::Any(parts) = &mixed.when else { panic!("{:?}", mixed.when) };
    assert_eq!(parts[0], Condition::Signal { signal: 3, tests: vec![Comparison::Below(1_000_000)] });
    assert!(matches!(&parts[1], Condition::All(parts) if parts.len() == 2), "{parts:?}");
    assert_eq!(mixed.clears_when, Some(Condition::Score { tests: vec![Comparison::AtLeast(5_050)] }));
}

#[test]
fn the_score_has_its_bands_from_the_highest_and_its_defaults() {
    let plan = plan().unwrap();
    let bands: Vec<(&str, u32)> = plan.bands.iter().map(|band| (band.name.as_str(), band.at_least)).collect();
    assert_eq!(bands, [("healthy", 7_000), ("at-risk", 0)]);
    assert_eq!((plan.band_margin, plan.min_coverage, plan.publish_change), (200, 6_000, 50));
    assert_eq!(plan.publish_every, 24 * 3_600_000);
    assert_eq!(plan.not_scored_stages, ["trial"]);
}
