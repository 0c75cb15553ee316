use super::*;
use crate::entry::{Lost, PartitionMark};
use model::source::Source;
use model::time::EventTime;

const RULES: SourceRules =
    SourceRules { max_delay: 0, max_skew: 0, silent_at_most: Some(10), stale_after: 50, dedup: 0 };

fn mark(watermark: i64, runs: &[(i64, i64)]) -> SourceMark {
    let runs =
        runs.iter().map(|(first, last)| Run { first: EventTime(*first), last: EventTime(*last) }).collect();
    let part = PartitionMark {
        partition: 0,
        watermark: Some(EventTime(watermark)),
        runs,
        rejected: 0,
        skipped: 0,
        lost: Lost::default(),
    };
    SourceMark { source: Source::Login, partition_count: 1, partitions: vec![part] }
}

fn told(clock: &mut Clock, watermark: i64, runs: &[(i64, i64)]) {
    clock.observe(&mark(watermark, runs), &RULES);
    clock.advance(watermark, &RULES);
}

#[test]
fn a_gap_counts_as_silent_at_most_and_the_rest_is_dead() {
    let mut clock = Clock::default();
    told(&mut clock, 20, &[(0, 0), (5, 20)]);
    told(&mut clock, 100, &[]);
    assert_eq!((clock.living(20), clock.living(30), clock.living(90)), (20, 30, 30));
    assert!(clock.is_out());
    told(&mut clock, 120, &[(110, 115)]);
    assert_eq!((clock.living(110), clock.living(120)), (30, 40));
    assert_eq!(clock.gaps, [Gap { start: 30, end: 110, living: 30 }]);
    assert_eq!((clock.instant(30), clock.instant(31), clock.instant(41)), (Some(30), Some(111), None));
}

#[test]
fn a_source_that_lives_again_where_other_rules_come_into_force_lives() {
    let mut clock = Clock::default();
    told(&mut clock, 20, &[(0, 20)]);
    told(&mut clock, 100, &[]);
    clock.renew(&RULES, &RULES);
    // It began before what is behind A; what counts of it begins at A.
    told(&mut clock, 120, &[(90, 118)]);
    assert_eq!((clock.is_out(), clock.living(100), clock.living(120)), (false, 30, 50));
    told(&mut clock, 200, &[]);
    assert_eq!((clock.is_out(), clock.living(200)), (true, 58));
}

#[test]
fn an_activity_told_too_late_does_not_count() {
    let mut clock = Clock::default();
    told(&mut clock, 0, &[(0, 0)]);
    told(&mut clock, 50, &[]);
    told(&mut clock, 60, &[(20, 40)]);
    assert_eq!(clock.living(60), 10);
    told(&mut clock, 70, &[(55, 62)]);
    assert_eq!(clock.living(70), 20, "cut to what T had not passed");
}

#[test]
fn the_view_turns_where_it_says() {
    let mut clock = Clock::default();
    told(&mut clock, 0, &[(0, 0)]);
    told(&mut clock, 200, &[]);
    told(&mut clock, 210, &[(205, 205)]);
    let seen: Vec<_> = [-1, 0, 59, 60, 204, 205].map(|u| clock.view(u, &RULES)).to_vec();
    assert_eq!(seen, [View::Unbegun, View::Live, View::Live, View::Stale, View::Stale, View::Live]);
    let mut turns = Vec::new();
    clock.turns(-1, &RULES, &mut turns);
    turns.sort_unstable();
    assert_eq!(turns, [0, 60, 205]);
}

#[test]
fn a_partition_without_a_watermark_holds_the_source() {
    let mut clock = Clock::default();
    let mut two = mark(10, &[]);
    two.partition_count = 2;
    clock.observe(&two, &RULES);
    assert_eq!(clock.watermark(), None);
    two.partitions[0].partition = 1;
    two.partitions[0].watermark = None;
    clock.observe(&two, &RULES);
    assert_eq!(clock.watermark(), None, "what is told without one moves nothing");
    two.partitions[0].watermark = Some(EventTime(7));
    clock.observe(&two, &RULES);
    assert_eq!(clock.watermark(), Some(7));
}

fn silent(silent_at_most: Option<i64>) -> SourceRules {
    SourceRules { silent_at_most, ..RULES }
}

/// A clock that lived to 30 and stood at 100 when other rules came into force.
fn dead_from_30_at_100(rules: &SourceRules) -> Clock {
    let mut clock = Clock::default();
    told(&mut clock, 20, &[(0, 20)]);
    told(&mut clock, 100, &[]);
    clock.renew(&RULES, rules);
    clock
}

