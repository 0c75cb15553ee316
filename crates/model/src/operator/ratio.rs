//! `ratio: SIGNAL, to: SIGNAL`: one signal in per cent of another.

use super::Part;
use crate::block::{Block, Spot};
use crate::plan::{Operator, Unit};
use crate::problem::Report;

pub(super) const KEYS: &[&str] = &["ratio", "to", "min_base"];

/// A ratio of signals that are still names.
#[derive(Clone, Debug)]
pub(crate) struct Draft<'t> {
    part: Spot<'t>,
    whole: Spot<'t>,
    min_base: Option<Spot<'t>>,
}

pub(super) fn read<'t>(block: &Block<'t>, report: &mut Report) -> Option<super::Draft<'t>> {
    let part = block.get("ratio")?;
    let whole = block.need("to", "seats", report)?;
    Some(super::Draft::Ratio(Draft { part, whole, min_base: block.get("min_base") }))
}

impl<'t> Draft<'t> {
    pub(super) const fn parts(&self) -> [&Spot<'t>; 2] {
        [&self.part, &self.whole]
    }

    pub(super) fn resolve(self, parts: &[Part<'_>], report: &mut Report) -> Option<(Operator, Unit)> {
        let [part, whole] = parts else { return None };
        for (spot, of) in [(&self.part, part), (&self.whole, whole)] {
            if matches!(of.operator, Operator::GapTo) {
                spot.problem(report, "a ratio is not made of gaps", "name two counts or two percentages");
                return None;
            }
        }
        let spans = part.unit == Unit::Span || whole.unit == Unit::Span;
        let shares = (part.unit == Unit::Percent) != (whole.unit == Unit::Percent);
        if spans || shares {
            let message = if spans { "a ratio is not made of spans" } else { "the two have different units" };
            self.whole.problem(report, message, "name two counts or two percentages");
            return None;
        }
        let min_base = match self.min_base {
            Some(spot) => {
                let value = spot.value(whole.unit, report)?;
                if value <= 0 {
                    spot.problem(
                        report,
                        "the least base is not positive",
                        "write at least 1, or leave it out",
                    );
                    return None;
                }
                value
            }
            None => 0,
        };
        Some((Operator::Ratio { part: part.index, whole: whole.index, min_base }, Unit::Percent))
    }
}

/// It is made of its parts' values.
pub(super) const BYTES: u64 = 0;
