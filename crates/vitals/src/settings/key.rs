//! Every key, once: its name, what it means, how it is read and shown.

use super::input::{Input, Wrong};
use super::kafka::{Mechanism, Protocol};
use super::{LogKind, Role, Secret, Settings, TraceFormat};
use log::embedded::Durability;
use std::path::PathBuf;
use std::time::Duration;

/// A key.
pub(crate) struct Key {
    /// Its name in the file, with dots between tables.
    pub(crate) name: &'static str,
    /// What it means, for people.
    pub(crate) about: &'static str,
    /// Reads a value into the settings.
    pub(super) read: fn(&mut Settings, &Input) -> Result<(), Wrong>,
    /// The value in force.
    pub(crate) show: fn(&Settings) -> toml::Value,
    /// Whether messages may quote a value of it.
    pub(crate) secrecy: Secrecy,
}

/// Whether a value may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Secrecy {
    Public,
    Hidden,
}

impl Key {
    /// The environment variable of it.
    pub(crate) fn variable(&self) -> String {
        format!("VITALS_{}", self.name.replace('.', "_").to_uppercase())
    }
}

const KINDS: [(&str, LogKind); 2] = [("embedded", LogKind::Embedded), ("kafka", LogKind::Kafka)];
const ROLES: [(&str, Role); 3] = [("all", Role::All), ("ingest", Role::Ingest), ("score", Role::Score)];
const PROTOCOLS: [(&str, Protocol); 4] = [
    ("plaintext", Protocol::Plaintext),
    ("ssl", Protocol::Ssl),
    ("sasl_plaintext", Protocol::SaslPlaintext),
    ("sasl_ssl", Protocol::SaslSsl),
];
const MECHANISMS: [(&str, Mechanism); 4] = [
    ("PLAIN", Mechanism::Plain),
    ("SCRAM-SHA-256", Mechanism::ScramSha256),
    ("SCRAM-SHA-512", Mechanism::ScramSha512),
    ("OAUTHBEARER", Mechanism::OauthBearer),
];
const DURABILITIES: [(&str, Durability); 2] =
    [("synced", Durability::Synced), ("buffered", Durability::Buffered)];
const FORMATS: [(&str, TraceFormat); 2] = [("text", TraceFormat::Text), ("json", TraceFormat::Json)];

