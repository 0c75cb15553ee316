//! One day of one account, as it is written down.
//!
//! Each kind of activity has a module that tells what happens; here an activity gets its id, its delay and,
//! rarely, a second delivery. What a silent or closed account would do is not told, whoever asks.

use crate::account::Account;
use crate::date::{MINUTE_MS, SECOND_MS};
use crate::json::Object;
use crate::random::Random;
use crate::topic::Topic;

/// How many records in a thousand are delivered twice.
const REDELIVERED_PERMILLE: i64 = 1;

/// An activity with the time of its delivery, before an outage may swallow it.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) topic: Topic,
    pub(crate) key: String,
    pub(crate) value: Vec<u8>,
    pub(crate) at_ms: i64,
    pub(crate) appended_ms: i64,
}

/// A day in the life of an account.
#[derive(Debug)]
pub(crate) struct Day<'a> {
    pub(crate) account: &'a Account,
    pub(crate) number: i64,
    /// Its local midnight.
    pub(crate) opens_ms: i64,
    /// How much is done, in permille of what is ordinary for the account.
    pub(crate) level: i64,
    pub(crate) random: Random,
    told: u32,
    deliveries: Vec<Delivery>,
}

impl<'a> Day<'a> {
    pub(crate) fn of(account: &'a Account, number: i64) -> Self {
        let week =
            Random::of(&[account.seed, account.index, 0x3e, (number / 7).unsigned_abs()]).between(920, 1080);
        Self {
            account,
            number,
            opens_ms: account.opens_ms(number),
            level: account.course.level(number) * week / 1000,
            random: Random::of(&[account.seed, account.index, 0xda, number.unsigned_abs()]),
            told: 0,
            deliveries: Vec::new(),
        }
    }

    /// Tells one activity: `fields` writes what comes after id, time and account.
    pub(crate) fn tell(&mut self, topic: Topic, at_ms: i64, key: &str, fields: impl FnOnce(&mut Object)) {
        let closed = self.account.course.closes.is_some_and(|day| at_ms > self.account.opens_ms(day));
        if closed || (topic.is_customers() && !self.account.acts_at(at_ms)) {
            return;
        }
        let mut object = Object::new();
        object
            .text("id", &format!("{}-{}-{}-{}", topic.prefix(), self.account.index, self.number, self.told))
            .time("time", at_ms)
            .text("account", &self.account.id);
        fields(&mut object);
        self.told += 1;
        let appended_ms = at_ms + topic.delay_ms(&mut self.random);
        let once = Delivery { topic, key: key.to_owned(), value: object.bytes(), at_ms, appended_ms };
        if self.random.chance(REDELIVERED_PERMILLE) {
            let again_ms = appended_ms + self.random.between(SECOND_MS, 10 * MINUTE_MS);
            self.deliveries.push(Delivery { appended_ms: again_ms, ..once.clone() });
        }
        self.deliveries.push(once);
    }

    /// One of the account's users.
    pub(crate) fn any_user(&mut self) -> String {
        let number = self.random.below(self.account.users);
        self.account.user(number)
    }

    pub(crate) fn into_deliveries(self) -> Vec<Delivery> {
        self.deliveries
    }
}
