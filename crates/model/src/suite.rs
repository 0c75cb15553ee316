//! The test file of a model: activities that are given, and where the account is expected to stand at given instants.
//!
//! [`read`] checks all of it against the plan of the model (names, units, words) and returns plain data: every repetition
//! written out, every instant absolute. It folds nothing. A case is one account of its own; all feeds live from the start
//! of the case on, as those of a company with other customers would, but for the outages that it names.

mod activity;
mod expectation;
mod instant;

use crate::block::{Block, Keys, Spot};
use crate::plan::Plan;
use crate::problem::{Problem, Problems, Report, quoted};
use crate::source::{Field, Source};
use crate::time::EventTime;
use crate::{feed, tree};
pub use expectation::{Expectation, Expected};
use instant::Calendar;

/// What the text is, for messages.
const WHAT: &str = "test file";
const KEYS: Keys = Keys { known: &["model", "start", "background", "cases"], later: &[] };
const CASE: Keys =
    Keys { known: &["about", "account", "activities", "recorded", "outages", "expect"], later: &[] };
const OUTAGE: Keys = Keys { known: &["source", "from", "until"], later: &[] };
/// The most cases.
const MOST_CASES: usize = 256;
/// The most activities that all cases together give, written out.
const MOST_ACTIVITIES: usize = 200_000;
/// The most outages, and instants that are asked for, of a case.
const MOST: usize = 1_000;

/// All cases of a test file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suite {
    /// In the order of the text.
    pub cases: Vec<Case>,
}

/// One account and what is expected of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// What it is about, for people; empty if nothing is said.
    pub about: String,
    /// The account that is looked at.
    pub account: String,
    /// Day 0: from here on all feeds live.
    pub start: EventTime,
    /// What is given, each occurrence by itself.
    pub activities: Vec<Activity>,
    /// A file of records, beside the test file, that is given as well.
    pub recorded: Option<Recorded>,
    /// When feeds are out.
    pub outages: Vec<Outage>,
    /// What is expected, by instant.
    pub expectations: Vec<Expectation>,
}

/// A place in the test file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Keys from the top, joined by dots.
    pub path: String,
}

impl Place {
    fn of(spot: &Spot<'_>) -> Self {
        let mark = spot.node.mark;
        Self { line: mark.line, column: mark.column, path: spot.path.clone() }
    }

    /// A problem at this place that only shows once the case is played.
    #[must_use]
    pub fn problem(&self, message: String, fix: &str) -> Problem {
        let Self { line, column, path } = self.clone();
        Problem { line, column, path, message, fix: fix.to_owned() }
    }
}

/// Something that happens to the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// Of which source.
    pub source: Source,
    /// When.
    pub time: EventTime,
    /// Its id; made up from its place where none is written.
    pub id: String,
    /// Its fields as the contract has them.
    pub fields: Vec<(Field, Datum)>,
    /// Where it is written.
    pub place: Place,
}

/// The value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Datum {
    /// A word or an identity.
    Text(String),
    /// A decimal number.
    Number(String),
    /// An instant.
    Time(EventTime),
}

/// A file of records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its name, as seen from the test file.
    pub file: String,
    /// Where it is named.
    pub place: Place,
}

/// A time in which nothing comes from a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// Which source.
    pub source: Source,
    /// When it stops.
    pub from: EventTime,
    /// When it lives again.
    pub until: EventTime,
}

/// Reads the text of a test file for the model of `plan`.
///
/// ```
/// # let model = "
/// # format: 1
/// # model: smallest
/// # score: { bands: { healthy: 50, at-risk: 0 } }
/// # signals: { login_days: { count_days: login, over: 28d } }
/// # goals:
/// #   adoption:
/// #     statement: Customers come back.
/// #     owner: product
/// #     weight: 1
/// #     measures: { login_days: { kind: leading, weight: 1, curve: { 0: 0, 10: 100 } } }
/// # ";
/// # let plan = model::compile(model)?.plan;
/// let suite = model::suite::read("
/// start: 2026-01-05
/// cases:
///   five-days:
///     activities:
///       - { at: day 0, every: 1d, until: day 4, login: { user: ada } }
///     expect:
///       - { at: day 5, score: 50, band: healthy, values: { login_days: 5 } }
/// ", &plan)?;
/// assert_eq!(suite.cases[0].activities.len(), 5);
/// # Ok::<(), model::Problems>(())
/// ```
///
/// # Errors
/// All problems at once, as of a model.
pub fn read(text: &str, plan: &Plan) -> Result<Suite, Problems> {
    let root = tree::parse(text, WHAT)?;
    let mut report = Report::default();
    let suite = top(&root, plan, &mut report);
    report.close()?;
    Ok(suite)
}

