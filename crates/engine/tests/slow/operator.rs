//! The table of "Signals", a function for each line of it.

use std::collections::{BTreeMap, BTreeSet};

use model::number::SCALE;
use model::plan::{Fold, Window};
use model::source::Field;

use super::clock::Reached;
use super::exact::half_up;
use super::journal::{Happening, Held};
use super::window::{Place, has_left, place, start};

/// 100 % in millionths.
const HUNDRED: i128 = 100_000_000;

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap() * SCALE
}

fn sum(numbers: &[i64]) -> i128 {
    numbers.iter().map(|number| i128::from(*number)).sum()
}

fn held<'a>(
    past: &[&'a Happening],
    window: Window,
    in_place: Place,
    at: Reached<'_>,
    sigma: i64,
) -> Vec<&'a Happening> {
    past.iter().copied().filter(|one| place(at, window, sigma, one.time) == in_place).collect()
}

/// Whether a score is one that is asked for: 0 to 10.
pub(crate) fn is_answer(score: i64) -> bool {
    (0..=10 * SCALE).contains(&score)
}

/// How many activities the fold is made of, and what it comes to.
fn folded(past: &[&Happening], fold: &Fold, window: Window) -> (usize, Option<i64>) {
    let numbers = |field| past.iter().filter_map(|one| one.number(field)).collect::<Vec<i64>>();
    match *fold {
        Fold::Count => (past.len(), Some(count(past.len()))),
        Fold::CountDays => {
            let buckets: BTreeSet<i64> = past.iter().map(|one| start(window.bucket, one.time)).collect();
            (past.len(), Some(count(buckets.len())))
        }
        Fold::Sum(field) => {
            let numbers = numbers(field);
            (numbers.len(), Some(i64::try_from(sum(&numbers)).unwrap()))
        }
        Fold::Distinct(field) => {
            let all: Vec<&Held> = past.iter().filter_map(|one| one.identity(field)).collect();
            let distinct: BTreeSet<&Held> = all.iter().copied().collect();
            (all.len(), Some(count(distinct.len())))
        }
        Fold::Mean(field) => {
            let numbers = numbers(field);
            let mean = || half_up(sum(&numbers), numbers.len() as i128);
            (numbers.len(), (!numbers.is_empty()).then(mean))
        }
        Fold::Nps => {
            let mut answers = numbers(Field::Score);
            answers.retain(|score| is_answer(*score));
            let promoters = answers.iter().filter(|score| **score >= 9 * SCALE).count() as i128;
            let detractors = answers.iter().filter(|score| **score < 7 * SCALE).count() as i128;
            let nps = || half_up(HUNDRED * (promoters - detractors), answers.len() as i128);
            (answers.len(), (!answers.is_empty()).then(nps))
        }
    }
}

pub(crate) fn rolling(
    past: &[&Happening],
    fold: &Fold,
    window: Window,
    min_base: u32,
    at: Reached<'_>,
    sigma: i64,
) -> Option<i64> {
    let (base, value) = folded(&held(past, window, Place::Window, at, sigma), fold, window);
    value.filter(|_| base >= min_base as usize)
}

pub(crate) fn trend(
    past: &[&Happening],
    fold: &Fold,
    window: Window,
    at: Reached<'_>,
    sigma: i64,
) -> Option<i64> {
    let over = |in_place| folded(&held(past, window, in_place, at, sigma), fold, window).1;
    let (present, previous) = (over(Place::Window)?, over(Place::Previous)?);
    (previous > 0).then(|| half_up(HUNDRED * i128::from(present), i128::from(previous)))
}

