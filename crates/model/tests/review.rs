//! What the review says of a model, each with its place, and that it says nothing where nothing is proved.

#![allow(clippy::unwrap_used, reason = "a test")]

use model::review;
use model::time::EventTime;
use rstest::rstest;

/// A model of which nothing is said; each test spoils something.
const GOOD: &str = "\
format: 1
model: test
review_by: 2026-06-30
score: { bands: { healthy: 70, at-risk: 0 }, band_margin: 2, not_scored: { stage: trial, segment: internal } }
sources:
  login: { silent_at_most: 12h }
  csm-activity: { silent_at_most: 3d }
signals:
  logins: { count: login, over: 28d }
  days: { count_days: feedback, over: 28d }
  weekly: { distinct: user, from: login, over: 7d }
  monthly: { distinct: user, from: login, over: 28d }
  stickiness: { ratio: weekly, to: monthly }
  quiet: { since_last: csm-activity }
  review: { cadence: csm-activity, where: { kind: qbr }, every: 90d }
  tickets: { open: support }
goals:
  use:
    statement: Used.
    owner: product
    weight: 60
    measures:
      logins: { kind: leading, weight: 40, target: 20, curve: { 0: 0, 20: 100 } }
      days: { kind: leading, weight: 20, target: 9, curve: { 0: 0, 15: 100 } }
      stickiness: { kind: leading, weight: 40, target: 60%, curve: { 20%: 0, 60%: 100 } }
  care:
    statement: Cared for.
    owner: csm
    weight: 40
    measures:
      tickets: { kind: quality, weight: 50, curve: { 0: 100, 5: 0 } }
      quiet: { kind: activity, weight: 50, curve: { 14d: 100, 60d: 0 } }
caps:
  - { name: many, when: { tickets: { above: 5 } }, score_at_most: 40 }
alerts:
  risk: { when: { score: { below: 45 } }, clears_when: { score: { at_least: 52 } }, critical_when: { tickets: { above: 2 } }, notify: csm }
  silent: { when: { quiet: { at_least: 30d } }, notify: csm }
  late: { when: { review: { above: 14d } }, notify: csm }
";

