//! The slow fold's clocks, values and bands, one by one, on cases worked out by hand. Instants count from the
//! epoch, so that buckets begin at whole hours and days.

mod slow;

use engine::effect::Status;
use engine::entry::{Lost, PartitionMark, Run, SourceMark, Watermarks};
use model::plan::{Fold, SourceRules};
use model::source::{Field, Source};
use model::time::{DAY, EventTime, HOUR, MINUTE};

use slow::blueprint::{Blueprint, days, hours};
use slow::clock::{Clock, News};
use slow::journal::{Happening, Held};
use slow::operator;
use slow::window::{Place, place};

const ONE: i64 = 1_000_000;

fn rules(silent_at_most: Option<i64>) -> SourceRules {
    SourceRules { silent_at_most, ..SourceRules::default() }
}

fn told(runs: &[(i64, i64)], watermark: i64) -> Watermarks {
    let run = |(first, last): &(i64, i64)| Run { first: EventTime(*first), last: EventTime(*last) };
    let partition = PartitionMark {
        partition: 0,
        watermark: Some(EventTime(watermark)),
        runs: runs.iter().map(run).collect(),
        rejected: 0,
        skipped: 0,
        lost: Lost::default(),
    };
    let source = SourceMark { source: Source::Login, partition_count: 1, partitions: vec![partition] };
    Watermarks { sources: vec![source], ..Default::default() }
}

fn clock(silent_at_most: Option<i64>, told: &[Watermarks]) -> Clock {
    let told = told.iter().map(News::Watermarks);
    Clock::after(Source::Login, [News::Rules(rules(silent_at_most))].into_iter().chain(told))
}

fn at(time: i64, fields: &[(Field, Held)]) -> Happening {
    Happening {
        source: Source::Login,
        partition: 0,
        offset: time,
        id: 0,
        time,
        account: "a".into(),
        fields: fields.to_vec(),
    }
}

fn word(field: Field, word: &str) -> (Field, Held) {
    (field, Held::Word(word.into()))
}

#[test]
fn a_window_holds_the_current_bucket_and_those_before_it() {
    let clock = clock(None, &[told(&[(0, 0)], 10 * DAY)]);
    let (now, five_minutes_before) = (clock.at(10 * DAY), clock.at(10 * DAY - 5 * MINUTE));
    let past: Vec<Happening> = [5, 7, 8, 8, 10]
        .iter()
        .zip([4, 4, 1, 2, 0])
        .map(|(day, count)| {
            at(
                day * DAY + HOUR,
                &[(Field::Count, Held::Number(count)), word(Field::Kind, &count.to_string())],
            )
        })
        .collect();
    let past: Vec<&Happening> = past.iter().collect();
    let value = |fold| operator::rolling(&past, &fold, days(3), 0, now, 0);
    assert_eq!(value(Fold::Count), Some(3 * ONE)); // days 8, 8 and 10
    assert_eq!(value(Fold::CountDays), Some(2 * ONE));
    assert_eq!(value(Fold::Sum(Field::Count)), Some(3));
    assert_eq!(value(Fold::Distinct(Field::Kind)), Some(3 * ONE));
    assert_eq!(value(Fold::Mean(Field::Count)), Some(1));
    assert_eq!(value(Fold::Mean(Field::Score)), None);
    assert_eq!(operator::rolling(&past, &Fold::CountDays, days(3), 4, now, 0), None);
    // The window before: days 5, 6, 7.
    assert_eq!(operator::trend(&past, &Fold::Count, days(3), now, 0), Some(150 * ONE));
    assert_eq!(operator::trend(&past, &Fold::Sum(Field::Count), days(3), now, 0), Some(37_500_000));
    assert_eq!(operator::trend(&past, &Fold::Sum(Field::Score), days(3), now, 0), None);
    // Day 7 leaves 5 minutes (max delay) before the end of day 9, and a spread later; day 10 is there already.
    let held = |at, sigma| operator::rolling(&past, &Fold::Count, days(3), 0, at, sigma);
    assert_eq!(held(five_minutes_before, 0), Some(3 * ONE));
    assert_eq!(held(five_minutes_before, 1), Some(4 * ONE));
    assert_eq!(held(clock.at(10 * DAY - 6 * MINUTE - 1), 1), Some(3 * ONE));
}

#[test]
fn a_mean_is_rounded_half_up() {
    let clock = clock(None, &[told(&[(0, 0)], HOUR)]);
    for (numbers, mean) in [([1, 2], 2), ([-1, -2], -1), ([3, 3], 3)] {
        let past: Vec<Happening> = numbers.map(|one| at(0, &[(Field::Score, Held::Number(one))])).into();
        let past: Vec<&Happening> = past.iter().collect();
        let value = operator::rolling(&past, &Fold::Mean(Field::Score), hours(2), 2, clock.at(HOUR), 0);
        assert_eq!(value, Some(mean));
    }
}

