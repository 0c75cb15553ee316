//! The dates of an account: what is fixed long before the day comes.
//!
//! A plan is made once an account and holds a few dozen entries; everything else is made on the day.

use crate::account::Account;
use crate::command::{self, Order};
use crate::contract::{self, Change, Stage};
use crate::day::Day;
use crate::milestone::{self, Progress};
use crate::touch::{self, Appointment};
use crate::{rhythm, voice};

/// Something that happens on a date.
#[derive(Debug)]
pub(crate) enum Occasion {
    /// The account is told for the first time, or has moved to another stage.
    Stage(Stage),
    /// Its subscription changes.
    Contract(Change),
    /// A milestone is planned or comes closer.
    Milestone(Progress),
    /// Its CSM meets its people.
    Appointment(Appointment),
    /// Its users are asked for their opinion.
    Survey(voice::Question),
    /// Its CSM tells the health score something.
    Order(Order),
}

/// The occasions of an account in order of their days.
#[derive(Debug)]
pub(crate) struct Plan {
    occasions: Vec<(i64, Occasion)>,
}

impl Plan {
    /// The plan of an account in a record of this many days.
    pub(crate) fn of(account: &Account, days: i64) -> Self {
        let changes = contract::changes(account, days);
        let starts = contract::starts(account);
        let progress = starts.map_or_else(Vec::new, |day| milestone::progress(account, day, days));
        let onboarded = milestone::completed(&progress);
        let mut occasions: Vec<(i64, Occasion)> = Vec::new();
        let stages = contract::stages(account, &changes, onboarded);
        occasions.extend(stages.into_iter().map(|(day, stage)| (day, Occasion::Stage(stage))));
        occasions.extend(changes.into_iter().map(|(day, change)| (day, Occasion::Contract(change))));
        occasions.extend(progress.into_iter().map(|(day, progress)| (day, Occasion::Milestone(progress))));
        for (day, appointment) in touch::appointments(account, days) {
            occasions.push((working_day(account, day), Occasion::Appointment(appointment)));
        }
        let questions = voice::questions(account, onboarded, days);
        occasions.extend(questions.into_iter().map(|(day, question)| (day, Occasion::Survey(question))));
        for (day, order) in command::orders(account, days) {
            occasions.push((working_day(account, day), Occasion::Order(order)));
        }
        // A stable sort: what falls on one day keeps the order above, an account before its contract.
        occasions.sort_by_key(|(day, _)| *day);
        Self { occasions }
    }

    /// Tells what is planned for the day.
    pub(crate) fn tell(&self, day: &mut Day<'_>) {
        let first = self.occasions.partition_point(|(at, _)| *at < day.number);
        let after = self.occasions.partition_point(|(at, _)| *at <= day.number);
        for (_, occasion) in &self.occasions[first..after] {
            match occasion {
                Occasion::Stage(stage) => contract::tell_account(day, *stage),
                Occasion::Contract(change) => contract::tell_change(day, change),
                Occasion::Milestone(progress) => milestone::tell(day, progress),
                Occasion::Appointment(appointment) => touch::tell_appointment(day, *appointment),
                Occasion::Survey(question) => voice::tell(day, *question),
                Occasion::Order(order) => command::tell(day, order),
            }
        }
    }
}

/// The day itself, or the Monday after it.
fn working_day(account: &Account, day: i64) -> i64 {
    (day..day + 3).find(|day| rhythm::is_working(account, *day)).unwrap_or(day)
}
