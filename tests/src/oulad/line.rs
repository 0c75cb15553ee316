//! An event as a line for `vitals produce`.
//!
//! Fields are written in the order of these types, so that the bytes are the same in every build.

use serde::Serialize;

use super::dataset::{Assessment, Dataset, Enrolment, Submission};
use super::timeline::{self, Event, What};

const ACCOUNT: &str = "vitals.account";
const MILESTONE: &str = "vitals.milestone";
const SUBSCRIPTION: &str = "vitals.subscription";
const USAGE: &str = "vitals.feature-usage";

/// What `vitals produce` reads: where the record goes, and the native activity.
#[derive(Debug, Serialize)]
pub(super) struct Line<'a> {
    topic: &'static str,
    key: &'a str,
    time: String,
    value: Activity<'a>,
}

#[derive(Debug, Serialize)]
struct Activity<'a> {
    id: String,
    time: String,
    account: String,
    #[serde(flatten)]
    fields: Fields<'a>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Fields<'a> {
    Account {
        name: String,
        segment: String,
        stage: &'static str,
        state: &'static str,
    },
    Subscription {
        subscription: String,
        kind: &'static str,
        product: &'a str,
        plan: &'static str,
        seats: u8,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'static str>,
    },
    Usage {
        user: &'a str,
        feature: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        count: Option<i64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        value: Option<i64>,
        product: &'a str,
    },
    Milestone {
        milestone: &'a str,
        kind: &'static str,
        due_at: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        value: Option<i64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        evidence: Option<&'static str>,
    },
}

impl<'a> Line<'a> {
    pub(super) fn of(dataset: &'a Dataset, event: &Event) -> Self {
        let enrolment = &dataset.enrolments[event.enrolment];
        let account = account(enrolment);
        let student = enrolment.student.as_str();
        // Source systems know the student or the assessment; none of them keys by enrolment.
        let (topic, key, id, fields) = match event.what {
            What::Enrolled => {
                (ACCOUNT, student, format!("enrolled-{account}"), stage(enrolment, "registered"))
            }
            What::Studying => (ACCOUNT, student, format!("studying-{account}"), stage(enrolment, "studying")),
            What::Started => {
                (SUBSCRIPTION, student, format!("started-{account}"), contract(enrolment, "started", None))
            }
            What::Withdrawn => {
                let fields = contract(enrolment, "ended", Some("withdrawn"));
                (SUBSCRIPTION, student, format!("ended-{account}"), fields)
            }
            What::Visited => (USAGE, student, format!("visited-{account}"), visit(enrolment)),
            What::HandedIn(number) => {
                let submission = &enrolment.submissions[number];
                let assessment = &dataset.assessments[submission.assessment];
                let id = format!("handed-in-{}-{student}", assessment.id);
                (USAGE, student, id, hand_in(enrolment, assessment, submission))
            }
            What::Planned(place) => {
                let assessment = &dataset.assessments[place];
                let id = format!("planned-{}-{student}", assessment.id);
                (MILESTONE, assessment.id.as_str(), id, milestone(dataset, place, None))
            }
            What::Reached(number) => {
                let submission = &enrolment.submissions[number];
                let assessment = &dataset.assessments[submission.assessment];
                let id = format!("reached-{}-{student}", assessment.id);
                let fields = milestone(dataset, submission.assessment, Some(submission));
                (MILESTONE, assessment.id.as_str(), id, fields)
            }
        };
        let time = rfc3339(event.at_s);
        Self { topic, key, time: time.clone(), value: Activity { id, time, account, fields } }
    }
}

fn account(enrolment: &Enrolment) -> String {
    let (module, presentation) = &enrolment.course;
    format!("{}-{module}-{}", presentation.code(), enrolment.student)
}

fn stage<'a>(enrolment: &Enrolment, stage: &'static str) -> Fields<'a> {
    let (module, presentation) = &enrolment.course;
    Fields::Account {
        name: format!("Student {} in {module}, {}", enrolment.student, presentation.code()),
        segment: format!("{module}-{}", presentation.code()),
        stage,
        state: "active",
    }
}

fn contract<'a>(enrolment: &'a Enrolment, kind: &'static str, reason: Option<&'static str>) -> Fields<'a> {
    let (module, presentation) = &enrolment.course;
    let plan = presentation.code();
    Fields::Subscription { subscription: account(enrolment), kind, product: module, plan, seats: 1, reason }
}

fn visit(enrolment: &Enrolment) -> Fields<'_> {
    let (user, count) = (enrolment.student.as_str(), enrolment.clicks_before_start);
    Fields::Usage { user, feature: "pre-course", count, value: None, product: &enrolment.course.0 }
}

fn hand_in<'a>(enrolment: &'a Enrolment, assessment: &'a Assessment, submission: &Submission) -> Fields<'a> {
    let (user, feature) = (enrolment.student.as_str(), assessment.kind.as_str());
    Fields::Usage { user, feature, count: None, value: Some(submission.score), product: &enrolment.course.0 }
}

fn milestone<'a>(dataset: &'a Dataset, place: usize, reached: Option<&Submission>) -> Fields<'a> {
    Fields::Milestone {
        milestone: &dataset.assessments[place].id,
        kind: if reached.is_some() { "reached" } else { "planned" },
        due_at: rfc3339(timeline::due_s(dataset, place)),
        value: reached.map(|submission| submission.score),
        evidence: reached.map(|submission| if submission.is_banked { "banked" } else { "handed-in" }),
    }
}

/// The instant in RFC 3339, UTC.
fn rfc3339(at_s: i64) -> String {
    // Days are counted from 0000-03-01, so that a leap day is the last of its year.
    let days = at_s.div_euclid(86_400) + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = (from_march + 2) % 12 + 1;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (at_s / 3600 % 24, at_s / 60 % 60, at_s % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::rfc3339;
    use crate::oulad::Presentation;

    #[test]
    fn instants_are_those_of_the_calendar() {
        assert_eq!(rfc3339(Presentation::B2013.starts_s()), "2013-02-01T00:00:00Z");
        assert_eq!(rfc3339(Presentation::J2013.starts_s() - 1), "2013-09-30T23:59:59Z");
        assert_eq!(rfc3339(951_782_400 + 3723), "2000-02-29T01:02:03Z");
    }
}