#[test]
fn a_window_is_compared_with_those_before_back_to_the_oldest_that_holds_anything() {
    let clock = clock(None, &[told(&[(0, 0)], 12 * DAY)]);
    let told: Vec<Happening> = [0, 1, 5, 5, 11, 12]
        .iter()
        .map(|day| at(day * DAY, &[word(Field::Kind, &(day % 2).to_string())]))
        .collect();
    let past: Vec<&Happening> = told.iter().collect();
    let usual =
        |past: &[&Happening], fold| operator::own_average(past, &fold, days(3), 3, clock.at(12 * DAY), 0);
    // Days 10 to 12 hold 2; days 7 to 9 none, 4 to 6 two, 1 to 3 one; day 0 has left all. The last window is not left out.
    assert_eq!(usual(&past, Fold::Count), Some(200 * ONE));
    assert_eq!(usual(&past, Fold::CountDays), Some(300 * ONE));
    assert_eq!(usual(&past, Fold::Distinct(Field::Kind)), Some(300 * ONE));
    // Two windows, of which the further one is left out; so there is none.
    assert_eq!(usual(&past[2..], Fold::Count), None);
    let later: Vec<&Happening> = told[2..].iter().collect();
    let of_two =
        |windows| operator::own_average(&later, &Fold::Count, days(2), windows, clock.at(12 * DAY), 0);
    // Days 11 and 12 hold 2; days 9 and 10 and 7 and 8 none, 5 and 6 two.
    assert_eq!((of_two(3), of_two(4)), (Some(300 * ONE), None));
    assert_eq!((usual(&past[4..], Fold::Count), usual(&past[..2], Fold::Count)), (None, Some(0)));
}

#[test]
fn a_day_weighs_half_for_each_half_life() {
    let clock = clock(None, &[told(&[(0, 0)], 10 * DAY)]);
    let past: Vec<Happening> = [(4, 9), (6, 0), (8, 3), (8, 9)]
        .map(|(day, score)| at(day * DAY, &[(Field::Score, Held::Number(score * ONE))]))
        .into();
    let past: Vec<&Happening> = past.iter().collect();
    let mean = |over, half_life, base| {
        operator::decayed_mean(&past, Field::Score, (days(over), half_life), base, clock.at(10 * DAY), 0)
    };
    // Day 8 weighs 4 twice, day 6 weighs 2, day 4 weighs 1: 57 of 11.
    assert_eq!((mean(7, 2, 4), mean(7, 2, 5)), (Some(5_181_818), None));
    assert_eq!((mean(5, 2, 0), mean(5, 1, 0)), (Some(4_800_000), Some(5_333_333)));
}

#[test]
fn promoters_less_detractors() {
    let clock = clock(None, &[told(&[(0, 0)], HOUR)]);
    for (scores, nps) in [
        (&[9, 10, 6][..], Some(33_333_333)),
        (&[0, 6, 8, 7, 11, -1], Some(-50 * ONE)),
        (&[0], None),
        (&[10, 11], None),
    ] {
        let past: Vec<Happening> =
            scores.iter().map(|score| at(0, &[(Field::Score, Held::Number(score * ONE))])).collect();
        let past: Vec<&Happening> = past.iter().collect();
        assert_eq!(operator::rolling(&past, &Fold::Nps, hours(2), 2, clock.at(HOUR), 0), nps, "{scores:?}");
    }
}

#[test]
fn a_share_is_of_what_the_window_holds() {
    let clock = clock(None, &[told(&[(0, 0)], 10 * DAY)]);
    let now = clock.at(10 * DAY);
    let past: Vec<Happening> = [5, 8, 9, 9, 9].map(|day| at(day * DAY, &[])).into();
    let past: Vec<&Happening> = past.iter().collect();
    let share = |part, whole, base| operator::share(part, whole, days(3), base, now, 0);
    assert_eq!(share(&past[1..3], &past[2..], 3), Some(66_666_667));
    assert_eq!(share(&past[..1], &past[2..], 3), Some(0)); // day 5 is in no window
    assert_eq!(share(&past[..3], &past[..2], 0), Some(200 * ONE));
    assert_eq!((share(&past, &past[2..], 4), share(&past, &past[..1], 0)), (None, None));
}