/// All keys, in the order in which they are shown.
pub(crate) const KEYS: [Key; 39] = [
    public(
        "instance",
        "name of this pipeline: part of transactional ids and of `ce_source`",
        |to, value| value.name().map(|name| to.instance = name),
        |of| text(&of.instance),
    ),
    public(
        "log.kind",
        "which log: `embedded` (in this process, in one directory) or `kafka`",
        |to, value| value.choice(&KINDS).map(|kind| to.log.kind = kind),
        |of| word(of.log.kind, &KINDS),
    ),
    public(
        "log.dir",
        "directory of the embedded log; one process holds it at a time",
        |to, value| value.path().map(|dir| to.log.dir = dir),
        |of| text(&of.log.dir.to_string_lossy()),
    ),
    public(
        "log.durability",
        "when a commit is acknowledged: `synced` (survives a loss of power) or `buffered` (survives the process)",
        |to, value| value.choice(&DURABILITIES).map(|durability| to.log.durability = durability),
        |of| word(of.log.durability, &DURABILITIES),
    ),
    public(
        "log.reserve_bytes",
        "bytes of the file system to leave free; with less, nothing is committed until there is room",
        |to, value| value.whole(0..=1 << 40).map(|bytes| to.log.reserve_bytes = bytes),
        |of| number(of.log.reserve_bytes),
    ),
    public(
        "kafka.bootstrap",
        "brokers to begin with, each host:port, with commas between",
        |to, value| value.text(4_096).map(|text| to.kafka.bootstrap = text.to_owned()),
        |of| text(&of.kafka.bootstrap),
    ),
    public(
        "kafka.protocol",
        "how connections are protected: `plaintext`, `ssl`, `sasl_plaintext` or `sasl_ssl`",
        |to, value| value.choice(&PROTOCOLS).map(|protocol| to.kafka.protocol = protocol),
        |of| word(of.kafka.protocol, &PROTOCOLS),
    ),
    public(
        "kafka.mechanism",
        "how to authenticate with SASL: `PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512` or `OAUTHBEARER`",
        |to, value| value.choice(&MECHANISMS).map(|mechanism| to.kafka.mechanism = mechanism),
        |of| word(of.kafka.mechanism, &MECHANISMS),
    ),
    public(
        "kafka.user",
        "who, for PLAIN and SCRAM",
        |to, value| value.text(256).map(|user| to.kafka.user = user.to_owned()),
        |of| text(&of.kafka.user),
    ),
    hidden(
        "kafka.password",
        "the password; better in the environment or in a file",
        |to, value| value.text(1_024).map(|word| to.kafka.password = Secret::new(word.to_owned())),
        |of| text(&of.kafka.password.to_string()),
    ),
    public(
        "kafka.password_file",
        "a file that holds the password, in place of it",
        |to, value| file(value).map(|path| to.kafka.password_file = path),
        |of| text(&of.kafka.password_file.to_string_lossy()),
    ),
    public(
        "kafka.token_file",
        "for OAUTHBEARER: a file that holds a JSON web token; read again whenever a new one is needed",
        |to, value| file(value).map(|path| to.kafka.token_file = path),
        |of| text(&of.kafka.token_file.to_string_lossy()),
    ),
    public(
        "kafka.ca_file",
        "certificates to trust, PEM; the system's if empty",
        |to, value| file(value).map(|path| to.kafka.ca_file = path),
        |of| text(&of.kafka.ca_file.to_string_lossy()),
    ),
    public(
        "kafka.certificate_file",
        "the client's own certificate, PEM, where brokers ask for one",
        |to, value| file(value).map(|path| to.kafka.certificate_file = path),
        |of| text(&of.kafka.certificate_file.to_string_lossy()),
    ),
    public(
        "kafka.key_file",
        "the key to that certificate, PEM",
        |to, value| file(value).map(|path| to.kafka.key_file = path),
        |of| text(&of.kafka.key_file.to_string_lossy()),
    ),
    hidden(
        "kafka.key_password",
        "the password of the key, if it has one",
        |to, value| value.text(1_024).map(|word| to.kafka.key_password = Secret::new(word.to_owned())),
        |of| text(&of.kafka.key_password.to_string()),
    ),
    public(
        "kafka.replication",
        "replicas of topics that `setup` makes; 0 for the cluster's default",
        |to, value| value.small(0..=100).map(|count| to.kafka.replication = count),
        |of| number(of.kafka.replication),
    ),
    public(
        "kafka.answer_within_ms",
        "how long a request may wait for its answer before it is asked again",
        |to, value| millis(value, 10..=60_000).map(|span| to.kafka.answer_within = span),
        |of| span(of.kafka.answer_within),
    ),
    public(
        "kafka.transaction_timeout_ms",
        "after what time brokers give up on a transaction; at most their transaction.max.timeout.ms",
        |to, value| millis(value, 1_000..=900_000).map(|span| to.kafka.transaction_timeout = span),
        |of| span(of.kafka.transaction_timeout),
    ),
    public(
        "run.process",
        "name of this process among those that share the work, the same after a restart; needed where there are several",
        |to, value| optional(value).map(|name| to.run.process = name),
        |of| text(&of.run.process),
    ),
    public(
        "run.role",
        "what `run` works on: `ingest`, `score` or `all`",
        |to, value| value.choice(&ROLES).map(|role| to.run.role = role),
        |of| word(of.run.role, &ROLES),
    ),
    public(
        "run.workers",
        "workers of each stage; partitions are shared among those of all processes",
        |to, value| value.small(1..=256).map(|count| to.run.workers = count),
        |of| number(of.run.workers),
    ),
    public(
        "topics.partitions",
        "partitions of the journal and the outputs that `setup` makes; fixed from then on",
        |to, value| value.small(1..=1_024).map(|count| to.topics.partitions = count),
        |of| number(of.topics.partitions),
    ),
    public(
        "topics.source_partitions",
        "partitions of each source topic that `setup` makes",
        |to, value| value.small(1..=1_024).map(|count| to.topics.source_partitions = count),
        |of| number(of.topics.source_partitions),
    ),
    public(
        "admin.listen",
        "where the admin server of `run` listens; port 0 takes any free one",
        |to, value| value.address().map(|address| to.admin.listen = address),
        |of| text(&of.admin.listen.to_string()),
    ),
    hidden(
        "admin.token",
        "what a caller shows for anything but health and metrics; made at random by each `run` if empty",
        |to, value| value.text(256).map(|token| to.admin.token = Secret::new(token.to_owned())),
        |of| text(&of.admin.token.to_string()),
    ),
    public(
        "ingest.commit_interval_ms",
        "at most how long accepted records wait for their transaction",
        |to, value| millis(value, 0..=10_000).map(|span| to.ingest.commit_interval = span),
        |of| span(of.ingest.commit_interval),
    ),
    public(
        "ingest.mark_interval_ms",
        "how often watermarks are told while they move",
        |to, value| millis(value, 10..=60_000).map(|span| to.ingest.mark_interval = span),
        |of| span(of.ingest.mark_interval),
    ),
    public(
        "ingest.transaction_bytes",
        "how much one transaction holds before it is sent",
        |to, value| bytes(value, 64 << 10, 256 << 20).map(|bytes| to.ingest.transaction_bytes = bytes),
        |of| number(of.ingest.transaction_bytes as u64),
    ),
    public(
        "ingest.max_record_bytes",
        "the greatest source record; a greater one is rejected",
        |to, value| bytes(value, 1 << 10, 1 << 20).map(|bytes| to.ingest.max_record_bytes = bytes),
        |of| number(of.ingest.max_record_bytes as u64),
    ),
    public(
        "ingest.stop_in_a_row",
        "a source stops after so many rejected records in a row",
        |to, value| value.whole(1..=1 << 40).map(|count| to.ingest.stop_in_a_row = count),
        |of| number(of.ingest.stop_in_a_row),
    ),
    public(
        "ingest.stop_share_of",
        "a source stops when half of at least so many records within five minutes are rejected",
        |to, value| value.whole(1..=1 << 40).map(|count| to.ingest.stop_share_of = count),
        |of| number(of.ingest.stop_share_of),
    ),
    public(
        "score.commit_least_ms",
        "at least how long between two commits",
        |to, value| millis(value, 0..=10_000).map(|span| to.score.commit_least = span),
        |of| span(of.score.commit_least),
    ),
    public(
        "score.commit_most_ms",
        "at most how long effects wait for their transaction",
        |to, value| millis(value, 1..=10_000).map(|span| to.score.commit_most = span),
        |of| span(of.score.commit_most),
    ),
    public(
        "score.outbox_bytes",
        "how many bytes of effects may wait before folding pauses",
        |to, value| bytes(value, 1 << 20, 4 << 30).map(|bytes| to.score.outbox_bytes = bytes),
        |of| number(of.score.outbox_bytes as u64),
    ),
    public(
        "score.checkpoint_interval_ms",
        "within what time each changed account is stored; shorter restores faster and writes more",
        |to, value| millis(value, 100..=3_600_000).map(|span| to.score.checkpoint_interval = span),
        |of| span(of.score.checkpoint_interval),
    ),
    public(
        "score.checkpoint_bytes",
        "how many bytes of accounts a shard may store a second",
        |to, value| bytes(value, 64 << 10, 64 << 20).map(|bytes| to.score.checkpoint_bytes = bytes),
        |of| number(of.score.checkpoint_bytes as u64),
    ),
    public(
        "trace.format",
        "what is written to standard error: `text` or `json`",
        |to, value| value.choice(&FORMATS).map(|format| to.trace.format = format),
        |of| word(of.trace.format, &FORMATS),
    ),
    public(
        "trace.filter",
        "which events are written, such as `info,pipeline=debug`; empty: `info` of `run`, `warn` of the others",
        |to, value| filter(value).map(|filter| to.trace.filter = filter),
        |of| text(&of.trace.filter),
    ),
];

