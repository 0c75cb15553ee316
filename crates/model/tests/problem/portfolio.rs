//! What needs the figures of all accounts: benchmarks, gaps, KPIs, targets of goals. Checked, and not yet computed.

use super::problems;
use model::compile;
use rstest::rstest;

const GOOD: &str = "\
format: 1
model: test
score: { bands: { healthy: 70, at-risk: 0 } }
outcomes: { good: { subscription: { kind: [renewed, expanded] } } }
signals:
  logins: { count: login, over: 28d }
  nps: { nps: feedback, over: 180d }
  quiet: { since_last: csm-activity }
  gap: { gap_to: best }
benchmarks:
  best:
    cohort: { outcome: good, within: 365d }
    by: segment
    value: median
    signals: [logins, quiet]
    refresh: 30d
    min_accounts: 20
goals:
  use:
    statement: Used.
    owner: csm
    weight: 1
    target: { logins: 15, share_of_accounts: 85%, by: 2027-06-30 }
    measures:
      logins: { kind: leading, weight: 1, curve: { 0: 0, 15: 100 } }
      gap: { kind: leading, weight: 1, curve: { 0%: 100, 60%: 0 } }
  voice:
    statement: Liked.
    owner: company
    weight: 1
    measures: { nps: { kind: quality, weight: 1, curve: { -100: 0, 100: 100 } } }
kpis:
  nps: { plan: 36, per: quarter, by: [company, segment] }
  at_risk: { plan: 10%, per: month, by: [team, csm], share_of: arr }
";

fn spoiled(good: &str, bad: &str) -> String {
    assert_eq!(GOOD.matches(good).count(), 1, "{good}");
    problems(&GOOD.replace(good, bad))
}

/// The notes, one a line.
fn notes(text: &str) -> String {
    let notes = compile(text).map(|compiled| compiled.notes).unwrap_or_default();
    notes.iter().map(|note| format!("{note}\n")).collect()
}

#[test]
fn each_is_said_to_be_not_yet_computed_in_the_order_of_the_text() {
    assert_eq!(problems(GOOD), "");
    assert_eq!(
        notes(GOOD),
        "\
9:8: signals.gap: the gap `gap` is checked and not yet computed: no account has one; keep it: it is unknown, so what weight it has goes to its siblings and lowers the coverage, and an alert that names it holds unless it says `if_unknown: proceed`
12:5: benchmarks.best: the benchmark `best` is checked and not yet computed: it needs the figures of all accounts together; keep it: no score depends on it
23:13: goals.use.target: the target of the goal `use` is checked and not yet computed: it needs the figures of all accounts together; keep it: no score depends on it
33:8: kpis.nps: the KPI `nps` is checked and not yet computed: it needs the figures of all accounts together; keep it: no score depends on it
34:12: kpis.at_risk: the KPI `at_risk` is checked and not yet computed: it needs the figures of all accounts together; keep it: no score depends on it
"
    );
}

