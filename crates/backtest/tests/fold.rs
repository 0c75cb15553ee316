//! What a fold takes at a cut, on journals of a few entries.
#![allow(clippy::unwrap_used, reason = "tests: a failure is a panic")]

use backtest::{Collected, Fate, Fold, Question, Row, Schedule, Side};
use engine::activity::{Activity, Fields, Value};
use engine::entry::{Entry, Latest, Lost, PartitionMark, Position, Run, SourceMark, Watermarks};
use model::plan::{Feed, WordTest};
use model::source::{Field, Source};
use model::time::{DAY, EventTime, HOUR, MINUTE};

/// A silence of so many days is so many points less than a hundred.
const SILENCE: &str = "
format: 1
model: silence
score: { bands: { fine: 50, bad: 0 } }
signals: { last_login: { since_last: login } }
goals:
  use:
    statement: They come back.
    owner: csm
    weight: 1
    measures: { last_login: { kind: leading, weight: 1, curve: { 0d: 100, 100d: 0 } } }
alerts: { silent: { when: { last_login: { at_least: 5d } }, notify: csm } }
";

/// The first cut; they lie 10 days apart.
const FIRST: i64 = 10_010 * DAY;

/// What is told, one entry a record.
#[derive(Clone, Copy)]
enum Told {
    Login(&'static str, i64),
    Ended(&'static str, i64),
    /// Both sources are complete up to this.
    Complete(i64),
}

fn activity<'a>(account: &'a str, source: Source, time: i64, offset: i64, kind: &'a str) -> Entry<'a> {
    let mut fields = Fields::default();
    fields.set(Field::Kind, Value::Word(kind));
    let id = u64::try_from(offset).unwrap();
    Entry::Activity(Activity { source, partition: 0, offset, id, time: EventTime(time), account, fields })
}

/// Both sources are complete up to `to`; something happened in both at `times` since it was told last.
fn complete(to: i64, times: &mut Vec<i64>) -> Entry<'static> {
    times.sort_unstable();
    let part = |runs| PartitionMark {
        partition: 0,
        watermark: Some(EventTime(to)),
        runs,
        rejected: 0,
        skipped: 0,
        lost: Lost::default(),
    };
    let mark = |source, runs| SourceMark { source, partition_count: 1, partitions: vec![part(runs)] };
    let runs: Vec<Run> =
        times.drain(..).map(|time| Run { first: EventTime(time), last: EventTime(time) }).collect();
    let sources = vec![mark(Source::Login, runs.clone()), mark(Source::Subscription, runs)];
    Entry::Watermarks(Watermarks { model: None, latest: Latest::All, sources })
}

fn question() -> Question {
    let ended = WordTest { field: Field::Kind, any_of: vec!["ended".to_owned()] };
    Question {
        side: Side::Bad,
        outcome: vec![Feed { source: Source::Subscription, filter: vec![ended] }],
        horizon: 10 * DAY,
        schedule: Schedule::new(Some(FIRST), None, 10 * DAY),
        min_history: 0,
    }
}

fn collected(told: &[Told], question: Question) -> Collected {
    let mut fold = Fold::new(question, &[SILENCE]).unwrap();
    let mut times = Vec::new();
    for (offset, told) in (0..).zip(told) {
        if let Told::Login(_, time) = told {
            times.push(*time);
        }
        let entry = match *told {
            Told::Login(account, time) => activity(account, Source::Login, time, offset, "signed-in"),
            Told::Ended(account, time) => activity(account, Source::Subscription, time, offset, "ended"),
            Told::Complete(to) => complete(to, &mut times),
        };
        fold.take(Position::after(offset, 0), &entry).unwrap();
    }
    fold.end_partition().unwrap();
    fold.finish()
}

/// Account, cut and score of each row.
fn scores(collected: &Collected) -> Vec<(&str, i32, u16)> {
    let of = |row: &Row| (&*collected.accounts[row.account as usize].id, row.cut, row.score);
    collected.series[0].rows.iter().map(of).collect()
}

#[test]
fn an_advance_is_broken_off_at_each_cut() {
    let told = [
        Told::Complete(FIRST - 9 * DAY),
        Told::Login("a", FIRST - 8 * DAY),
        // One entry passes three cuts. T is five minutes behind: so the eighth day of silence is not over.
        Told::Complete(FIRST + 25 * DAY),
    ];
    let found = collected(&told, question());
    assert_eq!(scores(&found), [("a", 0, 9_300), ("a", 1, 8_300), ("a", 2, 7_300)]);
    // So many steps come to the same.
    let begin = [told[0], told[1]];
    let walked = (0..).map(|hour| Told::Complete(FIRST - 7 * DAY + hour * HOUR)).take(32 * 24);
    let walked: Vec<Told> = begin.into_iter().chain(walked).chain([told[2]]).collect();
    assert_eq!(scores(&collected(&walked, question())), scores(&found));
    assert_eq!(found.end, FIRST + 25 * DAY + 5 * MINUTE);
}

#[test]
fn nothing_after_a_cut_has_a_say_in_it() {
    let before =
        [Told::Complete(FIRST - 9 * DAY), Told::Login("a", FIRST - 8 * DAY), Told::Complete(FIRST - DAY)];
    let with = |after: &[Told]| {
        let told: Vec<Told> = before.iter().chain(after).copied().collect();
        let found = collected(&told, question());
        let first: Vec<_> = scores(&found).into_iter().filter(|(_, cut, _)| *cut == 0).collect();
        first.into_iter().map(|(_, _, score)| score).collect::<Vec<_>>()
    };
    let end = Told::Complete(FIRST + 11 * DAY);
    let alone = with(&[end]);
    assert_eq!(alone, [9_300]);
    // At the cut, right after it, and what happened before it and was told after it.
    let late = [Told::Login("b", FIRST), Told::Login("a", FIRST - 2 * MINUTE)];
    for after in
        [&[Told::Login("a", FIRST), end][..], &[Told::Login("a", FIRST + 1), end], &[late[0], late[1], end]]
    {
        let found = with(after);
        // Without an advance in between, the last whole day of silence told is the one at the last watermark.
        assert_eq!(found, [9_300]);
    }
    // What happened right before it and was told in time does.
    assert_eq!(with(&[Told::Login("a", FIRST - 1), end]), [10_000]);
}

#[test]
fn a_cut_that_the_first_activity_has_passed_is_not_taken() {
    let until = Question { schedule: Schedule::new(Some(FIRST), Some(FIRST), 10 * DAY), ..question() };
    let told = [
        Told::Login("a", FIRST + DAY),
        Told::Login("a", FIRST - 8 * DAY),
        Told::Login("b", FIRST - 8 * DAY),
        Told::Complete(FIRST + 25 * DAY),
    ];
    assert_eq!(scores(&collected(&told, until)), []);
}

#[test]
fn what_followed_is_told_apart() {
    let told = [
        Told::Complete(FIRST - 9 * DAY),
        Told::Login("left", FIRST - 8 * DAY),
        Told::Login("stayed", FIRST - 8 * DAY),
        Told::Login("late", FIRST - 8 * DAY),
        Told::Login("young", FIRST - DAY),
        Told::Complete(FIRST - HOUR),
        Told::Ended("left", FIRST + 9 * DAY),
        Told::Complete(FIRST + 9 * DAY),
        // It happened before the first cut.
        Told::Ended("late", FIRST - DAY),
        Told::Complete(FIRST + 29 * DAY),
    ];
    let found = collected(&told, Question { min_history: 2 * DAY, ..question() });
    let fates: Vec<_> = found.series[0]
        .rows
        .iter()
        .map(|row| (&*found.accounts[row.account as usize].id, row.cut, found.fate(row)))
        .collect();
    assert_eq!(
        fates,
        [
            ("left", 0, Fate::Outcome),
            ("stayed", 0, Fate::None),
            ("late", 0, Fate::Untold),
            ("stayed", 1, Fate::None),
            ("young", 1, Fate::None),
            // Nine days are told of the ten that follow.
            ("stayed", 2, Fate::Censored),
            ("young", 2, Fate::Censored),
        ]
    );
    let unscored = found.series[0].unscored;
    // Two had ended at two cuts.
    assert_eq!((unscored.ended, unscored.young, unscored.unscored), (4, 1, 0));
}

#[test]
fn the_figures_of_a_small_stream_by_hand() {
    let told = [
        Told::Complete(FIRST - 9 * DAY),
        Told::Login("left", FIRST - 8 * DAY),
        Told::Login("silent", FIRST - 8 * DAY),
        Told::Login("well", FIRST - HOUR),
        Told::Complete(FIRST),
        Told::Login("well", FIRST + 5 * DAY),
        Told::Ended("left", FIRST + 6 * DAY),
        Told::Complete(FIRST + 15 * DAY),
    ];
    let question = question();
    let found = collected(&told, question.clone());
    let report = backtest::report(&found, &found.series[0], &question);
    // Of the first cut: the one that left against two, tied with one of them.
    let auc = report.auc.unwrap();
    assert!((auc.value - 0.75).abs() < 1e-9, "{auc:?}");
    assert_eq!((report.accounts, report.rows, report.outcomes), (3, 3, 1));
    assert_eq!(report.left_out.censored, 2);
    // The worst of three is one of the two that are tied.
    assert!((report.top[0].precision - 0.5).abs() < 1e-9 && (report.top[0].recall - 0.5).abs() < 1e-9);
    // It was silent for five days on the fifth day before the cut, and left eleven days later.
    let rule = &report.rules[0];
    assert_eq!((rule.warning.outcomes, rule.warning.warned), (1, 1));
    let lead = rule.warning.median_lead_days.unwrap();
    assert!((lead - 9.0).abs() < 0.02, "{lead}");
    assert!(backtest::compare(&found, &question).is_none());
    // What is hoped for should come to those with high scores: the same score is then as wrong as it was right.
    let hoped = Question { side: Side::Good, ..question };
    let auc = backtest::report(&found, &found.series[0], &hoped).auc.unwrap();
    assert!((auc.value - 0.25).abs() < 1e-9, "{auc:?}");
}

/// Under a model of another max delay, the watermarks of the journal say what ingest would have said under it.
#[test]
fn a_model_of_another_max_delay_has_its_own_time() {
    let rules = |delay: &str| {
        format!(
            "{SILENCE}sources: {{ login: {{ max_delay: {delay} }}, subscription: {{ max_delay: {delay} }} }}\n"
        )
    };
    let (brief, long) = (rules("1m"), rules("2d"));
    let written = |model: &str, delay: i64| {
        let id = model::compile(model).unwrap().plan.id;
        let mut fold = Fold::new(question(), &[&brief, &long]).unwrap();
        fold.take(Position::after(0, 0), &Entry::Model(model)).unwrap();
        let mut told = |offset: i64, entry: Entry<'_>| {
            let entry = if let Entry::Watermarks(marks) = entry {
                Entry::Watermarks(Watermarks { model: Some(id), ..marks })
            } else {
                entry
            };
            fold.take(Position::after(offset, 0), &entry).unwrap();
        };
        told(1, complete(FIRST - 9 * DAY - delay, &mut Vec::new()));
        told(2, activity("a", Source::Login, FIRST - 8 * DAY, 2, "signed-in"));
        told(3, complete(FIRST + 25 * DAY - delay, &mut vec![FIRST - 8 * DAY]));
        fold.end_partition().unwrap();
        fold.finish()
    };
    let (one, other) = (written(&brief, MINUTE), written(&long, 2 * DAY));
    assert_eq!(one.end, other.end);
    assert_eq!(one.series[0].rows, other.series[0].rows);
    assert_eq!(one.series[1].rows, other.series[1].rows);
    let scores = |series: usize| one.series[series].rows.iter().map(|row| row.score).collect::<Vec<_>>();
    // T is a minute behind, or two days.
    assert_eq!((scores(0), scores(1)), (vec![9_300, 8_300, 7_300], vec![9_400, 8_400, 7_400]));
}

