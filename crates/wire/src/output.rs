//! An effect becomes an output record: key, CloudEvents headers in binary mode, JSON value.
//!
//! `proto/README.md` describes the records. Each is a function of the effect and of the journal's place alone:
//! no wall clock, no counter. Scores, points, weights and contributions are written in hundredths, so what adds
//! up in the fold adds up in the record: contributions and caps to the score, their changes to its change.
//!
//! This is the hot path of the output side. JSON is written by hand into buffers that the [`Encoder`] keeps, and
//! what is the same for every record of a model (`plan_text`) is rendered once: no allocation per record.

mod account;
mod alert;
mod health;
mod json;
mod limit;
mod plan_text;
mod say;
mod standing;

use engine::effect::{Effect, EffectId};
use model::plan::Plan;
use model::time::EventTime;
use plan_text::PlanText;

/// How many models' texts are kept; during a switch there are two.
const PLANS: usize = 8;

/// Which output topic a record is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Output {
    /// `vitals.health`.
    Health,
    /// `vitals.alerts`.
    Alerts,
    /// `vitals.account-health`.
    AccountHealth,
}

impl Output {
    /// All outputs.
    pub const ALL: [Self; 3] = [Self::Health, Self::Alerts, Self::AccountHealth];

    /// The name of the topic after the prefix.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::Alerts => "alerts",
            Self::AccountHealth => "account-health",
        }
    }

    const fn event_type(self) -> &'static [u8] {
        match self {
            Self::Health => b"vitals.health.v1",
            Self::Alerts => b"vitals.alert.v1",
            Self::AccountHealth => b"vitals.account-health.v1",
        }
    }
}

/// Which journal partition an effect comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Journal {
    /// The journal's epoch; a journal begun anew has the next.
    pub epoch: u32,
    /// The partition.
    pub partition: u32,
}

/// How many headers an output record has.
pub const HEADERS: usize = 8;

/// An output record, borrowed from the encoder and the effect.
#[derive(Clone, Copy, Debug)]
pub struct Encoded<'e> {
    /// Where it goes.
    pub output: Output,
    /// The account's id.
    pub key: &'e [u8],
    /// CloudEvents headers.
    pub headers: [(&'static str, &'e [u8]); HEADERS],
    /// The JSON value; `None` removes the account's record.
    pub value: Option<&'e [u8]>,
}

/// Turns effects into records, one after another, in memory that it keeps.
#[derive(Debug)]
pub struct Encoder {
    source: Vec<u8>,
    plans: Vec<PlanText>,
    buffers: Buffers,
}

/// The parts of a record that are made anew each time.
#[derive(Debug, Default)]
struct Buffers {
    id: Vec<u8>,
    time: Vec<u8>,
    subject: Vec<u8>,
    value: Vec<u8>,
    /// A sentence before its escaping.
    say: Vec<u8>,
}

impl Encoder {
    /// An encoder for one instance of the product, which names itself `/vitals/<instance>` in each record.
    #[must_use]
    pub fn new(instance: &str) -> Self {
        let source = [b"/vitals/".as_slice(), instance.as_bytes()].concat();
        Self { source, plans: Vec::new(), buffers: Buffers::default() }
    }

    /// Makes the record of an effect.
    pub fn encode<'e, 'f: 'e>(
        &'e mut self,
        journal: Journal,
        id: EffectId,
        effect: &Effect<'f>,
    ) -> Encoded<'e> {
        let buffers = &mut self.buffers;
        buffers.value.clear();
        let (output, account, as_of, rule) = match effect {
            Effect::Health(health) => {
                let text = plan_text(&mut self.plans, health.standing.plan);
                health::write(&mut buffers.value, &mut buffers.say, text, health);
                (Output::Health, health.standing.account.id, health.standing.as_of, None)
            }
            Effect::Alert(alert) => {
                let text = plan_text(&mut self.plans, alert.standing.plan);
                alert::write(&mut buffers.value, &mut buffers.say, text, alert);
                (Output::Alerts, alert.standing.account.id, alert.standing.as_of, Some(alert.rule))
            }
            Effect::AccountHealth(health) => {
                let text = plan_text(&mut self.plans, health.standing.plan);
                account::write(&mut buffers.value, text, health);
                (Output::AccountHealth, health.standing.account.id, health.standing.as_of, None)
            }
            Effect::AccountClosed(closed) => (Output::AccountHealth, closed.account, closed.as_of, None),
        };
        buffers.head(journal, id, account, as_of, rule);
        let key = account.as_bytes();
        let headers = [
            ("ce_specversion", b"1.0".as_slice()),
            ("ce_id", &buffers.id),
            ("ce_type", output.event_type()),
            ("ce_source", &self.source),
            ("ce_subject", &buffers.subject),
            ("ce_time", &buffers.time),
            ("ce_partitionkey", key),
            ("content-type", b"application/json"),
        ];
        let value = (!matches!(effect, Effect::AccountClosed(_))).then_some(buffers.value.as_slice());
        Encoded { output, key, headers, value }
    }
}

impl Buffers {
    fn head(&mut self, journal: Journal, id: EffectId, account: &str, as_of: EventTime, rule: Option<&str>) {
        self.id.clear();
        json::unsigned(&mut self.id, u64::from(journal.epoch));
        self.id.push(b'-');
        json::unsigned(&mut self.id, u64::from(journal.partition));
        self.id.push(b'-');
        json::signed(&mut self.id, id.offset);
        for part in [id.entry, id.index] {
            self.id.push(b'-');
            json::unsigned(&mut self.id, u64::from(part));
        }
        self.time.clear();
        json::bare_time(&mut self.time, as_of);
        self.subject.clear();
        self.subject.extend_from_slice(account.as_bytes());
        if let Some(rule) = rule {
            self.subject.push(b'/');
            self.subject.extend_from_slice(rule.as_bytes());
        }
    }
}

/// The texts of a plan, rendered if they are not there yet.
fn plan_text<'t>(plans: &'t mut Vec<PlanText>, plan: &Plan) -> &'t PlanText {
    let place = plans.iter().position(|text| text.id == plan.id).unwrap_or_else(|| {
        if plans.len() >= PLANS {
            plans.remove(0);
        }
        plans.push(PlanText::of(plan));
        plans.len() - 1
    });
    &plans[place]
}
