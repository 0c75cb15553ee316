//! What a test file says, and what is told of one that is wrong.

#![allow(clippy::unwrap_used, reason = "a test")]

use model::source::Field;
use model::suite::{Datum, Expected, Suite, read};
use model::{Problems, compile};
use rstest::rstest;

const MODEL: &str = "
format: 1
model: small
score: { bands: { healthy: 70, at-risk: 0 } }
signals:
  logins: { count: login, over: 28d }
  quiet: { since_last: csm-activity }
goals:
  use:
    statement: Used.
    owner: product
    weight: 1
    measures: { logins: { kind: leading, weight: 1, curve: { 0: 0, 20: 100 } } }
caps: [ { name: silent, when: { quiet: { above: 60d } }, score_at_most: 40 } ]
alerts:
  risk: { when: { score: { below: 45 } }, notify: csm }
";

const GOOD: &str = "\
model: small
start: 2026-01-05
background:
  - { at: day 0 08:00, account: { name: Acme, stage: live } }
cases:
  busy:
    about: They sign in.
    activities:
      - { at: day 3, login: { user: [ada, ben] } }
      - { at: +1d, every: weekday, until: day 14, login: { user: ada } }
      - { at: +2d, milestone: { kind: planned, milestone: [m, n], due_at: +14d } }
    outages:
      - { source: support, from: day 3, until: +4d }
    expect:
      - { at: day 20, score: 45.5, band: at-risk, coverage: 100%, cap: none, values: { logins: { above: 3 }, quiet: unknown }, points: { logins: 50 }, alerts: [risk], fired: { risk: 1 } }
      - { at: +3d, alerts: { risk: warning } }
";

fn suite(text: &str) -> Result<Suite, Problems> {
    read(text, &compile(MODEL).unwrap().plan)
}

#[test]
fn what_is_given_is_written_out_with_its_instants() {
    let suite = suite(GOOD).unwrap();
    let case = &suite.cases[0];
    let told: Vec<String> =
        case.activities.iter().map(|it| format!("{} {} {}", it.time, it.source, it.id)).collect();
    assert_eq!(
        told,
        [
            "2026-01-05T08:00:00Z account background 1.1",
            "2026-01-08T12:00:00Z login 1.1",
            "2026-01-08T12:00:00Z login 1.2",
            "2026-01-09T12:00:00Z login 2.1",
            // The tenth and eleventh are a weekend.
            "2026-01-12T12:00:00Z login 2.2",
            "2026-01-13T12:00:00Z login 2.3",
            "2026-01-14T12:00:00Z login 2.4",
            "2026-01-15T12:00:00Z login 2.5",
            "2026-01-16T12:00:00Z login 2.6",
            "2026-01-19T12:00:00Z login 2.7",
            "2026-01-21T12:00:00Z milestone 3.1",
            "2026-01-21T12:00:00Z milestone 3.2",
        ]
    );
    let due = case.activities.last().unwrap().fields.iter().find(|(field, _)| *field == Field::DueAt);
    let Some((_, Datum::Time(due))) = due else { panic!("{due:?}") };
    assert_eq!(due.to_string(), "2026-02-04T12:00:00Z");
    assert_eq!(case.outages[0].until.to_string(), "2026-01-12T12:00:00Z");
    let [first, second] = case.expectations.as_slice() else { panic!("{:?}", case.expectations) };
    assert_eq!(first.score, Some(Expected::Rounded { value: 4_550, to: 10 }));
    assert_eq!(
        (first.cap, first.alerts.clone(), first.fired.as_slice()),
        (Some(None), Some(vec![(0, None)]), [(0, 1)].as_slice())
    );
    assert_eq!(second.at.to_string(), "2026-01-28T12:00:00Z");
}

