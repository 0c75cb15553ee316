//! What can be set, from which places, and what is right.
//!
//! Later places win: defaults, the file, the environment (`VITALS_LOG_DIR` for `log.dir`), flags. Every key
//! stands once in [`key::KEYS`]: how it is read, shown and explained follows from that. All that is wrong is
//! reported at once, before anything is opened; a key that is not known is wrong.

mod input;
pub(crate) mod kafka;
pub(crate) mod key;
mod load;
mod problem;
mod secret;

pub(crate) use load::{Places, load};
pub(crate) use problem::{Problem, Problems};
pub(crate) use secret::Secret;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// The effective settings of this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The name of this pipeline.
    pub(crate) instance: String,
    /// The log.
    pub(crate) log: LogSettings,
    /// How Kafka is reached, where it is the log.
    pub(crate) kafka: kafka::Kafka,
    /// What a run does, and with how many workers.
    pub(crate) run: Share,
    /// What `setup` makes.
    pub(crate) topics: Topics,
    /// The admin server.
    pub(crate) admin: Admin,
    /// The ingest worker.
    pub(crate) ingest: pipeline::settings::Ingest,
    /// The score worker.
    pub(crate) score: pipeline::settings::Score,
    /// What is written to standard error.
    pub(crate) trace: Trace,
}

/// Which log, and how it is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogSettings {
    /// Which one.
    pub(crate) kind: LogKind,
    /// The directory of the embedded log.
    pub(crate) dir: PathBuf,
    /// When a commit is acknowledged.
    pub(crate) durability: log::embedded::Durability,
    /// Bytes of the file system to leave free.
    pub(crate) reserve_bytes: u64,
}

/// The logs that this build knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogKind {
    /// In this process, in one directory.
    Embedded,
    /// A Kafka cluster.
    Kafka,
}

/// Which part of the work a run does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    /// The process among those that share the work; empty where there is one only.
    pub(crate) process: String,
    /// Which stages.
    pub(crate) role: Role,
    /// Workers of each stage, at least 1.
    pub(crate) workers: u32,
}

/// Which stages a run works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Source topics to journal.
    Ingest,
    /// Journal to outputs.
    Score,
    /// Both.
    All,
}

/// What `setup` makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Topics {
    /// Partitions of the journal and of the outputs.
    pub(crate) partitions: u32,
    /// Partitions of each source topic.
    pub(crate) source_partitions: u32,
}

/// The admin server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Admin {
    /// Where it listens.
    pub(crate) listen: SocketAddr,
    /// What a caller shows for anything but health and metrics; made anew at each start if empty.
    pub(crate) token: Secret,
}

/// What is written to standard error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trace {
    /// For people or for programs.
    pub(crate) format: TraceFormat,
    /// Which events; empty: by command.
    pub(crate) filter: String,
}

/// How events are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TraceFormat {
    /// A line for people.
    Text,
    /// A JSON object on a line.
    Json,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            instance: "vitals".to_owned(),
            log: LogSettings {
                kind: LogKind::Embedded,
                dir: PathBuf::from("vitals-data"),
                durability: log::embedded::Durability::Synced,
                reserve_bytes: log::embedded::Options::default().reserve_bytes,
            },
            kafka: kafka::Kafka::default(),
            run: Share { process: String::new(), role: Role::All, workers: 1 },
            topics: Topics { partitions: pipeline::topic::PARTITIONS, source_partitions: 4 },
            admin: Admin { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9464)), token: Secret::default() },
            ingest: pipeline::settings::Ingest::default(),
            score: pipeline::settings::Score::default(),
            trace: Trace { format: TraceFormat::Text, filter: String::new() },
        }
    }
}

impl Settings {
    /// How the embedded log is opened.
    pub(crate) fn log_options(&self) -> log::embedded::Options {
        log::embedded::Options {
            durability: self.log.durability,
            reserve_bytes: self.log.reserve_bytes,
            ..log::embedded::Options::default()
        }
    }

    /// Where the log is, for people.
    pub(crate) fn place(&self) -> String {
        match self.log.kind {
            LogKind::Embedded => format!("directory {}", self.log.dir.display()),
            LogKind::Kafka => format!("Kafka at {}", self.kafka.bootstrap),
        }
    }

    /// Who the first worker of each stage is.
    pub(crate) fn identity(&self) -> pipeline::settings::Identity {
        pipeline::settings::Identity {
            instance: self.instance.clone(),
            process: self.run.process.clone(),
            ..Default::default()
        }
    }
}