/// The mean in which a day weighs half for each half-life that it is older than the newest day.
pub(crate) fn decayed_mean(
    past: &[&Happening],
    field: Field,
    (window, half_life): (Window, i64),
    min_base: u32,
    at: Reached<'_>,
    sigma: i64,
) -> Option<i64> {
    let mut held = held(past, window, Place::Window, at, sigma);
    held.retain(|one| one.number(field).is_some());
    let day = |one: &Happening| one.time.div_euclid(model::time::DAY);
    let newest = held.iter().map(|one| day(one)).max()?;
    let weight = |one: &Happening| {
        let age = newest - day(one);
        let within = f64::from(i32::try_from(age % half_life).unwrap());
        let part = (32.0 - within / f64::from(i32::try_from(half_life).unwrap())).exp2().round();
        #[allow(clippy::cast_possible_truncation, reason = "a whole number of 33 bits")]
        let part = part as i128;
        part >> (age / half_life).min(100)
    };
    let whole = held.iter().map(|one| weight(one) * i128::from(one.number(field).unwrap())).sum();
    let all = held.iter().map(|one| weight(one)).sum();
    (held.len() >= min_base as usize).then(|| half_up(whole, all))
}

/// How many of each of two sorts the window holds, as per cent of the second.
pub(crate) fn share(
    part: &[&Happening],
    whole: &[&Happening],
    window: Window,
    min_base: u32,
    at: Reached<'_>,
    sigma: i64,
) -> Option<i64> {
    let number = |past| held(past, window, Place::Window, at, sigma).len();
    let (part, whole) = (number(part), number(whole));
    (whole > 0 && whole >= min_base as usize).then(|| half_up(HUNDRED * part as i128, whole as i128))
}

/// The window in per cent of the average of those before, back to the oldest that holds anything; without that one if it
/// is neither the only one nor the last.
pub(crate) fn own_average(
    past: &[&Happening],
    fold: &Fold,
    window: Window,
    windows: u8,
    at: Reached<'_>,
    sigma: i64,
) -> Option<i64> {
    let entered = past.iter().copied().filter(|one| place(at, window, sigma, one.time) != Place::Waiting);
    let entered: Vec<&Happening> = entered.collect();
    let back = |one: &Happening| {
        let has_left = |count: &i64| has_left(at, window.bucket, count * window.width, sigma, one.time);
        (1..).take_while(has_left).count()
    };
    let over = |number: usize| {
        let held: Vec<&Happening> = entered.iter().copied().filter(|one| back(one) == number).collect();
        folded(&held, fold, window)
    };
    let before: Vec<(usize, Option<i64>)> = (1..=usize::from(windows)).map(over).collect();
    let oldest = before.iter().rposition(|(base, _)| *base > 0)? + 1;
    let whole = if (2..before.len()).contains(&oldest) { oldest - 1 } else { oldest };
    let all: i128 = before[..whole].iter().map(|(_, value)| i128::from(value.unwrap())).sum();
    let now = i128::from(over(0).1?);
    (all > 0).then(|| half_up(HUNDRED * now * whole as i128, all))
}

pub(crate) fn latest(
    past: &[&Happening],
    field: Field,
    expires: Option<i64>,
    at: Reached<'_>,
) -> Option<i64> {
    let newest = past.iter().filter(|one| one.number(field).is_some()).max_by_key(|one| one.rank())?;
    let has_expired = |after| newest.time <= at.a && at.living(at.a) - at.living(newest.time) >= after;
    newest.number(field).filter(|_| !expires.is_some_and(has_expired))
}

pub(crate) fn ratio(part: i64, whole: i64, min_base: i64) -> Option<i64> {
    (whole > 0 && whole >= min_base).then(|| half_up(HUNDRED * i128::from(part), i128::from(whole)))
}

pub(crate) fn since_last(past: &[&Happening], marks: &[i64], at: Reached<'_>) -> Option<i64> {
    let silence = silence(past, at)?;
    Some(marks.iter().copied().filter(|mark| *mark <= silence).max().unwrap_or(0))
}

fn silence(past: &[&Happening], at: Reached<'_>) -> Option<i64> {
    let last = past.iter().map(|one| one.time).max()?;
    Some(if last > at.a { 0 } else { at.living(at.a) - at.living(last) })
}

