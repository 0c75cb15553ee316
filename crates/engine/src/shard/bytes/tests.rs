use super::*;
use model::time::{HOUR, MINUTE};

/// Of one partition, dead from hour 2 to hour 4 and since hour 6.
fn clock() -> Clock {
    let gap = |start: i64, end: i64, living: i64| Gap { start: start * HOUR, end, living: living * HOUR };
    Clock {
        marks: vec![Some(8 * HOUR)],
        target: Some(8 * HOUR),
        at: Some(8 * HOUR),
        begin: Some(0),
        runs: vec![Run { first: EventTime(4 * HOUR), last: EventTime(5 * HOUR) }],
        gaps: vec![gap(2, 4 * HOUR, 2), gap(6, i64::MAX, 4)],
        stands: vec![Stand { at: 8 * HOUR, max_delay: HOUR, max_skew: 0 }],
    }
}

fn read(change: impl FnOnce(&mut Clock)) -> Result<(), Damaged> {
    let mut clock = clock();
    change(&mut clock);
    let mut bytes = Vec::new();
    write_clock(&clock, &mut Writer(&mut bytes));
    read_clock(&mut Reader(&bytes)).map(|read| assert_eq!(read, clock))
}

#[test]
fn a_clock_that_cannot_be_is_not_read() {
    assert_eq!(read(|_| {}), Ok(()));
    assert_eq!(read(|clock| *clock = Clock::default()), Ok(()));
    let changes: [fn(&mut Clock); 15] = [
        |clock| clock.at = Some(9 * HOUR),
        |clock| clock.target = None,
        |clock| clock.target = Some(i64::MAX),
        |clock| clock.marks[0] = Some(9 * HOUR),
        |clock| clock.marks[0] = Some(7 * HOUR),
        |clock| clock.begin = Some(9 * HOUR),
        |clock| clock.begin = None,
        |clock| clock.runs[0].last.0 = 3 * HOUR,
        |clock| clock.runs.push(Run { first: EventTime(5 * HOUR), last: EventTime(6 * HOUR) }),
        |clock| clock.gaps[0].end = i64::MAX,
        |clock| clock.gaps[1].living = 5 * HOUR,
        |clock| clock.gaps.swap(0, 1),
        |clock| clock.stands[0].at = 9 * HOUR,
        |clock| clock.stands[0].max_delay = 31 * 24 * HOUR,
        |clock| clock.stands[0].max_skew = -1,
    ];
    for (place, change) in changes.into_iter().enumerate() {
        assert!(read(change).is_err(), "{place}");
    }
}

fn restore(change: impl FnOnce(&mut Shard)) -> Result<(), Damaged> {
    let mut shard = Shard::new();
    shard.clocks[0] = clock();
    shard.greatest = 8 * HOUR;
    shard.position = Position::after(3, 0);
    change(&mut shard);
    let mut marker = Vec::new();
    shard.write_marker(&mut marker);
    Restoring::new(&marker, |_| None).map(drop)
}

#[test]
fn a_shard_whose_times_do_not_agree_is_not_restored() {
    assert_eq!(restore(|_| {}), Ok(()));
    let within = |shard: &mut Shard| {
        (shard.clocks[0].target, shard.clocks[0].marks[0]) = (Some(9 * HOUR), Some(9 * HOUR));
        shard.position.minute = 8 * HOUR / MINUTE;
        shard.advancing = Some(Latest::All);
    };
    assert_eq!(restore(within), Ok(()));
    let changes: [fn(&mut Shard); 6] = [
        |shard| shard.greatest = 7 * HOUR,
        |shard| shard.greatest = i64::MAX,
        |shard| shard.ready_at = Some(9 * HOUR),
        |shard| shard.advancing = Some(Latest::All),
        |shard| shard.position.minute = 8 * HOUR / MINUTE,
        |shard| (shard.clocks[0].target, shard.clocks[0].marks[0]) = (Some(9 * HOUR), Some(9 * HOUR)),
    ];
    for (place, change) in changes.into_iter().enumerate() {
        assert!(restore(change).is_err(), "{place}");
    }
}

#[test]
fn a_model_that_is_dropped_is_not_the_newest() {
    // The place of the newest would be that of one that is not held.
    assert_eq!(restore(|shard| shard.plans = Plans::after(1)), Err(Damaged("the newest model is dropped")));
}

#[test]
fn a_head_that_cannot_be_counted_on_is_not_read() {
    let read = |change: fn(&mut Shard)| {
        let mut shard = Shard::new();
        shard.counts.of(model::source::Source::Login, 1).applied = 7;
        change(&mut shard);
        let mut head = Vec::new();
        shard.write_head(&mut head);
        Shard::peek_head(&head).map(drop)
    };
    assert_eq!(read(|_| {}), Ok(()));
    let changes: [fn(&mut Shard); 4] = [
        |shard| shard.counts.of(model::source::Source::Login, 1).applied = u64::MAX,
        |shard| shard.counts.crossed = u64::MAX,
        |shard| shard.counts.forgotten = u64::MAX,
        |shard| shard.effects = u32::MAX,
    ];
    for (place, change) in changes.into_iter().enumerate() {
        assert!(read(change).is_err(), "{place}");
    }
}
