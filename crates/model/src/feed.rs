//! Which activities a signal takes in: a source and tests on words, from the closed vocabulary of sources.

use crate::block::{Block, Spot, not_yet};
use crate::nearest::suggestion;
use crate::plan::{Feed, WordTest};
use crate::problem::{Report, quoted};
use crate::source::{Field, FieldType, Source};
use crate::tree::Value;

/// Reads a source; a list of them is for a later version.
pub(crate) fn source(spot: &Spot<'_>, report: &mut Report) -> Option<Source> {
    if matches!(spot.node.value, Value::Sequence(_)) {
        spot.problem(report, not_yet("a list of sources"), "name one source");
        return None;
    }
    let text = spot.text(report)?;
    let found = source_of(text);
    if found.is_none() {
        let (message, near) = match Source::parse(text) {
            Some(source) => (format!("`{source}` is no activity of a customer"), ""),
            None => (format!("unknown source {}", quoted(text)), text),
        };
        spot.problem(report, message, suggestion(near, activities().map(Source::name)));
    }
    found
}

/// A source of customer activity: commands are not.
pub(crate) fn source_of(name: &str) -> Option<Source> {
    activities().find(|source| source.name() == name)
}

/// The sources that signals can be made of.
pub(crate) fn activities() -> impl Iterator<Item = Source> {
    Source::ALL.into_iter().filter(|source| *source != Source::Command)
}

/// Reads the field that a signal takes from a source; it must have one of `types`.
pub(crate) fn field(
    spot: &Spot<'_>,
    source: Source,
    types: &[FieldType],
    report: &mut Report,
) -> Option<Field> {
    let text = spot.text(report)?;
    let fits = |field: &&Field| types.contains(&field.kind());
    let known = || source.fields().iter().filter(fits).map(|field| field.name());
    match source.fields().iter().find(|field| field.name() == text) {
        Some(field) if types.contains(&field.kind()) => Some(*field),
        Some(field) => {
            let is = noun(field.kind());
            let needed: Vec<&str> = types.iter().map(|kind| noun(*kind)).collect();
            let message = format!("`{text}` is {is}, and {} is needed", needed.join(" or "));
            spot.problem(report, message, suggestion("", known()));
            None
        }
        None => {
            spot.problem(
                report,
                format!("{source} has no field {}", quoted(text)),
                suggestion(text, known()),
            );
            None
        }
    }
}

const fn noun(kind: FieldType) -> &'static str {
    match kind {
        FieldType::Word => "a word",
        FieldType::Key => "an identity",
        FieldType::Number => "a number",
        FieldType::Time => "an instant",
        FieldType::Ignored => "not kept",
    }
}

/// Reads the feed of a signal: its source and the tests under `where`.
pub(crate) fn feed(block: &Block<'_>, source: Source, report: &mut Report) -> Option<Feed> {
    let mut filter = match block.get("where") {
        Some(spot) => tests(&spot, source, report)?,
        None => Vec::new(),
    };
    if is_of_what_was_held(source, &filter) {
        filter.push(held());
    }
    filter.sort_by_key(|test| test.field);
    Some(Feed { source, filter })
}

/// Whether only what was held is meant: of CSM activities whose state is not tested. What is only scheduled, or was
/// cancelled, is no contact.
pub(crate) fn is_of_what_was_held(source: Source, tests: &[WordTest]) -> bool {
    source == Source::CsmActivity && tests.iter().all(|test| test.field != Field::State)
}

/// The test that a CSM activity was held.
pub(crate) fn held() -> WordTest {
    WordTest { field: Field::State, any_of: vec!["held".to_owned()] }
}

/// Reads tests on the words of a source's activities.
pub(crate) fn tests(spot: &Spot<'_>, source: Source, report: &mut Report) -> Option<Vec<WordTest>> {
    let block = Block::open(spot, report)?;
    let mut tests = Vec::new();
    let mut good = true;
    for (key, spot) in block.iter() {
        let known = source.fields().iter().filter(|field| field.kind() == FieldType::Word);
        let Some(field) = known.clone().find(|field| field.name() == key.text) else {
            let exists = source.fields().iter().any(|field| field.name() == key.text);
            let why =
                if exists { "cannot be tested: it is not a word" } else { "is no field of this source" };
            let fix = suggestion(&key.text, known.map(|field| field.name()));
            report.problem(key.mark, &spot.path, format!("{} {why}", quoted(&key.text)), fix);
            good = false;
            continue;
        };
        match words(&spot, source, *field, report) {
            Some(any_of) => tests.push(WordTest { field: *field, any_of }),
            None => good = false,
        }
    }
    good.then_some(tests)
}

/// Reads the accepted words of a field.
pub(crate) fn words(
    spot: &Spot<'_>,
    source: Source,
    field: Field,
    report: &mut Report,
) -> Option<Vec<String>> {
    let words = spot.words(report)?;
    let mut good = true;
    if let Some(known) = source.words(field) {
        for (at, word) in &words {
            if !known.contains(&word.as_str()) {
                let message = format!("`{}` of {source} is never {}", field.name(), quoted(word));
                at.problem(report, message, suggestion(word, known.iter().copied()));
                good = false;
            }
        }
    }
    good.then(|| words.into_iter().map(|(_, word)| word).collect())
}