/// The remarks, one a line, on the good model with one text in place of another.
fn said(good_text: &str, bad: &str) -> String {
    assert!(GOOD.contains(good_text), "{good_text}");
    let day = EventTime::parse("2026-06-30T18:00:00Z").unwrap();
    let review = review(&GOOD.replacen(good_text, bad, 1), day).unwrap();
    let lines = review.remarks.iter().map(|remark| format!("{} {}", remark.subject.name(), remark.at));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn nothing_is_said_of_a_good_model() {
    assert_eq!(said("format: 1", "format: 1"), "");
}

#[rstest]
#[case::overdue(
    "2026-06-30",
    "2026-06-20",
    "review-overdue 3:12: review_by: the model was to be looked at again by 2026-06-20, 10 days ago; see what it has been worth with those who use it, then write a new date"
)]
#[case::flat(
    "curve: { 0: 0, 20: 100 }",
    "curve: { 0: 50, 20: 50 }",
    "measure-fixed 23:63: goals.use.measures.logins.curve: `logins` gives 50 points whatever happens: its curve is flat; give the values that it can take different points, or leave the measure out"
)]
#[case::flat_where_it_matters(
    "curve: { 20%: 0, 60%: 100 }",
    "curve: { -20%: 0, 0%: 40, 100%: 40, 120%: 100 }",
    "measure-fixed 25:68: goals.use.measures.stickiness.curve: `stickiness` gives 40 points whatever happens: it is 0% to 100%; give the values that it can take different points, or leave the measure out"
)]
#[case::best_out_of_reach(
    "curve: { 20%: 0, 60%: 100 }",
    "curve: { 20%: 0, 180%: 100 }",
    "measure-out-of-reach 25:68: goals.use.measures.stickiness.curve: `stickiness` never gives more than 50 points: it is 0% to 100%; let the curve come to 100 within that"
)]
#[case::target_out_of_reach(
    "target: 9",
    "target: 31",
    "measure-out-of-reach 24:50: goals.use.measures.days.target: `days` never comes to its target of 31: it is 0 to 29; write a target within that"
)]
#[case::weightless(
    "kind: leading, weight: 40, target: 20",
    "kind: leading, weight: 1000000, target: 20",
    "measure-weightless 24:38: goals.use.measures.days.weight: beside the other weights that of `days` is less than 0.01% of the score: it adds nothing; give it more weight, or write 0 to show it only\nmeasure-weightless 25:44: goals.use.measures.stickiness.weight: beside the other weights that of `stickiness` is less than 0.01% of the score: it adds nothing; give it more weight, or write 0 to show it only"
)]
#[case::goal_without_measures(
    "tickets: { kind: quality, weight: 50, curve: { 0: 100, 5: 0 } }\n      quiet: { kind: activity,",
    "tickets: { kind: lagging, weight: 50, curve: { 0: 100, 5: 0 } }\n      quiet: { kind: lagging,",
    "no-effect 29:13: goals.care.weight: no measure of `care` is in the score: its weight goes to the other goals; write `in_score: true` at one of them, or give the goal weight 0 to show it only"
)]
#[case::overlap(
    "      days: {",
    "      monthly: { kind: leading, weight: 10, curve: { 0: 0, 9: 100 } }\n      weekly: { kind: leading, weight: 10, curve: { 0: 0, 9: 100 } }\n      days: {",
    "signals-overlap 25:15: goals.use.measures.weekly: `monthly` and `weekly` are both a `distinct` of the same activity of login: together 10% of the score rest on it; keep one of them, or give both the weight that one would deserve"
)]
#[case::lagging(
    "tickets: { kind: quality, weight: 50",
    "tickets: { kind: lagging, in_score: true, weight: 150",
    "kind-outweighs 18:3: goals: 30% of the score rest on measures of kind `lagging`: it is known only when it is too late to act; leave `in_score` out, and keep it as an outcome to compare the score with"
)]
#[case::no_silence(
    "  csm-activity: { silent_at_most: 3d }\n",
    "",
    "silence-of-feed 13:10: signals.quiet: csm-activity has no `silent_at_most`, so if the whole feed stops, `quiet` counts that as silence of every account; after 30d the alert `silent` can begin; write `csm-activity: { silent_at_most: … }` under `sources`, above the longest gap that is normal for the whole feed\nsilence-of-feed 14:11: signals.review: csm-activity has no `silent_at_most`, so if the whole feed stops, `review` counts that as silence of every account; after 104d the alert `late` can begin; write `csm-activity: { silent_at_most: … }` under `sources`, above the longest gap that is normal for the whole feed"
)]
#[case::long_silence(
    "at_least: 30d",
    "at_least: 72h",
    "silence-of-feed 37:19: alerts.silent.when: if the whole feed csm-activity stops, its clock goes on for 3d, and the alert `silent` can begin for every account after 3d; write a longer span here, or a shorter `silent_at_most` of the source"
)]
#[case::empties(
    "weekly: { distinct: user, from: login, over: 7d }",
    "weekly: { distinct: user, from: login, over: 12h }",
    "silence-of-feed 11:11: signals.weekly: if the whole feed login stops, its clock goes on for 12h, which empties the window of 12h for every account; watch longer, or write a shorter `silent_at_most` of the source"
)]
#[case::never(
    "quiet: { at_least: 30d } }",
    "days: { at_least: 30 } }",
    "never-begins 37:19: alerts.silent.when: the alert never begins: `days` does not come to that; it is 0 to 29; write a limit that can be met, or leave the alert out"
)]
#[case::never_together(
    "quiet: { at_least: 30d } }",
    "quiet: { at_least: 30d, below: 20d } }",
    "never-begins 37:19: alerts.silent.when: the alert never begins: the limits of `quiet` exclude each other; write a limit that can be met, or leave the alert out"
)]
#[case::never_of_two(
    "quiet: { at_least: 30d } }",
    "quiet: { at_least: 30d }, any: [ { quiet: { below: 9d } }, { quiet: { below: 12d }, stage: live } ] }",
    "never-begins 37:19: alerts.silent.when: the alert never begins: its parts exclude each other; write a limit that can be met, or leave the alert out"
)]
#[case::between_whole_numbers(
    "quiet: { at_least: 30d } }",
    "tickets: { above: 2, below: 3 } }",
    "never-begins 37:19: alerts.silent.when: the alert never begins: the limits of `tickets` exclude each other; write a limit that can be met, or leave the alert out"
)]
#[case::not_scored(
    "quiet: { at_least: 30d } }",
    "quiet: { at_least: 30d }, stage: trial }",
    "never-begins 37:19: alerts.silent.when: the alert never begins: accounts in that stage are not scored, and have no alerts; write a limit that can be met, or leave the alert out"
)]
#[case::not_scored_segment(
    "quiet: { at_least: 30d } }",
    "quiet: { at_least: 30d }, segment: [internal] }",
    "never-begins 37:19: alerts.silent.when: the alert never begins: accounts of that segment are not scored, and have no alerts; write a limit that can be met, or leave the alert out"
)]
#[case::always(
    "score: { below: 45 }",
    "score: { at_most: 100 }",
    "never-ends 36:17: alerts.risk.when: `when` holds for every account that it is known of, so the alert begins everywhere and never ends; write a limit that only some accounts meet"
)]
#[case::never_clears(
    "clears_when: { score: { at_least: 52 } }",
    "clears_when: { score: { below: 40 } }",
    "never-ends 36:56: alerts.risk.clears_when: the alert never ends: while `when` does not hold, neither does `clears_when`; write a limit that can be met, or leave `clears_when` out"
)]
#[case::clears_at_once(
    "clears_when: { score: { at_least: 52 } }",
    "clears_when: { score: { at_least: 40 } }",
    "no-effect 36:56: alerts.risk.clears_when: `clears_when` holds as soon as `when` does not, so it keeps nothing from flapping; write a limit further away than that of `when`, or leave it out"
)]
#[case::never_critical(
    "critical_when: { tickets: { above: 2 } }",
    "critical_when: { score: { above: 50 } }",
    "no-effect 36:100: alerts.risk.critical_when: the alert is never critical: while `when` holds, `critical_when` does not; write a limit that can be met, or leave it out"
)]
#[case::dead_part(
    "quiet: { at_least: 30d } }",
    "any: [ { quiet: { at_least: 30d } }, { days: { above: 40 } } ] }",
    "no-effect 37:19: alerts.silent.when: a part of the condition never holds: `days` does not come to that; it is 0 to 29; write a limit that can be met, or leave the part out"
)]
#[case::cap_never(
    "tickets: { above: 5 } }, score",
    "tickets: { below: 0 } }, score",
    "never-begins 34:25: caps[0].when: the cap `many` never holds: `tickets` does not come to that; it is at least 0; write a limit that can be met, or leave the cap out"
)]
#[case::cap_always(
    "tickets: { above: 5 } }, score",
    "tickets: { at_least: 0 } }, score",
    "never-ends 34:25: caps[0].when: the cap `many` holds for every account that it is known of, whose score is then never above 40; write a limit that only some accounts meet"
)]
#[case::cap_within_margin(
    "score_at_most: 40",
    "score_at_most: 69",
    "cap-within-margin 34:67: caps[0].score_at_most: the cap `many` takes the score below 70, but whoever is `healthy` stays so down to 68, by the `band_margin`; write less than 68 to change the band too"
)]
fn a_remark_has_its_place_and_what_to_do(#[case] good: &str, #[case] bad: &str, #[case] told: &str) {
    assert_eq!(said(good, bad), told);
}