#[test]
fn values_without_a_window() {
    let clock = clock(Some(12 * HOUR), &[told(&[(0, 10 * HOUR), (30 * HOUR, 31 * HOUR)], 40 * HOUR)]);
    let number = |time, number| at(time, &[(Field::Score, Held::Number(number))]);
    let (old, new, none) = (number(1, 7), number(2, 8), at(3, &[]));
    let latest = |past: &[&Happening]| operator::latest(past, Field::Score, None, clock.at(40 * HOUR));
    assert_eq!((latest(&[&new, &old, &none]), latest(&[&none])), (Some(8), None));
    // It was told at 10 hours; those from 22 to 30 are dead.
    let told = number(10 * HOUR, 7);
    let expiring =
        |after, at| operator::latest(&[&told, &old], Field::Score, Some(after * HOUR), clock.at(at * HOUR));
    assert_eq!((expiring(12, 21), expiring(12, 22), expiring(13, 30)), (Some(7), None, Some(7)));
    assert_eq!((expiring(13, 31), expiring(1, 9)), (None, Some(7)));
    assert_eq!(operator::ratio(1, 3, 0), Some(33_333_333));
    assert_eq!(operator::ratio(2, 3, 3), Some(66_666_667));
    assert_eq!((operator::ratio(1, 0, 0), operator::ratio(1, 3, 4)), (None, None));
    // 30 hours from 10 to 40, of which 8 are dead.
    let since = |time, marks: &[i64]| operator::since_last(&[&at(time, &[])], marks, clock.at(40 * HOUR));
    assert_eq!(since(10 * HOUR, &[HOUR, 22 * HOUR, 23 * HOUR]), Some(22 * HOUR));
    assert_eq!(since(10 * HOUR, &[23 * HOUR]), Some(0));
    assert_eq!(since(41 * HOUR, &[1]), Some(0));
    assert_eq!(operator::since_last(&[], &[1], clock.at(0)), None);
    let overdue = |time, every, marks: &[i64]| {
        operator::cadence(&[&at(time, &[])], every * HOUR, marks, clock.at(40 * HOUR))
    };
    assert_eq!(overdue(10 * HOUR, 20, &[HOUR, 2 * HOUR, 3 * HOUR]), Some(2 * HOUR));
    assert_eq!((overdue(10 * HOUR, 22, &[HOUR]), overdue(41 * HOUR, 1, &[1])), (Some(0), Some(0)));
    assert_eq!(operator::cadence(&[], 1, &[1], clock.at(0)), None);
    let due = at(0, &[(Field::RenewsAt, Held::Time(50))]);
    for (a, value) in [(0, 30), (20, 30), (21, 30), (40, 10), (41, 10), (49, 10), (50, 0), (60, 0)] {
        assert_eq!(operator::until(&[&due], Field::RenewsAt, &[10, 30], a), Some(value), "{a}");
    }
}

#[test]
fn tickets_and_milestones() {
    let ticket = |time, ticket, kind, priority: &[&str]| {
        let mut fields = vec![(Field::Ticket, Held::Key(ticket)), word(Field::Kind, kind)];
        fields.extend(priority.iter().map(|one| word(Field::Priority, one)));
        at(time, &fields)
    };
    let past = [
        ticket(1, 1, "opened", &["high"]),
        ticket(4, 1, "reopened", &[]),
        ticket(2, 1, "solved", &["low"]),
        ticket(1, 2, "opened", &["high"]),
        ticket(2, 2, "replied", &[]),
        ticket(3, 3, "opened", &["high"]),
        ticket(5, 3, "merged", &[]),
        ticket(9, 4, "replied", &["high"]),
    ];
    let past: Vec<&Happening> = past.iter().collect();
    assert_eq!(operator::open(&past, &[]), 2 * ONE);
    assert_eq!(operator::open(&past, &["high".into()]), ONE);

    let milestone = |time, milestone, kind, due_at: Option<i64>| {
        let mut fields = vec![(Field::Milestone, Held::Key(milestone)), word(Field::Kind, kind)];
        fields.extend(due_at.map(|due_at| (Field::DueAt, Held::Time(due_at))));
        at(time, &fields)
    };
    let past = [
        milestone(1, 1, "planned", Some(10)),
        milestone(3, 1, "planned", Some(20)),
        milestone(1, 2, "planned", Some(10)),
        milestone(0, 2, "verified", None),
        milestone(1, 3, "planned", Some(10)),
        milestone(2, 3, "dropped", None),
        milestone(1, 4, "reached", None),
        milestone(1, 5, "planned", None),
    ];
    let past: Vec<&Happening> = past.iter().collect();
    assert_eq!(operator::reached(&past), Some(33_333_333)); // 2 of 1, 2 and 5
    assert_eq!((operator::overdue(&past, 19), operator::overdue(&past, 20)), (Some(0), Some(ONE)));
    assert_eq!((operator::reached(&past[4..7]), operator::overdue(&past[4..7], 99)), (None, None));
}