#[rstest]
#[case::unknown_benchmark(
    "gap_to: best",
    "gap_to: bets",
    "9:18: signals.gap.gap_to: unknown benchmark `bets`; did you mean `best`?"
)]
#[case::key_of_a_gap(
    "gap_to: best",
    "gap_to: best, over: 7d",
    "9:24: signals.gap.over: unknown key `over`; choose from gap_to"
)]
#[case::key(
    "    refresh: 30d",
    "    refersh: 30d",
    "12:5: benchmarks.best: `refresh` is missing; add `refresh: 30d`\n16:5: benchmarks.best.refersh: unknown key `refersh`; did you mean `refresh`?"
)]
#[case::cohort(
    "    cohort: { outcome: good, within: 365d }\n",
    "",
    "12:5: benchmarks.best: `cohort` is missing; add `cohort: { outcome: good, within: 365d }`"
)]
#[case::outcome(
    "outcome: good",
    "outcome: great",
    "12:24: benchmarks.best.cohort.outcome: unknown word `great`; choose from good, bad"
)]
#[case::undeclared(
    "outcome: good",
    "outcome: bad",
    "12:24: benchmarks.best.cohort.outcome: the model declares no outcome `bad`; add it to `outcomes`, like `bad: { subscription: { kind: … } }`"
)]
#[case::within(
    "within: 365d",
    "within: 365",
    "12:38: benchmarks.best.cohort.within: `365` is not a span of time; write it like `365d`"
)]
#[case::by(
    "by: segment\n",
    "by: team\n",
    "13:9: benchmarks.best.by: unknown word `team`; choose from segment"
)]
#[case::value(
    "value: median",
    "value: medain",
    "14:12: benchmarks.best.value: unknown word `medain`; did you mean `median`?"
)]
#[case::signal(
    "[logins, quiet]",
    "[logons, quiet]",
    "15:15: benchmarks.best.signals[0]: unknown signal `logons`; did you mean `logins`?"
)]
#[case::gap_of_a_gap(
    "[logins, quiet]",
    "[logins, gap]",
    "15:23: benchmarks.best.signals[1]: `gap` is a gap itself; name signals that an account has without a benchmark"
)]
#[case::no_signal(
    "[logins, quiet]",
    "[]",
    "15:14: benchmarks.best.signals: the list is empty; name at least one, or leave the key out"
)]
#[case::refresh(
    "refresh: 30d",
    "refresh: 1h",
    "16:14: benchmarks.best.refresh: 1h is out of range; write 1d to 366d"
)]
#[case::accounts(
    "min_accounts: 20",
    "min_accounts: 0",
    "17:19: benchmarks.best.min_accounts: 0 is out of range; write 1 to 1000000"
)]
#[case::ratio_of_a_gap(
    "  quiet: {",
    "  of_gap: { ratio: gap, to: gap }\n  quiet: {",
    "8:20: signals.of_gap.ratio: a ratio is not made of gaps; name two counts or two percentages"
)]
#[case::unit_of_a_gap(
    "{ 0%: 100, 60%: 0 }",
    "{ 0: 100, 60%: 0 }",
    "26:49: goals.use.measures.gap.curve.0: `0` is not a percentage; write it like `0%`"
)]
fn benchmarks_and_gaps(#[case] good: &str, #[case] bad: &str, #[case] told: &str) {
    assert_eq!(spoiled(good, bad), told);
}

#[test]
fn a_benchmark_that_no_gap_names_is_a_warning() {
    assert_eq!(
        spoiled("gap: { gap_to: best }", "gap: { ratio: logins, to: logins }"),
        "warning 12:5: benchmarks.best: nobody uses the benchmark `best`; name it in a signal, like `{ gap_to: best }`, or leave it out\n"
    );
}

#[rstest]
#[case::unit(
    "logins: 15, share",
    "logins: 15%, share",
    "23:23: goals.use.target.logins: `15%` has a unit where a bare number belongs; write it like `15`"
)]
#[case::of_another_goal(
    "logins: 15, share",
    "nps: 15, share",
    "23:15: goals.use.target.nps: the signal `nps` is no measure of this goal; choose from logins, gap"
)]
#[case::unknown(
    "logins: 15, share",
    "logons: 15, share",
    "23:15: goals.use.target.logons: `logons` is neither a key nor a measure of this goal; did you mean `logins`?"
)]
#[case::no_measure(
    "logins: 15, share",
    "share",
    "23:13: goals.use.target: the target names no measure; add the value to come to, like `logins: …`"
)]
#[case::two(
    "logins: 15, share",
    "logins: 15, gap: 10%, share",
    "23:27: goals.use.target.gap: the target is of `logins` already; name one measure"
)]
#[case::share(
    "share_of_accounts: 85%",
    "share_of_accounts: 101%",
    "23:46: goals.use.target.share_of_accounts: 101% is out of range; write 0% to 100%"
)]
#[case::no_share(
    "share_of_accounts: 85%, ",
    "",
    "23:13: goals.use.target: `share_of_accounts` is missing; add `share_of_accounts: 85%`"
)]
#[case::key(
    "share_of_accounts: 85%",
    "share_of_acounts: 85%",
    "23:13: goals.use.target: `share_of_accounts` is missing; add `share_of_accounts: 85%`\n23:27: goals.use.target.share_of_acounts: `share_of_acounts` is neither a key nor a measure of this goal; did you mean `share_of_accounts`?"
)]
#[case::date(
    "by: 2027-06-30",
    "by: 2027-06-31",
    "23:55: goals.use.target.by: it is not a date; write it like `2026-09-30`"
)]
#[case::span(
    "by: 2027-06-30",
    "within: 60",
    "23:59: goals.use.target.within: `60` is not a span of time; write it like `60d`"
)]
#[case::neither(
    ", by: 2027-06-30",
    "",
    "23:13: goals.use.target: neither `by` nor `within` says when; add `by: 2026-09-30`, or `within: 60d` from the start of each account"
)]
#[case::both(
    "by: 2027-06-30",
    "by: 2027-06-30, within: 60d",
    "23:75: goals.use.target.within: a target has either a day (`by`) or a span from the start of each account (`within`); keep one of them"
)]
fn targets_of_goals(#[case] good: &str, #[case] bad: &str, #[case] told: &str) {
    assert_eq!(spoiled(good, bad), told);
}

