//! The table of concepts (`deploy/concepts.md`) says what is so: what it finds in a model is defined there and looked at
//! by a test case, what it finds in the product is there, what it says is checked is taken and said to be not yet computed,
//! and what it says comes later is refused today.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests: a failure is a panic")]

mod support;

use model::plan::Plan;
use model::suite::{Expectation, Expected, Suite};
use model::{Compiled, Outcomes};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use support::Place;

/// How many concepts there are.
const CONCEPTS: usize = 116;
/// Output topics, and the message of each.
const TOPICS: [(&str, &str); 3] =
    [("health", "Health"), ("alerts", "Alert"), ("account-health", "AccountHealth")];
/// Notation that is refused: as the table writes it, and what of `score.yaml` is replaced by what.
const REFUSED: [(&str, &str, &str); 7] = [
    (
        "percentile",
        "signals:",
        "signals:\n  x: { percentile: 90%, of: first-reply-time, from: support, over: 28d }",
    ),
    ("change", "signals:", "signals:\n  x: { change: use_days, over: 28d }"),
    (
        "from: [a, b]",
        "signals:",
        "signals:\n  x: { mean: sentiment, from: [csm-activity, support], half_life: 30d }",
    ),
    ("calendars", "signals:", "calendars: { business: { days: mon-fri } }\nsignals:"),
    ("milestones", "signals:", "milestones: { onboarding: [] }\nsignals:"),
    ("profiles", "signals:", "profiles: [ { name: standard, when: everyone } ]\nsignals:"),
    ("trend_over", "band_margin: 3", "trend_over: 28d"),
];
/// Notation that is taken, and that nothing is computed by: as [`REFUSED`], and at what path that is said.
const CHECKED: [(&str, &str, &str, &str); 4] = [
    (
        "gap_to",
        "signals:",
        "benchmarks: { best: { cohort: { outcome: good, within: 365d }, by: segment, value: median, signals: [nps], refresh: 30d, min_accounts: 20 } }\nsignals:\n  x: { gap_to: best }",
        "signals.x",
    ),
    (
        "benchmarks",
        "signals:",
        "benchmarks: { best: { cohort: { outcome: good, within: 365d }, by: segment, value: median, signals: [nps], refresh: 30d, min_accounts: 20 } }\nsignals:",
        "benchmarks.best",
    ),
    ("kpis", "signals:", "kpis: { nps: { plan: 36, per: quarter, by: company } }\nsignals:", "kpis.nps"),
    (
        "target",
        "    priority: 1 ",
        "    target: { use_days: 15, share_of_accounts: 85%, within: 60d }\n    priority: 1 ",
        "goals.use.target",
    ),
];
/// What `model check` says of `score.yaml` once it is changed, by the concept that counts on it.
const SAID: [(usize, &str, &str, &str); 5] = [
    (4, "signals:", "signals:\n  x: { count: login, over: 28d }", "nobody uses the signal `x`"),
    (7, "over: 28d }", "over: 28 }", "`28` is not a span of time"),
    (26, "weight: 60, target: 0", "weight: 1000000, target: 0", "it adds nothing"),
    (37, "review_by: 2027", "review_by: 2020", "was to be looked at again by"),
    (
        92,
        "kind: leading, weight: 60",
        "kind: lagging, in_score: true, weight: 60",
        "of the score rest on measures of kind `lagging`",
    ),
];

/// A line of the table.
#[derive(Debug)]
struct Row {
    number: usize,
    kind: &'static str,
    place: &'static str,
    how: &'static str,
}