fn told_under(clock: &mut Clock, rules: &SourceRules, watermark: i64, runs: &[(i64, i64)]) {
    clock.observe(&mark(watermark, runs), rules);
    clock.advance(watermark, rules);
}

#[test]
fn a_source_that_need_not_be_heard_of_any_more_lives_from_then_on() {
    let always = silent(None);
    let mut clock = dead_from_30_at_100(&always);
    told_under(&mut clock, &always, 150, &[]);
    assert_eq!((clock.living(30), clock.living(100), clock.living(150)), (30, 30, 80));
    assert!(!clock.is_out());
}

#[test]
fn a_later_limit_of_silence_changes_nothing_that_has_passed() {
    for (silent_at_most, at_130, at_200) in [(5, 30, 30), (10, 30, 30), (80, 30, 30), (100, 50, 50)] {
        let rules = silent(Some(silent_at_most));
        let mut clock = dead_from_30_at_100(&rules);
        told_under(&mut clock, &rules, 130, &[]);
        assert_eq!((clock.living(100), clock.living(130)), (30, at_130), "{silent_at_most}");
        told_under(&mut clock, &rules, 200, &[]);
        assert_eq!(clock.living(200), at_200, "{silent_at_most}");
        assert!(clock.is_out());
        // The end of the old silence is a part of the new one, even where this begins at A.
        told_under(&mut clock, &rules, 210, &[(200, 205)]);
        assert_eq!((clock.living(210), clock.is_out()), (at_200 + 10, false), "{silent_at_most}");
    }
    // One that lives is not made to have died before.
    let (mut clock, rules) = (Clock::default(), silent(Some(2)));
    told(&mut clock, 28, &[(0, 20)]);
    clock.renew(&RULES, &rules);
    told_under(&mut clock, &rules, 60, &[]);
    assert_eq!((clock.living(28), clock.living(60)), (28, 28));
}

#[test]
fn a_dead_source_stays_stale_though_other_rules_come() {
    for silent_at_most in [5, 10, 80] {
        let rules = silent(Some(silent_at_most));
        let mut clock = dead_from_30_at_100(&rules);
        told_under(&mut clock, &rules, 130, &[]);
        assert_eq!(clock.view(100, &rules), View::Stale, "{silent_at_most}");
        assert_eq!(clock.gaps, [Gap { start: 30, end: i64::MAX, living: 30 }]);
    }
}

#[test]
fn what_was_told_ahead_counts_as_a_longer_limit_of_silence_has_it() {
    let (mut clock, rules) = (Clock::default(), silent(Some(20)));
    told(&mut clock, 5, &[(0, 1), (16, 17)]);
    clock.renew(&RULES, &rules);
    told_under(&mut clock, &rules, 30, &[]);
    assert_eq!((clock.is_out(), clock.living(30)), (false, 30));
    told_under(&mut clock, &rules, 60, &[(36, 50)]);
    assert_eq!((clock.is_out(), clock.living(60)), (false, 60));
}

#[test]
fn windows_are_as_far_as_they_ever_were() {
    let delay = |max_delay| SourceRules { max_delay, ..RULES };
    let (mut clock, long, short) = (Clock::default(), delay(40), delay(10));
    told_under(&mut clock, &long, 100, &[(0, 100)]);
    clock.renew(&long, &short);
    assert_eq!(clock.stands, [Stand { at: 100, max_delay: 40, max_skew: 0 }]);
    told_under(&mut clock, &short, 129, &[(100, 129)]);
    assert_eq!(clock.stands.len(), 1);
    told_under(&mut clock, &short, 130, &[(129, 130)]);
    assert_eq!(clock.stands.len(), 1, "on the way to 130 they did not come on");
    told_under(&mut clock, &short, 131, &[(130, 131)]);
    assert_eq!(clock.stands, [], "they come on from where they were");
    clock.renew(&short, &long);
    assert_eq!(clock.stands, []);
}

#[test]
fn time_before_the_epoch_is_time() {
    let mut clock = Clock::default();
    told(&mut clock, i64::MIN / 4, &[(i64::MIN / 4, i64::MIN / 4)]);
    told(&mut clock, -5, &[]);
    assert_eq!(clock.living(-5), 10);
    assert_eq!(clock.view(-5, &RULES), View::Stale);
}