const fn public(
    name: &'static str,
    about: &'static str,
    read: fn(&mut Settings, &Input) -> Result<(), Wrong>,
    show: fn(&Settings) -> toml::Value,
) -> Key {
    Key { name, about, read, show, secrecy: Secrecy::Public }
}

const fn hidden(
    name: &'static str,
    about: &'static str,
    read: fn(&mut Settings, &Input) -> Result<(), Wrong>,
    show: fn(&Settings) -> toml::Value,
) -> Key {
    Key { name, about, read, show, secrecy: Secrecy::Hidden }
}

/// A name, or none.
fn optional(value: &Input) -> Result<String, Wrong> {
    if value.text(64)?.is_empty() { Ok(String::new()) } else { value.name() }
}

/// A path, or none.
fn file(value: &Input) -> Result<PathBuf, Wrong> {
    value.text(4_096).map(PathBuf::from)
}

fn millis(value: &Input, range: std::ops::RangeInclusive<u64>) -> Result<Duration, Wrong> {
    value.whole(range).map(Duration::from_millis)
}

fn bytes(value: &Input, least: u64, most: u64) -> Result<usize, Wrong> {
    value.whole(least..=most).map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX))
}

fn filter(value: &Input) -> Result<String, Wrong> {
    let filter = value.text(1_024)?;
    filter.parse::<tracing_subscriber::filter::Targets>().map_err(|error| Wrong {
        rule: format!("must be levels by target ({error})"),
        fix: "write it like \"info,pipeline=debug\"".to_owned(),
    })?;
    Ok(filter.to_owned())
}

fn text(text: &str) -> toml::Value {
    toml::Value::String(text.to_owned())
}

fn number(number: impl Into<u64>) -> toml::Value {
    toml::Value::Integer(i64::try_from(number.into()).unwrap_or(i64::MAX))
}

fn span(span: Duration) -> toml::Value {
    number(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
}

fn word<T: PartialEq + Copy>(of: T, words: &[(&str, T)]) -> toml::Value {
    text(words.iter().find(|(_, choice)| *choice == of).map_or("", |(name, _)| name))
}
