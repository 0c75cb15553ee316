//! The model in force: read from its topic, published to it and to the journal at once.

use crate::failure::{BRING_BACK, Delay, Failure, widened};
use crate::topic;
use engine::entry::Entry;
use log::{Appends, Batch, CommitError, Event, Isolation, Log, Partition, Reader, Transaction, Writer};
use model::plan::{ModelId, Plan};
use std::sync::Arc;
use std::time::Duration;

/// A model with its text.
#[derive(Clone, Debug)]
pub struct Published {
    /// The compiled model.
    pub plan: Arc<Plan>,
    /// Its text.
    pub text: Arc<str>,
}

/// What is wrong while there is no model.
pub(crate) const NO_MODEL: &str = "no model is published";
/// The way out.
pub(crate) const PUBLISH: &str = "publish one with `vitals model publish FILE`";

/// Follows the topic of models.
#[derive(Debug)]
pub(crate) struct Follower<L: Log> {
    log: L,
    reader: Option<L::Reader>,
    batch: Batch,
    current: Option<Published>,
    /// How many partitions the journal had when the first model was published.
    journal: Option<u32>,
    /// Whether the topic was read to its end once.
    caught_up: bool,
    delay: Delay,
}

impl<L: Log> Follower<L> {
    pub(crate) fn new(log: L) -> Self {
        Self {
            log,
            reader: None,
            batch: Batch::default(),
            current: None,
            journal: None,
            caught_up: false,
            delay: Delay::default(),
        }
    }

    /// Why there is no model, for people.
    pub(crate) fn absence(&self) -> String {
        let unread = || self.delay.reason("the topic of models is not read yet");
        let text = if self.caught_up { None } else { unread() };
        text.unwrap_or_else(|| {
            if self.caught_up {
                format!("{NO_MODEL}; {PUBLISH}")
            } else {
                "the topic of models is being read".to_owned()
            }
        })
    }

    /// Whether the topic was read to its end, so that a model that is absent is not published.
    pub(crate) const fn is_read(&self) -> bool {
        self.caught_up
    }

    /// The refusal of a journal that has another number of partitions than it had, once the topic was read: an account
    /// is where its id and that number put it.
    pub(crate) fn widened(&self, now: u32) -> Option<Failure> {
        let reason = widened(self.journal?, now)?;
        Some(Failure::refused(&Partition::new(topic::JOURNAL, 0), reason, BRING_BACK))
    }

    /// The newest model that is known, once the topic was read to its end.
    pub(crate) fn current(&mut self) -> Result<Option<&Published>, Failure> {
        let partition = Partition::new(topic::MODEL, 0);
        if self.reader.is_none() {
            let ends = self.log.ends(std::slice::from_ref(&partition.topic));
            let Some(round) = self.delay.take(ends)? else { return Ok(None) };
            let first = round.topics.first().and_then(|ends| ends.first()).map_or(0, |ends| ends.first);
            self.reader = self.delay.take(self.log.read(&partition, first, Isolation::Committed))?;
        }
        let Some(reader) = &mut self.reader else { return Ok(None) };
        loop {
            match self.delay.take(reader.poll(&mut self.batch, Duration::ZERO))? {
                Some(Event::Records) => {
                    for record in self.batch.records() {
                        let Some(text) = record.value.and_then(|value| std::str::from_utf8(value).ok())
                        else {
                            continue;
                        };
                        if record.key == Some(topic::JOURNAL_PARTITIONS) {
                            let count = text.parse().map_err(|_| {
                                let reason = format!(
                                    "the number of partitions of the journal at offset {} is {text:?}",
                                    record.offset
                                );
                                Failure::refused(&partition, reason, BRING_BACK)
                            });
                            self.journal = Some(count?);
                            continue;
                        }
                        match model::compile(text) {
                            Ok(compiled) => {
                                let plan = Arc::new(compiled.plan);
                                self.current = Some(Published { plan, text: text.into() });
                            }
                            Err(problems) => {
                                let reason =
                                    format!("the model at offset {} is not valid: {problems}", record.offset);
                                return Err(Failure::refused(
                                    &partition,
                                    reason,
                                    "publish a valid one with `vitals model publish FILE`",
                                ));
                            }
                        }
                    }
                }
                Some(Event::End { .. }) => self.caught_up = true,
                Some(Event::Idle | Event::Assigned(_) | Event::Revoked(_) | Event::Lost(_)) | None => break,
            }
        }
        Ok(self.current.as_ref().filter(|_| self.caught_up))
    }
}

