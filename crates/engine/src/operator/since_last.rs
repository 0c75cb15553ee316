//! Silence: living time since the newest activity.

use crate::now::{Due, Edge};

/// The greatest mark that the silence has reached, and when it reaches the next.
#[inline]
pub(crate) fn silence(last: i64, marks: &[i64], edge: &Edge<'_>) -> (i64, Due) {
    beyond(last, 0, marks, edge)
}

/// The same of what the silence is beyond `least`.
#[inline]
pub(crate) fn beyond(last: i64, least: i64, marks: &[i64], edge: &Edge<'_>) -> (i64, Due) {
    let first =
        marks.first().map_or(Due::NEVER, |first| Due::plain(last.saturating_add(least + first)).early());
    if !edge.sees_begun() {
        return (0, Due::WHEN_BEGUN);
    }
    match edge.now.at {
        // Living time is no faster than plain time, so before `last` this is the earliest that it can be.
        None => (0, first),
        Some(at) if last > at => (0, first),
        Some(_) => {
            let from = edge.clock.living(last) + least;
            let reached = marks.partition_point(|mark| *mark <= edge.now.living - from);
            let value = reached.checked_sub(1).and_then(|i| marks.get(i)).copied().unwrap_or(0);
            (value, marks.get(reached).map_or(Due::NEVER, |next| Due::living(from + next)))
        }
    }
}
