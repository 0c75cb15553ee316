//! The operators: the first key of a signal, in words.
//!
//! One file an operator: the keys it may have, what it checks, the unit of its value, what it keeps of an
//! account. They are joined by one enum, matched exhaustively. What the fold does with them is in the engine,
//! in files of the same names.

mod cadence;
mod count;
mod count_days;
mod distinct;
mod gap_to;
mod latest;
mod mean;
mod nps;
mod open;
mod overdue;
mod ratio;
mod reached;
mod share;
mod since_last;
mod sum;
mod trend;
mod until;

use crate::block::{Block, Keys, Spot, not_yet};
use crate::feed;
use crate::nearest::suggestion;
use crate::plan::{Feed, Fold, Operator, Plan, Unit, Window};
use crate::problem::{Report, quoted};
use crate::source::{Field, FieldType, Source};
use crate::window;

/// Operators that the language has and this version does not.
const LATER: [&str; 2] = ["percentile", "change"];
/// Keys of operators that the language has and this version does not.
const LATER_KEYS: &[&str] = &["calendar", "of"];

/// The least base below which a rolling value is unknown: its greatest.
const GREATEST_BASE: u32 = 1_000_000;

/// The operator of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    Count,
    CountDays,
    Sum,
    Distinct,
    Mean,
    Nps,
    Share,
    Latest,
    Ratio,
    Trend,
    SinceLast,
    Cadence,
    Open,
    Until,
    Reached,
    Overdue,
    GapTo,
}

impl Word {
    pub(crate) const ALL: [Self; 17] = [
        Self::Count,
        Self::CountDays,
        Self::Sum,
        Self::Distinct,
        Self::Mean,
        Self::Nps,
        Self::Share,
        Self::Latest,
        Self::Ratio,
        Self::Trend,
        Self::SinceLast,
        Self::Cadence,
        Self::Open,
        Self::Until,
        Self::Reached,
        Self::Overdue,
        Self::GapTo,
    ];

    pub(crate) const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Count => count::KEYS,
            Self::CountDays => count_days::KEYS,
            Self::Sum => sum::KEYS,
            Self::Distinct => distinct::KEYS,
            Self::Mean => mean::KEYS,
            Self::Nps => nps::KEYS,
            Self::Share => share::KEYS,
            Self::Latest => latest::KEYS,
            Self::Ratio => ratio::KEYS,
            Self::Trend => trend::KEYS,
            Self::SinceLast => since_last::KEYS,
            Self::Cadence => cadence::KEYS,
            Self::Open => open::KEYS,
            Self::Until => until::KEYS,
            Self::Reached => reached::KEYS,
            Self::Overdue => overdue::KEYS,
            Self::GapTo => gap_to::KEYS,
        }
    }

    /// The word itself, which is the first of its keys.
    pub(crate) fn name(self) -> &'static str {
        self.keys().first().copied().unwrap_or_default()
    }

    fn read<'t>(self, block: &Block<'t>, report: &mut Report) -> Option<Draft<'t>> {
        match self {
            Self::Count => count::read(block, report),
            Self::CountDays => count_days::read(block, report),
            Self::Sum => sum::read(block, report),
            Self::Distinct => distinct::read(block, report),
            Self::Mean => mean::read(block, report),
            Self::Nps => nps::read(block, report),
            Self::Share => share::read(block, report),
            Self::Latest => latest::read(block, report),
            Self::Ratio => ratio::read(block, report),
            Self::Trend => trend::read(block, report),
            Self::SinceLast => since_last::read(block, report),
            Self::Cadence => cadence::read(block, report),
            Self::Open => open::read(block, report),
            Self::Until => until::read(block, report),
            Self::Reached => reached::read(block, report),
            Self::Overdue => overdue::read(block, report),
            Self::GapTo => gap_to::read(block, report),
        }
    }
}

/// A signal's definition as read; what is made of other signals still names them.
#[derive(Clone, Debug)]
pub(crate) enum Draft<'t> {
    /// Made of activities only.
    Whole(Operator, Unit),
    /// One signal in per cent of another.
    Ratio(ratio::Draft<'t>),
    /// One signal against its own past.
    Trend(trend::Draft<'t>),
}

/// A signal that others may be made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    /// Its place in the plan.
    pub(crate) index: usize,
    /// Its definition.
    pub(crate) operator: &'a Operator,
    /// Its unit.
    pub(crate) unit: Unit,
}

impl<'t> Draft<'t> {
    /// Reads a signal's definition.
    pub(crate) fn read(spot: &Spot<'t>, report: &mut Report) -> Option<Self> {
        let block = Block::open(spot, report)?;
        let Some((first, value)) = block.first() else {
            spot.problem(report, "the signal has no operator", "write it like `{ count: login, over: 28d }`");
            return None;
        };
        let word = Word::ALL.into_iter().find(|word| word.name() == first.text);
        let Some(word) = word else {
            let (message, fix) = if LATER.contains(&first.text.as_str()) {
                (not_yet(&format!("the operator {}", quoted(&first.text))), "leave the signal out".to_owned())
            } else if block.iter().any(|(key, _)| Word::ALL.iter().any(|word| word.name() == key.text)) {
                let message = format!("{} stands before the operator", quoted(&first.text));
                (message, "write the operator first".to_owned())
            } else {
                let known = Word::ALL.iter().map(|word| word.name()).chain(LATER);
                (format!("unknown operator {}", quoted(&first.text)), suggestion(&first.text, known))
            };
            report.problem(first.mark, &value.path, message, fix);
            return None;
        };
        block.check(&Keys { known: word.keys(), later: LATER_KEYS }, report);
        word.read(&block, report)
    }

