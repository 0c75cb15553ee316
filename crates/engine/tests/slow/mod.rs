//! The second, slow fold: the oracle of the engine's property tests.
//!
//! It is written from `crates/README.md`, "The fold, exactly", and shares no code with the engine's fold: of
//! that crate it uses the types on both sides, of the model the plan. It keeps every activity and works every
//! value out from all of them; it has no timers, but finds the instants at which anything may change by
//! halving (`fact`, `window_fact`), or, to test that, by stepping through all of them ([`Search::Every`]).
//!
//! Read it beside the specification: `clock` and `now` (time), `window`, `signal` and `operator` (values),
//! `intake` (outcomes), `score`, `rule`, `account` (publication), `transition` (alerts, models), `fold` (the
//! order of all that). `blueprint`, `draft`, `world` and `recorder` are no part of it: they write plans and
//! journals for tests, and take the engine's effects in the form to compare.
//!
//! It does not know: commands other than overrides, the ceilings of promise 12 other than that of fingerprints.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "shared by several tests, and only by tests"
)]

pub(crate) mod account;
pub(crate) mod blueprint;
pub(crate) mod clock;
pub(crate) mod condition;
pub(crate) mod definition;
pub(crate) mod draft;
pub(crate) mod effect;
pub(crate) mod exact;
pub(crate) mod fact;
pub(crate) mod fold;
pub(crate) mod intake;
pub(crate) mod journal;
pub(crate) mod now;
pub(crate) mod operator;
pub(crate) mod recorder;
pub(crate) mod rule;
pub(crate) mod score;
pub(crate) mod signal;
pub(crate) mod transition;
pub(crate) mod window;
pub(crate) mod window_fact;
pub(crate) mod world;

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::entry::Entry as EngineEntry;
use model::plan::Plan;
use model::source::Source;

use account::Account;
use clock::Clock;
use effect::Caused;
use intake::Outcome;
use journal::{Entry, Happening, Placed};
use now::{Now, Places};
use signal::Reading;

/// How instants at which something may change are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Search {
    /// Halving, for each fact.
    Halving,
    /// Looking at every multiple of a span, in milliseconds. For small worlds whose every span is such a
    /// multiple, and whose sources have one max delay.
    Every(i64),
}

/// All that a journal comes to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    pub(crate) effects: Vec<Caused>,
    /// The outcome of each activity, with the index of its entry.
    pub(crate) outcomes: Vec<(usize, Outcome)>,
    /// Every account as the last entry left it.
    pub(crate) accounts: BTreeMap<String, Account>,
}

/// The journal of one partition; the first entry is a model.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fold {
    pub(crate) entries: Vec<Placed>,
}

impl Fold {
    /// Adds an entry at a place of the journal.
    pub(crate) fn push(&mut self, offset: i64, entry: u32, what: Entry) {
        self.entries.push(Placed { offset, entry, what });
    }

    /// Adds an entry of the engine's; a model comes by [`Fold::push`], a fold version is left out.
    pub(crate) fn push_entry(&mut self, offset: i64, entry: u32, what: &EngineEntry<'_>) {
        match what {
            EngineEntry::Activity(one) => self.push(offset, entry, Entry::Activity(Happening::of(one))),
            EngineEntry::Watermarks(told) => self.push(offset, entry, Entry::Watermarks(told.clone())),
            EngineEntry::Model(_) | EngineEntry::FoldVersion(_) => {}
        }
    }

    /// Adds a model.
    pub(crate) fn push_model(&mut self, offset: i64, entry: u32, plan: &Arc<Plan>) {
        self.push(offset, entry, Entry::Model(Arc::clone(plan)));
    }

    /// Everything, from the first entry to the last.
    pub(crate) fn run(&self, search: Search) -> Told {
        fold::Run::new(&self.entries, search).all()
    }

    /// What is known of a source after the first `upto` entries.
    pub(crate) fn clock(&self, source: Source, upto: usize) -> Clock {
        fold::clocks(&self.entries, upto).swap_remove(source.index())
    }

    /// A signal of an account by the first `upto` entries, with the sources standing at `a` (by default at
    /// their T). `None` if there is no such account.
    pub(crate) fn reading(
        &self,
        account: &str,
        signal: usize,
        upto: usize,
        a: Option<Places>,
    ) -> Option<Reading> {
        let told = fold::Run::new(&self.entries[..upto], Search::Halving).all();
        let clocks = fold::clocks(&self.entries, upto);
        let a = a.unwrap_or_else(|| std::array::from_fn(|i| clocks[i].t));
        let account = told.accounts.get(account)?;
        Some(account.past.reading(
            &account.plan,
            signal,
            &Now { clocks: &clocks, a, ends: &[[None; model::source::SOURCES]] },
        ))
    }

    /// How many activities of each source partition came to each outcome.
    pub(crate) fn counts(&self, told: &Told) -> BTreeMap<(Source, u32), BTreeMap<Outcome, usize>> {
        let mut counts: BTreeMap<(Source, u32), BTreeMap<Outcome, usize>> = BTreeMap::new();
        for (index, outcome) in &told.outcomes {
            if let Entry::Activity(one) = &self.entries[*index].what {
                *counts.entry((one.source, one.partition)).or_default().entry(*outcome).or_default() += 1;
            }
        }
        counts
    }
}
