//! Reading the tree: a place with its path, a mapping with the keys it may have, and the simplest values.

use crate::nearest::{near, suggestion};
use crate::problem::{Mark, Report, quoted, short};
use crate::tree::{Key, Node, Value};

/// A value and the way to it.
#[derive(Clone, Debug)]
pub(crate) struct Spot<'t> {
    /// The value.
    pub(crate) node: &'t Node,
    /// Keys from the top, joined by dots.
    pub(crate) path: String,
}

/// The keys a mapping may have, and those that the language has and this version does not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keys {
    /// What may stand here.
    pub(crate) known: &'static [&'static str],
    /// What will be able to stand here.
    pub(crate) later: &'static [&'static str],
}

/// The message about something that the language has and this version does not.
pub(crate) fn not_yet(what: &str) -> String {
    format!("{what} is part of the model language but not yet supported by this version")
}

/// The message about something that is checked, and that no figure comes of in this version.
pub(crate) fn not_computed(what: &str) -> String {
    format!("{what} is checked and not yet computed: it needs the figures of all accounts together")
}

/// What to do about it.
pub(crate) const KEEP: &str = "keep it: no score depends on it";

impl<'t> Spot<'t> {
    /// The top of a tree.
    pub(crate) fn top(node: &'t Node) -> Self {
        Self { node, path: String::new() }
    }

    /// Reports a problem here.
    pub(crate) fn problem(&self, report: &mut Report, message: impl Into<String>, fix: impl Into<String>) {
        report.problem(self.node.mark, &self.path, message, fix);
    }

    /// Reports a warning here.
    pub(crate) fn warn(&self, report: &mut Report, message: impl Into<String>, fix: impl Into<String>) {
        report.warn(self.node.mark, &self.path, message, fix);
    }

    /// Reports a note here.
    pub(crate) fn note(&self, report: &mut Report, message: impl Into<String>, fix: impl Into<String>) {
        report.note(self.node.mark, &self.path, message, fix);
    }

    /// A text that is not empty.
    pub(crate) fn text(&self, report: &mut Report) -> Option<&'t str> {
        match &self.node.value {
            Value::Scalar(text) if !text.trim().is_empty() => Some(text),
            Value::Scalar(_) => {
                self.problem(report, "a value is missing", "write it, or leave the key out");
                None
            }
            Value::Sequence(_) => {
                self.problem(report, "a list stands where one value belongs", "write one value");
                None
            }
            Value::Mapping(_) => {
                self.problem(report, "a mapping stands where one value belongs", "write one value");
                None
            }
        }
    }

    /// A text of at most `limit` characters.
    pub(crate) fn short_text(&self, limit: usize, report: &mut Report) -> Option<&'t str> {
        let text = self.text(report)?;
        if text.chars().nth(limit).is_some() {
            self.problem(report, format!("the text is longer than {limit} characters"), "make it shorter");
            return None;
        }
        Some(text)
    }

    /// One word or a list of words, sorted, each once.
    pub(crate) fn words(&self, report: &mut Report) -> Option<Vec<(Spot<'t>, String)>> {
        let mut words: Vec<(Self, String)> = Vec::new();
        for spot in self.each(report)? {
            let word = spot.short_text(128, report)?.to_owned();
            words.push((spot, word));
        }
        words.sort_by(|a, b| a.1.cmp(&b.1));
        words.dedup_by(|a, b| a.1 == b.1);
        Some(words)
    }

    /// One value, or the items of a list that is not empty.
    pub(crate) fn each(&self, report: &mut Report) -> Option<Vec<Spot<'t>>> {
        match &self.node.value {
            Value::Sequence(_) => self.items(report),
            Value::Scalar(_) | Value::Mapping(_) => Some(vec![self.clone()]),
        }
    }

    /// The items of a list that is not empty.
    pub(crate) fn items(&self, report: &mut Report) -> Option<Vec<Spot<'t>>> {
        match &self.node.value {
            Value::Sequence(items) if !items.is_empty() => {
                let spot = |(i, node)| Spot { node, path: format!("{}[{i}]", self.path) };
                Some(items.iter().enumerate().map(spot).collect())
            }
            Value::Sequence(_) => {
                self.problem(report, "the list is empty", "name at least one, or leave the key out");
                None
            }
            Value::Scalar(_) | Value::Mapping(_) => {
                self.problem(report, "a list belongs here", "write `[ … ]`");
                None
            }
        }
    }

    /// One of a closed set of words.
    pub(crate) fn choice<T: Copy>(&self, from: &[(&'static str, T)], report: &mut Report) -> Option<T> {
        let text = self.text(report)?;
        let found = from.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let fix = suggestion(text, from.iter().map(|(word, _)| *word));
            self.problem(report, format!("unknown word {}", quoted(text)), fix);
        }
        found
    }

    /// A name: lower-case letters, digits, `-` and `_`, at most 64, a letter or digit first.
    pub(crate) fn name(&self, report: &mut Report) -> Option<&'t str> {
        let text = self.text(report)?;
        check_name(text, self.node.mark, &self.path, report).then_some(text)
    }

    fn child(&self, key: &str, node: &'t Node) -> Self {
        let key = short(key);
        let path = if self.path.is_empty() { key } else { format!("{}.{key}", self.path) };
        Self { node, path }
    }
}

