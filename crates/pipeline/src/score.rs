//! The score worker: entries of the journal in, effects and checkpoints out, one transaction at a time.
//!
//! ```text
//! poll ─> frame ─> fold ─> outbox ─┐
//!                     dirty accounts ┴─> commit (effects, state, head, offset with position)
//! ```
//!
//! Invariants:
//! - The fold never rolls back: what it said stays in the outbox until its transaction is committed, or the
//!   shard is dropped.
//! - A transaction has an offset of every shard of which it holds anything.
//! - What one minute's advance or one entry causes is in one transaction with the position after it.

mod checkpoint;
mod outbox;
mod owned;
mod restore;

use crate::commit::{Committer, Outcome, Resolution};
use crate::failure::{Failure, Progress, later};
use crate::metadata;
use crate::settings::{self, millis};
use crate::status::{ScoreStatus, ShardStatus};
use crate::topic;
use crate::variant::{Correct, Variant};
use engine::Step;
use engine::entry::Position;
use log::{Appends, Batch, Event, Isolation, Log, Member, OffsetCommit, Partition, Transaction};
pub(crate) use checkpoint::kind;
use outbox::{Outbox, Silent};
pub(crate) use outbox::Topics;
use owned::Folding;
pub(crate) use owned::State;
use restore::Restore;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use wire::frame::FrameBuffer;
use wire::output::{Encoder, Journal};

/// The group of the score workers.
pub const GROUP: &str = "vitals-score";

/// A score worker.
#[derive(Debug)]
pub struct Score<L: Log, V: Variant = Correct> {
    log: L,
    identity: settings::Identity,
    settings: settings::Score,
    journal: Arc<str>,
    topics: Topics,
    encoder: Encoder,
    member: Option<L::Member>,
    committer: Committer<L, V>,
    owned: BTreeMap<Partition, State<L, V>>,
    leaving: Vec<Partition>,
    sending: Vec<Partition>,
    /// The batch at hand, and the record and entry in it that is folded next.
    batch: Batch,
    cursor: Option<Cursor>,
    frame: FrameBuffer,
    committed_at: i64,
    /// Whether the last poll brought nothing.
    drained: bool,
    commits: u64,
}

/// A place in the batch at hand.
#[derive(Clone, Copy, Debug, Default)]
struct Cursor {
    record: usize,
    entry: u32,
    /// Whether the shard is in the midst of that entry.
    within: bool,
}

impl<L: Log> Score<L> {
    /// A worker that has done nothing.
    pub fn new(log: L, identity: settings::Identity, settings: settings::Score) -> Self {
        Self::of_variant(log, identity, settings)
    }
}

impl<L: Log, V: Variant> Score<L, V> {
    /// A worker that may be known to be wrong.
    #[doc(hidden)]
    pub fn of_variant(log: L, identity: settings::Identity, settings: settings::Score) -> Self {
        Self {
            journal: topic::JOURNAL.into(),
            topics: Topics::default(),
            encoder: Encoder::new(&identity.instance),
            member: None,
            committer: Committer::new(log.clone(), identity.id("score")),
            owned: BTreeMap::new(),
            leaving: Vec::new(),
            sending: Vec::new(),
            batch: Batch::default(),
            cursor: None,
            frame: FrameBuffer::default(),
            committed_at: i64::MIN,
            drained: false,
            commits: 0,
            log,
            identity,
            settings,
        }
    }

    /// Does the next thing there is to do.
    ///
    /// # Errors
    /// [`Failure`]: the worker cannot go on. A shard that refuses is not a failure of the worker: it is in the
    /// status.
    pub fn step(&mut self) -> Result<Progress, Failure> {
        if !self.prepare()? {
            return Ok(Progress::Idle);
        }
        if self.committer.is_in_doubt() {
            return self.resolve();
        }
        let restored = self.restore()?;
        if self.is_due() {
            self.commit()?;
        }
        self.let_go();
        if self.cursor.is_some() {
            if self.outbox() < self.settings.outbox_bytes {
                self.fold()?;
                return Ok(Progress::Worked);
            }
            // Full: nothing is folded, but the group is served.
            return Ok(Progress::Idle);
        }
        let polled = self.poll()?;
        Ok(if restored { Progress::Worked } else { polled })
    }

    fn prepare(&mut self) -> Result<bool, Failure> {
        if !self.committer.is_in_doubt() && !self.committer.open()? {
            return Ok(false);
        }
        if self.member.is_none() {
            let instance = self.identity.id("score");
            let topics = std::slice::from_ref(&self.journal);
            self.member = later(self.log.join(GROUP, &instance, topics, Isolation::Committed))?;
        }
        Ok(self.member.is_some())
    }