#[test]
fn what_is_told_twice_is_not_late() {
    let told = [
        Told::Login("a", FIRST - 8 * DAY),
        Told::Complete(FIRST - 2 * DAY),
        Told::Login("a", FIRST - 2 * DAY),
        Told::Login("a", FIRST - 5 * DAY),
    ];
    assert_eq!(collected(&told, question()).late, 1);
    let mut fold = Fold::new(question(), &[SILENCE]).unwrap();
    let entries = [
        activity("a", Source::Login, FIRST - 8 * DAY, 0, "signed-in"),
        activity("a", Source::Login, FIRST - 2 * DAY, 1, "signed-in"),
        // The record after the first, with its id.
        activity("a", Source::Login, FIRST - 8 * DAY, 0, "signed-in"),
    ];
    for (offset, entry) in (0..).zip(&entries) {
        fold.take(Position::after(offset, 0), entry).unwrap();
    }
    assert_eq!(fold.finish().late, 0);
}

#[test]
fn time_in_which_nothing_is_told_of_anyone_is_not_judged() {
    let told = [
        Told::Complete(FIRST - 9 * DAY),
        Told::Login("a", FIRST - 8 * DAY),
        Told::Complete(FIRST - 7 * DAY),
        Told::Login("a", FIRST + 8 * DAY),
        Told::Complete(FIRST + 9 * DAY),
        // Somebody mistook the month.
        Told::Login("a", FIRST + 68 * DAY),
        Told::Complete(FIRST + 90 * DAY),
    ];
    let found = collected(&told, question());
    let fates: Vec<Fate> = found.series[0].rows.iter().map(|row| found.fate(row)).collect();
    let (none, idle) = (Fate::None, Fate::Idle);
    assert_eq!(fates, [none, idle, idle, idle, idle, idle, idle, idle, idle, Fate::Censored]);
}

