//! From the places to the settings, or to everything that is wrong with them.

use super::input::Input;
use super::kafka::Kafka;
use super::key::{KEYS, Key, Secrecy};
use super::problem::suggestion;
use super::{LogKind, Problem, Problems, Settings};
use std::path::{Path, PathBuf};

/// The file that is read if it is there and none is named.
const FILE: &str = "vitals.toml";
/// The greatest file, in bytes.
const LIMIT: u64 = 1 << 20;
/// Variables of ours that are not keys.
const VARIABLES: [&str; 1] = ["VITALS_CONFIG"];

/// Whether Kubernetes set a variable, which it does for each service of a namespace ("Discovering services" in its
/// documentation): so for one whose name begins with `vitals`.
fn is_service_link(variable: &str, value: &str) -> bool {
    let is_port = |(_, rest): (&str, &str)| rest.starts_with(|first: char| first.is_ascii_digit());
    let is_address = ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme));
    ["_SERVICE_HOST", "_SERVICE_PORT"].iter().any(|part| variable.contains(part))
        || variable.ends_with("_PORT") && is_address
        || variable.split_once("_PORT_").is_some_and(is_port)
}

/// Where settings come from, beside the defaults.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    /// The file that was named.
    pub(crate) file: Option<PathBuf>,
    /// The environment.
    pub(crate) environment: Vec<(String, String)>,
    /// Key, value and flag.
    pub(crate) flags: Vec<(String, String, String)>,
}

struct Loading {
    settings: Settings,
    problems: Vec<Problem>,
}

/// Reads all places.
///
/// # Errors
/// Everything that is wrong, at once.
pub(crate) fn load(places: &Places) -> Result<Settings, Problems> {
    let mut loading = Loading { settings: Settings::default(), problems: Vec::new() };
    match &places.file {
        Some(file) => loading.file(file),
        None if Path::new(FILE).exists() => loading.file(Path::new(FILE)),
        None => {}
    }
    for (variable, value) in &places.environment {
        loading.variable(variable, value);
    }
    for (key, value, flag) in &places.flags {
        loading.take(key, &Input::Text(value.clone()), flag);
    }
    loading.across();
    if loading.problems.is_empty() { Ok(loading.settings) } else { Err(Problems(loading.problems)) }
}

impl Loading {
    fn file(&mut self, path: &Path) {
        let place = path.display().to_string();
        let text = match read_bounded(path, LIMIT) {
            Ok(text) => text,
            Err(rule) => return self.problem("--config", None, &place, rule, "name a file that can be read"),
        };
        match text.parse::<toml::Table>() {
            Ok(table) => self.table("", table, &place),
            Err(error) => {
                let (line, column) = position(&text, error.span().map_or(0, |span| span.start));
                let place = format!("{place}:{line}:{column}");
                let rule = error.message().trim().replace('\n', ", ");
                self.problem("file", None, &place, rule, "correct the TOML there");
            }
        }
    }

    fn table(&mut self, prefix: &str, table: toml::Table, place: &str) {
        for (name, value) in table {
            let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
            let is_table = KEYS
                .iter()
                .any(|known| known.name.strip_prefix(&key).is_some_and(|rest| rest.starts_with('.')))
                || Kafka::property(&format!("{key}.")).is_some();
            if let toml::Value::Table(inner) = value {
                if is_table {
                    self.table(&key, inner, place);
                } else {
                    self.take(&key, &Input::Typed(toml::Value::Table(inner)), place);
                }
            } else {
                self.take(&key, &Input::Typed(value), place);
            }
        }
    }

    fn variable(&mut self, variable: &str, value: &str) {
        let is_other = || VARIABLES.contains(&variable) || is_service_link(variable, value);
        if !variable.starts_with("VITALS_") || is_other() {
            return;
        }
        match KEYS.iter().find(|key| key.variable() == variable) {
            Some(key) => self.read(key, &Input::Text(value.to_owned()), variable),
            None => {
                let known: Vec<String> = KEYS.iter().map(Key::variable).collect();
                let fix = suggestion(variable, known.iter().map(String::as_str));
                self.problem(variable, None, "environment", "is not a variable of vitals", &fix);
            }
        }
    }

    fn take(&mut self, name: &str, value: &Input, place: &str) {
        match KEYS.iter().find(|key| key.name == name) {
            Some(key) => self.read(key, value, place),
            None if Kafka::property(name).is_some_and(|(_, name)| !name.is_empty()) => {
                self.property(name, value, place);
            }
            None => {
                // A table's own keys are nearer than the same word elsewhere.
                let fix = suggestion(name, KEYS.iter().map(|key| key.name));
                self.problem(name, None, place, "is not a key", &fix);
            }
        }
    }

    /// A property of librdkafka or of new topics, which these judge.
    fn property(&mut self, key: &str, value: &Input, place: &str) {
        let Some((table, name)) = Kafka::property(key) else { return };
        match value.property() {
            Ok(text) => drop(self.settings.kafka.properties[table].insert(name.to_owned(), text)),
            Err(wrong) => self.problem(key, None, place, wrong.rule, &wrong.fix),
        }
    }

    fn read(&mut self, key: &Key, value: &Input, place: &str) {
        if let Err(wrong) = (key.read)(&mut self.settings, value) {
            let shown = (key.secrecy == Secrecy::Public).then(|| value.shown());
            self.problem(key.name, shown, place, wrong.rule, &wrong.fix);
        }
    }

    /// What must hold between keys.
    fn across(&mut self) {
        let score = &self.settings.score;
        if score.commit_least > score.commit_most {
            let shown = Some(score.commit_least.as_millis().to_string());
            let rule = format!("must not be above score.commit_most_ms = {}", score.commit_most.as_millis());
            self.problem("score.commit_least_ms", shown, "settings together", rule, "lower it");
        }
        let ingest = &self.settings.ingest;
        if ingest.commit_interval > ingest.mark_interval {
            let shown = Some(ingest.commit_interval.as_millis().to_string());
            let rule =
                format!("must not be above ingest.mark_interval_ms = {}", ingest.mark_interval.as_millis());
            self.problem("ingest.commit_interval_ms", shown, "settings together", rule, "lower it");
        }
        if self.settings.log.kind == LogKind::Kafka {
            self.problems.extend(self.settings.kafka.problems());
        }
    }

    fn problem(&mut self, key: &str, value: Option<String>, place: &str, rule: impl Into<String>, fix: &str) {
        let (key, place) = (key.to_owned(), place.to_owned());
        self.problems.push(Problem { key, value, place, rule: rule.into(), fix: fix.to_owned() });
    }
}

/// The text of a file of at most `limit` bytes, or what is wrong with it.
pub(super) fn read_bounded(path: &Path, limit: u64) -> Result<String, String> {
    let size = std::fs::metadata(path).map_err(|error| format!("cannot be read: {error}"))?.len();
    if size > limit {
        return Err(format!("has {size} bytes, the limit is {limit}"));
    }
    std::fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))
}

/// Line and column, from 1, of a byte of a text.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}

#[cfg(test)]
mod tests;