fn top(root: &tree::Node, plan: &Plan, report: &mut Report) -> Suite {
    let mut suite = Suite::default();
    let Some(block) = Block::with(&Spot::top(root), &KEYS, report) else { return suite };
    if let Some(spot) = block.get("model")
        && let Some(name) = spot.text(report).filter(|name| *name != plan.name)
    {
        let message = format!("these are tests of {}, and the model is {}", quoted(name), quoted(&plan.name));
        spot.problem(report, message, "name the model's own, or leave it out");
    }
    let start = block.need("start", "2026-01-05", report).and_then(|spot| instant::date(&spot, report));
    let Some(cases) = block.need("cases", "{ … }", report) else { return suite };
    let Some(cases) = Block::open(&cases, report) else { return suite };
    // Without a start nothing has an instant; what else is wrong with the cases is told all the same.
    let calendar = Calendar { start: start.unwrap_or_default() };
    let mut room = MOST_ACTIVITIES;
    let background = block
        .get("background")
        .map_or_else(Vec::new, |spot| activity::read(&spot, calendar, "background ", &mut room, report));
    for (key, spot) in cases.named(MOST_CASES, report) {
        let Some(mut case) = case(&key.text, &spot, calendar, plan, &mut room, report) else { continue };
        if background.len() > room {
            let message = format!(
                "with what stands under `background` the cases give more than {MOST_ACTIVITIES} activities"
            );
            spot.problem(report, message, "let less happen there, or write fewer cases in a file");
            break;
        }
        room -= background.len();
        case.activities.splice(0..0, background.iter().cloned());
        activity::check_outages(&case.activities, &case.outages, &spot, report);
        suite.cases.push(case);
    }
    suite
}

fn case(
    name: &str,
    spot: &Spot<'_>,
    calendar: Calendar,
    plan: &Plan,
    room: &mut usize,
    report: &mut Report,
) -> Option<Case> {
    let block = Block::with(spot, &CASE, report)?;
    let about = block.get("about").and_then(|spot| spot.short_text(1_000, report)).unwrap_or_default();
    let account = block.get("account").map_or(Some(name), |spot| spot.short_text(256, report));
    let outages = block.get("outages").map_or_else(Vec::new, |spot| outages(&spot, calendar, report));
    let activities = block
        .get("activities")
        .map_or_else(Vec::new, |spot| activity::read(&spot, calendar, "", room, report));
    let recorded = block.get("recorded").and_then(|spot| {
        let file = spot.short_text(1_000, report)?.to_owned();
        Some(Recorded { file, place: Place::of(&spot) })
    });
    if let (Some(recorded), None) = (&recorded, block.get("account")) {
        let message = format!("which account of {} is looked at?", quoted(&recorded.file));
        spot.problem(report, message, "add `account: …`");
    }
    let expect = block.need("expect", "[ { at: day 30, band: healthy } ]", report)?;
    let expectations = expectation::read(&expect, calendar, plan, report);
    Some(Case {
        name: name.to_owned(),
        about: about.to_owned(),
        account: account?.to_owned(),
        start: calendar.start,
        activities,
        recorded,
        outages,
        expectations,
    })
}

fn outages(spot: &Spot<'_>, calendar: Calendar, report: &mut Report) -> Vec<Outage> {
    let items = spot.items(report).unwrap_or_default();
    items.iter().take(MOST).filter_map(|item| outage(item, calendar, report)).collect()
}

fn outage(item: &Spot<'_>, calendar: Calendar, report: &mut Report) -> Option<Outage> {
    let block = Block::with(item, &OUTAGE, report)?;
    let source = block.need("source", "login", report).and_then(|spot| feed::source(&spot, report));
    let from = block.need("from", "day 10", report);
    let from = from.and_then(|spot| calendar.instant(&spot, calendar.start, report));
    let until = block.need("until", "day 14", report);
    let end = until.as_ref().and_then(|spot| calendar.instant(spot, from?, report));
    let (source, from, end) = (source?, from?, end?);
    if end <= from {
        until?.problem(report, "it ends before it begins", "write a later instant");
        return None;
    }
    Some(Outage { source, from, until: end })
}
