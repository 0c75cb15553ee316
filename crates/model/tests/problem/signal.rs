//! Signals: operators, windows, sources, fields, parts.

use super::{GOOD, problems, spoiled};
use rstest::rstest;

#[rstest]
#[case::operator(
    "count: login",
    "cuont: login",
    "8:13: signals.logins.cuont: unknown operator `cuont`; did you mean `count`?"
)]
#[case::order(
    "count: login, over: 28d",
    "over: 28d, count: login",
    "8:13: signals.logins.over: `over` stands before the operator; write the operator first"
)]
#[case::later(
    "late: { overdue: milestone }",
    "late: { percentile: 90% }",
    "16:11: signals.late.percentile: the operator `percentile` is part of the model language but not yet supported by this version; leave the signal out"
)]
#[case::later_key(
    "over: 28d",
    "over: 28d, calendar: business",
    "8:38: signals.logins.calendar: `calendar` is part of the model language but not yet supported by this version; leave it out"
)]
#[case::empty(
    "{ count: login, over: 28d }",
    "{}",
    "8:11: signals.logins: the signal has no operator; write it like `{ count: login, over: 28d }`"
)]
#[case::no_mapping(
    "{ count: login, over: 28d }",
    "count",
    "8:11: signals.logins: a mapping belongs here; write `key: value` pairs"
)]
#[case::no_window(
    "count: login, over: 28d",
    "count: login",
    "8:11: signals.logins: `over` is missing; add `over: 28d`"
)]
#[case::hours(
    "over: 28d",
    "over: 90m",
    "8:33: signals.logins.over: a window below 3d is a whole number of hours; write it like `1h`"
)]
#[case::days(
    "over: 28d",
    "over: 73h",
    "8:33: signals.logins.over: a window of 3d or more is a whole number of days; write it like `3d`"
)]
#[case::wide("over: 28d", "over: 401d", "8:33: signals.logins.over: 401d is out of range; write 1h to 400d")]
#[case::count_days(
    "count: login, over: 28d",
    "count_days: login, over: 2d",
    "8:38: signals.logins.over: days are counted over a window of at least 3d; write it like `7d`"
)]
#[case::source(
    "count: login",
    "count: logn",
    "8:20: signals.logins.count: unknown source `logn`; did you mean `login`?"
)]
#[case::commands(
    "count: login",
    "count: command",
    "8:20: signals.logins.count: `command` is no activity of a customer; choose from login, feature-usage, support, csm-activity, feedback, subscription, account, milestone"
)]
#[case::sources(
    "count: login",
    "count: [login, support]",
    "8:20: signals.logins.count: a list of sources is part of the model language but not yet supported by this version; name one source"
)]
#[case::field(
    "latest: seats",
    "latest: seets",
    "11:20: signals.seats.latest: subscription has no field `seets`; did you mean `seats`?"
)]
#[case::field_type(
    "latest: seats",
    "latest: plan",
    "11:20: signals.seats.latest: `plan` is a word, and a number is needed; choose from seats, mrr"
)]
#[case::no_from(
    "latest: seats, from: subscription",
    "latest: seats",
    "11:10: signals.seats: `from` is missing; add `from: subscription`"
)]
#[case::tested(
    "kind: csat",
    "kynd: csat",
    "13:60: signals.csat.where.kynd: `kynd` is no field of this source; did you mean `kind`?"
)]
#[case::tested_type(
    "kind: csat",
    "score: csat",
    "13:60: signals.csat.where.score: `score` cannot be tested: it is not a word; choose from kind"
)]
#[case::word(
    "kind: csat",
    "kind: [csat, npss]",
    "13:73: signals.csat.where.kind[1]: `kind` of feedback is never `npss`; did you mean `nps`?"
)]
#[case::open(
    "open: support",
    "open: login",
    "14:20: signals.tickets.open: `login` has no tickets; write `open: support`"
)]
#[case::open_test(
    "priority: [high, urgent]",
    "kind: opened",
    "14:36: signals.tickets.where: `priority` is missing; add `priority: [high, urgent]`\n14:38: signals.tickets.where.kind: unknown key `kind`; choose from priority"
)]
#[case::milestones(
    "overdue: milestone",
    "overdue: onboarding",
    "16:20: signals.late.overdue: a named list of milestones (`onboarding`) is part of the model language but not yet supported by this version; write `overdue: milestone`: those planned for each account on vitals.milestone"
)]
#[case::trend_of(
    "trend: logins",
    "trend: seats",
    "9:19: signals.trend.trend: a trend is made of a rolling signal; name a signal made with `count`, `count_days`, `sum` or `distinct`"
)]
#[case::trend_of_mean(
    "trend: logins",
    "trend: csat",
    "9:19: signals.trend.trend: a trend of a `mean` is part of the model language but not yet supported by this version; name a signal made with `count`, `count_days`, `sum` or `distinct`"
)]
#[case::part(
    "ratio: logins",
    "ratio: login",
    "12:19: signals.share.ratio: unknown signal `login`; did you mean `logins`?"
)]
#[case::itself(
    "ratio: logins",
    "ratio: share",
    "12:19: signals.share.ratio: `share` is made of itself; make it of other signals"
)]
#[case::spans(
    "to: seats",
    "to: quiet",
    "12:31: signals.share.to: a ratio is not made of spans; name two counts or two percentages"
)]
#[case::units(
    "to: seats",
    "to: trend",
    "12:31: signals.share.to: the two have different units; name two counts or two percentages"
)]
#[case::base(
    "to: seats",
    "to: seats, min_base: 5%",
    "12:48: signals.share.min_base: `5%` has a unit where a bare number belongs; write it like `5`"
)]
#[case::reserved(
    "  late: {",
    "  stage: {",
    "16:3: signals.stage: `stage` means something else in conditions; choose another name\n30:29: alerts.other.when.any[0].late: unknown signal `late`; choose from csat, logins, quiet, renewal, seats, share, tickets, trend, score, stage, segment, any"
)]
fn the_definition_of_a_signal(#[case] good: &str, #[case] bad: &str, #[case] told: &str) {
    assert_eq!(spoiled(good, bad), told);
}

#[test]
fn cycles_of_signals_are_told_once() {
    let bad = GOOD.replace("{ latest: seats, from: subscription }", "{ ratio: share, to: logins }");
    assert_eq!(
        problems(&bad),
        "12:31: signals.share.to: `seats` is made of itself; make it of other signals"
    );
}
