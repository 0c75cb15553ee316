//! What must have become of every source record, and when.

use super::deletion::Deletions;
use super::journal::{Line, Time, Told, lines};
use super::producer::Producer;
use super::world::{SOURCES, World};
use engine::entry::Lost;
use log::Partition;
use log::simulated::{Cluster, Stored};
use model::plan::ModelId;
use model::source::Source;
use model::time::EventTime;
use pipeline::topic;
use std::collections::BTreeMap;
use std::ops::Range;

/// Where a source record stands.
type Place = (Source, u32, i64);

/// What is to become of a record that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Accepted,
    Rejected,
    /// The rules of one model accept it, those of another do not.
    Either,
    Skipped,
}

/// What the records say that they are, and when each was appended.
type Sent = BTreeMap<Place, (Fate, i64)>;

/// What was accepted as lost of each source partition: ranges of offsets.
pub(super) type Losses = BTreeMap<(Source, u32), Vec<Range<i64>>>;

/// Whether an offset was accepted as lost.
pub(super) fn is_lost(losses: &Losses, source: Source, partition: u32, offset: i64) -> bool {
    losses.get(&(source, partition)).is_some_and(|ranges| ranges.iter().any(|range| range.contains(&offset)))
}

/// How many offsets were accepted as lost.
pub(super) fn lost(losses: &Losses, source: Source, partition: u32) -> u64 {
    let ranges = losses.get(&(source, partition)).into_iter().flatten();
    ranges.map(|range| (range.end - range.start).unsigned_abs()).sum()
}

fn sent(world: &World, cluster: &Cluster, producer: &Producer, deletions: &Deletions) -> Sent {
    let mut sent = Sent::default();
    for (place, (source, count)) in SOURCES.into_iter().zip(producer.partitions()).enumerate() {
        let skews = world.rules.map(|rules| rules[place].skew);
        for number in 0..count {
            let partition = Partition::new(topic::of_source(source), number);
            for record in deletions.records(cluster, &partition) {
                let fate = match (record.value.as_deref(), record.value.as_deref().and_then(time)) {
                    (None, _) => Fate::Skipped,
                    (Some(_), None) => Fate::Rejected,
                    (Some(_), Some(time)) => match skews.map(|skew| time - record.stamp <= skew) {
                        [true, true] => Fate::Accepted,
                        [false, false] => Fate::Rejected,
                        _ => Fate::Either,
                    },
                };
                sent.insert((source, number, record.offset), (fate, record.stamp));
            }
        }
    }
    sent
}

