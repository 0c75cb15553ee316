//! What an account takes in memory, compared with what the review of its model says.

#![allow(clippy::unwrap_used, reason = "a test")]

#[allow(dead_code, reason = "made for benchmarks")]
#[path = "../benches/support/company.rs"]
mod company;

use company::Company;
use engine::effect::{Effect, EffectId, Sink};
use engine::entry::{Entry, Position};
use engine::{Shard, Step};
use std::sync::Arc;

struct Nothing;

impl Sink for Nothing {
    fn effect(&mut self, _: EffectId, _: &Effect<'_>) {}

    fn is_silent(&self) -> bool {
        true
    }
}

#[test]
fn sizes() {
    let models = ["b2b", "high-touch", "low-touch", "onboarding"]
        .map(|n| (n, std::fs::read_to_string(format!("../../deploy/models/{n}.yaml")).unwrap()));
    for (name, text) in models.into_iter().chain([("twelve", company::MODEL.to_owned())]) {
        let accounts = std::env::var("N").unwrap().parse().unwrap();
        let mut company = Company::new(accounts, 30);
        let names = Arc::clone(&company.accounts);
        let mut shard = Shard::new();
        let mut offset = 0;
        let mut fold = |shard: &mut Shard, entry: &Entry<'_>| {
            let mut step =
                shard.fold(Position { offset, entry: 0, minute: i64::MIN }, entry, &mut Nothing).unwrap();
            while step == Step::More {
                step = shard.go_on(&mut Nothing);
            }
            offset += 1;
        };
        fold(&mut shard, &Entry::Model(&text));
        for _ in 0..40 * 30 * accounts {
            let draw = company.draw();
            if let Some(mark) = company.pass() {
                fold(&mut shard, &mark);
            }
            let activity = company.activity(draw, &names);
            fold(&mut shard, &activity);
        }
        let memory = model::review(&text, model::time::EventTime(0)).unwrap().memory;
        println!("{name}: {} measured, {memory:?} {}", shard.size() / accounts, memory.total());
        let plan = model::compile(&text).unwrap().plan;
        let _ = plan;
    }
}
