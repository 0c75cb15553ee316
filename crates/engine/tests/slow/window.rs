//! "Buckets": what a window of an account holds.

use model::plan::{Bucket, SourceRules, Window};

use super::clock::{Era, Reached};

/// Where a bucket stands to a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// It has not entered.
    Waiting,
    /// In the window.
    Window,
    /// In the window before it.
    Previous,
    /// Out of both.
    Gone,
}

/// Start of the bucket of `time`.
pub(crate) const fn start(bucket: Bucket, time: i64) -> i64 {
    time.div_euclid(bucket.width()) * bucket.width()
}

/// Living time since its end at which a bucket leaves a window of `width`, for an account of spread `sigma`.
pub(crate) const fn leaves_at(rules: &SourceRules, bucket: Bucket, width: i64, sigma: i64) -> i64 {
    width - bucket.width() + sigma - rules.max_delay
}

/// A at which the bucket that starts at `start` enters.
pub(crate) const fn enters_at(rules: &SourceRules, start: i64) -> i64 {
    start - rules.max_delay - rules.max_skew
}

/// Whether something holds where the source stands, or did under earlier rules where it stood when they ended.
fn once(at: Reached<'_>, holds: impl Fn(Reached<'_>, &SourceRules) -> bool) -> bool {
    let held = |era: &Era| holds(at.clock.at(era.until), &era.rules);
    holds(at, &at.clock.rules) || at.clock.eras.iter().any(held)
}

/// Whether the bucket that starts at `start` has entered.
pub(crate) fn has_entered(at: Reached<'_>, start: i64) -> bool {
    once(at, |at, rules| at.a >= enters_at(rules, start))
}

/// Whether the bucket of `time` has left a window of `width`.
pub(crate) fn has_left(at: Reached<'_>, bucket: Bucket, width: i64, sigma: i64, time: i64) -> bool {
    let end = start(bucket, time) + bucket.width();
    once(at, |at, rules| at.since(end) >= leaves_at(rules, bucket, width, sigma))
}

/// Where the bucket of `time` stands to `window`.
pub(crate) fn place(at: Reached<'_>, window: Window, sigma: i64, time: i64) -> Place {
    let Window { width, bucket } = window;
    if !has_entered(at, start(bucket, time)) {
        Place::Waiting
    } else if !has_left(at, bucket, width, sigma, time) {
        Place::Window
    } else if !has_left(at, bucket, 2 * width, sigma, time) {
        Place::Previous
    } else {
        Place::Gone
    }
}