    /// Brings assigned shards back, a step each. Returns whether one moved.
    fn restore(&mut self) -> Result<bool, Failure> {
        let Some(member) = &mut self.member else { return Ok(false) };
        let mut moved = false;
        for (partition, state) in &mut self.owned {
            let next = match state {
                State::Waiting => {
                    let Some(committed) = later(member.committed(std::slice::from_ref(partition)))? else { continue };
                    let committed = committed.into_iter().next().flatten();
                    match Restore::begin(&self.log, partition, committed, self.settings.rebuild) {
                        Ok(None) => continue,
                        Ok(Some(restore)) => State::Restoring(Box::new(restore)),
                        Err(failure) => refused(partition, failure)?,
                    }
                }
                State::Restoring(restore) => match restore.step(Duration::ZERO, self.settings.rebuild) {
                    Ok(None) => continue,
                    Ok(Some(restored)) => {
                        if let Some(stamp) = restored.stamp {
                            self.committer.pass(stamp);
                        }
                        let from = restored.from;
                        let bytes = restore.bytes();
                        match later(member.start(partition, from)) {
                            Ok(None) => continue,
                            Ok(Some(())) => {
                                tracing::info!(%partition, bytes, from, "state read");
                                let mut folding = Folding::new(restored);
                                go_live(&mut folding, partition)?;
                                State::Folding(Box::new(folding))
                            }
                            Err(failure) => refused(partition, failure)?,
                        }
                    }
                    Err(failure) => refused(partition, failure)?,
                },
                State::Folding(_) | State::Refused(_) => continue,
            };
            *state = next;
            moved = true;
        }
        Ok(moved)
    }

    fn outbox(&self) -> usize {
        let sizes = self.owned.values().map(|state| match state {
            State::Folding(folding) => folding.appends.size(),
            State::Waiting | State::Restoring(_) | State::Refused(_) => 0,
        });
        sizes.sum()
    }

    fn is_due(&self) -> bool {
        if !self.committer.is_ready() {
            return false;
        }
        let content = self.owned.values().any(|state| matches!(state, State::Folding(f) if f.has_content()));
        if !content {
            return false;
        }
        let waited = self.log.now().saturating_sub(self.committed_at);
        !self.leaving.is_empty()
            || self.drained && waited >= millis(self.settings.commit_least)
            || waited >= millis(self.settings.commit_most)
            || self.outbox() >= self.settings.outbox_bytes
    }

    fn commit(&mut self) -> Result<(), Failure> {
        let Some(member) = &mut self.member else { return Ok(()) };
        let Some(membership) = member.membership() else { return Ok(()) };
        let now = self.log.now();
        let stamp = self.committer.stamp();
        self.sending.clear();
        let mut offsets = Vec::new();
        for (partition, state) in &mut self.owned {
            let State::Folding(folding) = state else { continue };
            if !folding.has_content() {
                continue;
            }
            folding.checkpoint.add(
                &mut folding.shard,
                &mut folding.appends,
                &self.topics.state,
                partition.number,
                now,
                &self.settings,
            );
            let metadata = metadata::Journal { stamp, position: folding.position }.write();
            offsets.push(OffsetCommit { partition: partition.clone(), offset: folding.next, metadata });
            self.sending.push(partition.clone());
        }
        let appends: Vec<&Appends> = self
            .owned
            .values()
            .filter_map(|state| match state {
                State::Folding(folding) if folding.has_content() => Some(&folding.appends),
                _ => None,
            })
            .collect();
        let transaction = Transaction { appends: &appends, offsets: &offsets, membership: Some(&membership) };
        if let Outcome::Committed(_) = self.committer.commit(&transaction)? {
            self.is_committed(now);
        }
        Ok(())
    }

    fn is_committed(&mut self, now: i64) {
        for partition in self.sending.drain(..) {
            if let Some(State::Folding(folding)) = self.owned.get_mut(&partition) {
                folding.committed = folding.position;
                folding.appends.clear();
            }
        }
        self.committed_at = now;
        self.commits += 1;
    }

    /// Finds out what became of the transaction in doubt. Nothing is folded meanwhile.
    fn resolve(&mut self) -> Result<Progress, Failure> {
        let now = self.log.now();
        let Some(member) = &mut self.member else { return Ok(Progress::Idle) };
        let ours: Vec<Partition> =
            self.sending.iter().filter(|partition| self.owned.contains_key(*partition)).cloned().collect();
        match self.committer.resolve(member, &ours, metadata::Journal::stamp)? {
            Resolution::Later => {
                if self.cursor.is_none() {
                    return self.poll();
                }
                return Ok(Progress::Idle);
            }
            Resolution::Committed => self.is_committed(now),
            // Sent again, without the shards that are gone.
            Resolution::Aborted => {}
            Resolution::Mixed => {
                for partition in ours {
                    self.drop_shard(&partition);
                    self.owned.insert(partition, State::Waiting);
                }
            }
        }
        Ok(Progress::Worked)
    }

