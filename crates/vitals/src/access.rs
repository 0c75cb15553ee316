//! The way to the log: by itself, or through the process that holds it.
//!
//! An embedded directory is held by one process. While that is a `vitals run`, a file `admin` in the directory
//! says where its admin server listens, and every other command asks there: [`served`]. Otherwise the command
//! opens the directory for as long as it runs: [`direct`]. Both ways give the same answers.
//!
//! To Kafka every command goes by itself; only what a run alone knows or does is asked of its admin server, where
//! `admin.listen` and `admin.token` say so.

pub(crate) mod address;
pub(crate) mod direct;
mod octets;
mod served;

pub(crate) use address::Address;
pub(crate) use direct::Direct;
pub(crate) use octets::{Octets, from_hex, to_hex};
pub(crate) use served::Client;

use crate::admin::view::{Balance, Skipped, Standing, Verified};
use crate::line::Entry;
use crate::settings::{LogKind, Problems, Settings};
use crate::store::Store;
use anyhow::{Context, Result, bail};
use log::embedded::Embedded;
use model::source::Source;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// One record, for people and programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Its offset.
    pub(crate) offset: i64,
    /// Its timestamp, ms since the epoch.
    pub(crate) stamp: i64,
    /// Its key.
    pub(crate) key: Option<Octets>,
    /// Its value.
    pub(crate) value: Option<Octets>,
    /// Names and values of its headers.
    pub(crate) headers: Vec<(String, Octets)>,
}

/// Records of one partition, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Page {
    /// The records.
    pub(crate) records: Vec<Record>,
    /// Where to read on.
    pub(crate) next: i64,
    /// Whether everything committed was read.
    pub(crate) at_end: bool,
}

/// A topic and how far it is filled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Topic {
    /// Its name.
    pub(crate) name: String,
    /// First offset and end of each partition.
    pub(crate) partitions: Vec<(i64, i64)>,
}

/// The way to the log.
#[derive(Debug)]
pub(crate) enum Access {
    /// This process goes there itself.
    Direct {
        /// The log.
        direct: Box<Direct<Store>>,
        /// A run beside it, if one is known and answers.
        run: Option<Client>,
    },
    /// Another process holds it and answers for it.
    Served(Client),
}

impl Access {
    /// Finds the log that the settings name. It must have been set up.
    pub(crate) fn find(settings: &Settings) -> Result<Self> {
        if settings.log.kind == LogKind::Kafka {
            let run = Client::at(settings.admin.listen, &settings.admin.token);
            let direct = Box::new(Direct::new(open(settings)?, &settings.instance));
            return Ok(Self::Direct { direct, run });
        }
        let dir = &settings.log.dir;
        if let Some(client) = Client::find(dir)? {
            return Ok(Self::Served(client));
        }
        if !dir.is_dir() || is_empty(dir)? {
            bail!(
                "directory {} holds no log; `vitals setup --dir {}` makes one",
                dir.display(),
                dir.display()
            );
        }
        Ok(Self::Direct { direct: Box::new(Direct::new(open(settings)?, &settings.instance)), run: None })
    }

    /// Every topic of ours that is there.
    pub(crate) fn topics(&self) -> Result<Vec<Topic>> {
        match self {
            Self::Direct { direct, .. } => direct.topics(),
            Self::Served(client) => client.topics(),
        }
    }

    /// One topic.
    pub(crate) fn topic(&self, name: &str) -> Result<Topic> {
        let topic = self.topics()?.into_iter().find(|topic| topic.name == name);
        topic.with_context(|| format!("topic {name} does not exist; `vitals setup` creates it"))
    }

    /// Records of a partition from `offset` on, at most `limit`.
    pub(crate) fn page(&self, topic: &str, partition: u32, offset: i64, limit: usize) -> Result<Page> {
        match self {
            Self::Direct { direct, .. } => direct.page(topic, partition, offset, limit),
            Self::Served(client) => client.page(topic, partition, offset, limit),
        }
    }

