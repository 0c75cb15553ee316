//! A shard that is stored piece by piece, broken off and restored goes on as if nothing had been.

#![allow(clippy::unwrap_used, reason = "a test")]

mod world;

use engine::effect::{Effect, EffectId, Sink};
use engine::entry::Position;
use engine::{Restoring, Shard, Step};
use std::collections::BTreeMap;
use world::random::{MODELS, Random, changing_journal, sparse_journal};
use world::{Lines, Owned};

struct Silent;

impl Sink for Silent {
    fn effect(&mut self, _: EffectId, _: &Effect<'_>) {}
}

/// One step of a run: an entry, or a minute of one.
fn step(shard: &mut Shard, journal: &[Owned], place: &mut (usize, bool), sink: &mut dyn Sink) -> bool {
    let Some(entry) = journal.get(place.0) else { return false };
    let at = Position { offset: i64::try_from(place.0).unwrap(), entry: 0, minute: i64::MIN };
    let done = if place.1
        || (shard.position().offset == at.offset && shard.position() != Position::after(at.offset, 0))
    {
        shard.go_on(sink)
    } else {
        shard.fold(at, &entry.entry(), sink).unwrap()
    };
    *place = if done == Step::Done { (place.0 + 1, false) } else { (place.0, true) };
    true
}

/// Lets a step end in the midst of time in which nothing happens, as it does where a timer comes too early.
fn halt(shard: &mut Shard, random: &mut Random) {
    let position = shard.position();
    if position.minute != Position::DONE {
        shard.halt_at(Position { minute: position.minute + random.below(300), ..position });
    }
}

fn model(id: model::plan::ModelId) -> Option<&'static str> {
    MODELS.into_iter().find(|text| model::compile(text).unwrap().plan.id == id)
}

fn undisturbed(journal: &[Owned]) -> (Vec<(Position, String)>, Shard) {
    let mut shard = Shard::new();
    let mut place = (0, false);
    let mut all = Vec::new();
    loop {
        let mut lines = Lines::default();
        if !step(&mut shard, journal, &mut place, &mut lines) {
            return (all, shard);
        }
        all.extend(lines.0.into_iter().map(|line| (shard.position(), line)));
    }
}

#[test]
fn a_restored_shard_goes_on_as_if_nothing_had_been() {
    let mut effects = 0;
    for seed in 0..90 {
        let journal = if seed < 60 { changing_journal(seed, 250) } else { sparse_journal(seed) };
        let (expected, whole) = undisturbed(&journal);
        effects += expected.len();
        let random = &mut Random(seed ^ 0xabcd);
        // Run to K and take the marker; go on to C, storing accounts on the way; break off.
        let mut shard = Shard::new();
        let mut place = (0, false);
        let mut stored: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let to = |random: &mut Random, most: usize| {
            usize::try_from(random.below(i64::try_from(most).unwrap())).unwrap()
        };
        for _ in 0..5 + to(random, 300) {
            halt(&mut shard, random);
            step(&mut shard, &journal, &mut place, &mut Silent);
        }
        let mut marker = Vec::new();
        shard.write_marker(&mut marker);
        let mut left = shard.dirty();
        for _ in 0..to(random, 300) {
            halt(&mut shard, random);
            step(&mut shard, &journal, &mut place, &mut Silent);
            if random.one_in(4) {
                let mut quota = 1 + random.below(3);
                shard.take_dirty(|id, bytes| {
                    stored.insert(id.to_owned(), bytes.to_vec());
                    left = left.saturating_sub(1);
                    quota -= 1;
                    quota > 0
                });
            }
        }
        while left > 0 {
            shard.take_dirty(|id, bytes| {
                stored.insert(id.to_owned(), bytes.to_vec());
                left = left.saturating_sub(1);
                left > 0
            });
        }
        let target = shard.position();
        let mut head = Vec::new();
        shard.write_head(&mut head);
        drop(shard);

        let mut restoring = Restoring::new(&marker, model).unwrap();
        let k = restoring.position();
        for bytes in stored.values() {
            assert!(restoring.add(bytes).unwrap() <= target);
        }
        let mut shard = restoring.finish();
        shard.halt_at(target);
        let mut place = match usize::try_from(k.offset) {
            Ok(offset) if k.minute != Position::DONE => (offset, true),
            Ok(offset) => (offset + 1, false),
            Err(_) => (0, false),
        };
        while shard.position() < target {
            step(&mut shard, &journal, &mut place, &mut Silent);
        }
        assert_eq!(shard.position(), target, "seed {seed}");
        shard.read_head(&head).unwrap();
        let mut lines = Lines::default();
        while step(&mut shard, &journal, &mut place, &mut lines) {}
        let rest: Vec<&String> =
            expected.iter().filter(|(at, _)| *at > target).map(|(_, line)| line).collect();
        for (got, want) in lines.0.iter().zip(&rest) {
            assert_eq!(got, *want, "seed {seed}, marker {k:?}, broken off at {target:?}");
        }
        assert_eq!(lines.0.len(), rest.len(), "seed {seed}");
        assert_eq!(shard.counts(), whole.counts(), "seed {seed}");
    }
    assert!(effects > 3_000, "{effects}");
}