    /// Gives up what was revoked, once its outbox is committed, or cannot be.
    fn let_go(&mut self) {
        if self.leaving.is_empty() || self.committer.is_in_doubt() {
            return;
        }
        let hopeless = self.member.as_ref().is_none_or(|member| member.membership().is_none());
        let waits = |partition: &Partition| {
            matches!(self.owned.get(partition), Some(State::Folding(folding)) if folding.has_content())
        };
        if !hopeless && self.leaving.iter().any(waits) {
            return;
        }
        let leaving = std::mem::take(&mut self.leaving);
        for partition in &leaving {
            self.drop_shard(partition);
        }
        if let Some(member) = &mut self.member {
            member.release(&leaving);
        }
    }

    fn drop_shard(&mut self, partition: &Partition) {
        self.owned.remove(partition);
        if self.cursor.is_some() && self.batch.partition.as_ref() == Some(partition) {
            self.cursor = None;
            self.batch.clear();
        }
        if let Some(member) = &mut self.member {
            member.pause(partition);
        }
    }

    fn poll(&mut self) -> Result<Progress, Failure> {
        let Some(member) = &mut self.member else { return Ok(Progress::Idle) };
        let wait = if self.owned.values().any(|state| matches!(state, State::Restoring(_) | State::Waiting)) {
            Duration::ZERO
        } else {
            self.settings.wait
        };
        self.batch.clear();
        let event = later(member.poll(&mut self.batch, wait))?;
        self.drained = matches!(event, None | Some(Event::Idle | Event::End { .. }));
        match event {
            None | Some(Event::Idle) => return Ok(Progress::Idle),
            Some(Event::Records) => self.cursor = Some(Cursor::default()),
            Some(Event::End { partition, offset }) => {
                if let Some(State::Folding(folding)) = self.owned.get_mut(&partition) {
                    folding.end = folding.end.max(Some(offset));
                }
            }
            Some(Event::Assigned(partitions)) => {
                for partition in partitions {
                    self.owned.entry(partition).or_insert(State::Waiting);
                }
            }
            Some(Event::Revoked(partitions)) => self.leaving.extend(partitions),
            Some(Event::Lost(partitions)) => {
                for partition in partitions {
                    self.leaving.retain(|other| *other != partition);
                    self.drop_shard(&partition);
                }
            }
        }
        Ok(Progress::Worked)
    }

    /// Folds the batch at hand, as far as the outbox takes it.
    fn fold(&mut self) -> Result<(), Failure> {
        let Some(mut cursor) = self.cursor.take() else { return Ok(()) };
        let Some(partition) = self.batch.partition.clone() else { return Ok(()) };
        let Some(State::Folding(folding)) = self.owned.get_mut(&partition) else { return Ok(()) };
            while let Some(record) = self.batch.record(cursor.record) {
            if let Err(reason) = self.frame.load(record.value.unwrap_or_default()) {
                let reason = format!("the journal record at offset {} cannot be read: {reason}", record.offset);
                let state = refuse(&partition, reason);
                self.owned.insert(partition, state);
                return Ok(());
            }
            let journal = Journal { epoch: self.frame.epoch(), partition: partition.number };
            let mut out = Outbox {
                encoder: &mut self.encoder,
                journal,
                topics: &self.topics,
                appends: &mut folding.appends,
            };
            let done = fold_record(
                record.offset,
                &self.frame,
                &mut cursor,
                folding_parts(&mut folding.shard, folding.target, &mut folding.live),
                &mut out,
                self.settings.outbox_bytes,
            );
            match done {
                Err(reason) => {
                    let state = refuse(&partition, reason);
                    self.owned.insert(partition, state);
                    return Ok(());
                }
                Ok(Done::Record) => {
                    folding.next = record.offset + 1;
                    folding.position = folding.position.max(folding.shard.position());
                    cursor = Cursor { record: cursor.record + 1, ..Cursor::default() };
                }
                Ok(Done::Full) => {
                    folding.next = record.offset;
                    folding.position = folding.position.max(folding.shard.position());
                    self.cursor = Some(cursor);
                    return Ok(());
                }
                Ok(Done::Reached) => {
                    folding.position = folding.shard.position();
                    go_live(folding, &partition)?;
                }
            }
        }
        Ok(())
    }

    /// Leaves the group, so that others take over at once.
    pub fn stop(mut self) {
        if let Some(member) = self.member.take() {
            member.leave();
        }
    }