#[rstest]
#[case::a_gap_stretches_the_window("quiet: { at_least: 30d } }", "stretched: { at_least: 30 } }")]
#[case::unknown_ends_it(
    "clears_when: { score: { at_least: 52 } }, critical",
    "clears_when: { tickets: { at_least: 0 } }, if_unknown: proceed, critical"
)]
#[case::other_segment("quiet: { at_least: 30d } }", "quiet: { at_least: 30d }, segment: trial }")]
#[case::either(
    "quiet: { at_least: 30d } }",
    "any: [ { quiet: { above: 30d } }, { tickets: { above: 9 } } ] }"
)]
fn what_is_possible_is_not_remarked_on(#[case] good_text: &str, #[case] other: &str) {
    let with = "  days: { count_days: feedback, over: 28d }\n";
    let text = GOOD.replacen(good_text, other, 1).replacen(
        with,
        &format!("{with}  stretched: {{ count_days: login, over: 28d }}\n"),
        1,
    );
    let review = review(&text, EventTime(0)).unwrap();
    let never: Vec<String> = review
        .remarks
        .iter()
        .filter(|remark| remark.subject.name().starts_with("never"))
        .map(|remark| remark.at.to_string())
        .collect();
    assert!(never.is_empty(), "{never:?}");
}

#[rstest]
// What an alert waits for is living time too.
#[case("quiet: { at_least: 30d } }", "quiet: { at_least: 72h } }, for: 1h")]
// All of its parts must hold, so the longer silence counts.
#[case(
    "quiet: { at_least: 30d } }",
    "quiet: { at_least: 1d }, any: [ { quiet: { at_least: 20d } }, { quiet: { at_least: 25d } } ] }"
)]
// What becomes unknown ends it.
#[case("quiet: { at_least: 30d } }", "weekly: { at_least: 0 } }, if_unknown: proceed")]
fn what_a_feed_or_the_unknown_rules_out_is_not_remarked_on(#[case] good_text: &str, #[case] other: &str) {
    assert_eq!(said(good_text, other), "");
}

