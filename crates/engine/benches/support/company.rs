//! A company that benchmarks fold: accounts of 20 users, of which each does a little of everything at a steady pace. What it
//! does is in four sources, or, of a wide one, in all nine.

use engine::activity::{Activity, Fields, Value};
use engine::entry::{Entry, Lost, PartitionMark, Run, SourceMark, Watermarks};
use engine::fingerprint;
use model::number::Number;
use model::source::{Field, Source};
use model::time::{DAY, EventTime, MINUTE};
use std::sync::Arc;

const START: i64 = 1_767_225_600_000;

/// The model that it is scored by.
pub(crate) const MODEL: &str = include_str!("../twelve.yaml");

/// A model of twice as many signals over all sources.
#[allow(dead_code, reason = "not every benchmark has it")]
pub(crate) const WIDE: &str = include_str!("../twentyfive.yaml");

/// What happens, to whom, by whom, with which ticket and id.
pub(crate) type Draw = (u64, usize, usize, u64, u64);

/// The company, and how far its time has come.
#[derive(Debug)]
pub(crate) struct Company {
    pub(crate) accounts: Arc<[String]>,
    users: Vec<u64>,
    state: u64,
    /// Activities so far.
    offset: i64,
    /// In microseconds.
    now: i64,
    step: i64,
    is_wide: bool,
}

impl Company {
    /// So many accounts, of so many activities a day each.
    pub(crate) fn new(accounts: usize, per_day: i64) -> Self {
        Self {
            accounts: (0..accounts).map(|i| format!("acct-{i:08}")).collect(),
            users: (0..20).map(|i: u64| fingerprint::of(&i.to_le_bytes())).collect(),
            state: 1,
            offset: 0,
            now: START * 1_000,
            step: DAY * 1_000 / (per_day * i64::try_from(accounts).unwrap()),
            is_wide: false,
        }
    }

    /// One whose accounts do something in all sources.
    #[allow(dead_code, reason = "not every benchmark has it")]
    pub(crate) fn wide(accounts: usize, per_day: i64) -> Self {
        Self { is_wide: true, ..Self::new(accounts, per_day) }
    }

    fn random(&mut self, below: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state % below
    }

    pub(crate) fn draw(&mut self) -> Draw {
        let which = self.random(100);
        let account = usize::try_from(self.random(self.accounts.len() as u64)).unwrap();
        let id = self.random(u64::MAX);
        let user = usize::try_from(self.random(20)).unwrap();
        (which, account, user, self.random(6), id)
    }

    /// Lets time pass up to the next activity. Each minute gives a watermark entry.
    pub(crate) fn pass(&mut self) -> Option<Entry<'static>> {
        let before = self.now / 1_000;
        self.now += self.step;
        let time = self.now / 1_000;
        (before.div_euclid(MINUTE) != time.div_euclid(MINUTE)).then(|| mark(time, self.is_wide))
    }

    /// What happens seldom, by the id of its draw.
    fn rare(&self, id: u64, user: u64, fields: &mut Fields<'_>) -> Source {
        let soon = |days: i64| Value::Time(EventTime(self.now / 1_000 + days * DAY));
        let number = |below: u64| Value::Number(Number::whole(i64::try_from(id / 8 % below).unwrap()));
        match id % 8 {
            0..3 => {
                fields.set(Field::User, Value::Key(user));
                fields.set(Field::Kind, Value::Word(if id.is_multiple_of(8) { "nps" } else { "csat" }));
                fields.set(Field::Score, number(if id.is_multiple_of(8) { 11 } else { 6 }));
                Source::Feedback
            }
            3..5 => {
                fields.set(Field::Kind, Value::Word(if id % 16 < 8 { "planned" } else { "reached" }));
                fields.set(Field::Milestone, Value::Key(id / 16 % 6));
                fields.set(Field::DueAt, soon(14));
                Source::Milestone
            }
            5 => {
                fields.set(Field::Kind, Value::Word(if id % 16 < 8 { "renewed" } else { "payment-failed" }));
                fields.set(Field::Seats, number(40));
                fields.set(Field::RenewsAt, soon(180));
                Source::Subscription
            }
            6 => {
                fields.set(
                    Field::Segment,
                    Value::Word(if id % 16 < 8 { "enterprise" } else { "small-business" }),
                );
                fields.set(Field::State, Value::Word("active"));
                Source::Account
            }
            _ => {
                fields.set(Field::Kind, Value::Word("override"));
                fields.set(Field::Score, number(101));
                fields.set(Field::Author, Value::Word("csm-7@acme.example"));
                fields.set(Field::Reason, Value::Word("Their sponsor leaves."));
                fields.set(Field::ExpiresAt, soon(7));
                Source::Command
            }
        }
    }

    /// The activity of a draw, now. `accounts`: those of the company.
    pub(crate) fn activity<'a>(
        &mut self,
        (which, account, user, ticket, id): Draw,
        accounts: &'a [String],
    ) -> Entry<'a> {
        let user = self.users[user];
        let mut fields = Fields::default();
        let source = match which {
            0..30 => {
                fields.set(Field::User, Value::Key(user));
                fields.set(Field::Kind, Value::Word("signed-in"));
                Source::Login
            }
            30..90 => {
                fields.set(Field::User, Value::Key(user));
                let feature = ["import", "report", "search", "share", "export", "chart"];
                fields.set(Field::Feature, Value::Word(feature[usize::try_from(ticket).unwrap()]));
                fields.set(Field::Count, Value::Number(Number::whole(1)));
                Source::FeatureUsage
            }
            90..96 => {
                fields.set(Field::Ticket, Value::Key(ticket));
                fields.set(Field::Kind, Value::Word(if which % 2 == 0 { "opened" } else { "solved" }));
                fields.set(Field::Priority, Value::Word("high"));
                Source::Support
            }
            98.. if self.is_wide => self.rare(id, user, &mut fields),
            _ => {
                fields.set(Field::Kind, Value::Word("call"));
                fields.set(Field::State, Value::Word("held"));
                fields.set(Field::Sentiment, Value::Number(Number(200_000)));
                Source::CsmActivity
            }
        };
        self.offset += 1;
        Entry::Activity(Activity {
            source,
            partition: 0,
            offset: self.offset,
            id,
            time: EventTime(self.now / 1_000),
            account: &accounts[account],
            fields,
        })
    }
}

fn mark(time: i64, is_wide: bool) -> Entry<'static> {
    let few = [Source::Login, Source::FeatureUsage, Source::Support, Source::CsmActivity];
    let sources: &[Source] = if is_wide { &Source::ALL } else { &few };
    let sources = sources.iter().map(|source| SourceMark {
        source: *source,
        partition_count: 1,
        partitions: vec![PartitionMark {
            partition: 0,
            watermark: Some(EventTime(time - 6 * MINUTE)),
            runs: vec![Run { first: EventTime(time - 7 * MINUTE), last: EventTime(time) }],
            rejected: 0,
            skipped: 0,
            lost: Lost::default(),
        }],
    });
    Entry::Watermarks(Watermarks { sources: sources.collect(), ..Default::default() })
}