/// Reports what is not a name; says whether it is one.
pub(crate) fn check_name(text: &str, mark: Mark, path: &str, report: &mut Report) -> bool {
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let good = text.len() <= 64
        && text.bytes().next().is_some_and(letter)
        && text.bytes().all(|b| letter(b) || b == b'-' || b == b'_');
    if !good {
        let fix = "use at most 64 lower-case letters, digits, `-` and `_`, a letter or digit first";
        report.problem(mark, path, format!("{} is not a name", quoted(text)), fix);
    }
    good
}

/// A mapping.
#[derive(Clone, Debug)]
pub(crate) struct Block<'t> {
    /// Where it stands.
    pub(crate) spot: Spot<'t>,
    entries: &'t [(Key, Node)],
}

impl<'t> Block<'t> {
    /// A mapping of anything.
    pub(crate) fn open(spot: &Spot<'t>, report: &mut Report) -> Option<Self> {
        match &spot.node.value {
            Value::Mapping(entries) => Some(Self { spot: spot.clone(), entries }),
            Value::Scalar(_) | Value::Sequence(_) => {
                spot.problem(report, "a mapping belongs here", "write `key: value` pairs");
                None
            }
        }
    }

    /// A mapping with known keys; others are reported.
    pub(crate) fn with(spot: &Spot<'t>, keys: &Keys, report: &mut Report) -> Option<Self> {
        let block = Self::open(spot, report)?;
        block.check(keys, report);
        Some(block)
    }

    /// Reports the keys that may not stand here.
    pub(crate) fn check(&self, keys: &Keys, report: &mut Report) {
        for (key, spot) in self.iter() {
            let text = key.text.as_str();
            if report.is_full() || keys.known.contains(&text) {
                continue;
            }
            let (message, fix) = if keys.later.contains(&text) {
                (not_yet(&quoted(text)), "leave it out".to_owned())
            } else {
                // What is near may be of a later version; what there is to choose from is not.
                let all = keys.known.iter().chain(keys.later).copied();
                (
                    format!("unknown key {}", quoted(text)),
                    near(text, all).unwrap_or_else(|| suggestion(text, keys.known.iter().copied())),
                )
            };
            report.problem(key.mark, &spot.path, message, fix);
        }
    }

    /// Its keys and values in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'t Key, Spot<'t>)> {
        let entries = self.entries;
        entries.iter().map(|(key, node)| (key, self.spot.child(&key.text, node)))
    }

    /// Its named values: keys that are names, at most `limit` of them.
    pub(crate) fn named(&self, limit: usize, report: &mut Report) -> Vec<(&'t Key, Spot<'t>)> {
        if self.entries.is_empty() {
            self.spot.problem(report, "nothing is defined here", "define at least one");
        }
        if self.entries.len() > limit {
            let message = format!("{} are defined, at most {limit} can be", self.entries.len());
            self.spot.problem(report, message, "keep those that matter");
        }
        self.iter()
            .take(limit)
            .filter(|(key, spot)| check_name(&key.text, key.mark, &spot.path, report))
            .collect()
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<Spot<'t>> {
        let (_, node) = self.entries.iter().find(|(k, _)| k.text == key)?;
        Some(self.spot.child(key, node))
    }

    /// The value of a key that must be there; `example` shows it.
    pub(crate) fn need(&self, key: &str, example: &str, report: &mut Report) -> Option<Spot<'t>> {
        let found = self.get(key);
        if found.is_none() {
            let fix = format!("add `{key}: {example}`");
            self.spot.problem(report, format!("`{key}` is missing"), fix);
        }
        found
    }

    /// The first key with its value.
    pub(crate) fn first(&self) -> Option<(&'t Key, Spot<'t>)> {
        self.iter().next()
    }
}
