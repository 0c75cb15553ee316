//! The fold against the slow fold, on random journals: the same effects in the same order, the same counts.
//!
//! `VITALS_SEEDS` says how many of each sort, `VITALS_SEED` runs one of each alone.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test")]

mod slow;
mod world;

use engine::entry::{Entry, Position};
use engine::{Shard, Step};
use model::source::Source;
use slow::intake::Outcome;
use slow::recorder::Recorder;
use slow::{Fold, Search};
use std::collections::BTreeMap;
use std::sync::Arc;
use world::random::journal;

/// How many worlds of each sort.
const SEEDS: u64 = 60;

/// Worlds that once found a fault of either fold: told entry by entry, and on a grid.
const FOUND: ([u64; 1], [u64; 2]) = ([114], [148, 149]);

fn env(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// Compares many worlds. They have something to say, or nothing was compared.
fn compare_all(found: &[u64], compare: impl Fn(u64) -> usize) {
    if let Some(seed) = env("VITALS_SEED") {
        compare(seed);
        return;
    }
    let seeds = env("VITALS_SEEDS").unwrap_or(SEEDS);
    let effects: usize = (0..seeds).chain(found.iter().copied()).map(compare).sum();
    assert!(effects > 20 * usize::try_from(seeds).unwrap(), "{effects}");
}

/// Folds a journal both ways and compares. Returns the number of effects.
fn compare(seed: u64, fold: &Fold, entries: &[(i64, Entry<'_>)]) -> usize {
    let (mut shard, mut recorder) = (Shard::new(), Recorder::default());
    for (offset, entry) in entries {
        let at = Position { offset: *offset, entry: 0, minute: i64::MIN };
        let mut step = shard.fold(at, entry, &mut recorder).unwrap();
        while step == Step::More {
            step = shard.go_on(&mut recorder);
        }
    }
    let told = fold.run(Search::Halving);
    for (place, (fast, slow)) in recorder.0.iter().zip(&told.effects).enumerate() {
        assert_eq!(
            fast, slow,
            "seed {seed}, effect {place}: the fold (left) and the slow fold (right) differ"
        );
    }
    assert_eq!(recorder.0.len(), told.effects.len(), "seed {seed}: number of effects");
    let mut counted: BTreeMap<(Source, u32), BTreeMap<Outcome, usize>> = BTreeMap::new();
    for (source, partition, count) in shard.counts().iter() {
        let outcomes = [
            (Outcome::Applied, count.applied),
            (Outcome::Duplicate, count.duplicate),
            (Outcome::Late, count.late),
            (Outcome::Unused, count.unused),
        ];
        for (outcome, number) in outcomes.into_iter().filter(|(_, number)| *number > 0) {
            counted.entry((source, partition)).or_default().insert(outcome, usize::try_from(number).unwrap());
        }
    }
    assert_eq!(counted, fold.counts(&told), "seed {seed}: outcomes");
    recorder.0.len()
}

/// The model of a world that is told entry by entry.
fn mixed(seed: u64) -> usize {
    let journal = journal(seed, 160);
    let mut fold = Fold::default();
    let entries: Vec<_> = (0..).zip(journal.iter().map(world::Owned::entry)).collect();
    for (offset, entry) in &entries {
        if let Entry::Model(text) = entry {
            fold.push_model(*offset, 0, &Arc::new(model::compile(text).unwrap().plan));
        }
        fold.push_entry(*offset, 0, entry);
    }
    compare(seed, &fold, &entries)
}

/// A world on a grid of five minutes, with every operator, closings and later models.
fn gridded(seed: u64) -> usize {
    let accounts = slow::blueprint::accounts_on_grid(4, slow::world::GRID);
    let world = slow::world::world(seed, &accounts, 160, slow::world::Sources::Changing);
    let mut texts = world.texts.iter();
    let mut entries = Vec::new();
    for placed in &world.journal.fold.entries {
        let what = match &placed.what {
            slow::journal::Entry::Activity(one) => Entry::Activity(one.view()),
            slow::journal::Entry::Watermarks(told) => Entry::Watermarks(told.clone()),
            slow::journal::Entry::Model(_) => Entry::Model(texts.next().unwrap()),
        };
        entries.push((placed.offset, what));
    }
    compare(seed, &world.journal.fold, &entries)
}

#[test]
fn the_fold_and_the_slow_fold_say_the_same() {
    compare_all(&FOUND.0, mixed);
}

#[test]
fn the_fold_and_the_slow_fold_say_the_same_of_every_operator() {
    compare_all(&FOUND.1, gridded);
}
