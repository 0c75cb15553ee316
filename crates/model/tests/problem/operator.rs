//! Operators with notations of their own: each is written as in its case, or spoiled.

use super::{GOOD, problems};
use rstest::rstest;

/// What is told of a signal of this definition, at line 17, beside what a good model tells.
fn told(definition: &str) -> String {
    let line = "  late: { overdue: milestone }\n";
    assert_eq!(GOOD.matches(line).count(), 1);
    problems(&GOOD.replace(line, &format!("{line}  it: {{ {definition} }}\n")))
}

#[rstest]
#[case::share("share: { kind: reopened }, among: { kind: solved }, from: support, over: 56d, min_base: 5")]
#[case::share_of_all("share: { by: agent }, among: {}, from: support, where: { kind: replied }, over: 56d")]
#[case::share_of_what_is_scheduled(
    "share: { state: cancelled }, among: { kind: call }, from: csm-activity, over: 56d"
)]
#[case::share_of_what_was_held("share: { state: held }, among: {}, from: csm-activity, over: 56d")]
#[case::share_of_some_of_what_passes(
    "share: { kind: [reopened, opened] }, among: {}, from: support, where: { kind: [reopened, solved] }, over: 56d"
)]
#[case::nps("nps: feedback, where: { kind: nps }, over: 180d, min_base: 3")]
#[case::nps_of_what_support_was_rated("nps: support, where: { kind: rated }, over: 180d")]
#[case::decayed_mean("mean: score, from: feedback, where: { kind: csat }, half_life: 45d, min_base: 3")]
#[case::decayed_mean_over_a_window("mean: sentiment, from: csm-activity, half_life: 400d, over: 90d")]
#[case::expires("latest: score, from: csm-activity, where: { kind: pulse }, expires: 90d")]
#[case::cadence("cadence: csm-activity, where: { kind: qbr }, every: 90d")]
#[case::own_average("trend: logins, against: own-average, over: 84d")]
fn a_signal_as_it_is_written(#[case] definition: &str) {
    let unused = "nobody uses the signal `it`; measure it, name it in a condition, or leave it out";
    assert_eq!(told(definition), format!("warning 17:7: signals.it: {unused}\n"));
}

#[rstest]
#[case::no_among(
    "share: { kind: reopened }, from: support, over: 56d",
    "17:7: signals.it: `among` is missing; add `among: { kind: solved }`"
)]
#[case::no_filter(
    "share: reopened, among: { kind: solved }, from: support, over: 56d",
    "17:16: signals.it.share: a mapping belongs here; write `key: value` pairs"
)]
#[case::field(
    "share: { kynd: reopened }, among: { score: 5 }, from: support, over: 56d, min_base: 0",
    "17:18: signals.it.share.kynd: `kynd` is no field of this source; did you mean `kind`?\n17:45: signals.it.among.score: `score` cannot be tested: it is not a word; choose from kind, by, priority\n17:93: signals.it.min_base: 0 is out of range; write 1 to 1000000"
)]
#[case::same(
    "share: { kind: [solved, closed] }, among: { kind: [closed, solved] }, from: support, over: 56d",
    "17:16: signals.it.share: both filters are the same, so the share is always 100%; test something else under `share`, or leave the signal out"
)]
#[case::same_once_all_pass_what_is_common(
    "share: { kind: replied }, among: {}, from: support, where: { kind: replied }, over: 56d",
    "17:16: signals.it.share: both filters are the same, so the share is always 100%; test something else under `share`, or leave the signal out"
)]
#[case::same_of_what_is_common(
    "share: { kind: [replied, opened] }, among: { kind: [solved, replied] }, from: support, where: { kind: [replied, closed] }, over: 56d",
    "17:16: signals.it.share: both filters are the same, so the share is always 100%; test something else under `share`, or leave the signal out"
)]
#[case::nothing_passes_share(
    "share: { kind: reopened }, among: {}, from: support, where: { kind: [closed, solved] }, over: 56d",
    "17:24: signals.it.share.kind: nothing passes this test and that of `kind` under `where`; choose from closed, solved"
)]
#[case::nothing_passes_among(
    "share: { kind: reopened }, among: { by: agent, kind: solved }, from: support, where: { kind: reopened }, over: 56d",
    "17:62: signals.it.among.kind: nothing passes this test and that of `kind` under `where`; choose from reopened"
)]
#[case::nothing_passes_either(
    "share: { kind: reopened }, among: { kind: solved }, from: support, where: { kind: opened }, over: 56d",
    "17:24: signals.it.share.kind: nothing passes this test and that of `kind` under `where`; choose from opened\n17:51: signals.it.among.kind: nothing passes this test and that of `kind` under `where`; choose from opened"
)]
fn a_share(#[case] definition: &str, #[case] problem: &str) {
    assert_eq!(told(definition), problem);
}

