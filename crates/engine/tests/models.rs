//! Models that no account is under any more are dropped, and a restored shard knows it.

#![allow(clippy::unwrap_used, reason = "a test")]

mod world;

use engine::entry::{Position, Watermarks};
use engine::{Restoring, Shard};
use model::plan::ModelId;
use model::source::Source;
use model::time::MINUTE;
use std::collections::BTreeMap;
use world::random::{MODELS, Random, START, activity};
use world::{Lines, Owned, fold, mark};

const SOURCES: [Source; 5] =
    [Source::Login, Source::FeatureUsage, Source::Support, Source::Milestone, Source::Subscription];

/// A journal in which a model comes every hour, in turns, between activities every ten minutes.
fn journal(models: &[String]) -> Vec<Owned> {
    let random = &mut Random(5);
    let (mut now, mut all) = (START, Vec::new());
    for text in models {
        all.push(Owned::Model(text.clone()));
        for _ in 0..6 {
            now += 10 * MINUTE;
            let offset = i64::try_from(all.len()).unwrap();
            all.push(Owned::Activity(activity(random, Source::Login, 0, offset, now)));
            let sources = SOURCES.map(|source| mark(source, 1, &[(0, now - 5 * MINUTE, &[(now, now)])]));
            all.push(Owned::Watermarks(Watermarks { sources: sources.to_vec(), ..Default::default() }));
        }
    }
    all
}

/// So many models, each of another name and so of another identity; the first comes again and again.
fn models(count: usize) -> Vec<String> {
    let named = |i: usize| {
        let name = if i.is_multiple_of(4) { 0 } else { i };
        MODELS[0].replace("model: hours", &format!("model: hours-{name}"))
    };
    let all: Vec<String> = (0..count).map(named).collect();
    assert_ne!(model::compile(&all[0]).unwrap().plan.id, model::compile(&all[1]).unwrap().plan.id);
    all
}

#[test]
fn a_model_that_all_accounts_have_left_is_dropped() {
    let models = models(30);
    let (mut shard, mut most) = (Shard::new(), 0);
    for (offset, entry) in (0..).zip(&journal(&models)) {
        fold(&mut shard, offset, &entry.entry(), &mut Lines::default());
        most = most.max(shard.models().count());
    }
    assert_eq!(shard.models().count(), 1);
    assert!(most <= 3, "{most} models at once");
    assert_eq!(shard.models().next().unwrap().1, models.last().unwrap());
}

#[test]
fn a_shard_that_has_dropped_models_is_restored_as_it_was() {
    let models = models(12);
    let text = |id: ModelId| {
        models.iter().map(String::as_str).find(|text| model::compile(text).unwrap().plan.id == id)
    };
    let journal = journal(&models);
    let entries: Vec<_> = (0..).zip(journal.iter().map(Owned::entry)).collect();
    for cut in (1..entries.len()).step_by(5) {
        let (mut whole, mut expected) = (Shard::new(), Lines::default());
        // The marker as of `cut`; accounts as of some entries later, under models that come only then.
        let later = (cut + 17).min(entries.len());
        let (mut marker, mut stored) = (Vec::new(), BTreeMap::new());
        for (offset, entry) in &entries {
            if *offset == i64::try_from(cut).unwrap() {
                whole.write_marker(&mut marker);
            }
            if *offset == i64::try_from(later).unwrap() {
                whole.take_dirty(|id, bytes| stored.insert(id.to_owned(), bytes.to_vec()).is_none());
                expected.0.clear();
            }
            fold(&mut whole, *offset, entry, &mut expected);
        }
        if stored.is_empty() {
            continue;
        }
        let mut restoring = Restoring::new(&marker, text).unwrap();
        for bytes in stored.values() {
            restoring.add(bytes).unwrap();
        }
        let mut shard = restoring.finish();
        let mut lines = Lines::default();
        for (offset, entry) in &entries[cut..] {
            if *offset == i64::try_from(later).unwrap() {
                lines.0.clear();
            }
            fold(&mut shard, *offset, entry, &mut lines);
        }
        assert_eq!(shard.position(), Position::after(i64::try_from(entries.len()).unwrap() - 1, 0));
        assert_eq!(lines.0, expected.0, "marker at {cut}");
    }
}
