//! What is due again and again: living time since it was done last, beyond the span within which it is due.

use super::since_last;
use crate::now::{Due, Edge};

/// The greatest mark that the overdue time has reached, and when it reaches the next.
pub(crate) fn overdue(last: i64, every: i64, marks: &[i64], edge: &Edge<'_>) -> (i64, Due) {
    since_last::beyond(last, every, marks, edge)
}

#[cfg(test)]
mod tests {
    use super::super::tests::Alone;
    use crate::activity::Value::Word;
    use model::source::Field::{Kind, State};
    use model::time::{DAY, HOUR};

    const REVIEW: &str = "{ cadence: csm-activity, where: { kind: qbr }, every: 90d }";

    fn done(reviews: &[(i64, &str)]) -> Alone {
        let mut alone = Alone::with(REVIEW, "it: { above: 30d }");
        for (day, state) in reviews {
            alone.tell(day * DAY, &[(Kind, Word("qbr")), (State, Word(state))]);
        }
        alone.tell(3 * DAY, &[(Kind, Word("call")), (State, Word("held"))]);
        alone
    }

    #[test]
    fn what_is_done_within_its_span_is_not_overdue() {
        for (reviews, at, overdue) in [
            (&[][..], 99 * DAY, None),
            (&[(1, "scheduled")], 99 * DAY, None),
            (&[(1, "held")], DAY, Some(0)),
            (&[(1, "held")], 91 * DAY, Some(0)),
            (&[(1, "held")], 92 * DAY - 1, Some(0)),
            (&[(1, "held")], 92 * DAY, Some(1)),
            (&[(1, "held")], 99 * DAY + HOUR, Some(8)),
            // In any order; what is only scheduled is not done.
            (&[(50, "held"), (1, "held"), (99, "scheduled")], 141 * DAY, Some(1)),
        ] {
            assert_eq!(done(reviews).at(at), overdue.map(|days| days * DAY), "{reviews:?} at {at}");
        }
    }

    #[test]
    fn beyond_a_limit_it_is_told_so_at_once() {
        let mut alone = done(&[(1, "held")]);
        assert_eq!(alone.at(121 * DAY), Some(30 * DAY));
        assert_eq!(alone.at(121 * DAY + 1), Some(30 * DAY + 1));
    }

    #[test]
    fn what_is_overdue_changes_only_from_mark_to_mark() {
        // 29 days, the limit, and a millisecond beyond it, which the next step sees.
        assert_eq!(done(&[(1, "held")]).walk(3 * DAY, 200 * DAY, HOUR), 31);
    }
}
