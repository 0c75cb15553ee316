//! A shard that is stored piece by piece, broken off and restored goes on as if nothing had been.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod world;

use engine::effect::{Effect, EffectId, Sink};
use engine::entry::{Position, Watermarks};
use engine::{Restoring, Shard, Step};
use model::source::Source;
use model::time::MINUTE;
use std::collections::BTreeMap;
use world::random::{Random, journal, sparse_journal};
use world::{Lines, Owned, Told, mark};

struct Silent;

impl Sink for Silent {
    fn effect(&mut self, id: EffectId, effect: &Effect<'_>) {
        panic!("{id:?} was worked out though nobody listens: {effect:?}");
    }

    fn is_silent(&self) -> bool {
        true
    }
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

/// The text of a model of a journal.
fn model(journal: &[Owned], id: model::plan::ModelId) -> Option<&str> {
    let texts = journal.iter().filter_map(|entry| match entry {
        Owned::Model(text) => Some(text.as_str()),
        Owned::Activity(_) | Owned::Watermarks(_) => None,
    });
    texts.into_iter().find(|text| model::compile(text).unwrap().plan.id == id)
}

/// What an undisturbed shard says, and at which minute: it walks each by itself.
fn undisturbed(journal: &[Owned]) -> (Vec<(Position, String)>, Shard) {
    let mut shard = Shard::new();
    let mut place = (0, false);
    let mut all = Vec::new();
    loop {
        let mut lines = Lines::default();
        let at = shard.position();
        let minute = if place.1 { at.minute } else { i64::MIN };
        shard.halt_at(Position {
            offset: i64::try_from(place.0).unwrap(),
            entry: 0,
            minute: minute.saturating_add(1),
        });
        if !step(&mut shard, journal, &mut place, &mut lines) {
            return (all, shard);
        }
        all.extend(lines.0.into_iter().map(|line| (shard.position(), line)));
    }
}

/// Two silences, on clocks of which one dies, and an alert on the other.
const SILENCES: &str = "
format: 1
model: silences
owner: tests
score: { bands: { fine: 50, bad: 0 }, publish_change: 1 }
sources: { login: { max_delay: 5m, silent_at_most: 1h }, feature-usage: { max_delay: 30m } }
signals: { login: { since_last: login }, use: { since_last: feature-usage } }
goals:
  all:
    statement: They are there.
    owner: csm
    weight: 1
    measures:
      login: { kind: leading, weight: 1, curve: { 4h: 100, 40h: 0 } }
      use: { kind: leading, weight: 1, curve: { 4h: 100, 40h: 0 } }
alerts: { silent: { when: { use: { at_least: 4h } }, notify: csm } }
";

fn told(source: Source, offset: i64, time: i64) -> Owned {
    let (id, account) = (offset.to_string(), "account".to_owned());
    Owned::Activity(Told { source, partition: 0, offset, id, time, account, fields: Vec::new() })
}

/// An account is silent on both clocks at one instant of the common axis, and what the one waited for before its last
/// activity comes later than what it waits for since: it was dead in between.
fn silences() -> Vec<Owned> {
    let minutes = |minutes: i64| world::random::START + minutes * MINUTE;
    // A source is dead from an hour after its last activity on.
    let lives = |at: i64| !(31..360).contains(&at) && !(431..720).contains(&at);
    let activities = [
        (1, Source::FeatureUsage, 0),
        (2, Source::Login, 0),
        (396, Source::FeatureUsage, 395),
        (421, Source::Login, 420),
    ];
    let mut journal = vec![Owned::Model(SILENCES.into())];
    for at in (-1_500..1_000).step_by(5) {
        let run = [(minutes(at - 4), minutes(at))];
        let runs: &[_] = if lives(at) { &run } else { &[] };
        let sources = vec![
            mark(Source::Login, 1, &[(0, minutes(at - 5), runs)]),
            mark(Source::FeatureUsage, 1, &[(0, minutes(at - 30), &run)]),
        ];
        journal.push(Owned::Watermarks(Watermarks { sources, ..Default::default() }));
        for (number, (_, source, time)) in
            (0..).zip(activities).filter(|(_, (when, ..))| (at..at + 5).contains(when))
        {
            journal.push(told(source, number, minutes(time)));
        }
    }
    journal
}

#[test]
fn what_an_account_waits_for_is_the_same_wherever_its_shard_was_restored() {
    let journal = silences();
    let (_, expected) = world::run(&journal);
    assert!(expected.iter().any(|line| line.contains("alert silent #2 fired")), "{expected:#?}");
    for broken in 1..journal.len() {
        let (mut shard, before) = world::run(&journal[..broken]);
        let (mut marker, mut stored) = (Vec::new(), Vec::new());
        shard.write_marker(&mut marker);
        shard.take_dirty(|_, bytes| {
            stored.push(bytes.to_vec());
            true
        });
        let mut restoring = Restoring::new(&marker, |_| Some(SILENCES)).unwrap();
        for bytes in stored {
            restoring.add(&bytes).unwrap();
        }
        let (mut shard, mut lines) = (restoring.finish(), Lines(before));
        for (offset, entry) in (0..).zip(&journal).skip(broken) {
            world::fold(&mut shard, offset, &entry.entry(), &mut lines);
        }
        for (got, want) in lines.0.iter().zip(&expected) {
            assert_eq!(got, want, "broken off before entry {broken}");
        }
        assert_eq!(lines.0.len(), expected.len(), "broken off before entry {broken}");
    }
}

#[test]
fn a_restored_shard_goes_on_as_if_nothing_had_been() {
    let mut effects = 0;
    for seed in 0..90 {
        let journal = if seed % 3 < 2 { journal(seed, 250) } else { sparse_journal(seed) };
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

        let mut restoring = Restoring::new(&marker, |id| model(&journal, id)).unwrap();
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
