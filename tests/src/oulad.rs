//! The OULAD data set as native activity: a recorded stream with a known outcome, to test a model against.
//!
//! An enrolment is an account (`2013J-AAA-11391`), its module and presentation the segment (`AAA-2013J`), what
//! is handed in both a use and a milestone, the withdrawal the churn. One line is one record for
//! `vitals produce`, in the order of the times; append time is event time.
//!
//! | in the data set | topic | what |
//! |---|---|---|
//! | registration | `vitals.account`, `vitals.subscription` | stage `registered`; `started` |
//! | start of the presentation | `vitals.account` | stage `studying`, unless withdrawn before |
//! | due date | `vitals.milestone` | `planned`, at the start of the presentation or at a later enrolment |
//! | submission | `vitals.feature-usage`, `vitals.milestone` | feature `tma`, `cma` or `exam`, value = score; `reached` |
//! | clicks before day 0 | `vitals.feature-usage` | feature `pre-course`, count = clicks |
//! | withdrawal | `vitals.subscription` | `ended` |
//!
//! No line tells a consumer anything before it was known. Decisions, and why:
//!
//! - **Day 0** is 2013-02-01 for 2013B and 2013-10-01 for 2013J. The publishers give the month only; the first
//!   of the month is as good as any, and the two presentations do not overlap by more than early registration.
//! - **Within a day** (the data set knows whole days, UTC here) a hash chooses the second in a slot: enrolments
//!   from 00:00 to 06:00, announcements to 07:00, submissions and clicks 08:00 to 22:00, withdrawals from
//!   23:00 to 23:30. A due date is the last second of its day. So a day's submission is in time, and a
//!   withdrawal follows the submissions of its day.
//! - **No registration day** (18 enrolments): day 0, or earlier where a first trace (withdrawal, submission, or
//!   -1 for clicks) proves it. They are kept, as each has an outcome.
//! - **Withdrawn before day 0** (974): the subscription starts and ends, no milestone is ever planned, and the
//!   stage stays `registered`, by which a model can leave them unscored: they never met the course.
//! - **Due date passed at enrolment** (31 times): not planned; nobody can have been late for it.
//! - **Handed in without having been announced** (97 times: before day 0, after a due date that had passed at
//!   enrolment, after a withdrawal before day 0): planned at that instant, then reached; the student did know
//!   the task.
//! - **Exams**: a milestone only where the data set records its results at all, which is so for DDD alone.
//!   Elsewhere every student would miss it: a silent feed, not silent students. The rule is one for all
//!   assessments: one that no student ever handed in is not asked of any. An assessment without a date is due
//!   at the end of the presentation (`courses.csv`); those are the unrecorded exams of AAA and BBB.
//! - **Banked** (719 rows, `is_banked` = 1, day -1): the score comes from an earlier presentation and nothing
//!   was done in this one. So the milestone is `reached` (evidence `banked`) as soon as it is planned, and no
//!   use is told. Where it is not planned, nothing is: 13 rows of students who left before day 0, 16 whose due
//!   date had passed at enrolment.
//! - **Submissions after the withdrawal** (146) **or the end** (55, up to day 608) stand as recorded.
//! - **Clicks before day 0** are one sum per enrolment, told on day -1, when it is complete, or on the day of an
//!   earlier withdrawal. Earlier, it would tell the future.
//! - After a withdrawal nothing is dropped or closed: the data set does not say so, and what the score does
//!   with an ended subscription is the model's affair.

mod dataset;
mod line;
mod table;
#[cfg(test)]
mod tests;
mod timeline;

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;

pub use dataset::{Dataset, Presentation};

/// Where the data set lies in this package.
#[must_use]
pub fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/oulad-2013")
}

/// Writes the activity of one presentation, or of both, as JSON Lines.
///
/// # Errors
///
/// Fails where the output cannot be written.
pub fn write(dataset: &Dataset, only: Option<Presentation>, out: &mut impl Write) -> Result<()> {
    for event in timeline::events(dataset, only) {
        serde_json::to_writer(&mut *out, &line::Line::of(dataset, &event))?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
