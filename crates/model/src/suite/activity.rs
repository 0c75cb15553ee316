//! What is given: `{ at: day 3, login: { user: ada } }`, once or again and again, and of several users at once.

use super::instant::{Calendar, is_weekday};
use super::{Activity, Datum, MOST_ACTIVITIES, Outage, Place};
use crate::block::{Block, Spot};
use crate::nearest::suggestion;
use crate::plan::Unit;
use crate::problem::{Report, quoted, short};
use crate::quantity::{LONGEST, shown};
use crate::source::{Field, FieldType, Source};
use crate::time::{DAY, EventTime, MINUTE};
use crate::{feed, tree::Value};

/// Keys beside that of the source.
const KEYS: [&str; 3] = ["at", "every", "until"];

/// How often it happens again.
#[derive(Clone, Copy, Debug)]
enum Every {
    Span(i64),
    Weekday,
}

/// Reads the list; ids that are made up begin with `prefix`, and `room` is how many activities all cases together may
/// still give.
pub(super) fn read(
    spot: &Spot<'_>,
    calendar: Calendar,
    prefix: &str,
    room: &mut usize,
    report: &mut Report,
) -> Vec<Activity> {
    let mut all = Vec::new();
    let mut last = calendar.start;
    for (number, item) in (1..).zip(spot.items(report).unwrap_or_default()) {
        let Some(mut given) = one(&item, calendar, &mut last, *room, report) else { continue };
        *room = room.saturating_sub(given.len());
        for (which, activity) in (1..).zip(&mut given) {
            // One that is written stands for each occurrence: it comes again, and is known to.
            if activity.id.is_empty() {
                activity.id = format!("{prefix}{number}.{which}");
            }
        }
        all.append(&mut given);
    }
    all
}

/// Tells of what is given while its feed is out.
pub(super) fn check_outages(given: &[Activity], outages: &[Outage], case: &Spot<'_>, report: &mut Report) {
    for outage in outages {
        let is_out =
            |it: &&Activity| it.source == outage.source && (outage.from..outage.until).contains(&it.time);
        if let Some(given) = given.iter().find(is_out) {
            let message =
                format!("{} is out at {}, and something of it is given then", given.source, given.time);
            let spot = Block::open(case, report).and_then(|block| block.get("outages"));
            spot.as_ref().unwrap_or(case).problem(report, message, "move it, or shorten the outage");
        }
    }
}

fn one(
    item: &Spot<'_>,
    calendar: Calendar,
    last: &mut EventTime,
    room: usize,
    report: &mut Report,
) -> Option<Vec<Activity>> {
    let block = Block::open(item, report)?;
    let (source, what) = source(&block, report)?;
    let at = block.need("at", "day 3", report)?;
    let at = calendar.instant(&at, *last, report)?;
    let times = times(&block, at, calendar, report)?;
    *last = times.last().copied().unwrap_or(at);
    let fields = Block::open(&what, report)?;
    let mut all: Vec<Activity> = Vec::new();
    for time in times {
        let each = combinations(&fields, source, time, calendar, report)?.into_iter();
        all.extend(each.map(|(id, fields)| Activity {
            source,
            time,
            id: id.unwrap_or_default(),
            fields,
            place: Place::of(item),
        }));
        if all.len() > room {
            let message = format!("the cases give more than {MOST_ACTIVITIES} activities");
            item.problem(report, message, "let it happen less often");
            return None;
        }
    }
    Some(all)
}

