//! One journal partition, folded: its accounts, its clocks, its model, its timers.
//!
//! [`Shard::fold`] takes one entry; a watermark entry is taken in steps of a minute, so that what must be in one
//! transaction stays small. Between any two steps the shard is at a [`Position`] at which it can be stored and
//! from which it can go on.

mod advance;
mod bytes;
mod census;
mod index;
mod jump;
mod plans;
mod switch;
mod view;

use crate::account::{Account, Slot, part};
use crate::activity::Activity;
use crate::assess::Assessment;
use crate::clock::{Clock, SPREAD};
use crate::count::Counts;
use crate::dedup::{self, Horizon, Remembered};
use crate::effect::{Cause, EffectId, Sink};
use crate::entry::{Entry, Latest, Position, Watermarks};
use crate::evaluate::{Look, Out, Scope, derive, evaluate};
use crate::fingerprint;
use crate::now::{Clocks, Now};
use crate::operator;
use crate::overriding;
use crate::reading::edge;
use crate::timer::{Calendar, NEVER, minute_of};
use model::plan::{SourceRules, SourceSet};
use model::source::{SOURCES, Source};
use model::time::SECOND;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};

pub use bytes::Restoring;
pub use census::Census;
use index::Index;
use plans::Plans;

/// The version of the fold's rules that this code implements.
pub const FOLD_VERSION: u32 = 1;

/// Why an entry cannot be folded. Nothing of it was taken in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The journal asks for other rules.
    #[error(
        "the journal is to be read under fold version {0} from here on; this program contains version {FOLD_VERSION}: run one that contains it"
    )]
    FoldVersion(u32),
    /// A model in the journal does not compile.
    #[error("a model in the journal is not valid: {0}")]
    Model(String),
    /// A model has more measures than the fold takes.
    #[error("the model has {0} measures; at most {limit} are possible", limit = model::plan::MOST_MEASURES)]
    TooManyMeasures(usize),
    /// An account that was stored under a model cannot be read now that the model has come.
    #[error("what was stored cannot be read: {0}")]
    State(String),
}

/// How far the folding of an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Call [`Shard::go_on`] for the rest.
    More,
    /// The entry is done.
    Done,
}

/// What an activity came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Applied,
    Duplicate,
    Late,
    Unused,
}

/// A stored account whose model comes only at a later position than the marker's.
#[derive(Clone, Debug)]
struct Parked {
    /// The place of its plan among those of the shard.
    plan: usize,
    bytes: Box<[u8]>,
}

/// One journal partition, folded.
#[derive(Debug)]
pub struct Shard {
    clocks: [Clock; SOURCES],
    rules: [SourceRules; SOURCES],
    used: SourceSet,
    plans: Plans,
    /// Models that accounts are still to switch to: from which greatest T on, and to which plan.
    switches: Vec<(i64, usize)>,
    /// The greatest T at which every source of the newest model so far first had one.
    ready_at: Option<i64>,
    /// The greatest T so far.
    greatest: i64,
    accounts: Vec<Account>,
    /// The place of each account.
    index: Index,
    /// Accounts by the second of their spread.
    by_spread: Vec<Vec<u32>>,
    calendars: Vec<Calendar>,
    /// When overrides of accounts end, on the T of `command`.
    expiries: BTreeSet<(i64, u32)>,
    /// Accounts that owe an account-health record.
    changed: Vec<u32>,
    /// Accounts that changed since they were last stored.
    dirty: VecDeque<u32>,
    is_dirty: Vec<bool>,
    /// Accounts that were restored and wait for their model; empty but after a restore.
    parked: BTreeMap<Box<str>, Parked>,
    /// Accounts that were restored and are ahead of the shard, which has not folded so far again: the position that
    /// each reflects, the least first.
    ahead: BinaryHeap<Reverse<(Position, u32)>>,
    counts: Counts,
    position: Position,
    /// Effects of the entry at `position` so far.
    effects: u32,
    now: Now,
    work: Assessment,
    /// The places of the accounts that were warmed last, and which of them is next.
    warmed: Vec<u32>,
    next_warmed: usize,
    /// Signals that the activity at hand touches.
    touched: Vec<usize>,
    /// While a watermark entry is under way: which accounts are published at its end.
    advancing: Option<Latest>,
    /// A position at which a step must be able to end.
    halt: Position,
}

impl Default for Shard {
    fn default() -> Self {
        Self::new()
    }
}

/// The most accounts that are warmed at once.
const GROUP: usize = 64;

