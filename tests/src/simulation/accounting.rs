//! What must have become of every source record, and when.

use super::journal::{Line, Time, Told, lines};
use super::producer::Producer;
use super::world::{SOURCES, World};
use log::Partition;
use log::simulated::{Cluster, Stored};
use model::source::Source;
use pipeline::topic;
use std::collections::{BTreeMap, BTreeSet};

/// Where a source record stands.
type Place = (Source, u32, i64);

/// What the records say that they are.
#[derive(Debug, Default)]
struct Sent {
    /// When each activity that is to be accepted was appended.
    activities: BTreeMap<Place, i64>,
    rejected: BTreeSet<Place>,
}

fn sent(cluster: &Cluster, producer: &Producer) -> Sent {
    let mut sent = Sent::default();
    for (source, count) in SOURCES.into_iter().zip(producer.partitions()) {
        for number in 0..count {
            let partition = Partition::new(topic::of_source(source), number);
            for record in cluster.committed_records(&partition) {
                let place = (source, number, record.offset);
                match record.value.as_deref() {
                    None => {}
                    Some(value) if value.starts_with(b"{\"id\":\"n") || value.starts_with(b"{\"id\":\"l") => {
                        sent.activities.insert(place, record.stamp);
                    }
                    Some(_) => drop(sent.rejected.insert(place)),
                }
            }
        }
    }
    sent
}

/// Checks that every record stands where it must, exactly once, and that no activity came after its time.
///
/// # Errors
/// What is wrong, in words.
pub fn check(world: &World, cluster: &Cluster, producer: &Producer, slack_ms: i64) -> Result<(), String> {
    let sent = sent(cluster, producer);
    let journal: Vec<Vec<Line>> = (0..world.journal)
        .map(|number| lines(&super::journal::frames(cluster, number)))
        .collect::<Result<_, _>>()?;
    once(&sent, &journal)?;
    letters(&sent, cluster)?;
    marks(world, &journal)?;
    runs(world, &journal)?;
    for (number, lines) in journal.iter().enumerate() {
        sound(world, &sent, number, lines, slack_ms)?;
    }
    balance(cluster)
}

/// The same in recorded time, where max delay is measured by the merge and not by the time of appends.
///
/// # Errors
/// What is wrong, in words.
pub fn check_recorded(world: &World, cluster: &Cluster, producer: &Producer) -> Result<(), String> {
    check(world, cluster, producer, i64::MAX / 4)
}

/// Every activity stands in the journal once, and nothing else does.
fn once(sent: &Sent, journal: &[Vec<Line>]) -> Result<(), String> {
    let mut seen: BTreeMap<Place, u32> = BTreeMap::new();
    for told in journal.iter().flatten() {
        if let Line::Activity(told) = told {
            *seen.entry((told.source, told.partition, told.offset)).or_insert(0) += 1;
        }
    }
    for place in sent.activities.keys() {
        match seen.get(place) {
            Some(1) => {}
            Some(times) => return Err(format!("journal: {place:?} stands {times} times in it")),
            None => return Err(format!("journal: {place:?} is not in it")),
        }
    }
    match seen.keys().find(|place| !sent.activities.contains_key(place)) {
        Some(place) => Err(format!("journal: {place:?} stands in it and is no activity")),
        None => Ok(()),
    }
}

/// Every rejected record has one dead letter.
fn letters(sent: &Sent, cluster: &Cluster) -> Result<(), String> {
    let mut seen: BTreeMap<Place, u32> = BTreeMap::new();
    for record in cluster.committed_records(&Partition::new(topic::DEAD_LETTER, 0)) {
        let place =
            place_of(&record).ok_or_else(|| format!("a dead letter that cannot be read: {record:?}"))?;
        *seen.entry(place).or_insert(0) += 1;
    }
    let once = sent.rejected.iter().all(|place| seen.get(place) == Some(&1));
    if once && seen.len() == sent.rejected.len() {
        return Ok(());
    }
    let odd = sent.rejected.iter().find(|place| seen.get(place) != Some(&1));
    let odd = odd.or_else(|| seen.keys().find(|place| !sent.rejected.contains(place)));
    Err(format!("dead letters: {odd:?} has {:?}", odd.and_then(|place| seen.get(place))))
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

/// No activity that kept max delay comes when its time is over.
fn sound(world: &World, sent: &Sent, number: usize, lines: &[Line], slack_ms: i64) -> Result<(), String> {
    let mut time = Time::default();
    for line in lines {
        match line {
            Line::Watermarks(marks) => time.take(marks),
            Line::Model => {}
            Line::Activity(told) => {
                let Some(place) = SOURCES.iter().position(|source| *source == told.source) else { continue };
                let appended = sent.activities.get(&(told.source, told.partition, told.offset));
                let Some(appended) = appended else { continue };
                let kept = appended - told.time <= world.rules[place].0 - slack_ms;
                if let Some(reached) = time.of(told.source).filter(|reached| kept && told.time < *reached) {
                    let by = reached - told.time;
                    return Err(format!(
                        "watermark: {told:?} kept max delay, and T of its source is {by} ms past it (journal {number})"
                    ));
                }
            }
        }
    }
    Ok(())
}

/// Everything is accounted for, and nothing came backwards.
fn balance(cluster: &Cluster) -> Result<(), String> {
    let log = cluster.process("auditor");
    let balance = pipeline::balance(&log).map_err(|failure| failure.to_string())?;
    for ((source, partition), account) in balance {
        if account.unaccounted() != 0 || account.backwards != 0 {
            return Err(format!(
                "accounting: {source}/{partition}: {account:?}, unaccounted {}",
                account.unaccounted()
            ));
        }
    }
    Ok(())
}