    /// Whether every journal partition is owned, live, read to `ends` and committed.
    #[must_use]
    pub fn has_reached(&self, ends: &[i64]) -> bool {
        self.cursor.is_none()
            && (0..).zip(ends).all(|(number, end)| {
                let partition = Partition::new(Arc::clone(&self.journal), number);
                matches!(self.owned.get(&partition), Some(State::Folding(folding))
                    if folding.live && folding.end.max(Some(folding.next)) >= Some(*end) && !folding.has_content())
            })
    }

    /// How it stands.
    #[must_use]
    pub fn status(&self) -> ScoreStatus {
        let mut status = ScoreStatus { commits: self.commits, outbox: self.outbox(), ..ScoreStatus::default() };
        for (partition, state) in &self.owned {
            if let State::Refused(reason) = state {
                status.reasons.push(reason.clone());
            }
            status.shards.push(ShardStatus::of(partition.number, state));
        }
        status
    }
}

/// A refusal is the shard's; any other failure is the worker's.
fn refused<L: Log, V: Variant>(partition: &Partition, failure: Failure) -> Result<State<L, V>, Failure> {
    match failure {
        Failure::Refused { .. } | Failure::Log(log::Error::OutOfRange { .. }) => {
            Ok(refuse(partition, failure.to_string()))
        }
        Failure::Log(_) | Failure::Fenced { .. } | Failure::Stuck(_) => Err(failure),
    }
}

fn refuse<L: Log, V: Variant>(partition: &Partition, reason: String) -> State<L, V> {
    tracing::error!(%partition, reason, "the shard does not go live");
    State::Refused(reason)
}

/// Goes live if the shard has come to where its effects were committed.
fn go_live(folding: &mut Folding, partition: &Partition) -> Result<(), Failure> {
    if folding.live || folding.shard.position() < folding.target {
        return Ok(());
    }
    if let Some(head) = folding.head.take() {
        folding.shard.read_head(&head).map_err(|error| {
            Failure::refused(partition, format!("the head: {error}"), "start once with `vitals run --rebuild`")
        })?;
    }
    folding.live = true;
    folding.position = folding.shard.position();
    tracing::info!(%partition, position = ?folding.position, accounts = folding.shard.len(), "shard live");
    Ok(())
}

/// What folding a record came to.
enum Done {
    Record,
    /// The outbox is full.
    Full,
    /// The position at which effects begin was reached.
    Reached,
}

/// What folding a record needs of the shard.
struct Parts<'a> {
    shard: &'a mut engine::Shard,
    target: Position,
    live: bool,
}

fn folding_parts<'a>(shard: &'a mut engine::Shard, target: Position, live: &mut bool) -> Parts<'a> {
    Parts { shard, target, live: *live }
}

/// Folds a record from the cursor on.
fn fold_record(
    offset: i64,
    frame: &FrameBuffer,
    cursor: &mut Cursor,
    parts: Parts<'_>,
    out: &mut Outbox<'_>,
    limit: usize,
) -> Result<Done, String> {
    let Parts { shard, target, live } = parts;
    let unreadable = |error| format!("the journal record at offset {offset} cannot be read: {error}");
    let mut reader = frame.reader_from(cursor.entry).map_err(unreadable)?;
    while let Some(entry) = reader.next_entry().map_err(unreadable)? {
        let at = Position { offset, entry: cursor.entry, minute: i64::MIN };
        // What the marker reflects is passed over; where it stands in the midst of an entry, that goes on.
        if !cursor.within && shard.position() >= Position::after(offset, cursor.entry) {
            cursor.entry += 1;
            continue;
        }
        loop {
            let mut silent = Silent;
            let sink: &mut dyn engine::effect::Sink = if live { out } else { &mut silent };
            let step = if cursor.within {
                Ok(shard.go_on(sink))
            } else {
                let resumed = (shard.position().offset, shard.position().entry) == (offset, cursor.entry);
                if resumed {
                    Ok(shard.go_on(sink))
                } else {
                    shard.fold(at, &entry, sink)
                }
            };
            let step = step.map_err(|refused| format!("the entry {} of offset {offset}: {refused}", cursor.entry))?;
            cursor.within = step == Step::More;
            if step == Step::Done {
                cursor.entry += 1;
            }
            if !live && shard.position() >= target {
                return Ok(Done::Reached);
            }
            if step == Step::Done {
                break;
            }
            if live && out.appends.size() >= limit {
                return Ok(Done::Full);
            }
        }
        if live && out.appends.size() >= limit {
            return Ok(Done::Full);
        }
    }
    cursor.entry = 0;
    Ok(Done::Record)
}
