//! What an account takes in memory, compared with what the review of its model says.
//!
//! The estimate is for 20 users and 30 activities a day, on the side of safety: each day of each window holds something. So
//! it may not be less than what is measured, and for the model that is fed all of that it may be a quarter more.

#![allow(clippy::unwrap_used, reason = "a test")]

#[allow(dead_code, reason = "made for benchmarks")]
#[path = "../benches/support/company.rs"]
mod company;

use company::Company;
use engine::effect::{Effect, EffectId, Sink};
use engine::entry::{Entry, Position};
use engine::{Shard, Step};
use model::time::EventTime;
use std::sync::Arc;

const ACCOUNTS: usize = 100;
const DAYS: usize = 60;

struct Nothing;

impl Sink for Nothing {
    fn effect(&mut self, _: EffectId, _: &Effect<'_>) {}

    fn is_silent(&self) -> bool {
        true
    }
}

/// Bytes an account, as the benchmark measures them.
fn measured(model: &str, mut company: Company) -> u64 {
    let names = Arc::clone(&company.accounts);
    let (mut shard, mut offset) = (Shard::new(), 0);
    let mut fold = |entry: &Entry<'_>, shard: &mut Shard| {
        let at = Position { offset, entry: 0, minute: i64::MIN };
        let mut step = shard.fold(at, entry, &mut Nothing).unwrap();
        while step == Step::More {
            step = shard.go_on(&mut Nothing);
        }
        offset += 1;
    };
    fold(&Entry::Model(model), &mut shard);
    for _ in 0..DAYS * 30 * ACCOUNTS {
        let draw = company.draw();
        if let Some(mark) = company.pass() {
            fold(&mark, &mut shard);
        }
        fold(&company.activity(draw, &names), &mut shard);
    }
    u64::try_from(shard.size() / ACCOUNTS).unwrap()
}

#[test]
fn the_estimate_of_a_model_holds_what_its_accounts_take() {
    let shipped = [
        include_str!("../../../deploy/models/b2b.yaml"),
        include_str!("../../../deploy/models/high-touch.yaml"),
        include_str!("../../../deploy/models/low-touch.yaml"),
        include_str!("../../../deploy/models/onboarding.yaml"),
    ];
    for text in shipped.into_iter().chain([company::MODEL]) {
        let estimate = model::review(text, EventTime(0)).unwrap().memory.total();
        let found = measured(text, Company::new(ACCOUNTS, 30));
        // Of some models much is never fed here: answers, contracts, milestones.
        let most = if text == company::MODEL { found * 5 / 4 } else { found * 5 / 2 };
        assert!((found..=most).contains(&estimate), "{found} measured, {estimate} estimated: {text}");
    }
}

#[test]
fn twice_the_signals_take_at_most_twice_the_memory() {
    let [few, many] = [company::MODEL, company::WIDE].map(|text| measured(text, Company::wide(ACCOUNTS, 30)));
    println!("{few} bytes an account of 12 signals, {many} of 25");
    assert!(model::compile(company::WIDE).unwrap().plan.signals.len() == 25);
    assert!(many <= 2 * few, "{few}, {many}");
}