/// The second of a spread, from 0 on.
fn second_of(spread: i64) -> usize {
    usize::try_from(spread.max(0) / SECOND).unwrap_or(0)
}

/// Whether an account of spread `spread` may be published and its rules may run.
fn is_open(ready_at: Option<i64>, now: &Now, spread: i64) -> bool {
    ready_at.is_some_and(|ready| now.greatest.saturating_sub(spread) >= ready)
}

/// Whether two ids are the same. They are short: a call of `memcmp` costs several times as much.
#[inline]
fn is_same(one: &str, other: &str) -> bool {
    let ((ones, one_rest), (others, other_rest)) =
        (one.as_bytes().as_chunks::<8>(), other.as_bytes().as_chunks::<8>());
    one.len() == other.len()
        && ones.iter().zip(others).all(|(one, other)| u64::from_le_bytes(*one) == u64::from_le_bytes(*other))
        && one_rest.iter().zip(other_rest).all(|(one, other)| one == other)
}

/// Up to when fingerprints of each source count.
struct Horizons<'a> {
    clocks: &'a [Clock; SOURCES],
    rules: &'a [SourceRules; SOURCES],
}

impl Horizon for Horizons<'_> {
    fn horizon(&self, source: u8) -> Option<i64> {
        let i = usize::from(source).min(SOURCES - 1);
        Some(self.clocks[i].at()? - self.rules[i].dedup)
    }
}

