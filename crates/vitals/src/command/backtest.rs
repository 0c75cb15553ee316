//! `vitals backtest`: whether the score of a model says beforehand what happens.

use super::Context;
use super::model::read_valid;
use crate::backtest::{Found, input, journal, scores};
use crate::exit::{Invalid, Outcome, WrongUse};
use crate::print::{Format, Out};
use crate::render;
use anyhow::{Context as _, Result, bail, ensure};
use backtest::{Collected, Fold, Question, Schedule, Side};
use clap::{Args, ValueEnum};
use model::Outcomes;
use model::plan::{Feed, Unit};
use model::quantity::{parse_span, shown};
use model::time::{DAY, EventTime, HOUR, MINUTE};
use std::fs;
use std::path::{Path, PathBuf};

/// The longest span, days: ten years.
const LONGEST: i64 = 3_660;

/// An outcome of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Which {
    /// What is feared: accounts with low scores should come to it.
    Bad,
    /// What is hoped for: accounts with high scores should come to it.
    Good,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Reads the journal of the log from its beginning, or files of activity (--input), and scores \
                        every account at each cut with what was known then. Needs an `outcomes:` block in the model.\n\n\
                        Exit status 1: the score does not tell who comes to the outcome from who does not, or not as well \
                        as --at-least asks."
)]
pub(crate) struct Backtest {
    /// The file of the model.
    model: PathBuf,

    /// Which outcome of the model is looked for.
    #[arg(long, value_enum, default_value = "bad")]
    outcome: Which,

    /// How far after a cut it is looked for.
    #[arg(long, value_name = "SPAN", default_value = "28d", value_parser = span)]
    horizon: i64,

    /// The first cut: a day, such as 2026-01-31 (its beginning in UTC), or an RFC 3339 instant. By default from the
    /// first activity on, with cuts counted from a Monday.
    #[arg(long, value_name = "DAY", value_parser = instant)]
    from: Option<i64>,

    /// No cut after this. By default to the end of what is told.
    #[arg(long, value_name = "DAY", value_parser = instant)]
    to: Option<i64>,

    /// The time from cut to cut, at least an hour.
    #[arg(long, value_name = "SPAN", default_value = "7d", value_parser = span)]
    every: i64,

    /// Leave accounts out that were first told of less long before a cut.
    #[arg(long, value_name = "SPAN", default_value = "0d", value_parser = span)]
    min_history: i64,

    /// A second model, on the same cuts.
    #[arg(long, value_name = "MODEL")]
    against: Option<PathBuf>,

    /// Files of JSON Lines as `vitals produce` reads them, in place of the log's journal; `-` is standard input.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    input: Vec<PathBuf>,

    /// End with status 1 where the area under the curve is less than this, such as 0.7.
    #[arg(long, value_name = "AUC", value_parser = area)]
    at_least: Option<f64>,

    /// Draw the scores before the outcome into this file.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,

    /// Write every score into this file, a line of JSON each.
    #[arg(long, value_name = "FILE")]
    scores: Option<PathBuf>,
}

/// Reads a span, in ms.
fn span(text: &str) -> Result<i64, String> {
    let ms = parse_span(text).filter(|ms| ms % MINUTE == 0 && *ms <= LONGEST * DAY);
    ms.ok_or_else(|| format!("write a span of whole minutes, at most {LONGEST}d, like `28d` or `12h`"))
}

/// Reads a day or an instant, in ms since the epoch.
fn instant(text: &str) -> Result<i64, String> {
    let read = EventTime::parse(text).or_else(|| EventTime::parse(&format!("{text}T00:00:00Z")));
    let read = read.map(|instant| instant.0).filter(|ms| ms % MINUTE == 0);
    read.ok_or_else(|| {
        "write a day like `2026-01-31`, or a whole minute like `2026-01-31T06:00:00Z`".to_owned()
    })
}

fn area(text: &str) -> Result<f64, String> {
    let read = text.parse().ok().filter(|area| (0.0..=1.0).contains(area));
    read.ok_or_else(|| "write a number from 0 to 1, like `0.7`".to_owned())
}

impl Backtest {
    pub(super) fn perform(&self, context: &Context) -> Result<Outcome> {
        if self.every < HOUR {
            return Err(WrongUse("--every is less than an hour: write `1h` or more").into());
        }
        if self.horizon < HOUR {
            return Err(WrongUse("--horizon is less than an hour: write `1h` or more").into());
        }
        if self.from.zip(self.to).is_some_and(|(from, to)| from > to) {
            return Err(WrongUse("--from lies after --to: there is no cut between them").into());
        }
        let text = read_valid(&self.model)?;
        let other = self.against.as_deref().map(read_valid).transpose()?;
        let question = self.question(&text)?;
        let mut models = vec![&*text];
        models.extend(other.as_deref());
        for file in self.scores.iter().chain(&self.svg) {
            can_write(file)?;
        }
        let fold = Fold::new(question.clone(), &models)?;
        let (collected, rejected) = if self.input.is_empty() {
            (journal::fold(&context.access()?, fold)?, 0)
        } else {
            let input = input::read(&self.input, &text, &context.settings)?;
            (journal::fold(&input.access, fold)?, input.rejected)
        };
        ensure!(
            collected.activities > 0,
            "there is no activity to back-test: `vitals run` takes in what is in the source topics, and `--input FILE` takes files"
        );
        if let Some(file) = &self.scores {
            scores::write(file, &collected)?;
        }
        let found = found(&collected, &question, rejected)?;
        if let Some((file, report)) = self.svg.as_deref().zip(found.models.first()) {
            let cannot = || format!("file {} cannot be written", file.display());
            fs::write(file, render::chart(report, question.side, question.schedule.every()))
                .with_context(cannot)?;
        }
        let mut out = Out::new();
        match context.format {
            Format::Programs => out.json(&found)?,
            Format::People => out.text(&render::backtest(&found))?,
        }
        out.flush()?;
        Ok(if found.tells(self.at_least) { Outcome::Fine } else { Outcome::Findings })
    }