#[test]
fn an_alert_that_the_outcome_causes_does_not_foretell_it() {
    let model = SILENCE
        .replace("signals: {", "signals: { ends: { count: subscription, where: { kind: ended }, over: 2d },")
        .replace("when: { last_login: { at_least: 5d } }", "when: { ends: { at_least: 1 } }");
    let mut times = vec![FIRST - DAY, FIRST - DAY];
    let entries = [
        complete(FIRST - 9 * DAY, &mut Vec::new()),
        activity("left", Source::Login, FIRST - DAY, 0, "signed-in"),
        activity("stayed", Source::Login, FIRST - DAY, 1, "signed-in"),
        complete(FIRST + 3 * DAY - HOUR, &mut times),
        activity("left", Source::Subscription, FIRST + 3 * DAY, 2, "ended"),
        complete(FIRST + 3 * DAY + HOUR, &mut vec![FIRST + 3 * DAY]),
        complete(FIRST + 15 * DAY, &mut Vec::new()),
    ];
    let mut fold = Fold::new(question(), &[&model]).unwrap();
    for (offset, entry) in (0..).zip(&entries) {
        fold.take(Position::after(offset, 0), entry).unwrap();
    }
    fold.end_partition().unwrap();
    let found = fold.finish();
    let rule = &backtest::report(&found, &found.series[0], &question()).rules[0];
    assert_eq!((rule.fired, rule.followed, rule.warning.outcomes, rule.warning.warned), (1, Some(0.0), 1, 0));
}