    /// The names of the signals that it is made of.
    pub(crate) fn parts(&self) -> Vec<&Spot<'t>> {
        match self {
            Self::Whole(..) => Vec::new(),
            Self::Ratio(draft) => draft.parts().to_vec(),
            Self::Trend(draft) => draft.parts().to_vec(),
        }
    }

    /// The definition, once its parts (in the order of [`Self::parts`]) are known.
    pub(crate) fn resolve(self, parts: &[Part<'_>], report: &mut Report) -> Option<(Operator, Unit)> {
        match self {
            Self::Whole(operator, unit) => Some((operator, unit)),
            Self::Ratio(draft) => draft.resolve(parts, report),
            Self::Trend(draft) => draft.resolve(parts, report),
        }
    }
}

/// About how many bytes an account keeps for a signal (20 users, 10 tickets, 10 milestones).
#[must_use]
pub fn bytes(operator: &Operator) -> u64 {
    match operator {
        Operator::Rolling { fold, window, .. } => folded(fold, *window),
        Operator::DecayedMean { window, .. } => mean::bytes(buckets(*window)),
        Operator::Share { window, .. } => share::bytes(buckets(*window)),
        Operator::Trend { fold, window, .. } => trend::bytes(folded(fold, *window)),
        Operator::OwnAverage { fold, window, windows, .. } => {
            let width = window.width * (1 + i64::from(*windows));
            trend::average_bytes(fold, folded(fold, Window { width, ..*window }), buckets(*window), *windows)
        }
        Operator::Latest { .. } => latest::BYTES,
        Operator::Ratio { .. } => ratio::BYTES,
        Operator::SinceLast { .. } => since_last::BYTES,
        Operator::Cadence { .. } => cadence::BYTES,
        Operator::Open { .. } => open::BYTES,
        Operator::Until { .. } => until::BYTES,
        Operator::Reached => reached::BYTES,
        Operator::Overdue => overdue::BYTES,
        Operator::GapTo => gap_to::BYTES,
    }
}

/// About how many bytes an account keeps for all signals of a plan.
#[must_use]
pub fn bytes_per_account(plan: &Plan) -> u64 {
    plan.signals.iter().map(|signal| bytes(&signal.operator)).sum()
}

/// How many buckets a window has.
fn buckets(window: Window) -> u64 {
    u64::try_from(window.width / window.bucket.width()).unwrap_or(1)
}

fn folded(fold: &Fold, window: Window) -> u64 {
    let buckets = buckets(window);
    match fold {
        Fold::Count => count::bytes(buckets),
        Fold::CountDays => count_days::bytes(buckets),
        Fold::Sum(_) => sum::bytes(buckets),
        Fold::Distinct(_) => distinct::bytes(buckets),
        Fold::Mean(_) => mean::bytes(buckets),
        Fold::Nps => nps::bytes(buckets),
    }
}

/// Reads the source that follows an operator.
fn own_feed(block: &Block<'_>, word: &str, report: &mut Report) -> Option<Feed> {
    let spot = block.get(word)?;
    let source = feed::source(&spot, report)?;
    feed::feed(block, source, report)
}

/// Reads the field that follows an operator, and the source it is taken `from`.
fn field_feed(
    block: &Block<'_>,
    word: &str,
    types: &[FieldType],
    example: Source,
    report: &mut Report,
) -> Option<(Field, Feed)> {
    let spot = block.get(word)?;
    let from = block.need("from", example.name(), report)?;
    let source = feed::source(&from, report)?;
    let field = feed::field(&spot, source, types, report);
    let feed = feed::feed(block, source, report);
    Some((field?, feed?))
}

/// Completes a rolling signal: its window and its base.
fn rolling<'t>(
    block: &Block<'_>,
    taken: Option<(Fold, Feed)>,
    unit: Unit,
    report: &mut Report,
) -> Option<Draft<'t>> {
    let window = window::over(block, report);
    let min_base = min_base(block, report);
    let (fold, feed) = taken?;
    Some(Draft::Whole(Operator::Rolling { feed, fold, window: window?, min_base: min_base? }, unit))
}

/// Reads below how many activities a value is unknown; 0 for none.
fn min_base(block: &Block<'_>, report: &mut Report) -> Option<u32> {
    match block.get("min_base") {
        Some(spot) => spot.whole(1, GREATEST_BASE, report),
        None => Some(0),
    }
}

/// Checks that the milestones are those planned for each account.
fn planned(block: &Block<'_>, word: &str, report: &mut Report) -> Option<()> {
    let spot = block.get(word)?;
    let text = spot.text(report)?;
    if text == Source::Milestone.name() {
        return Some(());
    }
    let fix = format!("write `{word}: milestone`: those planned for each account on vitals.milestone");
    spot.problem(report, not_yet(&format!("a named list of milestones ({})", quoted(text))), fix);
    None
}
