//! The seeded company of `vitals demo`: a year of a software vendor and its customers.
//!
//! [`company`] yields the records of all nine source topics in the order in which the broker appended them,
//! in the native JSON shapes. [`stories`] says which account lives which story, so that a reader can compare
//! what was told with what was found.
//!
//! What must stay true:
//! - The same settings give the same bytes, for ever and on every platform: the generator is written here
//!   (`random`), all arithmetic is on integers, no clock is read. A test pins a hash of the year.
//! - A day of an account is a function of (seed, account, day) and of nothing else. So the year is made day
//!   by day and never held, and a change of one account leaves all others as they are.
//! - An activity is appended after it happened: seconds mostly, at most four minutes, and at most two days
//!   for `vitals.csm-activity`.
//! - The flaws are part of it: redelivered records, an outage of one source ([`outage`]) whose activity was
//!   never recorded, and some forty records a year that nobody can use.
//!
//! It deliberately does no I/O and knows nothing of the engine: a consumer must be able to trust the stories.

mod account;
mod command;
mod contract;
mod course;
mod date;
mod day;
mod flaw;
mod json;
mod milestone;
mod name;
mod plan;
mod random;
mod rhythm;
mod stream;
mod ticket;
mod topic;
mod touch;
mod usage;
mod voice;

pub use course::StoryKind;
pub use flaw::{Outage, outage};

/// What the company is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The seed of every choice. Default 1.
    pub seed: u64,
    /// The number of customer accounts over the whole time. Default 200.
    pub accounts: u32,
    /// The length of the record in days. Default 365.
    pub days: u32,
    /// The first instant, in Unix milliseconds. Default 2025-01-01T00:00:00Z, a Wednesday.
    pub start_ms: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { seed: 1, accounts: 200, days: 365, start_ms: 1_735_689_600_000 }
    }
}

impl Settings {
    /// The instant at which the record ends: nothing is appended at or after it.
    #[must_use]
    pub fn end_ms(&self) -> i64 {
        self.start_ms + i64::from(self.days) * date::DAY_MS
    }
}

/// One record of a source topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The topic, such as `vitals.login`.
    pub topic: &'static str,
    /// The record key: a user, ticket, CSM or subscription rather than the account, as source systems do.
    pub key: String,
    /// The bytes, JSON unless the record is one of the bad ones.
    pub value: Vec<u8>,
    /// When the broker appended it, in Unix milliseconds.
    pub time_ms: i64,
}

/// What one account lives through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// The account's id.
    pub account: String,
    /// The account's name for people.
    pub name: String,
    /// What happens to it.
    pub kind: StoryKind,
    /// The instant of the turn, in Unix milliseconds: the beginning of a fade or of a silence, the end of the
    /// subscription, the arrival of a new account. `None` where nothing turns.
    pub turns_at_ms: Option<i64>,
}

/// The records of the company in append order, made lazily, a day at a time.
pub fn company(settings: &Settings) -> impl Iterator<Item = Record> + use<> {
    stream::Stream::of(settings)
}

/// The story of each account.
#[must_use]
pub fn stories(settings: &Settings) -> Vec<Story> {
    account::all(settings).iter().map(account::Account::story).collect()
}
