//! One signal by itself, on a source that always lives, for tables of cases.

use super::{Layout, Reading, observe, read, takes_in};
use crate::account::UNKNOWN;
use crate::activity::{Activity, Fields, Value};
use crate::clock::Clock;
use crate::now::{Clocks, Edge};
use crate::parts::Parts;
use crate::reading::edge;
use model::plan::{Operator, SourceRules};
use model::source::{SOURCES, Source};
use model::time::EventTime;

/// A signal, what it keeps of an account of no spread, and the clock of its source.
#[derive(Clone, Debug)]
pub(super) struct Alone {
    operator: Operator,
    source: Source,
    parts: Parts,
    clocks: [Clock; SOURCES],
    rules: [SourceRules; SOURCES],
    offset: i64,
}

impl Alone {
    /// The signal of this definition; its source begins at the epoch and always lives.
    pub(super) fn new(definition: &str) -> Self {
        Self::with(definition, "score: { below: 1 }")
    }

    /// The same, where an alert depends on it by this condition on the signal `it`.
    pub(super) fn with(definition: &str, when: &str) -> Self {
        let text = format!(
            "
format: 1
model: alone
score: {{ bands: {{ fine: 0 }} }}
signals: {{ it: {definition}, other: {{ count: login, over: 28d }} }}
goals:
  all:
    statement: All is well.
    owner: csm
    weight: 1
    measures: {{ other: {{ kind: leading, weight: 1, curve: {{ 0: 0, 9: 100 }} }} }}
alerts: {{ limit: {{ when: {{ {when} }}, notify: csm }} }}
"
        );
        let plan = model::compile(&text).unwrap().plan;
        let signal = plan.signals.into_iter().find(|signal| signal.name == "it").unwrap();
        let empty = Layout::of(&signal.operator).empty();
        let lens: Vec<u32> = empty.iter().map(|part| u32::try_from(part.len()).unwrap()).collect();
        let mut parts = Parts::new(&lens);
        for (place, part) in empty.iter().enumerate() {
            parts.get_mut(place).copy_from_slice(part);
        }
        let clock = Clock { target: Some(0), at: Some(0), begin: Some(0), ..Clock::default() };
        Self {
            operator: signal.operator,
            source: signal.sources.iter().next().unwrap(),
            parts,
            clocks: std::array::from_fn(|_| clock.clone()),
            rules: plan.sources,
            offset: 0,
        }
    }

    /// An activity of its source, if the signal takes it in.
    pub(super) fn tell(&mut self, time: i64, fields: &[(model::source::Field, Value<'_>)]) {
        let mut all = Fields::default();
        for (field, value) in fields {
            assert!(all.set(*field, *value));
        }
        self.offset += 1;
        let (offset, id) = (self.offset, self.offset.unsigned_abs());
        let (source, time) = (self.source, EventTime(time));
        let activity = Activity { source, partition: 0, offset, id, time, account: "a", fields: all };
        let clocks = Clocks { clocks: &self.clocks, rules: &self.rules };
        let edge = edge(clocks, &clocks.now(), source, 0);
        if takes_in(&self.operator, &activity) {
            observe(&self.operator, &mut self.parts, 0, &activity, &edge);
        }
    }

    /// Its value at an instant, and when it may change next. Time does not go back.
    pub(super) fn read(&mut self, at: i64) -> Reading {
        for clock in &mut self.clocks {
            (clock.target, clock.at) = (Some(at), Some(at));
        }
        let clocks = Clocks { clocks: &self.clocks, rules: &self.rules };
        let edge: Edge<'_> = edge(clocks, &clocks.now(), self.source, 0);
        read(&self.operator, &mut self.parts, 0, &edge, None, true)
    }

    /// Its value at an instant.
    pub(super) fn at(&mut self, at: i64) -> Option<i64> {
        Some(self.read(at).value).filter(|value| *value != UNKNOWN)
    }

    /// Whether what it told so far must be sorted anew to be read. Of an average of distinct values.
    pub(super) fn is_unsettled(&self) -> bool {
        super::stretches::is_unsettled(self.parts.get(0))
    }

    /// Its value where no time has passed since it was read.
    pub(super) fn seen(&mut self) -> Option<i64> {
        let clocks = Clocks { clocks: &self.clocks, rules: &self.rules };
        let edge: Edge<'_> = edge(clocks, &clocks.now(), self.source, 0);
        let reading = read(&self.operator, &mut self.parts, 0, &edge, None, false);
        Some(reading.value).filter(|value| *value != UNKNOWN)
    }

    /// How many words its part has.
    pub(super) fn words(&self) -> usize {
        self.parts.get(0).len()
    }

    /// Walks by `step` and checks that the value changes only where a look before it said that it may. Returns how
    /// often it did.
    pub(super) fn walk(mut self, from: i64, to: i64, step: i64) -> usize {
        let mut last = self.read(from);
        let mut changes = 0;
        for at in (from + step..=to).step_by(usize::try_from(step).unwrap()) {
            let now = self.read(at);
            if now.value != last.value {
                // It began at the epoch and always lives: living time is time.
                assert!(last.due.plain.min(last.due.living) <= at, "{last:?}, and at {at} {now:?}");
                changes += 1;
            }
            last = now;
        }
        changes
    }
}