/// What stands between backquotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Claim {
    Model {
        file: &'static str,
        what: &'static str,
        name: &'static str,
    },
    Command(&'static str),
    Metric(&'static str),
    Field {
        topic: &'static str,
        path: &'static str,
    },
    /// Anything else: notation that is checked or comes later, or a mere word.
    Other(&'static str),
}

impl Claim {
    fn all(text: &'static str) -> Vec<Self> {
        let mut all = Vec::new();
        for quoted in text.split('`').skip(1).step_by(2) {
            let topic =
                quoted.split_once(": ").filter(|(topic, _)| TOPICS.iter().any(|(known, _)| topic == known));
            if let Some((file, named)) = quoted.split_once(".yaml: ") {
                let (what, names) = named.split_once(' ').unwrap();
                all.extend(names.split(", ").map(|name| Self::Model { file, what, name }));
            } else if let Some((topic, path)) = topic {
                all.push(Self::Field { topic, path });
            } else if quoted.starts_with("vitals ") {
                all.push(Self::Command(quoted));
            } else if quoted.starts_with("vitals_") {
                all.push(Self::Metric(quoted));
            } else {
                all.push(Self::Other(quoted));
            }
        }
        all
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Model { .. } => "model",
            Self::Command(_) | Self::Metric(_) | Self::Field { .. } => "product",
            Self::Other(key) if is_checked(key) => "checked",
            Self::Other(_) => "later",
        }
    }
}

fn is_checked(key: &str) -> bool {
    CHECKED.iter().any(|(known, ..)| *known == key)
}

fn rows() -> Vec<Row> {
    let lines = include_str!("../../../deploy/concepts.md").lines();
    let cells = lines.map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    let row = |cells: Vec<&'static str>| {
        let [_, number, _, kind, place, how, _] = cells[..] else { return None };
        Some(Row { number: number.parse().ok()?, kind, place, how })
    };
    cells.filter_map(row).collect()
}

/// All that the table claims, each once. Of the last column notation counts from "Later:" or "Checked:" on only.
fn claims() -> BTreeSet<Claim> {
    let mut all = BTreeSet::new();
    for row in rows() {
        let (words, checked) = row.how.split_once("Checked: ").unwrap_or((row.how, ""));
        let (words, later) = words.split_once("Later: ").unwrap_or((words, ""));
        all.extend(Claim::all(words).into_iter().filter(|claim| !matches!(claim, Claim::Other(_))));
        for (part, kind) in [(later, "later"), (checked, "checked")] {
            let claims = Claim::all(part);
            assert!(claims.iter().all(|claim| claim.kind() == kind), "not all of it is {kind}: {row:?}");
            all.extend(claims);
        }
        all.extend(Claim::all(row.place));
    }
    all
}

/// A file of the folder of examples.
fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/concepts").join(name)
}

/// An example model and its test cases.
#[derive(Debug)]
struct Example {
    text: String,
    plan: Plan,
    outcomes: Outcomes,
    suite: Suite,
}

impl Example {
    fn read(name: &str) -> Self {
        let text = fs::read_to_string(example(&format!("{name}.yaml"))).unwrap();
        let Compiled { plan, outcomes, .. } = model::compile(&text).unwrap();
        let cases = fs::read_to_string(example(&format!("{name}.test.yaml"))).unwrap();
        let suite = model::suite::read(&cases, &plan).unwrap();
        Self { text, plan, outcomes, suite }
    }

    /// Whether it has something of this name, and a case expects of it what an error would miss.
    fn looks_at(&self, what: &str, name: &str) -> bool {
        let plan = &self.plan;
        let of = |measure: usize| &plan.measures[measure];
        let expected = |test: &dyn Fn(&Expectation) -> bool| {
            self.suite.cases.iter().flat_map(|case| &case.expectations).any(test)
        };
        let has_points = |is_it: &dyn Fn(usize) -> bool| {
            expected(&|at| at.points.iter().any(|(i, points)| is_it(*i) && *points != Expected::Unknown))
        };
        match what {
            "signal" => expected(&|at| {
                at.values.iter().any(|(i, value)| plan.signals[*i].name == name && is_telling(value))
            }),
            "measure" => has_points(&|i| plan.signals[of(i).signal].name == name),
            "goal" => has_points(&|i| plan.goals[of(i).goal].name == name),
            "cap" => expected(&|at| matches!(at.cap, Some(Some(i)) if plan.caps[i].name == name)),
            "band" => expected(&|at| at.band.as_deref() == Some(name)),
            "alert" => expected(&|at| {
                let is_it = |i: usize| plan.rules[i].name == name;
                at.alerts.iter().flatten().any(|(i, _)| is_it(*i))
                    || at.fired.iter().any(|(i, n)| is_it(*i) && *n > 0)
            }),
            // A back-test looks at outcomes, further below; a key is right since the model is.
            "outcome" if name == "good" => !self.outcomes.good.is_empty(),
            "outcome" => !self.outcomes.bad.is_empty(),
            "key" => {
                self.text.lines().any(|line| line.split('#').next().unwrap().contains(&format!("{name}:")))
            }
            other => panic!("{other} is no part of a model"),
        }
    }
}

