//! What the outputs must be: the fold of the journal, done at once by nobody's worker.

use super::crew::INSTANCE;
use super::journal;
use engine::effect::{AlertState, Effect, EffectId, Sink};
use engine::entry::Position;
use engine::{Shard, Step};
use log::Partition;
use log::simulated::{Cluster, Stored};
use pipeline::topic;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};
use wire::frame::FrameBuffer;
use wire::output::{Encoder, Journal, Output};

/// A record as it is compared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Record {
    key: Vec<u8>,
    value: Option<Vec<u8>>,
    headers: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Record {
    fn say(&self) -> String {
        let mut text = String::from_utf8_lossy(&self.key).into_owned();
        for (name, value) in self.headers.iter().filter(|(name, _)| name == b"ce_id") {
            // Writing to a string cannot fail.
            let (name, value) = (String::from_utf8_lossy(name), String::from_utf8_lossy(value));
            write!(text, " {name}={value}").unwrap_or_default();
        }
        let value = String::from_utf8_lossy(self.value.as_deref().unwrap_or_default()).into_owned();
        text + " " + &value.chars().take(300).collect::<String>()
    }
}

struct Collector<'a> {
    encoder: &'a mut Encoder,
    journal: Journal,
    records: [Vec<Record>; 3],
    /// Alerts that are open: rule and account.
    open: BTreeSet<(String, String)>,
}

impl Sink for Collector<'_> {
    fn effect(&mut self, id: EffectId, effect: &Effect<'_>) {
        if let Effect::Alert(alert) = effect {
            let of = (alert.rule.to_owned(), alert.standing.account.id.to_owned());
            match alert.state {
                AlertState::Firing => drop(self.open.insert(of)),
                AlertState::Resolved(_) => drop(self.open.remove(&of)),
            }
        }
        let made = self.encoder.encode(self.journal, id, effect);
        let headers = made.headers.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.to_vec()));
        let place = Output::ALL.iter().position(|output| *output == made.output).unwrap_or(0);
        self.records[place].push(Record {
            key: made.key.to_vec(),
            value: made.value.map(<[u8]>::to_vec),
            headers: headers.collect(),
        });
    }
}

/// What the reference fold of everything came to.
#[derive(Clone, Debug, Default)]
pub struct Reference {
    /// Entries folded.
    pub entries: u64,
    /// Records of all outputs.
    pub outputs: u64,
    /// Alerts open at the end, by rule and account.
    pub open: BTreeSet<(String, String)>,
    /// A hash of all output records.
    pub hash: u64,
    /// The frames of each journal partition.
    pub journal: Vec<Vec<Stored>>,
}

/// Folds each journal partition and compares with what stands in the outputs, byte for byte and in order.
///
/// # Errors
/// The first difference, in words.
pub fn compare(cluster: &Cluster, partitions: u32) -> Result<Reference, String> {
    let mut reference = Reference::default();
    let (mut encoder, mut hasher) = (Encoder::new(INSTANCE), DefaultHasher::new());
    for number in 0..partitions {
        let frames = journal::frames(cluster, number);
        let mut collector = Collector {
            encoder: &mut encoder,
            journal: Journal { epoch: 1, partition: number },
            records: Default::default(),
            open: BTreeSet::new(),
        };
        let shard = fold(&frames, &mut collector, &mut reference)?;
        check_bounds(&shard)?;
        let mut open = BTreeMap::new();
        for (rule, _) in &collector.open {
            *open.entry(rule.clone()).or_insert(0) += 1;
        }
        let counted: BTreeMap<_, _> =
            shard.census().open_alerts.into_iter().filter(|(_, count)| *count > 0).collect();
        if counted != open {
            return Err(format!("outputs: {counted:?} alerts are counted as open, {open:?} were told of"));
        }
        let names = [topic::HEALTH, topic::ALERTS, topic::ACCOUNT_HEALTH];
        for (name, expected) in names.into_iter().zip(&collector.records) {
            reference.outputs += expected.len() as u64;
            let stands = cluster.committed_records(&Partition::new(name, number));
            let stands: Vec<Record> = stands.into_iter().map(record).collect();
            differ(name, number, expected, &stands)?;
            stands.hash(&mut hasher);
        }
        reference.open.append(&mut collector.open);
        reference.journal.push(frames);
    }
    reference.hash = hasher.finish();
    Ok(reference)
}

/// Folds the frames of a journal partition.
pub(crate) fn fold(
    frames: &[Stored],
    sink: &mut dyn Sink,
    reference: &mut Reference,
) -> Result<Shard, String> {
    let (mut shard, mut buffer) = (Shard::new(), FrameBuffer::default());
    for frame in frames {
        let unreadable = |error| format!("the frame at offset {}: {error}", frame.offset);
        buffer.load(frame.value.as_deref().unwrap_or_default()).map_err(unreadable)?;
        let (mut reader, mut place) = (buffer.reader(), 0);
        while let Some(entry) = reader.next_entry().map_err(unreadable)? {
            let at = Position { offset: frame.offset, entry: place, minute: i64::MIN };
            let mut step = shard.fold(at, &entry, sink).map_err(|refused| refused.to_string())?;
            while step == Step::More {
                step = shard.go_on(sink);
            }
            reference.entries += 1;
            place += 1;
        }
    }
    Ok(shard)
}

/// Memory is bounded by accounts, whatever came.
fn check_bounds(shard: &Shard) -> Result<(), String> {
    let size = shard.size();
    let most = (64 << 10) + shard.len() * (24 << 10);
    if size > most {
        return Err(format!("memory: {size} bytes for {} accounts", shard.len()));
    }
    let mut marker = Vec::new();
    shard.write_marker(&mut marker);
    if marker.len() > 32 << 10 {
        return Err(format!("memory: a marker of {} bytes", marker.len()));
    }
    Ok(())
}

fn record(stored: Stored) -> Record {
    Record { key: stored.key.unwrap_or_default(), value: stored.value, headers: stored.headers }
}

fn differ(name: &str, number: u32, expected: &[Record], stands: &[Record]) -> Result<(), String> {
    let same = expected.iter().zip(stands).take_while(|(expected, stands)| expected == stands).count();
    if same == expected.len() && same == stands.len() {
        return Ok(());
    }
    let (all, have) = (expected.len(), stands.len());
    let say = |record: Option<&Record>| record.map_or_else(|| "nothing".to_owned(), Record::say);
    Err(format!(
        "outputs: {name}/{number} has {have} records, the journal gives {all}; they differ from number {same} on\n  \
         journal: {}\n  topic:   {}",
        say(expected.get(same)),
        say(stands.get(same))
    ))
}