#[test]
fn a_silence_beside_another_condition_is_of_those_accounts_only() {
    let said = said("quiet: { at_least: 30d } }", "quiet: { at_least: 72h }, tickets: { at_least: 1 } }");
    assert!(said.contains("can begin for every account of which the rest of it holds after 3d"), "{said}");
}

#[test]
fn a_measure_of_the_least_weight_can_have_all_of_it() {
    let text = "
format: 1
model: test
score: { bands: { healthy: 70, at-risk: 0 } }
signals: { logins: { count: login, over: 28d }, csat: { mean: score, from: feedback, over: 28d } }
goals:
  use:
    statement: Used.
    owner: product
    weight: 1
    measures:
      logins: { kind: leading, weight: 1000000, curve: { 0: 0, 20: 30 } }
      csat: { kind: quality, weight: 1, curve: { 0: 0, 100: 100 } }
alerts: { good: { when: { score: { above: 60 } }, notify: csm } }
";
    let review = review(text, EventTime(0)).unwrap();
    let subjects: Vec<&str> = review.remarks.iter().map(|remark| remark.subject.name()).collect();
    assert_eq!(subjects, ["measure-weightless"]);
}

#[test]
fn the_shares_of_kinds_and_feeds_are_those_of_the_weights() {
    let review = review(GOOD, EventTime(0)).unwrap();
    let kinds: Vec<(&str, u32)> = review.kinds.iter().map(|(kind, share)| (kind.name(), *share)).collect();
    assert_eq!(kinds, [("leading", 6_000), ("quality", 2_000), ("activity", 2_000), ("lagging", 0)]);
    let feeds: Vec<(&str, u32)> =
        review.feeds.iter().map(|(sources, share)| (sources.iter().next().unwrap().name(), *share)).collect();
    assert_eq!(feeds, [("login", 4_800), ("support", 2_000), ("csm-activity", 2_000), ("feedback", 1_200)]);
    assert!(review.memory.total() > review.memory.signals && review.memory.duplicates > 0);
}

#[test]
fn conditions_with_very_many_alternatives_end_without_a_proof() {
    // That none of them holds is two to the power of sixty boxes.
    let many: Vec<String> =
        (0..60).map(|i| format!("{{ logins: {{ above: {i} }}, days: {{ below: {i} }} }}")).collect();
    let text = GOOD.replacen("quiet: { at_least: 30d } }", &format!("any: [ {} ] }}", many.join(", ")), 1);
    assert!(review(&text, EventTime(0)).is_ok());
}