#[rstest]
#[case::scores(
    "nps: login, over: 180d",
    "17:14: signals.it.nps: `login` has no scores; choose from support, csm-activity, feedback"
)]
#[case::all_at_once(
    "nps: login, over: 18, min_base: 0, where: { knd: nps }",
    "17:14: signals.it.nps: `login` has no scores; choose from support, csm-activity, feedback\n17:27: signals.it.over: `18` is not a span of time; write it like `18d`\n17:41: signals.it.min_base: 0 is out of range; write 1 to 1000000\n17:53: signals.it.where.knd: `knd` is no field of this source; did you mean `kind`?"
)]
#[case::window("nps: feedback", "17:7: signals.it: `over` is missing; add `over: 28d`")]
#[case::key(
    "nps: feedback, from: feedback, over: 28d",
    "17:24: signals.it.from: unknown key `from`; choose from nps, over, where, min_base"
)]
fn a_net_promoter_score(#[case] definition: &str, #[case] problem: &str) {
    assert_eq!(told(definition), problem);
}

#[test]
fn nothing_is_in_per_cent_of_a_net_promoter_score() {
    let nps = "  late: { overdue: milestone }\n  it: { nps: feedback, over: 28d }\n";
    let trend = GOOD.replace("  late: { overdue: milestone }\n", nps).replace("trend: logins", "trend: it");
    assert_eq!(
        problems(&trend),
        "9:19: signals.trend.trend: an `nps` may be zero or less, so nothing is in per cent of it; name a signal made with `count`, `count_days`, `sum` or `distinct`"
    );
}

#[rstest]
#[case::days(
    "mean: score, from: feedback, half_life: 36h",
    "17:49: signals.it.half_life: a half-life is a whole number of days; write it like `1d`"
)]
#[case::range(
    "mean: score, from: feedback, half_life: 401d",
    "17:49: signals.it.half_life: 401d is out of range; write 1d to 400d"
)]
#[case::hours(
    "mean: score, from: feedback, half_life: 1d, over: 2d",
    "17:59: signals.it.over: a mean with a half-life is taken over a window of at least 3d; write it like `7d`, or leave it out"
)]
#[case::neither("mean: score, from: feedback", "17:7: signals.it: `over` is missing; add `over: 28d`")]
#[case::of_something_else(
    "sum: score, from: feedback, over: 7d, half_life: 1d",
    "17:47: signals.it.half_life: unknown key `half_life`; choose from sum, from, over, where, min_base"
)]
fn a_mean_with_a_half_life(#[case] definition: &str, #[case] problem: &str) {
    assert_eq!(told(definition), problem);
}

