//! The fold against the slow fold, on random journals: the same effects in the same order, the same counts.

mod slow;
mod world;

use engine::entry::Entry;
use engine::{Shard, Step};
use model::source::Source;
use slow::intake::Outcome;
use slow::recorder::Recorder;
use slow::{Fold, Search};
use std::collections::BTreeMap;
use std::sync::Arc;
use world::random::journal;

fn compare(seed: u64, entries: usize) -> usize {
    let journal = journal(seed, entries);
    let (mut shard, mut recorder, mut fold) = (Shard::new(), Recorder::default(), Fold::default());
    for (offset, owned) in (0..).zip(&journal) {
        let entry = owned.entry();
        let at = engine::entry::Position { offset, entry: 0, minute: i64::MIN };
        let mut step = shard.fold(at, &entry, &mut recorder).unwrap();
        while step == Step::More {
            step = shard.go_on(&mut recorder);
        }
        if let Entry::Model(text) = entry {
            fold.push_model(offset, 0, &Arc::new(model::compile(text).unwrap().plan));
        }
        fold.push_entry(offset, 0, &entry);
    }
    let told = fold.run(Search::Halving);
    for (place, (fast, slow)) in recorder.0.iter().zip(&told.effects).enumerate() {
        assert_eq!(fast, slow, "seed {seed}, effect {place}: the fold (left) and the slow fold (right) differ");
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

#[test]
fn the_fold_and_the_slow_fold_say_the_same() {
    let seeds = std::env::var("VITALS_ORACLE_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(60);
    let effects: usize = (0..seeds).map(|seed| compare(seed, 160)).sum();
    assert!(effects > 20 * usize::try_from(seeds).unwrap(), "{effects}");
}
