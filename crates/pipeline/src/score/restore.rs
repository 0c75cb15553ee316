//! How a shard comes back: committed offset, state, then the journal between the two.
//!
//! ```text
//! committed offset C (its answer is the barrier: the predecessor is decided)
//!   ─> end of the state partition, uncommitted ─> state, committed, up to that end
//!   ─> marker at K ─> journal K..C without effects ─> live
//! ```
//! What does not fit together is refused, never started empty. A rebuild folds from the journal's beginning, and is
//! silent up to C or up to the head, which was committed with the effects before it, whichever is further: offsets may
//! be lost, or be older ones that were brought back.

use super::checkpoint::{Ground, chunks, kind, read_mark};
use super::records::Records;
use crate::failure::{BRING_BACK, Failure, later, widened};
use crate::metadata;
use crate::settings::Rebuild;
use crate::status::Way;
use crate::topic;
use crate::variant::Variant;
use engine::entry::Position;
use engine::{Restoring, Shard};
use log::{Batch, Committed, Ends, Event, Isolation, Log, Partition, Reader};
use model::plan::ModelId;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

/// The way out where the state does not do.
pub(crate) const REBUILD: &str =
    "start once with `vitals run --rebuild`, which folds the journal from its beginning";

/// A shard on its way back.
#[derive(Debug)]
pub(crate) struct Restore<L: Log, V: Variant> {
    partition: Partition,
    committed: Option<(Committed, metadata::Journal)>,
    journal: Ends,
    /// How many partitions the journal has.
    count: u32,
    reader: L::Reader,
    /// The first offset of the state, where reading goes on, and where it ends.
    first: i64,
    at: i64,
    end: i64,
    batch: Batch,
    records: Records,
    bytes: usize,
    /// Its partitions of outputs that have something in them, if only what was aborted. They are looked into where
    /// nothing says what was committed.
    outputs: Vec<(Partition, Ends)>,
    is_probing: bool,
    /// Whether its outputs hold committed records.
    has_spoken: bool,
    variant: PhantomData<V>,
}

/// A shard that is back at its marker.
#[derive(Debug)]
pub(crate) struct Restored {
    pub(crate) shard: Shard,
    /// Models whose text is stored, each with the number of its chunks.
    pub(crate) models: BTreeMap<ModelId, usize>,
    /// Whether there is a marker in the state that can be restored from.
    pub(crate) marked: bool,
    pub(crate) ground: Ground,
    /// The offset and the checksum of the journal record in which the shard stood.
    pub(crate) last: Option<(i64, u32)>,
    /// The position up to which its effects are committed.
    pub(crate) target: Position,
    /// The offset at which the journal is read on.
    pub(crate) from: i64,
    pub(crate) head: Option<Vec<u8>>,
    pub(crate) stamp: Option<crate::commit::Stamp>,
}

impl<L: Log, V: Variant> Restore<L, V> {
    /// Begins, once the committed offset is known for certain.
    pub(crate) fn begin(
        log: &L,
        partition: &Partition,
        committed: Option<Committed>,
    ) -> Result<Option<Self>, Failure> {
        let topics = [
            Arc::clone(&partition.topic),
            topic::STATE.into(),
            topic::HEALTH.into(),
            topic::ALERTS.into(),
            topic::ACCOUNT_HEALTH.into(),
        ];
        let Some(round) = later(log.ends(&topics))? else { return Ok(None) };
        let of = |place: usize| {
            round.topics.get(place).and_then(|ends| ends.get(partition.number as usize)).copied()
        };
        let (Some(journal), Some(state)) = (of(0), of(1)) else {
            let reason = "the state topic has fewer partitions than the journal";
            return Err(Failure::refused(partition, reason, "create it anew with `vitals setup`"));
        };
        let count = round.topics.first().map_or(0, Vec::len);
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let outputs = (2..topics.len()).filter_map(|place| {
            let ends = of(place).filter(|ends| ends.end > 0)?;
            Some((Partition::new(Arc::clone(&topics[place]), partition.number), ends))
        });
        let outputs = outputs.collect();
        let committed = match committed {
            None => None,
            Some(committed) => {
                let journal = metadata::Journal::read(&committed.metadata).ok_or_else(|| {
                    Failure::refused(partition, metadata::foreign(&committed.metadata), metadata::DELETE)
                })?;
                Some((committed, journal))
            }
        };
        let state_partition = Partition::new(topics[1].clone(), partition.number);
        let end = if V::STATE_TO_STABLE_END { state.first } else { state.end };
        let Some(reader) = later(log.read(&state_partition, state.first, Isolation::Committed))? else {
            return Ok(None);
        };
        Ok(Some(Self {
            partition: partition.clone(),
            committed,
            journal,
            count,
            reader,
            first: state.first,
            at: state.first,
            end,
            batch: Batch::default(),
            records: Records::default(),
            bytes: 0,
            outputs,
            is_probing: false,
            has_spoken: false,
            variant: PhantomData,
        }))
    }