    fn question(&self, text: &str) -> Result<Question> {
        // It was found valid before.
        let outcomes = model::compile(text).map(|compiled| compiled.outcomes).unwrap_or_default();
        let Outcomes { good, bad } = outcomes;
        let (side, outcome) = match self.outcome {
            Which::Bad => (Side::Bad, bad),
            Which::Good => (Side::Good, good),
        };
        if outcome.is_empty() {
            return Err(no_outcome(&self.model, self.outcome).into());
        }
        let schedule = Schedule::new(self.from, self.to, self.every);
        Ok(Question { side, outcome, horizon: self.horizon, schedule, min_history: self.min_history })
    }
}

/// Refuses, before the long work, what cannot be written after it. Leaves what is there as it is.
fn can_write(file: &Path) -> Result<()> {
    let is_new = !file.exists();
    let opened = fs::File::options().append(true).create(true).open(file).and_then(|opened| {
        drop(opened);
        if is_new { fs::remove_file(file) } else { Ok(()) }
    });
    opened.with_context(|| format!("file {} cannot be written", file.display()))
}

fn no_outcome(file: &Path, which: Which) -> Invalid {
    let (name, kind) = match which {
        Which::Bad => ("bad", "ended"),
        Which::Good => ("good", "renewed"),
    };
    Invalid(format!(
        "model {} has no outcome `{name}`, so there is nothing to compare its scores with; write one like \
         `outcomes: {{ {name}: {{ subscription: {{ kind: {kind} }} }} }}`",
        file.display()
    ))
}

/// The figures; refused where there is nothing of which they could be.
fn found(collected: &Collected, question: &Question, rejected: u64) -> Result<Found> {
    let reports: Vec<_> =
        collected.series.iter().map(|series| backtest::report(collected, series, question)).collect();
    let horizon = shown(Unit::Span, question.horizon);
    if let Some(report) = reports.first().filter(|report| report.auc.is_none()) {
        let left = &report.left_out;
        bail!(
            "there is no cut at which some accounts came to the outcome ({}) within {horizon} and others did not: {} scores \
             are judged, {} of them before an outcome; left out were {} scores whose {horizon} end after the data, {} at cuts \
             around which nothing is told of anyone for {horizon}, {} of accounts to which it had happened already, and, over all cuts, {} accounts that had ended, {} without a score, \
             {} told of for too short; look at --from, --to, --horizon, --min-history and `outcomes:` of the model",
            feeds(&question.outcome),
            report.rows,
            report.outcomes,
            left.censored,
            left.idle,
            left.untold,
            left.unscored.ended,
            left.unscored.unscored,
            left.unscored.young,
        );
    }
    Ok(Found {
        outcome: match question.side {
            Side::Bad => "bad",
            Side::Good => "good",
        },
        horizon_days: days(question.horizon),
        every_days: days(question.schedule.every()),
        complete_to: EventTime(collected.end.min(EventTime::MAX.0)).to_string(),
        activities: collected.activities,
        late: collected.late,
        rejected,
        comparison: backtest::compare(collected, question),
        models: reports,
    })
}

/// Feeds as models write them.
fn feeds(feeds: &[Feed]) -> String {
    let feed = |feed: &Feed| {
        let tests: Vec<String> = feed
            .filter
            .iter()
            .map(|test| format!("{} {}", test.field.name(), test.any_of.join(" or ")))
            .collect();
        format!("{} {}", feed.source, tests.join(", "))
    };
    feeds.iter().map(feed).collect::<Vec<_>>().join("; ")
}

#[allow(clippy::cast_precision_loss, reason = "spans are years at most")]
fn days(span: i64) -> f64 {
    span as f64 / DAY as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_in_utc() {
        assert_eq!(instant("1970-01-05"), Ok(4 * DAY));
        assert_eq!(instant("1970-01-05T01:00:00+01:00"), Ok(4 * DAY));
        assert!(instant("1970-01-05T00:00:01Z").is_err() && instant("monday").is_err());
    }

    #[test]
    fn a_span_has_a_unit() {
        assert_eq!(span("4w"), Ok(28 * DAY));
        assert!(span("28").is_err() && span("30s").is_err() && span("4000d").is_err());
    }
}
