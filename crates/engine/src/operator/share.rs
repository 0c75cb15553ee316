//! Activities that pass one filter in per cent of those that pass another: buckets whose number counts the latter, and
//! whose sum the former.

use super::bucket::{self, Added, Keep, Total};
use super::{passes, per_cent};
use crate::activity::Activity;
use crate::now::Edge;
use crate::parts::Part;
use model::plan::{Window, WordTest};

/// What is counted, and what it is compared with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filters<'a> {
    pub(crate) part: &'a [WordTest],
    pub(crate) whole: &'a [WordTest],
}

impl Filters<'_> {
    /// Whether an activity counts for either.
    pub(crate) fn take_in(self, activity: &Activity<'_>) -> bool {
        passes(self.part, activity) || passes(self.whole, activity)
    }

    /// Adds an activity that counts for either.
    pub(crate) fn add(self, part: &mut Part<'_>, activity: &Activity<'_>, window: Window, edge: &Edge<'_>) {
        let added = Added {
            count: u32::from(passes(self.whole, activity)),
            amount: i64::from(passes(self.part, activity)),
        };
        bucket::add(part, Keep::Sums, activity.time.0, added, window, edge);
    }
}

/// What the window comes to.
pub(crate) fn value(total: Total, min_base: u32) -> Option<i64> {
    per_cent(Some(total.sum), Some(i64::from(total.count)), i64::from(min_base))
}

#[cfg(test)]
mod tests {
    use super::super::tests::Alone;
    use crate::activity::Value::Word;
    use model::source::Field::{Kind, Priority};
    use model::time::{DAY, HOUR};

    const REOPENED: &str = "{ share: { kind: reopened }, among: { kind: [solved, closed] }, from: support, over: 7d, min_base: 2 }";

    #[test]
    fn a_share_compares_what_passes_one_filter_with_what_passes_another() {
        for (kinds, share) in [
            (&["solved"][..], None),
            (&["reopened", "reopened"], None),
            (&["solved", "closed", "opened"], Some(0)),
            (&["solved", "reopened", "closed", "solved"], Some(33_333_333)),
            (&["reopened", "solved", "reopened", "closed", "reopened"], Some(150_000_000)),
        ] {
            let mut alone = Alone::new(REOPENED);
            for kind in kinds {
                alone.tell(HOUR, &[(Kind, Word(kind))]);
            }
            assert_eq!(alone.at(2 * HOUR), share, "{kinds:?}");
        }
    }

    #[test]
    fn an_activity_that_passes_both_filters_counts_for_both() {
        let mut alone = Alone::new("{ share: { priority: high }, among: {}, from: support, over: 7d }");
        assert_eq!(alone.at(HOUR), None);
        for priority in ["high", "low", "high", "low"] {
            alone.tell(HOUR, &[(Priority, Word(priority))]);
        }
        alone.tell(HOUR, &[(Kind, Word("replied"))]);
        assert_eq!(alone.at(HOUR), Some(40_000_000));
    }

    #[test]
    fn a_share_changes_only_as_buckets_enter_and_leave() {
        let mut alone = Alone::new(REOPENED);
        for (day, kind) in
            [(0, "solved"), (1, "solved"), (1, "reopened"), (2, "closed"), (5, "reopened"), (9, "solved")]
        {
            alone.tell(day * DAY + HOUR, &[(Kind, Word(kind))]);
        }
        assert!(alone.walk(HOUR, 20 * DAY, HOUR / 2) >= 4);
    }
}