/// The one key that is a source, with what is under it.
fn source<'t>(block: &Block<'t>, report: &mut Report) -> Option<(Source, Spot<'t>)> {
    let mut found: Option<(Source, Spot<'t>)> = None;
    for (key, spot) in block.iter().filter(|(key, _)| !KEYS.contains(&key.text.as_str())) {
        match (feed::source_of(&key.text), &found) {
            (Some(source), None) => found = Some((source, spot)),
            (Some(_), Some((first, _))) => {
                let message = format!("an activity is of one source, and `{first}` is named already");
                report.problem(key.mark, &spot.path, message, "write two activities");
                return None;
            }
            (None, _) => {
                let known = feed::activities().map(Source::name).chain(KEYS);
                let fix = suggestion(&key.text, known);
                report.problem(key.mark, &spot.path, format!("unknown key {}", quoted(&key.text)), fix);
                return None;
            }
        }
    }
    if found.is_none() {
        block.spot.problem(
            report,
            "it names no source",
            "write it like `{ at: day 3, login: { user: ada } }`",
        );
    }
    found
}

/// When it happens, ascending.
fn times(
    block: &Block<'_>,
    at: EventTime,
    calendar: Calendar,
    report: &mut Report,
) -> Option<Vec<EventTime>> {
    let until = match block.get("until") {
        Some(spot) => Some(calendar.instant(&spot, at, report)?),
        None => None,
    };
    let Some(every) = block.get("every") else {
        if let Some(spot) = block.get("until") {
            spot.problem(report, "how often?", "add `every: 1d` or `every: weekday`");
            return None;
        }
        return Some(vec![at]);
    };
    let every = match every.text(report)? {
        "weekday" => Every::Weekday,
        _ => Every::Span(every.span(MINUTE, LONGEST, report)?),
    };
    if until.is_none() {
        block.spot.problem(report, "until when?", "add `until: day 30`");
    }
    let until = until?;
    let (step, mut time) = (if let Every::Span(span) = every { span } else { DAY }, at);
    let mut times = Vec::new();
    while time <= until && times.len() <= MOST_ACTIVITIES {
        if matches!(every, Every::Span(_)) || is_weekday(time) {
            times.push(time);
        }
        time = time.plus(step);
    }
    if times.is_empty() {
        block.spot.problem(report, "it never happens", "let `until` be later than `at`");
        return None;
    }
    Some(times)
}

/// An id, if one is written, and the fields of one activity.
type Fields = (Option<String>, Vec<(Field, Datum)>);

/// The fields of one activity, or, where fields hold lists, of one for each combination.
fn combinations(
    block: &Block<'_>,
    source: Source,
    time: EventTime,
    calendar: Calendar,
    report: &mut Report,
) -> Option<Vec<Fields>> {
    let mut all: Vec<Fields> = vec![(None, Vec::new())];
    for (key, spot) in block.iter() {
        if key.text == "id" {
            let id = spot.short_text(128, report)?.to_owned();
            all.iter_mut().for_each(|(known, _)| *known = Some(id.clone()));
            continue;
        }
        let known = source.fields();
        let Some(field) = known.iter().find(|field| field.name() == key.text) else {
            let fix = suggestion(&key.text, known.iter().map(|field| field.name()));
            report.problem(key.mark, &spot.path, format!("{source} has no field {}", quoted(&key.text)), fix);
            return None;
        };
        let mut next = Vec::new();
        for spot in values(&spot, report)? {
            let datum = datum(&spot, source, *field, time, calendar, report)?;
            for (id, fields) in &all {
                let more = fields.iter().cloned().chain([(*field, datum.clone())]).collect();
                next.push((id.clone(), more));
            }
        }
        if next.len() > MOST_ACTIVITIES {
            spot.problem(report, "these are too many combinations", "write shorter lists");
            return None;
        }
        all = next;
    }
    Some(all)
}

/// One value or a list of them.
fn values<'t>(spot: &Spot<'t>, report: &mut Report) -> Option<Vec<Spot<'t>>> {
    match &spot.node.value {
        Value::Sequence(_) => spot.items(report),
        Value::Scalar(_) | Value::Mapping(_) => Some(vec![spot.clone()]),
    }
}

fn datum(
    spot: &Spot<'_>,
    source: Source,
    field: Field,
    time: EventTime,
    calendar: Calendar,
    report: &mut Report,
) -> Option<Datum> {
    match field.kind() {
        FieldType::Word => {
            feed::words(spot, source, field, report)?;
            spot.short_text(128, report).map(|text| Datum::Text(text.to_owned()))
        }
        FieldType::Key | FieldType::Ignored => {
            spot.short_text(256, report).map(|text| Datum::Text(short(text)))
        }
        FieldType::Number => {
            spot.value(Unit::Number, report).map(|value| Datum::Number(shown(Unit::Number, value)))
        }
        FieldType::Time => calendar.instant(spot, time, report).map(Datum::Time),
    }
}