/// Whether a value is expected that is not what nothing at all would give.
fn is_telling(value: &Expected) -> bool {
    !matches!(
        value,
        Expected::Unknown | Expected::Rounded { value: 0, .. } | Expected::Whole { value: 0, .. }
    )
}

#[test]
fn every_concept_has_one_line_of_one_kind() {
    let rows = rows();
    assert_eq!(rows.iter().map(|row| row.number).collect::<Vec<_>>(), (1..=CONCEPTS).collect::<Vec<_>>());
    for row in &rows {
        let claims = Claim::all(row.place);
        assert!(["model", "product", "checked", "later"].contains(&row.kind), "{row:?}");
        assert!(claims.iter().all(|claim| claim.kind() == row.kind), "{row:?}");
        // A part that the language has no notation for has no more than words.
        assert!(if row.kind == "later" { !row.place.is_empty() } else { !claims.is_empty() }, "{row:?}");
    }
}

#[test]
fn what_is_in_a_model_is_looked_at_by_a_case_that_passes() {
    let place = Place::new();
    let mut files = BTreeSet::new();
    for claim in claims() {
        let Claim::Model { file, what, name } = claim else { continue };
        files.insert(file.to_owned());
        assert!(Example::read(file).looks_at(what, name), "{claim:?} is not defined, or no case looks at it");
    }
    for name in
        fs::read_dir(example("")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap())
    {
        let name = name.strip_suffix(".yaml").unwrap();
        assert!(files.contains(name) || name.ends_with(".test"), "the table does not name {name}");
    }
    for file in files {
        let path = example(&format!("{file}.yaml"));
        place.run(["model", "check", "--strict", path.to_str().unwrap()]).fine();
        place.run(["model", "test", path.to_str().unwrap()]).fine();
    }
}

#[test]
fn what_the_product_is_said_to_have_is_there() {
    let place = Place::new();
    place.run(["demo", "--accounts", "20", "--dir", "data"]).fine();
    let published = TOPICS.map(|(topic, _)| {
        place.run(["tail", topic, "--json", "--limit", "2000", "--dir", "data"]).fine().json()
    });
    let proto = include_str!("../../../proto/vitals/v1/health.proto");
    let operator = include_str!("../../../deploy/README.md");
    for claim in claims() {
        let what = format!("{claim:?}");
        match claim {
            Claim::Command(command) => {
                let (flags, words): (Vec<_>, Vec<_>) =
                    command.split(' ').skip(1).partition(|word| word.starts_with("--"));
                let help = place.run(words.into_iter().chain(["--help"])).fine().out;
                assert!(flags.iter().all(|flag| help.contains(flag)), "{what}");
            }
            Claim::Metric(metric) => assert!(operator.contains(&format!("\n| `{metric}` |")), "{what}"),
            Claim::Field { topic, path } => {
                let at = TOPICS.iter().position(|(known, _)| *known == topic).unwrap();
                let (_, message) = proto.split_once(&format!("message {} {{", TOPICS[at].1)).unwrap();
                let (message, _) = message.split_once("\n}").unwrap();
                let path: Vec<&str> = path.split('.').collect();
                assert!(message.contains(&format!(" {} = ", path[0])), "{what}");
                assert!(path.iter().all(|field| proto.contains(&format!(" {field} = "))), "{what}");
                assert!(published[at].iter().any(|record| holds(&record["value"], &path)), "{what}");
            }
            Claim::Model { file, what: "outcome", name } => {
                let path = example(&format!("{file}.yaml"));
                let flags = ["--outcome", name, "--json", "--dir", "data"];
                let found = place.run(["backtest", path.to_str().unwrap()].iter().chain(&flags)).json();
                assert!(found[0]["models"][0]["outcomes"].as_u64().unwrap() > 0, "{what}: {found:?}");
            }
            Claim::Model { .. } | Claim::Other(_) => {}
        }
    }
    let models = ["contract.yaml", "score.yaml"].map(example);
    let [model, other] = models.each_ref().map(|path| path.to_str().unwrap());
    let told = place.run(["backtest", model, "--against", other, "--dir", "data"]).out;
    for part in
        ["concept-contract", "concept-score", "Measures alone", "vanity measure", "followed", "median lead"]
    {
        assert!(told.contains(part), "{part}: {told}");
    }
}