#[rstest]
#[case::key(
    "plan: 36",
    "plam: 36",
    "33:8: kpis.nps: `plan` is missing; add `plan: 90%`\n33:10: kpis.nps.plam: unknown key `plam`; did you mean `plan`?"
)]
#[case::unit_of_its_signal(
    "plan: 36",
    "plan: 36%",
    "33:16: kpis.nps.plan: `36%` has a unit where a bare number belongs; write it like `36`"
)]
#[case::unit_of_a_share(
    "plan: 10%",
    "plan: 10",
    "34:20: kpis.at_risk.plan: `10` is not a percentage; write it like `10%`"
)]
#[case::no_value(
    "plan: 10%, per: month, by: [team, csm], share_of: arr",
    "plan: low, per: month, by: team",
    "34:20: kpis.at_risk.plan: `low` is not a value; write a number, a percentage or a span, like `36`, `92%` or `14d`"
)]
#[case::per(
    "per: quarter",
    "per: week",
    "33:25: kpis.nps.per: unknown word `week`; choose from month, quarter, year"
)]
#[case::by(
    "[company, segment]",
    "[company, segmnet]",
    "33:48: kpis.nps.by[1]: unknown word `segmnet`; did you mean `segment`?"
)]
#[case::share_of(
    "share_of: arr",
    "share_of: revenue",
    "34:64: kpis.at_risk.share_of: unknown word `revenue`; choose from arr"
)]
#[case::csm_of_the_company(
    "[company, segment]",
    "[company, csm]",
    "33:48: kpis.nps.by[1]: `nps` is a measure of the goal `voice`, whose owner is the company, so it counts towards no CSM; write `company` in place of `csm`, or give the goal another owner"
)]
#[case::many(
    "kpis:\n",
    "kpis:\n  a: { plan: 1, per: year, by: team }\n  b: { plan: 1, per: year, by: team }\n  c: { plan: 1, per: year, by: team }\n  d: { plan: 1, per: year, by: team }\n  e: { plan: 1, per: year, by: team }\n  f: { plan: 1, per: year, by: team }\n",
    "33:3: kpis: 8 are defined, at most 7 can be; keep those that matter"
)]
#[case::none(
    "kpis:\n  nps: { plan: 36, per: quarter, by: [company, segment] }\n  at_risk: { plan: 10%, per: month, by: [team, csm], share_of: arr }\n",
    "kpis: {}\n",
    "32:7: kpis: nothing is defined here; define at least one"
)]
fn kpis(#[case] good: &str, #[case] bad: &str, #[case] told: &str) {
    assert_eq!(spoiled(good, bad), told);
}

#[test]
fn a_kpi_of_a_goal_that_a_csm_owns_is_counted_by_csm() {
    assert_eq!(
        problems(&GOOD.replace(
            "  nps: { plan: 36, per: quarter, by: [company,",
            "  logins: { plan: 12, per: quarter, by: [csm,"
        )),
        ""
    );
}

#[test]
fn they_are_part_of_the_identity_and_of_nothing_else() {
    let plan = |text: &str| compile(text).unwrap().plan;
    let good = plan(GOOD);
    for (from, to) in [
        ("within: 365d", "within: 90d"),
        ("min_accounts: 20", "min_accounts: 30"),
        ("target: { logins: 15", "target: { logins: 16"),
        ("plan: 36", "plan: 40"),
        ("[team, csm]", "[csm, team]"),
    ] {
        assert_eq!(GOOD.matches(from).count(), 1, "{from}");
        let mut other = plan(&GOOD.replace(from, to));
        assert_ne!(other.id, good.id, "{to}");
        other.id = good.id;
        assert_eq!(other, good, "{to}");
    }
    let gap = &good.signals[3];
    let of = |signal: usize| good.signals[signal].sources;
    assert_eq!((gap.sources, model::operator::bytes(&gap.operator)), (of(0).union(of(2)), 0));
}

/// The blocks of the notation that this is about, as written there, with the signals that they name.
const AS_WRITTEN: &str = "\
format: 1
model: acme-customer-health
score: { bands: { healthy: 70, neutral: 45, at-risk: 0 } }
outcomes:                      # never part of the live score; labels for back-tests and benchmarks
  good: { subscription: { kind: [renewed, expanded] } }
  bad: { subscription: { kind: [contracted, ended] } }

