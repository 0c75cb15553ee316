//! What all handles of a process share: the client for requests, and writers that are still being opened.

use crate::attendant::{Attendant, Said};
use crate::error::{of_topic, refusal};
use crate::native::{Edge, Failure, Handle, Role, number};
use crate::settings::{self, Invalid, Problem, Settings};
use crate::writer::Producer;
use log::{Ends, Result, Round};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    // The thread goes before the client that it serves.
    attendant: Attendant,
    pub(crate) requests: Arc<Handle>,
    /// Producers whose id is not yet theirs, by id: taking it over goes on where it was left.
    opening: Mutex<BTreeMap<String, Producer>>,
}

/// Wall time, ms since the epoch.
pub(crate) fn wall_clock() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

impl Shared {
    pub(crate) fn new(settings: Settings) -> std::result::Result<Self, Invalid> {
        let invalid =
            |failure: Failure| Invalid(vec![Problem { key: "client".to_owned(), rule: failure.to_string() }]);
        let requests = client(&settings, Role::Admin, "", &[]).map_err(invalid)?;
        let attendant = Attendant::start(&requests, settings.security.tokens()).map_err(invalid)?;
        Ok(Self { settings, attendant, requests, opening: Mutex::default() })
    }

    /// A client of this role; `id` is its group or transactional id.
    pub(crate) fn client(
        &self,
        role: Role,
        id: &str,
        more: &[(&str, &str)],
    ) -> std::result::Result<Arc<Handle>, Failure> {
        client(&self.settings, role, id, more)
    }

    /// What the client for requests has said of itself.
    pub(crate) fn said(&self) -> &Said {
        self.attendant.said()
    }

    pub(crate) fn trouble(&self) -> Option<String> {
        self.said().trouble()
    }

    pub(crate) fn take_opening(&self, id: &str) -> Option<Producer> {
        self.opening.lock().unwrap_or_else(PoisonError::into_inner).remove(id)
    }

    pub(crate) fn put_opening(&self, id: &str, producer: Producer) {
        let mut opening = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        opening.insert(id.to_owned(), producer);
    }

    /// How many partitions a topic has.
    pub(crate) fn partitions(&self, topic: &str) -> Result<u32> {
        let trouble = || self.trouble();
        let told = self
            .requests
            .partitions(&[topic], self.settings.answer_within)
            .map_err(|failure| refusal("partitions", &failure, trouble().as_deref()))?;
        self.said().well();
        match told.into_iter().next() {
            Some(Ok(count)) => Ok(count),
            Some(Err(failure)) => Err(of_topic(topic, &failure, trouble().as_deref())),
            None => Err(log::Error::Missing(topic.to_owned())),
        }
    }

    pub(crate) fn ends(&self, topics: &[Arc<str>]) -> Result<Round> {
        // Before the first request: what was appended later than this, and partitions added later, are not covered.
        let sent_at = wall_clock();
        let within = self.settings.answer_within;
        let busy = |failure: &Failure| refusal("offsets", failure, self.trouble().as_deref());
        if topics.is_empty() {
            return Ok(Round { sent_at, topics: Vec::new() });
        }
        // A name that is asked for twice is refused by librdkafka.
        let names: BTreeSet<&str> = topics.iter().map(|topic| &**topic).collect();
        let names: Vec<&str> = names.into_iter().collect();
        let told = self.requests.partitions(&names, within).map_err(|failure| busy(&failure))?;
        let mut counts = BTreeMap::new();
        for (name, count) in names.iter().zip(told) {
            let count = count.map_err(|failure| of_topic(name, &failure, self.trouble().as_deref()))?;
            counts.insert(*name, count);
        }
        let all: Vec<(&str, i32)> = counts
            .iter()
            .flat_map(|(name, count)| (0..*count).map(|partition| (*name, number(partition))))
            .collect();
        let told = self.requests.offsets(&all, &[Edge::First, Edge::End], within).map_err(|f| busy(&f))?;
        let [first, end] = told.as_slice() else { return Err(log::Error::Busy("half an answer".to_owned())) };
        let ends_of = |topic: &Arc<str>| -> Option<Vec<Ends>> {
            (0..*counts.get(&**topic)?)
                .map(|partition| {
                    let key = (topic.to_string(), number(partition));
                    Some(Ends { first: *first.get(&key)?, end: *end.get(&key)? })
                })
                .collect()
        };
        let told: Option<Vec<_>> = topics.iter().map(ends_of).collect();
        self.said().well();
        told.map(|topics| Round { sent_at, topics })
            .ok_or_else(|| log::Error::Busy("the answer about offsets is incomplete".to_owned()))
    }

    /// Whether the log holds an offset, or is to hold it next.
    ///
    /// # Errors
    /// [`log::Error::OutOfRange`], and those of [`Self::ends_of`].
    pub(crate) fn check_range(&self, partition: &log::Partition, offset: i64) -> Result<()> {
        let ends = self.ends_of(partition)?;
        if (ends.first..=ends.end).contains(&offset) {
            Ok(())
        } else {
            Err(out_of_range(partition, offset, ends))
        }
    }

    /// First and end offset of one partition.
    pub(crate) fn ends_of(&self, partition: &log::Partition) -> Result<Ends> {
        let round = self.ends(std::slice::from_ref(&partition.topic))?;
        let ends = round.topics.first().and_then(|ends| ends.get(partition.number as usize));
        ends.copied().ok_or_else(|| log::Error::Missing(partition.to_string()))
    }
}

/// An offset outside of what the log holds.
pub(crate) fn out_of_range(partition: &log::Partition, offset: i64, ends: Ends) -> log::Error {
    let Ends { first, end } = ends;
    log::Error::OutOfRange { partition: partition.clone(), offset, first, end }
}

fn client(
    settings: &Settings,
    role: Role,
    id: &str,
    more: &[(&str, &str)],
) -> std::result::Result<Arc<Handle>, Failure> {
    let mut properties = settings.properties(role, id);
    properties.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let config = settings::config(&properties)
        .map_err(|reason| Failure::new(crate::native::Code::RD_KAFKA_RESP_ERR__INVALID_ARG, reason))?;
    Handle::new(role, config)
}