    /// The newest record of a key within the partition that accounts of that id go to.
    pub(crate) fn latest(&self, topic: &str, key: &str) -> Result<Option<Record>> {
        match self {
            Self::Direct { direct, .. } => direct.latest(topic, key),
            Self::Served(client) => client.latest(topic, key),
        }
    }

    /// Appends records to source topics in one transaction.
    pub(crate) fn append(&mut self, entries: &[Entry]) -> Result<()> {
        match self {
            Self::Direct { direct, .. } => direct.append(entries),
            Self::Served(client) => client.append(entries),
        }
    }

    /// Publishes a model; its identity.
    pub(crate) fn publish(&self, text: &str) -> Result<String> {
        match self {
            Self::Direct { direct, .. } => direct.publish(text),
            Self::Served(client) => client.publish(text),
        }
    }

    /// The process whose workers run here, if one is known.
    fn run(&self) -> Option<&Client> {
        match self {
            Self::Direct { run, .. } => run.as_ref(),
            Self::Served(client) => Some(client),
        }
    }

    /// How workers stand; `None` where none runs.
    pub(crate) fn standing(&self) -> Result<Option<Standing>> {
        self.run().map(Client::standing).transpose()
    }

    /// The process that could do something, which is the one that did another thing.
    fn run_that(&self, could: &str, has: &str) -> Result<&Client> {
        self.run().with_context(|| {
            format!(
                "no `vitals run` is known that could {could}: start one, or with Kafka say by admin.listen and \
                 admin.token where the one listens that {has}"
            )
        })
    }

    /// Lets a stopped source go on.
    pub(crate) fn resume(&self, source: Source) -> Result<()> {
        self.run_that(&format!("resume source {source}"), "has stopped it")?.resume(source)
    }

    /// Accepts that what was deleted of a source partition before it was read is lost.
    pub(crate) fn skip(&self, source: Source, partition: u32) -> Result<Skipped> {
        self.run_that(&format!("go on with source {source}"), "refuses the partition")?
            .skip(source, partition)
    }

    /// Folds the journal again and compares with the outputs.
    pub(crate) fn verify(&self, progress: &mut dyn FnMut(u64)) -> Result<Verified> {
        match self {
            Self::Direct { direct, .. } => direct.verify(progress),
            Self::Served(client) => client.verify(),
        }
    }

    /// What became of every record of every source partition. Exact once everything is folded.
    pub(crate) fn balance(&self) -> Result<Vec<Balance>> {
        match self {
            Self::Direct { direct, .. } => direct.balance(),
            Self::Served(client) => client.balance(),
        }
    }
}

/// Refuses a directory that a `vitals run` holds, for what a run has no way to do for others.
pub(crate) fn ensure_no_run(dir: &Path) -> Result<()> {
    let Some(run) = Client::find(dir)? else { return Ok(()) };
    bail!(
        "directory {} is in use by process {}, a `vitals run`; topics are looked at and made while none runs: stop it \
         first (a model alone is published beside it: `vitals model publish FILE`)",
        dir.display(),
        run.pid()
    );
}

/// Opens the log that the settings name. Of Kafka nothing needs to answer yet.
pub(crate) fn open(settings: &Settings) -> Result<Store> {
    Ok(match settings.log.kind {
        LogKind::Embedded => Store::Embedded(Embedded::open(&settings.log.dir, settings.log_options())?),
        LogKind::Kafka => {
            let settings = settings.kafka.put_together().map_err(Problems)?;
            Store::Kafka(kafka::Kafka::new(settings)?)
        }
    })
}

fn is_empty(dir: &Path) -> Result<bool> {
    let mut entries =
        std::fs::read_dir(dir).with_context(|| format!("directory {} cannot be read", dir.display()))?;
    Ok(entries.next().is_none())
}
