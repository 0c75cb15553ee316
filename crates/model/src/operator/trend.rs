//! `trend: SIGNAL, against: previous`: a window in per cent of the window of equal width directly before.

use super::Part;
use crate::block::{Block, Spot, not_yet};
use crate::plan::{Fold, Operator, Unit};
use crate::problem::{Report, quoted};
use crate::quantity::shown;
use crate::time::DAY;

pub(super) const KEYS: &[&str] = &["trend", "against"];

/// The widest window of which an account keeps two.
const WIDEST: i64 = 200 * DAY;

/// A trend of a signal that is still a name.
#[derive(Clone, Debug)]
pub(crate) struct Draft<'t> {
    of: Spot<'t>,
}

pub(super) fn read<'t>(block: &Block<'t>, report: &mut Report) -> Option<super::Draft<'t>> {
    let of = block.get("trend")?;
    let against = block.need("against", "previous", report)?;
    match against.text(report)? {
        "previous" => Some(super::Draft::Trend(Draft { of })),
        "own-average" => {
            against.problem(report, not_yet("a trend against `own-average`"), "write `previous`");
            None
        }
        other => {
            against.problem(report, format!("unknown word {}", quoted(other)), "write `previous`");
            None
        }
    }
}

impl<'t> Draft<'t> {
    pub(super) const fn parts(&self) -> [&Spot<'t>; 1] {
        [&self.of]
    }

    pub(super) fn resolve(self, parts: &[Part<'_>], report: &mut Report) -> Option<(Operator, Unit)> {
        let [part] = parts else { return None };
        let Operator::Rolling { feed, fold, window, min_base } = part.operator else {
            let fix = "name a signal made with `count`, `count_days`, `sum` or `distinct`";
            self.of.problem(report, "a trend is made of a rolling signal", fix);
            return None;
        };
        if matches!(fold, Fold::Mean(_)) {
            let fix = "name a signal made with `count`, `count_days`, `sum` or `distinct`";
            self.of.problem(report, not_yet("a trend of a `mean`"), fix);
            return None;
        }
        if matches!(fold, Fold::Nps) {
            let fix = "name a signal made with `count`, `count_days`, `sum` or `distinct`";
            self.of.problem(report, "an `nps` may be zero or less, so nothing is in per cent of it", fix);
            return None;
        }
        if *min_base > 0 {
            let fix = "name a signal without it";
            self.of.problem(report, not_yet("a trend of a signal with `min_base`"), fix);
            return None;
        }
        if window.width > WIDEST {
            let message = format!("a trend compares windows of at most {}", shown(Unit::Span, WIDEST));
            self.of.problem(report, message, "name a signal with a shorter window");
            return None;
        }
        let operator = Operator::Trend { feed: feed.clone(), fold: *fold, window: *window };
        Some((operator, Unit::Percent))
    }
}

/// Two windows.
pub(super) const fn bytes(window: u64) -> u64 {
    2 * window
}
