//! The activity of a customer base with a few great accounts and many small ones: what the peer's generator makes,
//! byte for byte (its class `Gen`, seed 42). Its numbers come from Java's `SplittableRandom`: `SplitMix64` (Steele, Lea
//! and Flood, OOPSLA 2014), drawn as the documentation of `java.util.random` says.

use model::time::EventTime;
use std::fmt::Write;

const START: i64 = 1_735_689_600_000;
const SPAN: f64 = 120.0 * 86_400_000.0;
const HOUR: i64 = 3_600_000;

/// The topics, by [`Record::topic`].
pub const TOPICS: [&str; 4] =
    ["vitals.login", "vitals.feature-usage", "vitals.support", "vitals.csm-activity"];
const CALLS: [&str; 4] = ["call", "email", "qbr", "training"];
const PRIORITIES: [&str; 4] = ["low", "normal", "high", "urgent"];
const AREAS: [&str; 8] =
    ["dashboards", "reports", "exports", "search", "alerts", "billing", "api-keys", "workflows"];
const DEEDS: [&str; 5] = ["view", "create", "edit", "share", "schedule"];

/// One activity, ready to be produced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its place in [`TOPICS`].
    pub topic: usize,
    /// User, ticket or customer-success manager; never the account.
    pub key: String,
    /// The activity in its native JSON.
    pub value: String,
}

/// All activity of a number of accounts over 120 days from 2025 on, one record after another.
#[derive(Debug)]
pub struct Workload {
    random: Random,
    /// How many are to come.
    left: u64,
    done: f64,
    step: f64,
    accounts: f64,
    /// Tickets of each account: open now, and opened so far.
    tickets: Vec<[i64; 2]>,
}

impl Workload {
    /// `events` activities of `accounts` accounts.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52")]
    pub fn new(events: u64, accounts: u32) -> Self {
        Self {
            random: Random(42),
            left: events,
            done: 0.0,
            step: SPAN / events as f64,
            accounts: accounts.into(),
            tickets: vec![[0, 0]; accounts as usize],
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "as the generator in Java rounds: towards zero")]
fn floor(value: f64) -> i64 {
    value as i64
}

/// A time with its milliseconds, also where there are none.
fn written(time: i64) -> String {
    let text = EventTime(time).to_string();
    if time % 1_000 == 0 { text.replace('Z', ".000Z") } else { text }
}

fn place(value: i64) -> usize {
    usize::try_from(value).unwrap_or(0)
}

impl Iterator for Workload {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        self.left = self.left.checked_sub(1)?;
        let random = &mut self.random;
        let kind = random.below(100);
        let u = random.fraction();
        let account = floor(self.accounts * u * u * u);
        let time = written(START + floor(self.done * self.step) - random.below_long(HOUR));
        self.done += 1.0;
        let (high, low) = (random.long() & !0xf000 | 0x4000, random.long().cast_unsigned() >> 2 | 1 << 63);
        let high = high.cast_unsigned();
        let id = format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xffff,
            low >> 48,
            low & 0xffff_ffff_ffff
        );
        let mut value = format!(r#"{{"id":"{id}","account":"acct-{account:08}""#);
        let (topic, key) = match kind {
            0..90 => {
                let user = format!("user-{:02}@acct-{account:08}.example.com", random.below(20));
                write!(value, r#","user":"{user}","time":"{time}""#).ok()?;
                if kind >= 30 {
                    let f = random.fraction();
                    let feature = place(floor(40.0 * f * f));
                    let (area, deed) = (AREAS[feature % 8], DEEDS[feature / 8]);
                    let count = 1 + random.below(20);
                    write!(value, r#","feature":"{area}-{deed}","count":{count}"#).ok()?;
                }
                (usize::from(kind >= 30), user)
            }
            90..96 => {
                let [open, opened] = &mut self.tickets[place(account)];
                let x = random.below(100);
                let kind = match x {
                    _ if *open == 0 || x < 35 => "opened",
                    0..65 => "replied",
                    _ => "solved",
                };
                match kind {
                    "opened" => (*open, *opened) = (*open + 1, *opened + 1),
                    "solved" => *open -= 1,
                    _ => {}
                }
                let number = *opened - random.below(1.max(*open + 1));
                let ticket = format!("ticket-{account}-{number}");
                let priority = PRIORITIES[place(random.below(4))];
                write!(
                    value,
                    r#","time":"{time}","ticket":"{ticket}","kind":"{kind}","priority":"{priority}""#
                )
                .ok()?;
                (2, ticket)
            }
            _ => {
                let csm = format!("csm-{}", account % 211);
                let sentiment = random.below(201) - 100;
                let kind = CALLS[place(random.below(4))];
                #[expect(clippy::cast_precision_loss, reason = "from -100 to 100")]
                let sentiment = sentiment as f64 / 100.0;
                write!(value, r#","time":"{time}","csm":"{csm}","kind":"{kind}","sentiment":{sentiment:?}"#)
                    .ok()?;
                (3, csm)
            }
        };
        value.push('}');
        Some(Record { topic, key, value })
    }
}

/// Java's `SplittableRandom`.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn seed(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0
    }

    fn long(&mut self) -> i64 {
        let z = self.seed();
        let z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ z >> 31).cast_signed()
    }

