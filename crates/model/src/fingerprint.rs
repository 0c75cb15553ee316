//! Content hashes: of a whole model, and of what the state of one signal depends on.
//!
//! Both are SHA-256 over length-prefixed texts and fixed-width numbers, so no two contents share a byte form.
//! They are stored in journals and state: the golden tests pin them.

use crate::plan::{Bucket, Feed, Fold, ModelId, Operator, REMEMBERED, Signal, Window, WordTest};
use crate::tree::{Node, Value};
use sha2::{Digest, Sha256};

/// Whether the order of a mapping's keys has meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// It has none: they are sorted.
    Sorted,
    /// It has.
    Kept,
    /// It has, here and in all that is below.
    KeptBelow,
}

impl Order {
    /// The order of what stands under a key.
    fn under(self, key: &str) -> Self {
        match (self, key) {
            (Self::KeptBelow, _) | (_, "when" | "clears_when" | "critical_when") => Self::KeptBelow,
            (_, "signals" | "goals" | "measures" | "curve" | "alerts") => Self::Kept,
            (Self::Sorted | Self::Kept, _) => Self::Sorted,
        }
    }
}

/// The identity of a model: layout, comments, quotes and the order of keys do not matter.
///
/// Where the order has meaning (of goals, measures, signals and alerts and within conditions, which plans and
/// outputs keep, and of the points of a curve) it is part of the identity: one identity, one plan.
pub(crate) fn model(root: &Node) -> ModelId {
    let mut canon = Canon::new("vitals.model/1");
    canon.node(root, Order::Sorted);
    ModelId(canon.finish())
}

/// What the state of a signal depends on: the operator, its feed and its parts, neither `min_base`, nor the half-life of a
/// mean; nor marks, when a value expires or how often something is due, unless that lies further back than dead time is
/// remembered for every model.
pub(crate) fn definition(signal: &Signal, earlier: &[Signal]) -> u64 {
    let mut canon = Canon::new("vitals.signal/1");
    let part = |index: usize| earlier.get(index).map_or(0, |signal| signal.definition);
    match &signal.operator {
        Operator::Rolling { feed, fold, window, min_base: _ } => {
            canon.text("rolling").feed(feed).fold(fold).window(*window)
        }
        Operator::DecayedMean { feed, field, window, min_base: _, weights: _ } => {
            canon.text("decayed_mean").feed(feed).text(field.name()).window(*window)
        }
        Operator::Share { feed, part, whole, window, min_base: _ } => {
            canon.text("share").feed(feed).tests(part).tests(whole).window(*window)
        }
        Operator::Trend { feed, fold, window } => canon.text("trend").feed(feed).fold(fold).window(*window),
        Operator::OwnAverage { feed, fold, window, windows } => {
            canon.text("own_average").feed(feed).fold(fold).window(*window).number(u64::from(*windows))
        }
        Operator::Latest { feed, field, expires } => {
            canon.text("latest").feed(feed).text(field.name()).far(expires.unwrap_or(0))
        }
        Operator::Ratio { part: a, whole: b, min_base: _ } => {
            canon.text("ratio").number(part(*a)).number(part(*b))
        }
        Operator::SinceLast { feed, marks } => {
            canon.text("since_last").feed(feed).far(marks.last().copied().unwrap_or(0))
        }
        Operator::Cadence { feed, every, marks } => {
            canon.text("cadence").feed(feed).far(every.saturating_add(marks.last().copied().unwrap_or(0)))
        }
        Operator::Open { priority } => canon.text("open").texts(priority),
        Operator::Until { feed, field, marks: _ } => canon.text("until").feed(feed).text(field.name()),
        Operator::Reached => canon.text("reached"),
        Operator::Overdue => canon.text("overdue"),
        // It keeps nothing, but rules that name it go by the clocks of what feeds its benchmark.
        Operator::GapTo => {
            signal.sources.iter().fold(canon.text("gap_to"), |canon, source| canon.text(source.name()))
        }
    };
    let [a, b, c, d, e, f, g, h, ..] = canon.finish();
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

struct Canon(Sha256);

impl Canon {
    fn new(purpose: &str) -> Self {
        let mut canon = Self(Sha256::new());
        canon.text(purpose);
        canon
    }

    fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }

    fn number(&mut self, number: u64) -> &mut Self {
        self.0.update(number.to_be_bytes());
        self
    }

    fn length(&mut self, length: usize) -> &mut Self {
        self.number(u64::try_from(length).unwrap_or(u64::MAX))
    }

    /// How far back a signal looks, where dead time is remembered only for who asks for it.
    fn far(&mut self, back: i64) -> &mut Self {
        if back > REMEMBERED { self.number(back.unsigned_abs()) } else { self }
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.length(text.len()).0.update(text.as_bytes());
        self
    }

    fn texts(&mut self, texts: &[String]) -> &mut Self {
        self.length(texts.len());
        texts.iter().fold(self, |canon, text| canon.text(text))
    }

    fn feed(&mut self, feed: &Feed) -> &mut Self {
        self.text(feed.source.name()).tests(&feed.filter)
    }

    fn tests(&mut self, tests: &[WordTest]) -> &mut Self {
        self.length(tests.len());
        tests.iter().fold(self, |canon, test| canon.text(test.field.name()).texts(&test.any_of))
    }

    fn fold(&mut self, fold: &Fold) -> &mut Self {
        match fold {
            Fold::Count => self.text("count"),
            Fold::CountDays => self.text("count_days"),
            Fold::Sum(field) => self.text("sum").text(field.name()),
            Fold::Distinct(field) => self.text("distinct").text(field.name()),
            Fold::Mean(field) => self.text("mean").text(field.name()),
            Fold::Nps => self.text("nps"),
        }
    }

    fn window(&mut self, window: Window) -> &mut Self {
        let bucket = match window.bucket {
            Bucket::Hour => "hour",
            Bucket::Day => "day",
        };
        self.number(window.width.unsigned_abs()).text(bucket)
    }

    fn node(&mut self, node: &Node, order: Order) {
        match &node.value {
            Value::Scalar(text) => {
                self.text("scalar").text(text);
            }
            Value::Sequence(items) => {
                self.text("sequence").length(items.len());
                let below = order.under("");
                items.iter().for_each(|item| self.node(item, below));
            }
            Value::Mapping(entries) => {
                self.text("mapping").length(entries.len());
                let mut entries: Vec<_> = entries.iter().collect();
                if order == Order::Sorted {
                    entries.sort_by(|(a, _), (b, _)| a.text.cmp(&b.text));
                }
                for (key, node) in entries {
                    self.text(&key.text).node(node, order.under(&key.text));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