#[test]
fn a_source_lives_for_silent_at_most_after_its_activity() {
    let runs = [(0, 10 * HOUR), (30 * HOUR, 31 * HOUR)];
    let clock = clock(Some(12 * HOUR), &[told(&runs, 50 * HOUR)]);
    assert_eq!(clock.gaps, [(22 * HOUR, 30 * HOUR), (43 * HOUR, i64::MAX)]);
    let now = clock.at(50 * HOUR);
    for (t, living) in [(-1, -1), (0, 0), (22, 22), (26, 22), (30, 22), (43, 35), (50, 35), (60, 45)] {
        assert_eq!(now.living(t * HOUR), living * HOUR, "{t}");
    }
    assert_eq!((now.since(20 * HOUR), now.since(51 * HOUR)), (15 * HOUR, -HOUR));
    assert_eq!(clock.at(40 * HOUR).living(50 * HOUR), 42 * HOUR);
}

#[test]
fn a_run_told_late_counts_only_from_where_the_clock_stands() {
    let entries =
        [told(&[(0, HOUR)], 20 * HOUR), told(&[(2 * HOUR, 3 * HOUR), (15 * HOUR, 21 * HOUR)], 30 * HOUR)];
    let clock = clock(Some(2 * HOUR), &entries);
    assert_eq!(clock.gaps, [(3 * HOUR, 20 * HOUR), (23 * HOUR, i64::MAX)]);
}

#[test]
fn a_source_lives_by_the_rules_that_are_in_force() {
    let (before, after) = (told(&[(0, 2 * HOUR)], 10 * HOUR), told(&[], 30 * HOUR));
    let (one, always) = (Some(1), None);
    let ever = i64::MAX / HOUR;
    for (first, then, gaps) in [
        (one, one, &[(3, ever)][..]),
        (one, Some(8), &[(3, ever)]),
        (one, Some(9), &[(3, 10), (11, ever)]),
        (one, always, &[(3, 10)]),
        (always, one, &[(10, ever)]),
        (Some(20), one, &[(10, ever)]),
    ] {
        let [first, then] =
            [first, then].map(|hours: Option<i64>| News::Rules(rules(hours.map(|h| h * HOUR))));
        let news = [first, News::Watermarks(&before), then, News::Watermarks(&after)];
        let clock = Clock::after(Source::Login, news.into_iter());
        let hours: Vec<_> = clock.gaps.iter().map(|(from, to)| (from / HOUR, to / HOUR)).collect();
        assert_eq!(hours, gaps);
    }
}

#[test]
fn what_has_entered_or_left_a_window_has_for_good() {
    let delay = |max_delay| News::Rules(SourceRules { max_delay, ..SourceRules::default() });
    let told = told(&[(0, 0)], 10 * HOUR);
    let clock = |later| {
        let news = [delay(2 * HOUR), News::Watermarks(&told), delay(later)];
        Clock::after(Source::Login, news.into_iter())
    };
    // Under two hours buckets up to that of 12:00 had entered, and all of before 7:00 had left a window of six hours.
    for (later, entered, left) in [(2 * HOUR, 12, 7), (0, 12, 7), (4 * HOUR, 14, 9)] {
        let clock = clock(later);
        let at = clock.at(10 * HOUR);
        let places: Vec<Place> = (0..16).map(|hour| place(at, hours(6), 0, hour * HOUR)).collect();
        assert_eq!(places.iter().rposition(|place| *place != Place::Waiting), Some(entered), "{later}");
        assert_eq!(places.iter().position(|place| *place == Place::Window), Some(left), "{later}");
    }
}

#[test]
fn a_band_changes_beyond_its_margin_and_comes_from_unknown_by_its_limit() {
    use slow::score::{Tally, band};
    let plan = Blueprint::new(1).build();
    let tally = |score, coverage| Tally {
        lines: vec![],
        cap: None,
        added: None,
        score,
        coverage,
        status: Status::Scored,
    };
    for (present, score, expected) in [
        (None, 7_000, Some(0)),
        (None, 6_999, Some(1)),
        (Some(1), 7_199, Some(1)),
        (Some(1), 7_200, Some(0)),
        (Some(0), 6_800, Some(0)),
        (Some(0), 6_799, Some(1)),
        (Some(0), 4_299, Some(2)),
        (Some(2), 7_199, Some(1)),
        (Some(2), 7_200, Some(0)),
        (Some(2), 0, Some(2)),
    ] {
        assert_eq!(band(&plan, present, &tally(Some(score), 6_000)), expected, "{present:?} {score}");
    }
    assert_eq!(band(&plan, Some(0), &tally(Some(9_000), 5_999)), None);
    assert_eq!(band(&plan, Some(0), &tally(None, 10_000)), None);
}