    fn int(&mut self) -> i32 {
        let z = self.seed();
        let z = (z ^ z >> 33).wrapping_mul(0x62a9_d9ed_7997_05f5);
        let z = (z ^ z >> 28).wrapping_mul(0xcb24_d0a5_c88c_35b3);
        ((z >> 32) as u32).cast_signed()
    }

    /// A whole number from 0 on, below a bound that fits 31 bits.
    fn below(&mut self, bound: i64) -> i64 {
        let bound = i32::try_from(bound).unwrap_or(i32::MAX);
        let (drawn, most) = (self.int(), bound - 1);
        if bound & most == 0 {
            return (drawn & most).into();
        }
        let mut u = (drawn.cast_unsigned() >> 1).cast_signed();
        // Those beyond the last whole multiple of the bound are drawn again.
        while u.wrapping_add(most).wrapping_sub(u % bound) < 0 {
            u = (self.int().cast_unsigned() >> 1).cast_signed();
        }
        (u % bound).into()
    }

    /// The same of 64 bits.
    fn below_long(&mut self, bound: i64) -> i64 {
        let (drawn, most) = (self.long(), bound - 1);
        if bound & most == 0 {
            return drawn & most;
        }
        let mut u = (drawn.cast_unsigned() >> 1).cast_signed();
        while u.wrapping_add(most).wrapping_sub(u % bound) < 0 {
            u = (self.long().cast_unsigned() >> 1).cast_signed();
        }
        u % bound
    }

    /// From 0 to below 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits")]
    fn fraction(&mut self) -> f64 {
        (self.long().cast_unsigned() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    /// Topic, key and value of the first activity, a line, and the SHA-256 of 200,000 such lines, from Java.
    const FIRST: &str = r#"1 user-11@acct-00000204.example.com {"id":"581ce1ff-0e4a-4394-826f-1616891208fc","account":"acct-00000204","user":"user-11@acct-00000204.example.com","time":"2024-12-31T23:16:58.071Z","feature":"reports-view","count":20}
"#;
    const ALL: &str = "a8215032e6f336b55df7d585fcf962885ab9f5cd942571ab1a312d5fcc8dd887";

    #[test]
    fn it_is_what_the_generator_in_java_makes() {
        let mut hash = Sha256::new();
        for (number, Record { topic, key, value }) in
            Workload::new(4_000_000, 50_000).take(200_000).enumerate()
        {
            let line = format!("{topic} {key} {value}\n");
            if number == 0 {
                assert_eq!(line, FIRST);
            }
            hash.update(line);
        }
        let all: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(all, ALL);
    }
}