    /// The offset up to which effects were committed when this began.
    pub(crate) fn committed(&self) -> Option<&Committed> {
        self.committed.as_ref().map(|(committed, _)| committed)
    }

    /// How much of the state was read.
    pub(crate) fn way(&self) -> Way {
        Way::new(self.first, self.at, self.end)
    }

    /// How many bytes of state were read.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Reads on. Returns the shard once all is read.
    pub(crate) fn step(
        &mut self,
        log: &L,
        wait: Duration,
        rebuild: Rebuild,
    ) -> Result<Option<Restored>, Failure> {
        for _ in 0..16 {
            match later(self.reader.poll(&mut self.batch, wait))? {
                Some(Event::Records) if self.is_probing => {
                    self.has_spoken = true;
                    return self.put_together(rebuild).map(Some);
                }
                Some(Event::Records) => {
                    for record in self.batch.records() {
                        self.at = record.offset + 1;
                        self.bytes += record.value.map_or(0, <[u8]>::len);
                        self.records.put(record.key.unwrap_or_default(), record.value);
                    }
                }
                Some(Event::End { offset, .. }) if offset >= self.end => {
                    if self.has_something() || self.outputs.is_empty() {
                        return self.put_together(rebuild).map(Some);
                    }
                    if !self.probe(log)? {
                        return Ok(None);
                    }
                }
                Some(
                    Event::End { .. } | Event::Idle | Event::Assigned(_) | Event::Revoked(_) | Event::Lost(_),
                )
                | None => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Whether anything says, or once said, how far the shard is.
    fn has_something(&self) -> bool {
        self.committed.is_some() || self.records.len() > 0 || self.first > 0 || self.has_spoken
    }

    /// Goes on to the next output. Returns whether it can be read.
    fn probe(&mut self, log: &L) -> Result<bool, Failure> {
        let Some((partition, ends)) = self.outputs.last() else { return Ok(false) };
        let Some(reader) = later(log.read(partition, ends.first, Isolation::Committed))? else {
            return Ok(false);
        };
        // What was deleted since was there.
        (self.is_probing, self.has_spoken) = (true, ends.first > 0);
        (self.reader, self.end) = (reader, ends.end);
        self.outputs.pop();
        Ok(true)
    }

    fn refuse(&self, reason: impl Into<String>) -> Failure {
        Failure::refused(&self.partition, reason, REBUILD)
    }

    /// The position at which a head was written: up to there all effects are out.
    fn position_of(&self, head: &[u8]) -> Result<Position, Failure> {
        let peeked = Shard::peek_head(head);
        Ok(peeked
            .map_err(|error| self.refuse_for_good(format!("no offset is committed, and the head: {error}")))?
            .0)
    }

    fn put_together(&mut self, rebuild: Rebuild) -> Result<Restored, Failure> {
        let mut records = std::mem::take(&mut self.records);
        let head = records.value(kind::HEAD, &[]).map(Cow::into_owned);
        let target = match (&self.committed, &head) {
            // What of the head cannot be read says nothing, and is a reason to rebuild.
            (Some((_, journal)), Some(head)) if rebuild == Rebuild::Yes && !V::HEAD_UNASKED => {
                Shard::peek_head(head).map_or(journal.position, |(at, ..)| at.max(journal.position))
            }
            (Some((_, journal)), _) => journal.position,
            (None, Some(head)) => self.position_of(head)?,
            (None, None) if self.has_spoken => {
                return Err(self.refuse_for_good(
                    "there are records of it in the outputs, but neither a committed offset nor state says which"
                        .to_owned(),
                ));
            }
            (None, None) if records.len() == 0 && self.first == 0 => Position::START,
            (None, None) => {
                return Err(self.refuse_for_good(
                    "there was state, but neither a committed offset nor the head says which effects are out"
                        .to_owned(),
                ));
            }
        };
        if target.offset >= self.journal.end {
            let reason = format!(
                "the committed position {target:?} is beyond the end of the journal at offset {}: the journal was truncated, or is another",
                self.journal.end
            );
            return Err(self.refuse_for_good(reason));
        }
        let stamp = self.committed.as_ref().map(|(_, journal)| journal.stamp);
        let last = self.committed.as_ref().map(|(_, journal)| (journal.position.offset, journal.frame));
        let marker = records.value(kind::MARKER, &[]);
        // Of no use to a rebuild but for this.
        let before = marker.as_deref().and_then(read_mark);
        if let Some(reason) = before.and_then(|(ground, _)| widened(ground.journal, self.count)) {
            return Err(self.refuse_for_good(reason));
        }
        let ground = Ground { since: self.first, journal: self.count };
        if rebuild == Rebuild::Yes || (self.committed.is_none() && head.is_none()) {
            if self.journal.first > 0 {
                let reason = format!(
                    "its first {} offsets were deleted, so the fold has no beginning",
                    self.journal.first
                );
                return Err(self.refuse_for_good(reason));
            }
            let (shard, models) = (Shard::new(), BTreeMap::new());
            let (marked, from, head) = (false, 0, None);
            return Ok(Restored { shard, models, marked, ground, last, target, from, head, stamp });
        }
        let Some((committed, _)) = &self.committed else {
            return Err(self.refuse(
                "there is state, but no offset is committed: offsets expired or the group was changed",
            ));
        };
        let Some(marker) = marker else {
            return Err(self.refuse(format!(
                "state is missing, though offset {} is committed: the state topic was truncated or deleted",
                committed.offset
            )));
        };
        if head.is_none() {
            return Err(self.refuse("the head is missing, which every commit stores: it was deleted"));
        }
        let (Ground { since, .. }, marker) =
            read_mark(&marker).ok_or_else(|| self.refuse("the marker is cut off"))?;
        if since != self.first && !V::CUT_UNSEEN {
            return Err(self.refuse(format!(
                "the state topic begins at offset {}, and began at {since} before: accounts in it may have been deleted",
                self.first
            )));
        }
        let damaged = |what: &str, error: engine::bytes::Damaged| format!("{what}: {error}");
        let models = Restoring::models(marker).map_err(|error| self.refuse(damaged("the marker", error)))?;
        let mut texts: BTreeMap<ModelId, String> = BTreeMap::new();
        for id in &models {
            let text =
                records.value(kind::MODEL, &id.0).and_then(|text| String::from_utf8(text.into_owned()).ok());
            texts
                .insert(*id, text.ok_or_else(|| self.refuse(format!("model {id} is missing in the state")))?);
        }
        let mut restoring = Restoring::new(marker, |id| texts.get(&id).map(String::as_str))
            .map_err(|error| self.refuse(damaged("the marker", error)))?;
        let k = restoring.position();
        if k > target {
            return Err(
                self.refuse(format!("the marker stands at {k:?}, after the committed position {target:?}"))
            );
        }
        if self.journal.first > k.offset.max(0) {
            let reason = format!(
                "the journal begins at offset {}, after the checkpoint at {}: what the fold needs is gone",
                self.journal.first,
                k.offset.max(0)
            );
            return Err(self.refuse_for_good(reason));
        }
        self.add_accounts(&mut records, &mut restoring, target)?;
        if V::ACCOUNTS_NOT_SKIPPED {
            restoring.skip_nothing();
        }
        let from = match &self.committed {
            Some((committed, _)) if V::REPLAY_LEFT_OUT => committed.offset,
            _ if k == Position::START => self.journal.first,
            _ => k.offset,
        };
        let (shard, models) =
            (restoring.finish(), texts.iter().map(|(id, text)| (*id, chunks(text.len()))).collect());
        Ok(Restored { shard, models, marked: true, ground, last, target, from, head, stamp })
    }

    fn add_accounts(
        &self,
        records: &mut Records,
        restoring: &mut Restoring,
        target: Position,
    ) -> Result<(), Failure> {
        restoring.reserve(records.len());
        records.take_accounts(|key, value| {
            let refuse =
                |what: &str| self.refuse(format!("account {:?}{what}", String::from_utf8_lossy(key)));
            let value = value.ok_or_else(|| refuse(" is stored in part"))?;
            let position = restoring.add(value).map_err(|error| refuse(&format!(": {error}")))?;
            if position > target {
                let ahead = format!(" reflects {position:?}, after the committed position {target:?}");
                return Err(refuse(&ahead));
            }
            Ok(())
        })
    }

    fn refuse_for_good(&self, reason: String) -> Failure {
        Failure::refused(&self.partition, reason, BRING_BACK)
    }
}