#[test]
fn two_models_are_compared_on_the_scores_that_both_gave() {
    let slow = SILENCE.replace("100d: 0", "10d: 100, 100d: 0").replace("model: silence", "model: slow");
    let mut fold = Fold::new(question(), &[SILENCE, &slow]).unwrap();
    let mut times = vec![FIRST - 8 * DAY, FIRST - 5 * DAY, FIRST - DAY];
    let entries = [
        complete(FIRST - 9 * DAY, &mut Vec::new()),
        activity("left", Source::Login, times[0], 0, "signed-in"),
        activity("silent", Source::Login, times[1], 1, "signed-in"),
        activity("well", Source::Login, times[2], 2, "signed-in"),
        complete(FIRST, &mut times),
        activity("left", Source::Subscription, FIRST + 6 * DAY, 3, "ended"),
        complete(FIRST + 15 * DAY, &mut Vec::new()),
    ];
    for (offset, entry) in (0..).zip(&entries) {
        fold.take(Position::after(offset, 0), entry).unwrap();
    }
    fold.end_partition().unwrap();
    let found = fold.finish();
    let compared = backtest::compare(&found, &question()).unwrap();
    assert_eq!((compared.rows, compared.apart), (3, 0));
    // The second one takes no notice of ten days of silence, so to it all are alike.
    let figures = [compared.auc.value, compared.other.value, compared.difference.value];
    assert!(
        figures.iter().zip([1.0, 0.5, 0.5]).all(|(one, other)| (one - other).abs() < 1e-9),
        "{figures:?}"
    );
}
