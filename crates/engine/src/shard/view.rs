//! What may be asked of a shard.

use super::Shard;
use crate::account::Account;
use crate::clock::Clock;
use crate::count::Counts;
use crate::effect::{Evidence, Freshness, Standing};
use crate::entry::Position;
use crate::evaluate::stand;
use crate::now::Clocks;
use crate::reading::known;
use crate::timer::Calendar;
use model::plan::{ModelId, Plan};
use model::source::Source;
use std::sync::Arc;

impl Shard {
    /// The position up to which entries are folded.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.position
    }

    /// What became of every activity.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The model in force for new entries.
    #[must_use]
    pub fn plan(&self) -> Option<&Arc<Plan>> {
        self.plans.last().map(|prepared| &prepared.plan)
    }

    /// Identity and text of each model that an account or the shard still uses, the newest last.
    pub fn models(&self) -> impl Iterator<Item = (ModelId, &str)> {
        self.plans.iter().map(|prepared| (prepared.plan.id, &*prepared.text))
    }

    /// Shows where an account stands now, published or not. `None` if there is no such account.
    pub fn standing<T>(&mut self, id: &str, show: impl FnOnce(&Standing<'_>) -> T) -> Option<T> {
        let place = self.find(id)?;
        if self.accounts[place].unread && !self.accounts[place].is_closed() {
            self.derive(place);
        }
        let account = &mut self.accounts[place];
        let prepared = &mut self.plans[account.plan];
        let clocks = Clocks { clocks: &self.clocks, rules: &self.rules };
        if account.is_closed() {
            // Nothing is read of it otherwise; it is read anew should it open again.
            account.forget_scored();
            stand(account, prepared, &mut self.work, clocks, &self.now);
            account.wait_for_nothing();
            account.unread = true;
        } else {
            self.work.changed.begin(prepared.plan.signals.len());
            self.work.assess(account, prepared, clocks, &self.now);
        }
        self.work.show(account, prepared, clocks, &self.now);
        Some(show(&self.work.standing(account, prepared)))
    }

    /// The value of each signal of an account as it stands now, in the order of its plan. `None` if there is no such
    /// account.
    pub fn signals(&mut self, id: &str) -> Option<Vec<Evidence>> {
        self.standing(id, |_| ())?;
        let account = &self.accounts[self.find(id)?];
        let signals = self.work.freshness.iter().enumerate();
        let evidence = |(signal, freshness): (usize, &Freshness)| {
            let value = known(account, signal).filter(|_| *freshness != Freshness::Unknown);
            Evidence { signal, value, freshness: *freshness }
        };
        Some(signals.map(evidence).collect())
    }

    /// How many accounts it holds.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.accounts.len()
    }

    /// Whether it holds no account.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }

    /// The clock of a source.
    #[must_use]
    pub const fn clock(&self, source: Source) -> &Clock {
        &self.clocks[source.index()]
    }

    /// Whether every source of the newest model so far has had a watermark, then or since.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        self.ready_at.is_some()
    }

    /// Bytes that its accounts and timers take, heap included.
    #[must_use]
    pub fn size(&self) -> usize {
        self.accounts.iter().map(Account::size).sum::<usize>()
            + self.calendars.iter().map(Calendar::heap).sum::<usize>()
            + self.index.heap()
            + self.expiries.len() * size_of::<(i64, u32)>()
    }
}