impl Shard {
    /// A shard that has folded nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            clocks: Default::default(),
            rules: [SourceRules::default(); SOURCES],
            used: SourceSet::default(),
            plans: Plans::default(),
            switches: Vec::new(),
            ready_at: None,
            greatest: i64::MIN,
            accounts: Vec::new(),
            index: Index::default(),
            by_spread: vec![Vec::new(); second_of(SPREAD - 1) + 1],
            calendars: vec![Calendar::default(); 2 * SOURCES + 1],
            expiries: BTreeSet::new(),
            changed: Vec::new(),
            dirty: VecDeque::new(),
            is_dirty: Vec::new(),
            parked: BTreeMap::new(),
            ahead: BinaryHeap::new(),
            counts: Counts::default(),
            position: Position::START,
            effects: 0,
            now: Now::default(),
            work: Assessment::default(),
            warmed: Vec::new(),
            next_warmed: 0,
            touched: Vec::new(),
            advancing: None,
            halt: Position::START,
        }
    }

    /// Folds an entry. After [`Step::More`], [`Shard::go_on`] must be called until [`Step::Done`]; the shard's
    /// position moves with each step.
    ///
    /// # Errors
    /// [`Refused`]: the entry is not for this program. The shard is as before.
    pub fn fold(&mut self, at: Position, entry: &Entry<'_>, sink: &mut dyn Sink) -> Result<Step, Refused> {
        let is_new = (at.offset, at.entry) != (self.position.offset, self.position.entry);
        if is_new {
            self.effects = 0;
        }
        match entry {
            Entry::Activity(activity) => {
                self.observe(at, activity, sink);
                self.position = Position::after(at.offset, at.entry);
            }
            Entry::Watermarks(marks) => {
                // Where an advance goes on after a restore, what the entry says is known already.
                if is_new {
                    self.take_in(marks);
                }
                self.position = Position { offset: at.offset, entry: at.entry, minute: at.minute };
                self.advancing = Some(marks.latest);
                return Ok(self.go_on(sink));
            }
            Entry::Model(text) => {
                let position = Position::after(at.offset, at.entry);
                self.take_model(text, position)?;
                self.position = position;
            }
            Entry::FoldVersion(version) => {
                if *version != FOLD_VERSION {
                    return Err(Refused::FoldVersion(*version));
                }
                self.position = Position::after(at.offset, at.entry);
            }
        }
        self.catch_up();
        Ok(Step::Done)
    }

    fn take_in(&mut self, marks: &Watermarks) {
        for mark in &marks.sources {
            let i = mark.source.index();
            self.clocks[i].observe(mark, &self.rules[i]);
            for part in &mark.partitions {
                let count = self.counts.of(mark.source, part.partition);
                count.rejected = count.rejected.max(part.rejected);
                count.skipped = count.skipped.max(part.skipped);
                count.lost = count.lost.max(part.lost.offsets);
            }
        }
    }

    fn observe(&mut self, at: Position, activity: &Activity<'_>, sink: &mut dyn Sink) {
        let position = Position::after(at.offset, at.entry);
        let count = self.counts.of(activity.source, activity.partition);
        if activity.offset <= count.highest {
            count.backwards += 1;
        }
        count.highest = count.highest.max(activity.offset);
        let known = self.find_next(activity.account);
        // An account may reflect this entry already: it was stored after it, and the shard before it.
        let past = match known {
            Some(place) => self.accounts[place].is_past(position),
            None => self.is_parked(activity.account),
        };
        if past {
            return;
        }
        let outcome = self.apply(position, activity, known, sink);
        let count = self.counts.of(activity.source, activity.partition);
        match outcome {
            Outcome::Applied => count.applied += 1,
            Outcome::Duplicate => count.duplicate += 1,
            Outcome::Late => count.late += 1,
            Outcome::Unused => count.unused += 1,
        }
    }

    fn apply(
        &mut self,
        position: Position,
        activity: &Activity<'_>,
        known: Option<usize>,
        sink: &mut dyn Sink,
    ) -> Outcome {
        let Some(newest) = self.plans.len().checked_sub(1) else { return Outcome::Unused };
        let source = activity.source;
        // An account may be told of before its source has a T.
        let as_of = self.clocks[source.index()].at().unwrap_or(self.greatest);
        if let Some(place) = known {
            self.switch_at_entry(place, as_of, position, sink);
        }
        let clocks = Clocks { clocks: &self.clocks, rules: &self.rules };
        let spread =
            known.map_or_else(|| crate::account::spread(activity.account), |i| self.accounts[i].spread);
        let edge = edge(clocks, &self.now, source, spread);
        let is_override = overriding::is_one(activity);
        let is_about_account = is_override || matches!(source, Source::Account | Source::Subscription);
        let prepared = &mut self.plans[newest];
        let mut touched = std::mem::take(&mut self.touched);
        touched.clear();
        let mut is_used = false;
        for intake in &prepared.fed[source.index()] {
            if intake.is_filtered {
                let operator = &prepared.plan.signals[intake.signal].operator;
                if !operator::takes_in(operator, activity) {
                    continue;
                }
            }
            is_used = true;
            if !intake.kept.is_some_and(|kept| operator::is_late(kept, activity.time.0, &edge)) {
                touched.push(intake.signal);
            }
        }
        let horizons = Horizons { clocks: &self.clocks, rules: &self.rules };
        // An entry of its own brings every account to the newest plan.
        let seen = prepared.seen;
        let holds = |place: usize| dedup::holds(self.accounts[place].parts.get(seen), activity.id, &horizons);
        let outcome = if !is_used && !is_about_account {
            Outcome::Unused
        } else if known.is_some_and(holds) {
            Outcome::Duplicate
        } else if touched.is_empty() && !is_about_account {
            Outcome::Late
        } else {
            Outcome::Applied
        };
        if outcome != Outcome::Applied {
            self.touched = touched;
            return outcome;
        }
        let place = known.unwrap_or_else(|| {
            let account = Account::new(activity.account, newest, prepared);
            let place = self.accounts.len();
            let index = u32::try_from(place).unwrap_or(u32::MAX);
            let hash = fingerprint::of(activity.account.as_bytes());
            self.index.insert(hash, index);
            self.by_spread[second_of(account.spread)].push(index);
            self.accounts.push(account);
            self.is_dirty.push(false);
            place
        });
        let account = &mut self.accounts[place];
        let code = u8::try_from(source.index()).unwrap_or(0);
        let prints = &mut account.parts.part(seen);
        let remembered = dedup::remember(prints, activity.id, code, activity.time.0, &horizons);
        self.counts.forgotten += u64::from(remembered == Remembered::InsteadOfOldest);
        for signal in &touched {
            let operator = &prepared.plan.signals[*signal].operator;
            let at = prepared.layouts[*signal].1;
            if !operator::observe(operator, &mut account.parts, at, activity, &edge) {
                self.counts.crossed += 1;
            }
        }
        if source == Source::Milestone
            && let Some(milestones) = &mut account.milestones
            && !milestones.observe(activity)
        {
            self.counts.crossed += 1;
        }
        if is_override {
            self.take_override(place, activity);
        } else if is_about_account {
            account.info.get_or_insert_default().observe(activity);
        }
        let scope =
            if is_about_account { Scope::All(source, &touched) } else { Scope::Signals(source, &touched) };
        self.look(place, position, as_of, Cause::Activity(source), None, scope, sink);
        self.touched = touched;
        self.mark_dirty(place, position);
        Outcome::Applied
    }

    /// Evaluates an account, here and now or as of `now`.
    #[expect(
        clippy::too_many_arguments,
        reason = "one call for the three occasions on which accounts are looked at"
    )]
    fn look(
        &mut self,
        place: usize,
        position: Position,
        as_of: i64,
        cause: Cause,
        now: Option<&Now>,
        scope: Scope<'_>,
        sink: &mut dyn Sink,
    ) {
        let account = &mut self.accounts[place];
        let now = now.unwrap_or(&self.now);
        let enabled = is_open(self.ready_at, now, account.spread);
        let clocks = Clocks { clocks: &self.clocks, rules: &self.rules };
        let look = Look { now, clocks, as_of, cause, enabled, scope };
        let id = EffectId { offset: position.offset, entry: position.entry, index: self.effects };
        let mut out = Out { sink, id };
        let prepared = &mut self.plans[account.plan];
        let owed = account.changed;
        let changed = evaluate(account, prepared, &mut self.work, look, &mut out);
        self.effects = out.id.index;
        if account.changed && !owed {
            self.changed.push(u32::try_from(place).unwrap_or(u32::MAX));
        }
        self.arm(place);
        if changed {
            self.mark_dirty(place, position);
        }
    }

    /// Works out what is derived of an account, as it stands; nothing is said.
    fn derive(&mut self, place: usize) {
        let account = &mut self.accounts[place];
        let enabled = is_open(self.ready_at, &self.now, account.spread);
        let clocks = Clocks { clocks: &self.clocks, rules: &self.rules };
        let (as_of, cause, scope) = (account.as_of, Cause::Time, Scope::Anew);
        let look = Look { now: &self.now, clocks, as_of, cause, enabled, scope };
        derive(account, &self.plans[account.plan], &mut self.work, look);
        self.arm(place);
    }

    /// Puts an account into the calendars.
    fn arm(&mut self, place: usize) {
        self.await_expiry(place);
        let account = &mut self.accounts[place];
        let index = u32::try_from(place).unwrap_or(u32::MAX);
        if !std::mem::take(&mut account.rescheduled) {
            return;
        }
        let waits = &self.plans[account.plan].waits;
        let slots = account.parts.get_mut(part::DUE).chunks_exact_mut(Slot::WORDS);
        let last = slots.len() - 1;
        for (slot, words) in slots.enumerate() {
            let Slot { due, queued } = Slot::get(words);
            if due == NEVER || minute_of(due) >= queued {
                continue;
            }
            let calendar = if slot == last { 2 * SOURCES } else { 2 * waits[slot / 2].index() + slot % 2 };
            let queued = self.calendars[calendar].put(index, due);
            words.copy_from_slice(&Slot { due, queued }.words());
        }
    }

    fn mark_dirty(&mut self, place: usize, position: Position) {
        self.accounts[place].position = position;
        if !self.is_dirty[place] {
            self.is_dirty[place] = true;
            self.dirty.push_back(u32::try_from(place).unwrap_or(u32::MAX));
        }
    }

    fn find(&self, account: &str) -> Option<usize> {
        let hash = fingerprint::of(account.as_bytes());
        let is_it = |place: u32| &*self.accounts[place as usize].id == account;
        self.index.find(hash, is_it).map(|place| place as usize)
    }

    /// Finds the account of an entry: mostly the next of those that were warmed.
    fn find_next(&mut self, account: &str) -> Option<usize> {
        if let Some(place) = self.warmed.get(self.next_warmed).map(|place| *place as usize)
            && is_same(&self.accounts[place].id, account)
        {
            self.next_warmed += 1;
            return Some(place);
        }
        self.find(account)
    }

    /// Brings accounts that are about to be folded, in this order, into the cache. Nothing else depends on it.
    ///
    /// With many accounts, memory latency is most of the cost of an activity. Read one after another, each read
    /// waits for the one before; read as a group, in passes, they overlap. Groups of about 32 serve well.
    pub fn warm(&mut self, accounts: &[&str]) -> usize {
        self.warmed.clear();
        self.next_warmed = 0;
        for account in accounts.iter().take(GROUP) {
            let hash = fingerprint::of(account.as_bytes());
            self.warmed.extend(self.index.find(hash, |_| true));
        }
        let warmed = self.warmed.iter().map(|place| &self.accounts[*place as usize]);
        let own: usize = warmed.clone().map(Account::touch_self).sum();
        let parts: usize = warmed.map(Account::touch_parts).sum();
        own + parts
    }
}
