//! Folds the journal again, offline, and compares what it gives with what stands in the output topics, byte for
//! byte: promise 1, on a real system.
//!
//! Each journal partition up to the position that its shard has committed. Records are matched by `ce_id`, which
//! orders them; on a compacted topic a record may be gone if its key has a later one.

use crate::failure::Failure;
use crate::score::{Topics, kind};
use crate::topic;
use engine::count::Counts;
use engine::effect::{Effect, EffectId, Sink};
use engine::entry::Position;
use engine::{Shard, Step};
use log::{Batch, Event, Isolation, Log, Partition, Reader};
use model::source::Source;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use wire::frame::FrameBuffer;
use wire::output::{Encoder, Journal, Output};

/// How many differences are kept in words.
const SHOWN: usize = 20;

/// What a comparison came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// Journal entries folded.
    pub entries: u64,
    /// Records that are equal in key, value and headers.
    pub compared: u64,
    /// Records of a compacted topic that were superseded and are gone.
    pub superseded: u64,
    /// Records that the journal gives and no topic holds.
    pub missing: u64,
    /// Records that a topic holds and the journal does not give.
    pub extra: u64,
    /// Records that differ.
    pub different: u64,
    /// The first differences, in words.
    pub differences: Vec<String>,
    /// Partitions without a committed position: nothing of them was compared.
    pub untouched: Vec<u32>,
}

impl Verification {
    /// Whether everything is equal.
    #[must_use]
    pub const fn is_equal(&self) -> bool {
        self.missing == 0 && self.extra == 0 && self.different == 0
    }

    fn differ(&mut self, what: impl FnOnce() -> String) {
        if self.differences.len() < SHOWN {
            self.differences.push(what());
        }
    }
}

/// A record as it is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    id: String,
    order: Option<(i64, u32, u32)>,
    key: Vec<u8>,
    value: Option<Vec<u8>>,
    headers: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Epoch and partition do not vary within a topic's partition: offset, entry and index order the records.
fn order_of(id: &str) -> Option<(i64, u32, u32)> {
    let mut words = id.split('-').skip(2);
    let mut next = || words.next();
    Some((next()?.parse().ok()?, next()?.parse().ok()?, next()?.parse().ok()?))
}

/// Reads what stands in one partition of an output topic.
struct Standing<R> {
    reader: R,
    end: i64,
    over: bool,
    batch: Batch,
    lines: VecDeque<Line>,
}

impl<R: Reader> Standing<R> {
    fn peek(&mut self) -> Result<Option<&Line>, Failure> {
        while self.lines.is_empty() && !self.over {
            match self.reader.poll(&mut self.batch, Duration::from_millis(100)) {
                Ok(Event::Records) => {
                    for record in self.batch.records() {
                        let headers: Vec<_> =
                            record.headers().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
                        let id =
                            headers.iter().find(|(name, _)| name == b"ce_id").map(|(_, id)| id.as_slice());
                        let id = String::from_utf8_lossy(id.unwrap_or_default()).into_owned();
                        self.lines.push_back(Line {
                            order: order_of(&id),
                            id,
                            key: record.key.unwrap_or_default().to_vec(),
                            value: record.value.map(<[u8]>::to_vec),
                            headers,
                        });
                    }
                }
                Ok(Event::End { offset, .. }) => self.over = offset >= self.end,
                Ok(_) | Err(log::Error::Busy(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(self.lines.front())
    }
}

/// Compares effects as the fold gives them.
struct Comparer<'a, R> {
    encoder: &'a mut Encoder,
    journal: Journal,
    standing: [Standing<R>; 3],
    /// The latest of each key of the compacted topic: its id, as given and as it stands.
    latest: BTreeMap<Vec<u8>, (String, String)>,
    result: &'a mut Verification,
    failure: Option<Failure>,
}

impl<R: Reader> Comparer<'_, R> {
    fn compare(&mut self, place: usize, line: &Line) -> Result<(), Failure> {
        let compacted = place == 2;
        if compacted {
            self.latest.entry(line.key.clone()).or_default().0.clone_from(&line.id);
        }
        loop {
            let standing = &mut self.standing[place];
            if standing.peek()?.is_none_or(|stands| stands.order > line.order) {
                self.miss(compacted, line);
                return Ok(());
            }
            let Some(stands) = standing.lines.pop_front() else { continue };
            if stands.order < line.order {
                self.result.extra += 1;
                self.result
                    .differ(|| format!("extra: {} of {:?}", stands.id, String::from_utf8_lossy(&stands.key)));
                continue;
            }
            if compacted {
                self.latest.entry(stands.key.clone()).or_default().1.clone_from(&stands.id);
            }
            if stands == *line {
                self.result.compared += 1;
            } else {
                self.result.different += 1;
                self.result.differ(|| {
                    let text = |line: &Line| {
                        String::from_utf8_lossy(line.value.as_deref().unwrap_or_default()).into_owned()
                    };
                    format!("different: {}\n  journal: {}\n  topic:   {}", line.id, text(line), text(&stands))
                });
            }
            return Ok(());
        }
    }

    fn miss(&mut self, compacted: bool, line: &Line) {
        if compacted {
            // Whether it may be gone is known once all is given.
            self.result.superseded += 1;
            return;
        }
        self.result.missing += 1;
        self.result.differ(|| format!("missing: {} of {:?}", line.id, String::from_utf8_lossy(&line.key)));
    }

    fn finish(mut self) -> Result<(), Failure> {
        for standing in &mut self.standing {
            while standing.peek()?.is_some() {
                if let Some(stands) = standing.lines.pop_front() {
                    self.result.extra += 1;
                    self.result.differ(|| {
                        format!("extra: {} of {:?}", stands.id, String::from_utf8_lossy(&stands.key))
                    });
                }
            }
        }
        for (key, (given, stands)) in std::mem::take(&mut self.latest) {
            if given != stands {
                self.result.superseded = self.result.superseded.saturating_sub(1);
                self.result.missing += 1;
                let key = String::from_utf8_lossy(&key).into_owned();
                self.result
                    .differ(|| format!("missing: {given}, the latest of {key:?}; the topic has {stands:?}"));
            }
        }
        self.failure.map_or(Ok(()), Err)
    }
}

impl<R: Reader> Sink for Comparer<'_, R> {
    fn effect(&mut self, id: EffectId, effect: &Effect<'_>) {
        if self.failure.is_some() {
            return;
        }
        let record = self.encoder.encode(self.journal, id, effect);
        let headers = record.headers.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.to_vec()));
        let line = Line {
            id: format!(
                "{}-{}-{}-{}-{}",
                self.journal.epoch, self.journal.partition, id.offset, id.entry, id.index
            ),
            order: Some((id.offset, id.entry, id.index)),
            key: record.key.to_vec(),
            value: record.value.map(<[u8]>::to_vec),
            headers: headers.collect(),
        };
        let place = match record.output {
            Output::Health => 0,
            Output::Alerts => 1,
            Output::AccountHealth => 2,
        };
        self.failure = self.compare(place, &line).err();
    }
}