/// When what a record tells happened; `None` if it is no activity.
fn time(value: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(value).ok()?;
    let (_, rest) = text.split_once(r#""time":""#)?;
    EventTime::parse(rest.split_once('"')?.0).map(|time| time.0)
}

/// Checks that every record stands where it must, exactly once, and that no activity came after its time.
///
/// # Errors
/// What is wrong, in words.
pub fn check(
    world: &World,
    cluster: &Cluster,
    producer: &Producer,
    deletions: &Deletions,
    slack_ms: i64,
) -> Result<(), String> {
    let sent = sent(world, cluster, producer, deletions);
    let journal: Vec<Vec<Line>> = (0..world.journal)
        .map(|number| lines(&super::journal::frames(cluster, number)))
        .collect::<Result<_, _>>()?;
    marks(world, &journal)?;
    let losses = losses(cluster)?;
    once(&sent, &journal, &letters(cluster)?, &losses)?;
    runs(world, &journal)?;
    for (number, lines) in journal.iter().enumerate() {
        sound(world, &sent, number, lines, slack_ms)?;
    }
    balance(cluster, deletions, &losses)
}

/// The same in recorded time, where max delay is measured by the merge and not by the time of appends.
///
/// # Errors
/// What is wrong, in words.
pub fn check_recorded(world: &World, cluster: &Cluster, producer: &Producer) -> Result<(), String> {
    check(world, cluster, producer, &Deletions::default(), i64::MAX / 4)
}

/// What the journal says was lost: each loss is told with the offset that passes it.
///
/// # Errors
/// If a loss is taken back.
pub(super) fn losses(cluster: &Cluster) -> Result<Losses, String> {
    let mut losses = Losses::default();
    let mut known: BTreeMap<(Source, u32), Lost> = BTreeMap::new();
    for line in lines(&super::journal::frames(cluster, 0))? {
        let Line::Watermarks(marks) = line else { continue };
        for mark in &marks.sources {
            for part in &mark.partitions {
                let place = (mark.source, part.partition);
                let (before, now) = (known.entry(place).or_default(), part.lost);
                if now.offsets < before.offsets || now.to < before.to {
                    return Err(format!("losses: {place:?}: {before:?} was told, then {now:?}"));
                }
                let more = (now.offsets - before.offsets).cast_signed();
                if more > 0 {
                    losses.entry(place).or_default().push(now.to - more..now.to);
                }
                *before = now;
            }
        }
    }
    Ok(losses)
}

/// Every activity stands in the journal once, every rejected record in the dead letters, what is lost in neither; and
/// nothing else does.
fn once(
    sent: &Sent,
    journal: &[Vec<Line>],
    letters: &BTreeMap<Place, u32>,
    losses: &Losses,
) -> Result<(), String> {
    let mut told: BTreeMap<Place, u32> = BTreeMap::new();
    for line in journal.iter().flatten() {
        if let Line::Activity(activity) = line {
            *told.entry((activity.source, activity.partition, activity.offset)).or_insert(0) += 1;
        }
    }
    let count = |of: &BTreeMap<Place, u32>, place| of.get(place).copied().unwrap_or(0);
    for (place, (fate, _)) in sent {
        let stands = (count(&told, place), count(letters, place));
        let lost = is_lost(losses, place.0, place.1, place.2);
        let right: &[(u32, u32)] = match fate {
            _ if lost => &[(0, 0)],
            Fate::Accepted => &[(1, 0)],
            Fate::Rejected => &[(0, 1)],
            Fate::Either => &[(1, 0), (0, 1)],
            Fate::Skipped => &[(0, 0)],
        };
        if !right.contains(&stands) {
            let (times, letters) = stands;
            return Err(format!(
                "accounting: {place:?} is to be {fate:?}, lost: {lost}; it stands {times} times in the journal and has {letters} dead letters"
            ));
        }
    }
    match told.keys().chain(letters.keys()).find(|place| !sent.contains_key(place)) {
        Some(place) => Err(format!("accounting: {place:?} was taken in and is no record")),
        None => Ok(()),
    }
}

/// How many dead letters each record has.
fn letters(cluster: &Cluster) -> Result<BTreeMap<Place, u32>, String> {
    let mut seen: BTreeMap<Place, u32> = BTreeMap::new();
    for record in cluster.committed_records(&Partition::new(topic::DEAD_LETTER, 0)) {
        let place =
            place_of(&record).ok_or_else(|| format!("a dead letter that cannot be read: {record:?}"))?;
        *seen.entry(place).or_insert(0) += 1;
    }
    Ok(seen)
}

fn place_of(record: &Stored) -> Option<Place> {
    let headers = record.headers.iter().map(|(name, value)| (name.as_slice(), value.as_slice()));
    let letter = wire::dead_letter::decode(headers, record.key.as_deref(), record.value.as_deref()).ok()?;
    Some((topic::source_of(letter.topic)?, letter.partition, letter.offset))
}

/// What is told of time is told to every partition alike.
fn marks(world: &World, journal: &[Vec<Line>]) -> Result<(), String> {
    let told = |lines: &Vec<Line>| {
        let mut told: Vec<Vec<i64>> = lines.iter().filter_map(numbers).collect();
        told.sort_unstable();
        told
    };
    let first = journal.first().map(told);
    for (number, lines) in journal.iter().enumerate() {
        if Some(told(lines)) != first {
            return Err(format!("journal: partition {number} of {} was told of other times", world.journal));
        }
    }
    Ok(())
}

/// All that a watermark entry says.
fn numbers(line: &Line) -> Option<Vec<i64>> {
    let Line::Watermarks(marks) = line else { return None };
    let mut numbers = Vec::new();
    for mark in &marks.sources {
        numbers.extend([mark.source.index() as i64, i64::from(mark.partition_count)]);
        for part in &mark.partitions {
            let counts = [part.rejected.cast_signed(), part.skipped.cast_signed()];
            let watermark = part.watermark.map_or(i64::MIN, |at| at.0);
            numbers.extend([i64::from(part.partition), watermark, counts[0], counts[1]]);
            numbers.extend([part.lost.offsets.cast_signed(), part.lost.to]);
            numbers.extend(part.runs.iter().flat_map(|run| [run.first.0, run.last.0]));
        }
    }
    Some(numbers)
}

/// Every activity lies in a run that was told of its source partition.
fn runs(world: &World, journal: &[Vec<Line>]) -> Result<(), String> {
    let mut runs: BTreeMap<(Source, u32), Vec<(i64, i64)>> = BTreeMap::new();
    for line in journal.first().into_iter().flatten() {
        let Line::Watermarks(marks) = line else { continue };
        for mark in &marks.sources {
            for part in &mark.partitions {
                let told = part.runs.iter().map(|run| (run.first.0, run.last.0));
                runs.entry((mark.source, part.partition)).or_default().extend(told);
            }
        }
    }
    for line in journal.iter().flatten() {
        let Line::Activity(Told { source, partition, time, offset, .. }) = line else { continue };
        let told = runs.get(&(*source, *partition));
        if !told.is_some_and(|runs| runs.iter().any(|(first, last)| first <= time && time <= last)) {
            let of = world.journal;
            return Err(format!(
                "runs: {source}/{partition}@{offset} at {time} lies in none ({of} partitions)"
            ));
        }
    }
    Ok(())
}

/// No activity comes when its time is over by the rules that it kept: it keeps the max delay of the model by which a
/// watermark was made, and is not older than that.
fn sound(world: &World, sent: &Sent, number: usize, lines: &[Line], slack_ms: i64) -> Result<(), String> {
    let ids = world.ids();
    let (mut time, mut raised) = (Time::default(), Raised::default());
    for line in lines {
        match line {
            // Whose turn it is tells of no time.
            Line::Watermarks(marks) if marks.sources.is_empty() => {}
            Line::Watermarks(marks) => {
                let Some(by) = ids.iter().position(|id| Some(*id) == marks.model) else {
                    return Err(format!("watermark: made by a model that is none: {:?}", marks.model));
                };
                raised.take(marks, by);
                time.take(marks);
            }
            Line::Model => {}
            Line::Activity(told) => {
                let Some(place) = SOURCES.iter().position(|source| *source == told.source) else { continue };
                let appended = sent.get(&(told.source, told.partition, told.offset));
                let Some((_, appended)) = appended else { continue };
                let late = appended - told.time;
                let kept = world.rules.map(|rules| late <= rules[place].delay - slack_ms);
                let passed = match kept {
                    [true, true] => time.of(told.source),
                    [true, false] => raised.by(told, 0),
                    [false, true] => raised.by(told, 1),
                    [false, false] => None,
                };
                if let Some(passed) = passed.filter(|passed| told.time < *passed) {
                    let by = passed - told.time;
                    return Err(format!(
                        "watermark: {told:?}, appended at {appended}, kept max delay ({kept:?}), and T of its source is {by} ms past it (journal {number}, {raised:?})"
                    ));
                }
            }
        }
    }
    Ok(())
}

/// How far each source partition was brought by the rules of each model.
#[derive(Debug, Default)]
struct Raised(BTreeMap<(Source, u32), [Option<i64>; 2]>);

impl Raised {
    fn take(&mut self, marks: &engine::entry::Watermarks, by: usize) {
        for mark in &marks.sources {
            for part in &mark.partitions {
                let known = self.0.entry((mark.source, part.partition)).or_default();
                let told = part.watermark.map(|at| at.0);
                if told > known[0].max(known[1]) {
                    known[by] = told;
                }
            }
        }
    }

    fn by(&self, told: &Told, model: usize) -> Option<i64> {
        self.0.get(&(told.source, told.partition)).and_then(|known| known[model])
    }
}

/// Everything is accounted for, and nothing came backwards.
fn balance(cluster: &Cluster, deletions: &Deletions, losses: &Losses) -> Result<(), String> {
    let log = cluster.process("auditor");
    let balance = pipeline::balance(&log).map_err(|failure| failure.to_string())?;
    for ((source, number), account) in balance {
        let gone = deletions.gone(&Partition::new(topic::of_source(source), number));
        let was_read = |record: &&Stored| !is_lost(losses, source, number, record.offset);
        // What was read and deleted since stands in the topic no more.
        let read = i64::try_from(gone.iter().filter(was_read).count()).unwrap_or(0);
        let (unaccounted, lost) = (account.unaccounted() + read, lost(losses, source, number));
        if unaccounted != 0 || account.backwards != 0 || account.lost != lost {
            return Err(format!(
                "accounting: {source}/{number}: {account:?}, unaccounted {unaccounted}, {read} of {} that were deleted were read, {lost} offsets lost",
                gone.len()
            ));
        }
    }
    Ok(())
}

impl World {
    /// The identities of the models.
    fn ids(&self) -> Vec<ModelId> {
        let id = |text: &String| model::compile(text).ok().map(|compiled| compiled.plan.id);
        self.models.iter().filter_map(id).collect()
    }
}
