//! Days turned into instants: what happens in an enrolment, and in which order.
//!
//! The data set knows whole days. Within a day each kind of event has a slot of its own, and a hash of what
//! happened chooses the second, so that the load spreads and the same data give the same instants. The slots
//! keep the order that must hold: enrolled, told what is due, active, withdrawn, due.

use super::dataset::{Dataset, Enrolment, Presentation, Submission};

const HOUR_S: i64 = 3600;
const DAY_S: i64 = 24 * HOUR_S;

/// A part of the day, in seconds since midnight.
struct Slot {
    from_s: i64,
    length_s: i64,
}

const ENROL: Slot = Slot { from_s: 0, length_s: 6 * HOUR_S };
const ANNOUNCE: Slot = Slot { from_s: 6 * HOUR_S, length_s: HOUR_S };
const ACT: Slot = Slot { from_s: 8 * HOUR_S, length_s: 14 * HOUR_S };
const WITHDRAW: Slot = Slot { from_s: 23 * HOUR_S, length_s: HOUR_S / 2 };

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// The student is enrolled, and the enrolment begins to count.
    Enrolled,
    Started,
    /// The presentation begins for the student.
    Studying,
    /// The student is told when the assessment with this place is due.
    Planned(usize),
    /// The pages of the course are visited before it starts.
    Visited,
    /// The submission with this place is handed in: a use of the course.
    HandedIn(usize),
    /// The same submission as a milestone reached, or one that was banked.
    Reached(usize),
    Withdrawn,
}

/// Something that happened in an enrolment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event {
    pub(super) at_s: i64,
    pub(super) enrolment: usize,
    pub(super) what: What,
}

/// All events of the chosen presentation, or of both, in order. Events of one instant keep the order of the
/// enrolments in the file, and within an enrolment that of cause and effect.
pub(super) fn events(dataset: &Dataset, only: Option<Presentation>) -> Vec<Event> {
    let mut events = Vec::new();
    for (place, enrolment) in dataset.enrolments.iter().enumerate() {
        if only.is_none_or(|only| only == enrolment.course.1) {
            let mut story = Story { dataset, enrolment, place, events: &mut events };
            story.tell();
        }
    }
    // Stable, so that equal instants keep the order in which they were told.
    events.sort_by_key(|event| event.at_s);
    events
}

/// The last second of an assessment's due day; without a date, of the presentation.
pub(super) fn due_s(dataset: &Dataset, assessment: usize) -> i64 {
    let starts_s = dataset.assessments[assessment].course.1.starts_s();
    starts_s + (due_day(dataset, assessment) + 1) * DAY_S - 1
}

fn due_day(dataset: &Dataset, assessment: usize) -> i64 {
    let assessment = &dataset.assessments[assessment];
    assessment.due.unwrap_or_else(|| dataset.lengths[&assessment.course])
}

struct Story<'a> {
    dataset: &'a Dataset,
    enrolment: &'a Enrolment,
    place: usize,
    events: &'a mut Vec<Event>,
}

impl Story<'_> {
    fn tell(&mut self) {
        let enrolled = self.enrolled_day();
        let at_s = self.instant(enrolled, &ENROL, "");
        self.push(at_s, What::Enrolled);
        self.push(at_s, What::Started);
        let announced_s = self.announce(enrolled.max(0));
        if self.enrolment.clicks_before_start.is_some() {
            let day = self.enrolment.withdrawn.unwrap_or(-1).min(-1).max(enrolled);
            let at_s = self.instant(day, &ACT, "visit");
            self.push(at_s, What::Visited);
        }
        for (number, submission) in self.enrolment.submissions.iter().enumerate() {
            self.submit(number, submission, announced_s);
        }
        if let Some(day) = self.enrolment.withdrawn {
            let at_s = self.instant(day, &WITHDRAW, "");
            self.push(at_s, What::Withdrawn);
        }
    }

    /// The day of registration; where it is not known, the latest that it can have been. Never after the
    /// first trace of the student.
    fn enrolled_day(&self) -> i64 {
        let submissions = &self.enrolment.submissions;
        let first_submission = submissions.iter().filter(|of| !of.is_banked).map(|of| of.day).min();
        let latest = if self.enrolment.clicks_before_start.is_some() { -1 } else { 0 };
        let registered = self.enrolment.registered.unwrap_or(latest);
        [first_submission, self.enrolment.withdrawn].into_iter().flatten().fold(registered, i64::min)
    }

    /// Tells what is due, unless the student has left by then; the instant at which it was told.
    fn announce(&mut self, day: i64) -> Option<i64> {
        if self.enrolment.withdrawn.is_some_and(|withdrawn| withdrawn < day) {
            return None;
        }
        let at_s = self.instant(day, &ANNOUNCE, "");
        self.push(at_s, What::Studying);
        for place in 0..self.dataset.assessments.len() {
            let is_ahead = due_day(self.dataset, place) >= day && !self.has_handed_in(place, day);
            if self.is_asked(place) && is_ahead {
                self.push(at_s, What::Planned(place));
            }
        }
        Some(at_s)
    }

    fn is_asked(&self, place: usize) -> bool {
        let assessment = &self.dataset.assessments[place];
        assessment.is_recorded && assessment.course == self.enrolment.course
    }

    /// Whether the student handed the assessment in before this day.
    fn has_handed_in(&self, place: usize, day: i64) -> bool {
        let submissions = &self.enrolment.submissions;
        submissions.iter().any(|of| of.assessment == place && !of.is_banked && of.day < day)
    }

    fn submit(&mut self, number: usize, submission: &Submission, announced_s: Option<i64>) {
        let assessment = submission.assessment;
        let was_told = |at_s: i64| {
            let told_s = announced_s.filter(|told_s| *told_s <= at_s);
            told_s.filter(|told_s| *told_s <= due_s(self.dataset, assessment))
        };
        if submission.is_banked {
            if let Some(told_s) = was_told(i64::MAX) {
                self.push(told_s, What::Reached(number));
            }
            return;
        }
        let at_s = self.instant(submission.day, &ACT, &self.dataset.assessments[assessment].id);
        if was_told(at_s).is_none() {
            self.push(at_s, What::Planned(assessment));
        }
        self.push(at_s, What::HandedIn(number));
        self.push(at_s, What::Reached(number));
    }

    /// An instant of the day within the slot, chosen by student and subject.
    fn instant(&self, day: i64, slot: &Slot, subject: &str) -> i64 {
        let (module, presentation) = &self.enrolment.course;
        let text = [module, presentation.code(), &self.enrolment.student, subject].join("/");
        // FNV-1a; all but the sign bit is a number.
        let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let second = (hash >> 1).cast_signed() % slot.length_s;
        presentation.starts_s() + day * DAY_S + slot.from_s + second
    }

    fn push(&mut self, at_s: i64, what: What) {
        self.events.push(Event { at_s, enrolment: self.place, what });
    }
}