/// Whether there is something at a path; of a list in any of its items.
fn holds(value: &Value, path: &[&str]) -> bool {
    match (value, path) {
        (value, []) => !value.is_null(),
        (Value::Array(items), _) => items.iter().any(|item| holds(item, path)),
        (value, [first, rest @ ..]) => value.get(first).is_some_and(|value| holds(value, rest)),
    }
}

#[test]
fn what_comes_later_is_refused_today() {
    let place = Place::ready(Some(&example("score.yaml")));
    let score = fs::read_to_string(example("score.yaml")).unwrap();
    for claim in claims() {
        let Claim::Other(key) = claim else { continue };
        if is_checked(key) {
            continue;
        }
        if key == "vitals.command" {
            let line = r#"{"id":"1","time":"2026-01-31T09:00:00Z","account":"acme","kind":"feedback","author":"ada","reason":"noise"}"#;
            place.feed(["produce", "--source", "command"], line).fine();
            place.run(["run", "--mode", "recorded"]).fine();
            assert_eq!(
                place.counts("command", ["records", "applied"]),
                [1, 0],
                "commands are of use: mend the table"
            );
            continue;
        }
        let (_, old, new) =
            REFUSED.iter().find(|(known, ..)| *known == key).unwrap_or_else(|| panic!("{key}?"));
        assert!(score.contains(old), "{key}: {old}");
        place.write("later.yaml", &score.replacen(old, new, 1));
        let said = place.run(["model", "check", "later.yaml"]);
        let is_refused = said.status == Some(1)
            && said.out.contains("not yet supported")
            && said.out.contains(" 1 problem");
        assert!(is_refused, "{key} is there, or said otherwise: mend the table. {said:?}");
    }
}

#[test]
fn what_is_checked_is_taken_and_said_to_be_not_yet_computed() {
    let place = Place::new();
    let score = fs::read_to_string(example("score.yaml")).unwrap();
    let claimed = claims();
    for (key, old, new, path) in CHECKED {
        assert!(claimed.contains(&Claim::Other(key)) && score.contains(old), "{key}: {old}");
        place.write("checked.yaml", &score.replacen(old, new, 1));
        let said = place.run(["model", "check", "checked.yaml"]).fine().out;
        let note =
            said.lines().find(|line| line.contains(&format!(": {path}: ")) && line.ends_with("(note)"));
        assert!(note.is_some_and(|note| note.contains("not yet computed")), "{key}: mend the table. {said}");
    }
}

#[test]
fn what_check_is_said_to_tell_it_tells() {
    let place = Place::new();
    let score = fs::read_to_string(example("score.yaml")).unwrap();
    let counts_on_it = rows().into_iter().filter(|row| row.place.contains("`vitals model check`"));
    for row in counts_on_it {
        let (_, old, new, words) = SAID.iter().find(|(number, ..)| *number == row.number).unwrap();
        assert!(score.contains(old), "{row:?}: {old}");
        place.write("score.yaml", &score.replacen(old, new, 1));
        let said = place.run(["model", "check", "--strict", "score.yaml"]);
        assert!(said.status == Some(1) && said.out.contains(words), "{row:?}: {said:?}");
    }
}
