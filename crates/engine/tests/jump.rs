//! Time in which nothing happens is passed at once, and nobody can tell: every effect is as of a walk through all
//! its minutes.

#![allow(clippy::unwrap_used, reason = "a test")]

mod world;

use engine::entry::{Position, Watermarks};
use engine::{Shard, Step};
use model::source::Source;
use model::time::MINUTE;
use world::random::{MODELS, Random, activity, journal, sparse_journal};
use world::{Lines, Owned, mark};

/// Folds a journal; one that walks halts at every minute. Returns what it said, how many steps it took, and the
/// stored forms of all accounts.
fn told(journal: &[Owned], walks: bool) -> (Vec<String>, usize, Vec<Vec<u8>>) {
    let (mut shard, mut lines, mut steps) = (Shard::new(), Lines::default(), 0);
    for (offset, entry) in (0..).zip(journal) {
        let at = Position { offset, entry: 0, minute: i64::MIN };
        if walks {
            shard.halt_at(Position { minute: i64::MIN + 1, ..at });
        }
        let mut step = shard.fold(at, &entry.entry(), &mut lines).unwrap();
        steps += 1;
        while step == Step::More {
            if walks {
                shard.halt_at(Position { minute: shard.position().minute + 1, ..shard.position() });
            }
            step = shard.go_on(&mut lines);
            steps += 1;
        }
    }
    let accounts = (0..5).filter_map(|i| shard.account_bytes(&format!("account-{i}"))).collect();
    (lines.0, steps, accounts)
}

fn compare(seed: u64, journal: &[Owned]) -> (usize, usize, usize) {
    let (walked, minutes, one) = told(journal, true);
    let (jumped, steps, other) = told(journal, false);
    for (jumped, walked) in jumped.iter().zip(&walked) {
        assert_eq!(jumped, walked, "seed {seed}: the jump (left) and the walk (right) differ");
    }
    assert_eq!(jumped.len(), walked.len(), "seed {seed}");
    assert_eq!(one, other, "seed {seed}: accounts");
    (jumped.len(), minutes, steps)
}

const SOURCES: [Source; 5] =
    [Source::Login, Source::FeatureUsage, Source::Support, Source::Milestone, Source::Subscription];

#[test]
fn a_jump_says_what_a_walk_says() {
    let (mut effects, mut minutes, mut steps) = (0, 0, 0);
    let mut add = |one: (usize, usize, usize)| {
        effects += one.0;
        minutes += one.1;
        steps += one.2;
    };
    for seed in 0..30 {
        add(compare(seed, &journal(seed, 250)));
        add(compare(seed, &sparse_journal(seed)));
    }
    assert!(effects > 2_000, "{effects}");
    assert!(minutes > 3 * steps, "{minutes} minutes in {steps} steps");
}

#[test]
fn an_activity_of_1970_costs_as_many_steps_as_there_is_to_do() {
    let all = |to: i64, runs: &[(i64, i64)]| {
        let sources = SOURCES.map(|source| mark(source, 1, &[(0, to, runs)]));
        Owned::Watermarks(Watermarks { sources: sources.to_vec(), ..Default::default() })
    };
    let random = &mut Random(1);
    let now = world::random::START;
    let old = activity(random, Source::Login, 0, 0, 0);
    let new = activity(random, Source::Login, 0, 1, now);
    let journal = [
        Owned::Model(MODELS[0].into()),
        all(-10 * MINUTE, &[]),
        Owned::Activity(old),
        all(now - 10 * MINUTE, &[(0, 0)]),
        Owned::Activity(new),
        all(now, &[(now, now)]),
    ];
    let (lines, steps, _) = told(&journal, false);
    // A record as often as the model says and an account-health record at the end: the account stands in the journal
    // from 1970 on.
    let every = model::compile(MODELS[0]).unwrap().plan.publish_every;
    let records = usize::try_from(now / every).unwrap();
    assert!((records - 2..records + 20).contains(&lines.len()), "{} effects, not {records}", lines.len());
    assert!(steps < 4 * records, "{steps} steps");
}
