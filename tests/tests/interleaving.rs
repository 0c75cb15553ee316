//! Two recorded streams, each lived through under several schedules: the accounts must stand the same at the end.
//!
//! A part of each is played, or all of it with `VITALS_FULL=1`.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use model::source::Source;
use model::time::{DAY, HOUR};
use std::time::Instant;
use vitals_tests::live::{End, Schedule, Stall, Stream, play};

/// A partition whose stall lasts until all others have gone on for so long.
fn stalled(stream: &Stream, source: Source, partition: u32, days: i64) -> Schedule {
    let until = stream.last() + HOUR;
    Schedule::stalled(Stall { source, partition, from: until - days * DAY, until })
}

fn played(stream: &Stream, schedule: &Schedule) -> End {
    let began = Instant::now();
    let end = play(stream, schedule).unwrap();
    let scored = end.accounts.values().filter(|stand| stand.score.is_some()).count();
    println!(
        "{}: {} accounts, {scored} scored, {} entries, {} outputs in {:?}",
        schedule.name,
        end.accounts.len(),
        end.entries,
        end.outputs,
        began.elapsed()
    );
    end
}

fn assert_same(stream: &Stream, stalls: &[Schedule]) -> End {
    println!("{} records of {} days", stream.len(), (stream.last() - stream.first()) / DAY);
    let first = played(stream, &Schedule::close());
    let others = [Schedule::ragged(), Schedule::behind()];
    for schedule in others.iter().chain(stalls) {
        let other = played(stream, schedule);
        assert_eq!(first.accounts.len(), other.accounts.len());
        for (account, stand) in &first.accounts {
            assert_eq!(Some(stand), other.accounts.get(account), "{account}, {}", schedule.name);
        }
        if let Some(stall) = schedule.stall {
            let least = 10 * stream.max_delay(stall.source);
            println!("{} stood for {} hours", stall.source, other.stood / HOUR);
            assert!(other.stood > least, "{} stood for {} ms only", stall.source, other.stood);
        }
    }
    first
}

#[test]
fn the_sample_company_ends_in_the_same_scores_whatever_the_interleaving() {
    let stream = Stream::sample(&sample::Settings { accounts: 24, days: 100, ..Default::default() }).unwrap();
    let stalls =
        [stalled(&stream, Source::FeatureUsage, 1, 12), stalled(&stream, Source::CsmActivity, 0, 30)];
    let end = assert_same(&stream, &stalls);
    let scored = end.accounts.values().filter(|stand| stand.score.is_some()).count();
    assert!(scored > 12, "{scored} accounts have a score");
}

#[test]
fn oulad_ends_in_the_same_scores_whatever_the_interleaving() {
    let stream = Stream::oulad(80).unwrap();
    let stalls = [stalled(&stream, Source::FeatureUsage, 1, 60)];
    let end = assert_same(&stream, &stalls);
    let scored = end.accounts.values().filter(|stand| stand.score.is_some()).count();
    assert!(scored > 60, "{scored} accounts have a score");
}
