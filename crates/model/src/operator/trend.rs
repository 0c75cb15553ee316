//! `trend: SIGNAL, against: …`: a window in per cent of what is usual: the window of equal width directly before, or the
//! account's own average of several.

use super::Part;
use crate::block::{Block, Spot};
use crate::plan::{Fold, MOST_WINDOWS, Operator, Unit, Window};
use crate::problem::{Report, quoted};
use crate::quantity::shown;
use crate::time::{DAY, HOUR};
use crate::window::WIDEST;

pub(super) const KEYS: &[&str] = &["trend", "against", "over"];

/// What makes a signal of which there is a trend.
const COUNTED: &str = "name a signal made with `count`, `count_days`, `sum` or `distinct`";

/// The widest window of which an account keeps two.
const WIDEST_OF_TWO: i64 = 200 * DAY;

/// A trend of a signal that is still a name.
#[derive(Clone, Debug)]
pub(crate) struct Draft<'t> {
    of: Spot<'t>,
    /// Over what the average is taken; `None` against the previous window.
    over: Option<Spot<'t>>,
}

pub(super) fn read<'t>(block: &Block<'t>, report: &mut Report) -> Option<super::Draft<'t>> {
    let of = block.get("trend")?;
    let against = block.need("against", "previous", report)?;
    let is_average = against.choice(&[("previous", false), ("own-average", true)], report)?;
    let over = match (is_average, block.get("over")) {
        (true, _) => Some(block.need("over", "8w", report)?),
        (false, None) => None,
        (false, Some(spot)) => {
            let fix = "leave it out, or write `against: own-average`";
            spot.problem(report, "the previous window is as wide as that of the signal", fix);
            return None;
        }
    };
    Some(super::Draft::Trend(Draft { of, over }))
}

impl<'t> Draft<'t> {
    pub(super) const fn parts(&self) -> [&Spot<'t>; 1] {
        [&self.of]
    }

    pub(super) fn resolve(self, parts: &[Part<'_>], report: &mut Report) -> Option<(Operator, Unit)> {
        let [part] = parts else { return None };
        let Operator::Rolling { feed, fold, window, min_base } = part.operator else {
            self.of.problem(report, "a trend is made of a rolling signal", COUNTED);
            return None;
        };
        if matches!(fold, Fold::Mean(_)) {
            self.of.problem(report, crate::block::not_yet("a trend of a `mean`"), COUNTED);
            return None;
        }
        if matches!(fold, Fold::Nps) {
            let message = "an `nps` may be zero or less, so nothing is in per cent of it";
            self.of.problem(report, message, COUNTED);
            return None;
        }
        if *min_base > 0 {
            let fix = "name a signal without it";
            self.of.problem(report, crate::block::not_yet("a trend of a signal with `min_base`"), fix);
            return None;
        }
        let (feed, fold, window) = (feed.clone(), *fold, *window);
        if let Some(over) = &self.over {
            let windows = self.windows(over, window, report)?;
            return Some((Operator::OwnAverage { feed, fold, window, windows }, Unit::Percent));
        }
        if window.width > WIDEST_OF_TWO {
            let message = format!("a trend compares windows of at most {}", shown(Unit::Span, WIDEST_OF_TWO));
            self.of.problem(report, message, "name a signal with a shorter window");
            return None;
        }
        Some((Operator::Trend { feed, fold, window }, Unit::Percent))
    }

    /// How many windows the average is made of.
    fn windows(&self, over: &Spot<'_>, window: Window, report: &mut Report) -> Option<u8> {
        let span = over.span(HOUR, WIDEST, report)?;
        let most = (i64::from(MOST_WINDOWS) * window.width)
            .min((WIDEST - window.width) / window.width * window.width);
        if most == 0 {
            let message = format!("it and the window before take more than {}", shown(Unit::Span, WIDEST));
            self.of.problem(report, message, "name a signal with a shorter window");
            return None;
        }
        if span % window.width != 0 || span > most {
            let each = shown(Unit::Span, window.width);
            let name = quoted(self.of.text(report)?);
            let message = format!(
                "the average is taken of whole windows of {name}, each of {each}, at most {} in all",
                shown(Unit::Span, most)
            );
            let near = (span / window.width * window.width).clamp(window.width, most);
            over.problem(report, message, format!("write it like `{}`", shown(Unit::Span, near)));
            return None;
        }
        u8::try_from(span / window.width).ok()
    }
}

/// Two windows.
pub(super) const fn bytes(window: u64) -> u64 {
    2 * window
}

/// All windows that the average is made of, and the one that is compared; of identities a bit a bucket.
pub(super) fn average_bytes(fold: &Fold, all: u64, window: u64, windows: u8) -> u64 {
    match fold {
        Fold::Distinct(_) => 20 + 20 * 16 * ((1 + u64::from(windows)) * window / 32 + 1),
        Fold::Count | Fold::CountDays | Fold::Sum(_) | Fold::Mean(_) | Fold::Nps => all,
    }
}