/// Reads a compacted partition to its end, and gives each record.
fn read_all<L: Log>(
    log: &L,
    partition: &Partition,
    isolation: Isolation,
    mut each: impl FnMut(&log::Record<'_>),
) -> Result<(), Failure> {
    let round = log.ends(std::slice::from_ref(&partition.topic))?;
    let ends = round.topics.first().and_then(|ends| ends.get(partition.number as usize));
    let Some(ends) = ends.filter(|ends| ends.end > ends.first) else { return Ok(()) };
    let mut reader = log.read(partition, ends.first, isolation)?;
    let mut batch = Batch::default();
    loop {
        match reader.poll(&mut batch, Duration::from_millis(100)) {
            Ok(Event::Records) => batch.records().for_each(|record| each(&record)),
            // A transaction still open, of ours or upstream, is not waited for.
            Ok(Event::End { .. }) => return Ok(()),
            Ok(_) | Err(log::Error::Busy(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The position and counts of a shard's head.
fn head<L: Log>(log: &L, number: u32) -> Result<Option<(Position, Counts)>, Failure> {
    let partition = Partition::new(topic::STATE, number);
    let mut newest = None;
    read_all(log, &partition, Isolation::Committed, |record| {
        if let (Some([kind::HEAD, ..]), Some([_, value @ ..])) = (record.key, record.value) {
            newest = Shard::peek_head(value).ok();
        }
    })?;
    Ok(newest)
}

fn partitions<L: Log>(log: &L) -> Result<u32, Failure> {
    let spec = log.topic(topic::JOURNAL)?;
    Ok(spec.ok_or_else(|| log::Error::Missing(topic::JOURNAL.to_owned()))?.partitions)
}

/// Folds the whole journal and compares. `progress` is told how many entries were folded.
///
/// # Errors
/// [`Failure`] if the log fails or the journal cannot be folded.
pub fn verify<L: Log>(
    log: &L,
    instance: &str,
    progress: &mut dyn FnMut(u64),
) -> Result<Verification, Failure> {
    let mut result = Verification::default();
    for number in 0..partitions(log)? {
        match head(log, number)? {
            None => result.untouched.push(number),
            Some((target, _)) => verify_partition(log, instance, number, target, &mut result, progress)?,
        }
    }
    Ok(result)
}

fn verify_partition<L: Log>(
    log: &L,
    instance: &str,
    number: u32,
    target: Position,
    result: &mut Verification,
    progress: &mut dyn FnMut(u64),
) -> Result<(), Failure> {
    let topics = Topics::default();
    let standing = |output: Output| -> Result<Standing<L::Reader>, Failure> {
        let partition = Partition::new(Arc::clone(topics.of(output)), number);
        let round = log.ends(std::slice::from_ref(&partition.topic))?;
        let ends = round.topics.first().and_then(|ends| ends.get(number as usize));
        let (first, end) = ends.map_or((0, 0), |ends| (ends.first, ends.end));
        let reader = log.read(&partition, first, Isolation::Committed)?;
        Ok(Standing { reader, end, over: false, batch: Batch::default(), lines: VecDeque::new() })
    };
    let [health, alerts, latest] = Output::ALL;
    let mut encoder = Encoder::new(instance);
    let mut comparer = Comparer {
        encoder: &mut encoder,
        journal: Journal { epoch: 0, partition: number },
        standing: [standing(health)?, standing(alerts)?, standing(latest)?],
        latest: BTreeMap::new(),
        result,
        failure: None,
    };
    let partition = Partition::new(topic::JOURNAL, number);
    let mut reader = log.read(&partition, 0, Isolation::Committed)?;
    let (mut shard, mut frame, mut batch) = (Shard::new(), FrameBuffer::default(), Batch::default());
    'journal: while shard.position() < target {
        match reader.poll(&mut batch, Duration::from_millis(100)) {
            Ok(Event::Records) => {}
            Ok(Event::End { offset, .. }) => {
                let reason =
                    format!("the journal ends at offset {offset}, before the committed position {target:?}");
                return Err(Failure::refused(
                    &partition,
                    reason,
                    "the journal was truncated; nothing can be compared",
                ));
            }
            Ok(_) | Err(log::Error::Busy(_)) => continue,
            Err(error) => return Err(error.into()),
        }
        for record in batch.records() {
            let unreadable = |error: &dyn std::fmt::Display| {
                let reason = format!("the record at offset {} cannot be folded: {error}", record.offset);
                Failure::refused(&partition, reason, "run the version of vitals that wrote it")
            };
            frame.load(record.value.unwrap_or_default()).map_err(|error| unreadable(&error))?;
            comparer.journal.epoch = frame.epoch();
            let mut entries = frame.reader();
            let mut place = 0;
            while let Some(entry) = entries.next_entry().map_err(|error| unreadable(&error))? {
                let at = Position { offset: record.offset, entry: place, minute: i64::MIN };
                let mut step = shard.fold(at, &entry, &mut comparer).map_err(|error| unreadable(&error))?;
                comparer.result.entries += 1;
                while step == Step::More && shard.position() < target {
                    step = shard.go_on(&mut comparer);
                }
                if shard.position() >= target {
                    break 'journal;
                }
                place += 1;
            }
            progress(comparer.result.entries);
        }
    }
    comparer.finish()
}

/// The accounting of promise 2 for one source partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Records that stand in the topic.
    pub records: u64,
    /// Activities applied.
    pub applied: u64,
    /// Activities seen before.
    pub duplicate: u64,
    /// Activities too late for every window.
    pub late: u64,
    /// Records rejected.
    pub rejected: u64,
    /// Records skipped: without a value, or used by no signal.
    pub skipped: u64,
    /// Activities whose offset was not above all before it.
    pub backwards: u64,
}

impl Account {
    /// Records of which it is not said what became of them; negative if of more than there are.
    #[must_use]
    pub const fn unaccounted(&self) -> i64 {
        let said = self.applied + self.duplicate + self.late + self.rejected + self.skipped;
        self.records.cast_signed() - said.cast_signed()
    }
}

/// Counts the records of every source topic and compares with what the shards say became of them.
///
/// Exact once everything is folded; while a run goes on, what is under way is unaccounted.
///
/// # Errors
/// [`Failure`] if the log fails.
pub fn balance<L: Log>(log: &L) -> Result<BTreeMap<(Source, u32), Account>, Failure> {
    let mut accounts: BTreeMap<(Source, u32), Account> = BTreeMap::new();
    for source in Source::ALL {
        let topic = topic::of_source(source);
        let Some(spec) = log.topic(&topic)? else { continue };
        for number in 0..spec.partitions {
            let mut records = 0;
            read_all(log, &Partition::new(Arc::clone(&topic), number), Isolation::Committed, |_| {
                records += 1
            })?;
            accounts.entry((source, number)).or_default().records = records;
        }
    }
    // Every shard is told the same of what ingest did; the one told last knows most.
    let mut skipped: BTreeMap<(Source, u32), u64> = BTreeMap::new();
    for number in 0..partitions(log)? {
        let Some((_, counts)) = head(log, number)? else { continue };
        for (source, partition, count) in counts.iter() {
            let account = accounts.entry((source, partition)).or_default();
            account.applied += count.applied;
            account.duplicate += count.duplicate;
            account.late += count.late;
            account.skipped += count.unused;
            account.backwards += count.backwards;
            account.rejected = account.rejected.max(count.rejected);
            let most = skipped.entry((source, partition)).or_default();
            *most = (*most).max(count.skipped);
        }
    }
    for (place, count) in skipped {
        accounts.entry(place).or_default().skipped += count;
    }
    Ok(accounts)
}