#[rstest]
#[case::other_model(
    "model: small",
    "model: big",
    "1:8: model: these are tests of `big`, and the model is `small`; name the model's own, or leave it out"
)]
#[case::key("    about:", "    abuot:", "7:5: cases.busy.abuot: unknown key `abuot`; did you mean `about`?")]
#[case::start(
    "2026-01-05",
    "2026-13-05",
    "2:8: start: `2026-13-05` is not a date; write it like `2026-01-05`, a Monday"
)]
#[case::instant(
    "at: day 3,",
    "at: 3 days,",
    "9:15: cases.busy.activities[0].at: `3 days` is not an instant; write it like `day 3`, `day 3 09:30`, `+14d` or `2026-01-08T09:30:00Z`"
)]
#[case::before(
    "at: day 3,",
    "at: 2025-12-31,",
    "9:15: cases.busy.activities[0].at: `2025-12-31` is before day 0, or more than ten years after it; choose an instant in between, or another `start`"
)]
#[case::source(
    "login: { user: [ada",
    "logn: { user: [ada",
    "9:22: cases.busy.activities[0].logn: unknown key `logn`; did you mean `login`?"
)]
#[case::no_source(
    ", login: { user: [ada, ben] }",
    "",
    "9:9: cases.busy.activities[0]: it names no source; write it like `{ at: day 3, login: { user: ada } }`"
)]
#[case::two_sources(
    "login: { user: [ada",
    "support: {}, login: { user: [ada",
    "9:35: cases.busy.activities[0].login: an activity is of one source, and `support` is named already; write two activities"
)]
#[case::field(
    "user: [ada, ben]",
    "usr: [ada, ben]",
    "9:31: cases.busy.activities[0].login.usr: login has no field `usr`; did you mean `user`?"
)]
#[case::word(
    "kind: planned",
    "kind: plan",
    "11:39: cases.busy.activities[2].milestone.kind: `kind` of milestone is never `plan`; did you mean `planned`?"
)]
#[case::how_often(
    "every: weekday, ",
    "",
    "10:27: cases.busy.activities[1].until: how often?; add `every: 1d` or `every: weekday`"
)]
#[case::until_when(", until: day 14", "", "10:9: cases.busy.activities[1]: until when?; add `until: day 30`")]
#[case::never(
    "until: day 14",
    "until: day 2",
    "10:9: cases.busy.activities[1]: it never happens; let `until` be later than `at`"
)]
#[case::too_many(
    "every: weekday, until: day 14",
    "every: 1m, until: day 400",
    "10:9: cases.busy.activities[1]: the cases give more than 200000 activities; let it happen less often"
)]
#[case::outage(
    "until: +4d",
    "until: day 2",
    "13:48: cases.busy.outages[0].until: it ends before it begins; write a later instant"
)]
#[case::given_while_out(
    "source: support",
    "source: login",
    "13:7: cases.busy.outages: login is out at 2026-01-08T12:00:00Z, and something of it is given then; move it, or shorten the outage"
)]
#[case::nothing(
    "alerts: { risk: warning }",
    "",
    "16:9: cases.busy.expect[1]: nothing is expected; add `band: …`, `score: …`, `values: …` or `alerts: …`"
)]
#[case::nothing_of_it(
    "alerts: { risk: warning }",
    "values: {}",
    "16:28: cases.busy.expect[1].values: nothing is expected; name what is looked at, or leave the key out"
)]
#[case::band(
    "band: at-risk",
    "band: at-rsk",
    "15:42: cases.busy.expect[0].band: the model has no band `at-rsk`; did you mean `at-risk`?"
)]
#[case::signal(
    "values: { logins",
    "values: { login",
    "15:88: cases.busy.expect[0].values.login: the model has no signal `login`; did you mean `logins`?"
)]
#[case::unit(
    "quiet: unknown",
    "quiet: 3",
    "15:117: cases.busy.expect[0].values.quiet: `3` is not a span of time; write it like `3d`"
)]
#[case::cap(
    "cap: none",
    "cap: quiet",
    "15:72: cases.busy.expect[0].cap: the model has no cap `quiet`; choose from silent"
)]
#[case::alert(
    "alerts: [risk]",
    "alerts: [risky]",
    "15:161: cases.busy.expect[0].alerts[0]: the model has no alert `risky`; did you mean `risk`?"
)]
#[case::severity(
    "risk: warning",
    "risk: bad",
    "16:36: cases.busy.expect[1].alerts.risk: unknown word `bad`; choose from info, warning, error, critical"
)]
#[case::no_list(
    "alerts: [risk]",
    "alerts: risk",
    "15:160: cases.busy.expect[0].alerts: a list belongs here; write `[]` for none, or `[at-risk]`"
)]
#[case::empty("GOOD", "", "")]
fn what_is_wrong_is_told_with_its_place(#[case] good: &str, #[case] bad: &str, #[case] told: &str) {
    if good == "GOOD" {
        assert_eq!(suite("").unwrap_err().to_string(), "1:1: the test file is empty; write a test file");
        return;
    }
    assert!(GOOD.contains(good), "{good}");
    let problems = suite(&GOOD.replacen(good, bad, 1)).unwrap_err();
    assert_eq!(problems.to_string(), told);
}