/// Why a model was not published.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// It is not valid.
    #[error("the model is not valid:\n{0}")]
    Invalid(model::Problems),
    /// The log failed.
    #[error(transparent)]
    Log(#[from] log::Error),
    /// The transaction did not go through.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// Publishes a model: one transaction to the topic of models and to every partition of the journal, so that it
/// takes effect at one position of each. Waits up to two seconds for an earlier publication to be decided.
///
/// # Errors
/// [`PublishError`]; nothing was published then, unless the outcome is unknown.
pub fn publish<L: Log>(log: &L, text: &str, epoch: u32) -> Result<ModelId, PublishError> {
    let mut tries = 0;
    loop {
        match publish_now(log, text, epoch) {
            Err(PublishError::Log(log::Error::Busy(_))) if tries < 100 => {
                tries += 1;
                std::thread::sleep(Duration::from_millis(20));
            }
            other => return other,
        }
    }
}

/// Publishes a model without waiting. Publishing the model in force again changes nothing, so it may be tried
/// again whatever came of it.
///
/// # Errors
/// [`PublishError`]; nothing was published then, unless the outcome is unknown.
pub fn publish_now<L: Log>(log: &L, text: &str, epoch: u32) -> Result<ModelId, PublishError> {
    let compiled = model::compile(text).map_err(PublishError::Invalid)?;
    let journal: Arc<str> = topic::JOURNAL.into();
    let spec = log.topic(&journal)?.ok_or_else(|| log::Error::Missing(journal.to_string()))?;
    let mut frame = wire::frame::Writer::new(epoch);
    let mut value = Vec::new();
    let mut appends = Appends::default();
    let models: Arc<str> = topic::MODEL.into();
    // The first thing in a journal says how it is to be read, and how many partitions it has stands beside. Should this
    // attempt be lost, what it says is what holds of a journal that says nothing.
    let round = log.ends(std::slice::from_ref(&models))?;
    let is_first = round.topics.iter().flatten().all(|ends| ends.end == 0);
    appends.push(&models, 0, Some(topic::CURRENT_MODEL), Some(text.as_bytes()), &[]);
    if is_first {
        let count = spec.partitions.to_string();
        appends.push(&models, 0, Some(topic::JOURNAL_PARTITIONS), Some(count.as_bytes()), &[]);
    }
    for partition in 0..spec.partitions {
        // A model is far below the size of a frame.
        let version = is_first.then_some(Entry::FoldVersion(engine::FOLD_VERSION));
        let mut entries = version.into_iter().chain([Entry::Model(text)]);
        if entries.all(|entry| frame.push(&entry).is_ok()) {
            frame.finish(&mut value);
            appends.push(&journal, partition, None, Some(&value), &[]);
        }
    }
    let mut writer = log.writer("vitals-model-publish")?;
    writer.commit(&Transaction { appends: &[&appends], offsets: &[], membership: None })?;
    Ok(compiled.plan.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use log::embedded::{Embedded, Options};
    use wire::frame::FrameBuffer;

    const MODEL: &str = include_str!("../../../deploy/models/b2b.yaml");

    fn only(log: &Embedded, topic: &str, partition: u32) -> (Option<Vec<u8>>, Vec<u8>) {
        let mut batch = Batch::default();
        let mut reader = log.read(&Partition::new(topic, partition), 0, Isolation::Committed).unwrap();
        assert_eq!(reader.poll(&mut batch, Duration::from_secs(30)).unwrap(), Event::Records);
        let record = batch.records().next().unwrap();
        (record.key.map(<[u8]>::to_vec), record.value.unwrap().to_vec())
    }

    #[test]
    fn a_model_is_stored_as_its_text_and_as_an_entry_of_each_journal_partition() {
        let dir = tempfile::tempdir().unwrap();
        let log = Embedded::open(dir.path(), Options { reserve_bytes: 0, ..Options::default() }).unwrap();
        topic::specs(2, 1).iter().for_each(|spec| log.create(spec).unwrap());
        let id = publish(&log, MODEL, 7).unwrap();
        assert_eq!(only(&log, "vitals.model", 0), (Some(b"current".to_vec()), MODEL.as_bytes().to_vec()));
        for partition in 0..2 {
            let (key, value) = only(&log, "vitals.journal", partition);
            let mut frame = FrameBuffer::default();
            frame.load(&value).unwrap();
            let entries: Vec<Entry<'_>> = frame.reader().map(Result::unwrap).collect();
            let first = vec![Entry::FoldVersion(engine::FOLD_VERSION), Entry::Model(MODEL)];
            assert_eq!((key, frame.epoch(), entries), (None, 7, first));
        }
        assert_eq!(Follower::new(log).current().unwrap().map(|model| model.plan.id), Some(id));
    }
}
