//! Plain time until an instant.

use crate::now::{Due, Edge};

/// The least mark not below the time that is left (0 once it passed), and when the next lower one is reached.
pub(crate) fn remaining(instant: i64, marks: &[i64], edge: &Edge<'_>) -> (i64, Due) {
    let Some(at) = edge.now.at else { return (marks.last().copied().unwrap_or(0), Due::AT_ONCE) };
    if at >= instant {
        return (0, Due::NEVER);
    }
    let left = instant - at;
    let place = marks.partition_point(|mark| *mark < left);
    let value = marks.get(place).or_else(|| marks.last()).copied().unwrap_or(0);
    let below = place.checked_sub(1).and_then(|i| marks.get(i)).copied().unwrap_or(0);
    (value, Due::plain(instant - below))
}
