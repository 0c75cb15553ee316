//! The parsed text: mappings, sequences and scalars with their places.
//!
//! Scalars stay text: what `60%` or `14d` means is decided by who reads it, and no number is ever a float. The
//! tree is bounded in size and depth, and holds nothing that would make one text mean another (anchors,
//! aliases, tags, several documents, a key twice).

use crate::problem::{Mark, Problems, Report, quoted};
use saphyr_parser::{Event, Marker, Parser, ScanError};
use std::collections::BTreeSet;

/// The longest text in bytes.
const TEXT: usize = 1 << 20;
/// The deepest nesting.
const DEPTH: usize = 32;

/// A value with its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Where it begins.
    pub(crate) mark: Mark,
    /// What it is.
    pub(crate) value: Value,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// A text; empty where nothing is written.
    Scalar(String),
    /// Values in order.
    Sequence(Vec<Node>),
    /// Keys, each once, with their values, in order.
    Mapping(Vec<(Key, Node)>),
}

/// A key with its place.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    /// Where it begins.
    pub(crate) mark: Mark,
    /// The key.
    pub(crate) text: String,
}

/// Parses a text; `what` it is, for messages.
///
/// # Errors
/// The first syntax error, or everything that the language does not have.
pub(crate) fn parse(text: &str, what: &'static str) -> Result<Node, Problems> {
    let mut report = Report::default();
    let start = Mark { line: 1, column: 1 };
    if text.len() > TEXT {
        report.problem(start, "", format!("the {what} is longer than 1 MiB"), "make it shorter");
    } else {
        let root = Builder { what, ..Builder::default() }.build(text, &mut report);
        match root {
            Some(root) => return report.close().map(|_| root),
            None if report.is_empty() => {
                report.problem(start, "", format!("the {what} is empty"), format!("write a {what}"));
            }
            None => {}
        }
    }
    Err(report.close().err().unwrap_or_else(|| Problems(Vec::new())))
}

/// A mapping or sequence that is not yet complete.
enum Open {
    Sequence(Mark, Vec<Node>),
    Mapping { mark: Mark, entries: Vec<(Key, Node)>, key: Option<Key>, seen: BTreeSet<String> },
}

#[derive(Default)]
struct Builder {
    what: &'static str,
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
}

impl Builder {
    fn build(mut self, text: &str, report: &mut Report) -> Option<Node> {
        let mut parser = Parser::new_from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
        while let Some(next) = parser.next_event() {
            match next {
                Ok((event, span)) => {
                    if !self.take(event, mark(&span.start), report) {
                        return None;
                    }
                }
                Err(error) => {
                    syntax(&error, report);
                    return None;
                }
            }
        }
        self.root
    }

    /// Takes one event in; `false` ends the reading.
    fn take(&mut self, event: Event<'_>, mark: Mark, report: &mut Report) -> bool {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    let fix = format!("keep one {} in a file", self.what);
                    report.problem(mark, "", "a second document begins", fix);
                    return false;
                }
            }
            Event::Alias(_) => {
                report.problem(mark, "", "an alias (`*`) is not part of the language", "write the value out");
                self.place(Node { mark, value: Value::Scalar(String::new()) }, report);
            }
            Event::Scalar(text, _, anchor, tag) => {
                plain(mark, anchor, tag.is_some(), report);
                self.place(Node { mark, value: Value::Scalar(text.into_owned()) }, report);
            }
            Event::SequenceStart(anchor, tag) => {
                plain(mark, anchor, tag.is_some(), report);
                return self.descend(Open::Sequence(mark, Vec::new()), mark, report);
            }
            Event::MappingStart(anchor, tag) => {
                plain(mark, anchor, tag.is_some(), report);
                let open = Open::Mapping { mark, entries: Vec::new(), key: None, seen: BTreeSet::new() };
                return self.descend(open, mark, report);
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let node = match self.open.pop() {
                    Some(Open::Sequence(mark, items)) => Node { mark, value: Value::Sequence(items) },
                    Some(Open::Mapping { mark, entries, .. }) => {
                        Node { mark, value: Value::Mapping(entries) }
                    }
                    None => return false,
                };
                self.place(node, report);
            }
        }
        true
    }

    fn descend(&mut self, open: Open, mark: Mark, report: &mut Report) -> bool {
        if self.open.len() >= DEPTH {
            let message = format!("values are nested more than {DEPTH} deep");
            report.problem(mark, "", message, "make it flatter");
            return false;
        }
        self.open.push(open);
        true
    }

    /// Puts a complete value where it belongs.
    fn place(&mut self, node: Node, report: &mut Report) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::Sequence(_, items)) => items.push(node),
            Some(Open::Mapping { entries, key, seen, .. }) => match (key.take(), node.value) {
                (Some(key), value) => {
                    if seen.insert(key.text.clone()) {
                        entries.push((key, Node { mark: node.mark, value }));
                    } else {
                        let message = format!("{} is defined twice", quoted(&key.text));
                        report.problem(key.mark, "", message, "keep one of them");
                    }
                }
                (None, Value::Scalar(text)) => *key = Some(Key { mark: node.mark, text }),
                (None, Value::Sequence(_) | Value::Mapping(_)) => {
                    report.problem(node.mark, "", "a key is not a plain word", "write the key as one word");
                    *key = Some(Key { mark: node.mark, text: String::new() });
                }
            },
        }
    }
}

fn plain(mark: Mark, anchor: usize, tagged: bool, report: &mut Report) {
    if anchor > 0 {
        report.problem(mark, "", "an anchor (`&`) is not part of the language", "leave it out");
    }
    if tagged {
        report.problem(mark, "", "a tag (`!`) is not part of the language", "leave it out");
    }
}

fn syntax(error: &ScanError, report: &mut Report) {
    let message = format!("not YAML: {}", crate::problem::short(error.info()));
    report.problem(
        mark(error.marker()),
        "",
        message,
        "check colons, indentation, quotes and brackets here and on the line before",
    );
}

fn mark(marker: &Marker) -> Mark {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Mark { line: number(marker.line()), column: number(marker.col()).saturating_add(1) }
}