signals:
  login_days:      { count_days: login, where: { kind: signed-in }, over: 28d }
  weekly_active:   { distinct: user, from: feature-usage, over: 7d }
  monthly_active:  { distinct: user, from: feature-usage, over: 28d }
  seats:           { latest: seats, from: subscription }
  adoption:        { ratio: monthly_active, to: seats }
  stickiness:      { ratio: weekly_active, to: monthly_active, min_base: 5 }  # WAU/MAU; unknown below 5 users
  feature_breadth: { distinct: feature, from: feature-usage, over: 28d }
  usage_trend:     { trend: weekly_active, against: own-average, over: 8w }   # 100% = as usual for this account
  key_moments:     { reached: milestone }
  overdue_moments: { overdue: milestone }
  star_pupil_gap:  { gap_to: star-pupil }                                     # 0% = like the best of the segment
  contacts:        { distinct: contact, from: csm-activity, over: 90d }
  nps:             { nps: feedback, where: { kind: nps }, over: 180d, min_base: 3 }
benchmarks:
  star-pupil:                  # customers who stayed and bought more; shared with CSMs as a record per segment
    cohort: { outcome: good, within: 365d }
    by: segment
    value: median
    signals: [adoption, feature_breadth, login_days, contacts]
    refresh: 30d
    min_accounts: 20           # fewer: the gap is unknown

goals:
  adoption:
    statement: Customers work in the product every week, across its main features.
    owner: product
    priority: 1
    weight: 45
    target: { adoption: 80%, share_of_accounts: 85%, by: 2026-09-30 }
    measures:
      adoption:        { kind: leading, weight: 35, target: 80%,  curve: { 10%: 0, 50%: 50, 80%: 100 } }
      usage_trend:     { kind: leading, weight: 25, target: 100%, curve: { 50%: 0, 90%: 80, 100%: 100 } }
      login_days:      { kind: leading, weight: 10, target: 15,   curve: { 0: 0, 8: 60, 15: 100 } }
      stickiness:      { kind: leading, weight: 10, target: 60%,  curve: { 20%: 0, 60%: 100 } }
      feature_breadth: { kind: leading, weight: 20, target: 6,    curve: { 1: 0, 6: 100 } }
      star_pupil_gap:  { kind: leading, weight: 0,  target: 0%,   curve: { 0%: 100, 60%: 0 } }  # guidance: its signals count already
  onboarding:
    statement: New customers reach first value within 60 days.
    owner: csm
    priority: 2
    weight: 0                  # counts in the profile `onboarding` only; else 100 points for ever
    target: { key_moments: 100%, within: 60d, share_of_accounts: 90% }
    measures:
      key_moments:     { kind: leading, weight: 70, target: 100%, curve: { 0%: 0, 100%: 100 } }
      overdue_moments: { kind: leading, weight: 30, target: 0,    curve: { 0: 100, 2: 0 } }
  advocacy:
    statement: Customers would recommend us.
    owner: company             # so it never counts towards a CSM
    priority: 4
    weight: 5
    measures:
      nps:             { kind: lagging, in_score: true, weight: 100, target: 36, curve: { -50: 0, 36: 80, 50: 100 } }
kpis:                          # at most seven; plan against actual
  gross_revenue_retention: { plan: 92%,  per: quarter, by: [company, segment, csm] }
  net_revenue_retention:   { plan: 106%, per: quarter, by: [company, segment] }
  accounts_at_risk:        { plan: 10%,  per: month,   by: [company, team, csm], share_of: arr }
  qbrs_on_schedule:        { plan: 90%,  per: quarter, by: [team, csm] }
  nps:                     { plan: 36,   per: quarter, by: [company] }   # adding csm is refused: its goal's owner is the company
";

#[test]
fn the_notation_compiles_as_written() {
    let compiled = compile(AS_WRITTEN).unwrap();
    assert_eq!(compiled.warnings, []);
    let noted: Vec<&str> = compiled.notes.iter().map(|note| note.path.as_str()).collect();
    assert_eq!(
        noted,
        [
            "signals.star_pupil_gap",
            "benchmarks.star-pupil",
            "goals.adoption.target",
            "goals.onboarding.target",
            "kpis.gross_revenue_retention",
            "kpis.net_revenue_retention",
            "kpis.accounts_at_risk",
            "kpis.qbrs_on_schedule",
            "kpis.nps",
        ]
    );
}

#[test]
fn a_csm_is_not_held_to_what_the_company_owns() {
    let told = problems(&AS_WRITTEN.replace("by: [company] }", "by: [company, csm] }"));
    assert_eq!(
        told,
        "66:70: kpis.nps.by[1]: `nps` is a measure of the goal `advocacy`, whose owner is the company, so it counts towards no CSM; write `company` in place of `csm`, or give the goal another owner"
    );
}