pub(crate) fn cadence(past: &[&Happening], every: i64, marks: &[i64], at: Reached<'_>) -> Option<i64> {
    let overdue = silence(past, at)? - every;
    Some(marks.iter().copied().filter(|mark| *mark <= overdue).max().unwrap_or(0))
}

pub(crate) fn until(past: &[&Happening], field: Field, marks: &[i64], a: i64) -> Option<i64> {
    let newest = past.iter().filter(|one| one.time(field).is_some()).max_by_key(|one| one.rank())?;
    let left = newest.time(field)? - a;
    if left <= 0 {
        return Some(0);
    }
    let beyond = marks.iter().copied().max().unwrap_or(0);
    Some(marks.iter().copied().filter(|mark| *mark >= left).min().unwrap_or(beyond))
}

/// What is told under each identity in `field`, from the oldest to the newest.
fn stories<'a>(past: &[&'a Happening], field: Field) -> BTreeMap<&'a Held, Vec<&'a Happening>> {
    let mut stories: BTreeMap<&Held, Vec<&Happening>> = BTreeMap::new();
    for one in past {
        if let Some(identity) = one.identity(field) {
            stories.entry(identity).or_default().push(one);
        }
    }
    for story in stories.values_mut() {
        story.sort_by_key(|one| one.rank());
    }
    stories
}

fn kind(one: &Happening) -> &str {
    one.word(Field::Kind).unwrap_or("")
}

pub(crate) fn open(past: &[&Happening], priority: &[String]) -> i64 {
    let is_open = |story: &Vec<&Happening>| {
        let (mut open, mut priority_now, mut newest) = (false, None, None);
        for one in story {
            // A ticket that is not open is forgotten 30 days after its newest activity.
            if !open && newest.is_some_and(|newest| one.time - newest > 30 * model::time::DAY) {
                priority_now = None;
            }
            let matters = match kind(one) {
                "opened" | "reopened" => {
                    open = true;
                    true
                }
                "solved" | "closed" | "merged" | "deleted" => {
                    open = false;
                    true
                }
                _ => false,
            };
            if let Some(word) = one.word(Field::Priority) {
                priority_now = Some(word);
            }
            if matters || one.word(Field::Priority).is_some() {
                newest = Some(one.time);
            }
        }
        let asked_for =
            priority.is_empty() || priority_now.is_some_and(|word| priority.iter().any(|one| one == word));
        open && asked_for
    };
    count(stories(past, Field::Ticket).values().filter(|story| is_open(story)).count())
}

fn is_planned(story: &[&Happening]) -> bool {
    let last = story.iter().rev().map(|one| kind(one)).find(|kind| ["planned", "dropped"].contains(kind));
    last == Some("planned")
}

fn is_reached(story: &[&Happening]) -> bool {
    story.iter().any(|one| ["reached", "verified"].contains(&kind(one)))
}

pub(crate) fn reached(past: &[&Happening]) -> Option<i64> {
    let stories = stories(past, Field::Milestone);
    let planned: Vec<&Vec<&Happening>> = stories.values().filter(|story| is_planned(story)).collect();
    let reached = planned.iter().filter(|story| is_reached(story)).count();
    (!planned.is_empty()).then(|| half_up(HUNDRED * reached as i128, planned.len() as i128))
}

pub(crate) fn overdue(past: &[&Happening], a: i64) -> Option<i64> {
    let is_any_planned = stories(past, Field::Milestone).values().any(|story| is_planned(story));
    is_any_planned.then(|| count(to_be_reached(past).iter().filter(|due_at| **due_at <= a).count()))
}

/// When those are due that are planned and not reached.
pub(crate) fn to_be_reached(past: &[&Happening]) -> Vec<i64> {
    let stories = stories(past, Field::Milestone);
    let planned = stories.values().filter(|story| is_planned(story) && !is_reached(story));
    planned.filter_map(|story| story.iter().rev().find_map(|one| one.time(Field::DueAt))).collect()
}