#[rstest]
#[case::range(
    "latest: score, from: csm-activity, expires: 59m",
    "17:53: signals.it.expires: 59m is out of range; write 1h to 3660d"
)]
#[case::unit(
    "latest: score, from: csm-activity, expires: 90",
    "17:53: signals.it.expires: `90` is not a span of time; write it like `90d`"
)]
#[case::elsewhere(
    "since_last: login, expires: 90d",
    "17:28: signals.it.expires: unknown key `expires`; choose from since_last, where"
)]
fn a_value_that_expires(#[case] definition: &str, #[case] problem: &str) {
    assert_eq!(told(definition), problem);
}

#[rstest]
#[case::no_span("cadence: csm-activity", "17:7: signals.it: `every` is missing; add `every: 90d`")]
#[case::all_at_once(
    "cadence: csm-activty, every: 90",
    "17:18: signals.it.cadence: unknown source `csm-activty`; did you mean `csm-activity`?\n17:38: signals.it.every: `90` is not a span of time; write it like `90d`"
)]
#[case::range(
    "cadence: csm-activity, every: 0d",
    "17:39: signals.it.every: 0d is out of range; write 1h to 3660d"
)]
fn a_cadence(#[case] definition: &str, #[case] problem: &str) {
    assert_eq!(told(definition), problem);
}

#[rstest]
#[case::no_span("trend: logins, against: own-average", "17:7: signals.it: `over` is missing; add `over: 8w`")]
#[case::own_span(
    "trend: logins, against: previous, over: 8w",
    "17:49: signals.it.over: the previous window is as wide as that of the signal; leave it out, or write `against: own-average`"
)]
#[case::no_whole_windows(
    "trend: logins, against: own-average, over: 9w",
    "17:52: signals.it.over: the average is taken of whole windows of `logins`, each of 28d, at most 364d in all; write it like `56d`"
)]
#[case::too_short(
    "trend: logins, against: own-average, over: 7d",
    "17:52: signals.it.over: the average is taken of whole windows of `logins`, each of 28d, at most 364d in all; write it like `28d`"
)]
#[case::too_long(
    "trend: logins, against: own-average, over: 392d",
    "17:52: signals.it.over: the average is taken of whole windows of `logins`, each of 28d, at most 364d in all; write it like `364d`"
)]
#[case::word(
    "trend: logins, against: average, over: 8w",
    "17:33: signals.it.against: unknown word `average`; choose from previous, own-average"
)]
#[case::of_a_newest_value(
    "trend: seats, against: own-average, over: 8w",
    "17:16: signals.it.trend: a trend is made of a rolling signal; name a signal made with `count`, `count_days`, `sum` or `distinct`"
)]
fn a_trend_against_the_own_average(#[case] definition: &str, #[case] problem: &str) {
    assert_eq!(told(definition), problem);
}

#[test]
fn a_trend_of_distinct_values_says_how_few_fit() {
    let of = |width: &str, against: &str| {
        let line = "  late: { overdue: milestone }\n";
        let users = format!("  users: {{ distinct: user, from: feature-usage, over: {width} }}\n");
        let it = format!("  it: {{ trend: users, against: {against} }}\n");
        let unused = "warning 18:7: signals.it: nobody uses the signal `it`; measure it, name it in a condition, or leave it out\n";
        problems(&GOOD.replace(line, &format!("{line}{users}{it}"))).replace(unused, "")
    };
    assert_eq!(
        of("24h", "own-average, over: 56d"),
        "warning 18:51: signals.it.over: it counts by hours, so about 372 values fit that come every day, and with more it is unknown; give `users` an `over` of 3d or more: it then counts by days, and about 5461 fit\n"
    );
    assert_eq!(of("7d", "own-average, over: 378d"), "");
    assert_eq!(of("12h", "own-average, over: 10d"), "");
    assert_eq!(
        of("28d", "previous"),
        "warning 18:32: signals.it.against: about 292 values fit that come every day of both windows, and with more it is unknown; write `against: own-average, over: 28d`: it says the same, and about 5461 fit\n"
    );
    assert_eq!(of("28d", "own-average, over: 28d"), "");
    assert_eq!(of("8d", "previous"), "");
}
