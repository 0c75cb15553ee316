//! What stands in every record of one model, rendered once; and how its values are written.

use super::json;
use model::number::scale_round;
use model::plan::{Measure, ModelId, Plan, Unit};
use model::time::{DAY, HOUR, SECOND};

/// The texts of one model.
#[derive(Debug)]
pub(super) struct PlanText {
    pub(super) id: ModelId,
    /// `"model":{…}`
    pub(super) model: Vec<u8>,
    /// By measure.
    pub(super) measures: Vec<MeasureText>,
}

/// The texts of one measure.
#[derive(Debug)]
pub(super) struct MeasureText {
    /// `{"measure":"…","goal":"…","state":"`
    pub(super) line: Vec<u8>,
    /// `{"measure":"…","value":`
    pub(super) win: Vec<u8>,
    /// `,"target":…,"unit":"…","points":`, what follows a value.
    pub(super) after: Vec<u8>,
    /// The name in quotes, with a comma after it.
    pub(super) name: Vec<u8>,
    pub(super) goal: usize,
    pub(super) scale: Scale,
}

impl PlanText {
    pub(super) fn of(plan: &Plan) -> Self {
        let mut model = b"\"model\":{\"name\":".to_vec();
        json::text(&mut model, &plan.name);
        model.extend_from_slice(b",\"id\":");
        json::text(&mut model, &plan.id.to_string());
        model.push(b'}');
        let measures = plan.measures.iter().map(|measure| MeasureText::of(plan, measure)).collect();
        Self { id: plan.id, model, measures }
    }
}

impl MeasureText {
    fn of(plan: &Plan, measure: &Measure) -> Self {
        let signal = plan.signals.get(measure.signal);
        let scale = signal.map_or(Scale::NUMBER, |s| Scale::of(s.unit, measure.print_span));
        let mut name = Vec::new();
        json::text(&mut name, signal.map_or("", |signal| &signal.name));
        let mut line = [b"{\"measure\":".as_slice(), &name, b",\"goal\":"].concat();
        json::text(&mut line, plan.goals.get(measure.goal).map_or("", |goal| &goal.name));
        line.extend_from_slice(b",\"state\":\"");
        let win = [b"{\"measure\":".as_slice(), &name, b",\"value\":"].concat();
        let mut after = Vec::new();
        if let Some(target) = measure.target {
            after.extend_from_slice(b",\"target\":");
            scale.value(&mut after, target);
        }
        after.extend_from_slice(b",\"unit\":");
        json::text(&mut after, scale.unit());
        after.extend_from_slice(b",\"points\":");
        name.push(b',');
        Self { line, win, after, name, goal: measure.goal, scale }
    }
}

/// How the values of a signal are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scale {
    unit: Unit,
    /// For spans, the unit's milliseconds.
    span: i64,
}

impl Scale {
    pub(super) const NUMBER: Self = Self { unit: Unit::Number, span: 0 };

    /// That of a measure.
    pub(super) const fn of(unit: Unit, print_span: i64) -> Self {
        Self { unit, span: if print_span > 0 { print_span } else { DAY } }
    }

    /// One in which `value` is easily read: a span of a day in days, of an hour in hours, else in seconds.
    pub(super) const fn readable(unit: Unit, value: i64) -> Self {
        let span = match value {
            0 | DAY.. => DAY,
            HOUR.. => HOUR,
            _ => SECOND,
        };
        Self { unit, span }
    }

    /// The contract's word for the unit.
    pub(super) const fn unit(self) -> &'static str {
        match self.unit {
            Unit::Count => "count",
            Unit::Days => "days",
            Unit::Percent => "%",
            Unit::Number => "number",
            Unit::Span if self.span == DAY => "d",
            Unit::Span if self.span == HOUR => "h",
            Unit::Span => "s",
        }
    }

    /// A value as a JSON number.
    pub(super) fn value(self, out: &mut Vec<u8>, value: i64) {
        match self.unit {
            Unit::Count | Unit::Days | Unit::Number => json::shortest_micros(out, value),
            Unit::Percent => json::shortest(out, scale_round(value, 1, 10_000)),
            Unit::Span => json::shortest(out, scale_round(value, 100, self.span)),
        }
    }

    /// A value with its unit, for people.
    pub(super) fn shown(self, out: &mut Vec<u8>, value: i64) {
        self.value(out, value);
        let after = match self.unit {
            Unit::Count | Unit::Number => "",
            Unit::Days if value == 1_000_000 => " day",
            Unit::Days => " days",
            Unit::Percent | Unit::Span => self.unit(),
        };
        out.extend_from_slice(after.as_bytes());
    }
}
