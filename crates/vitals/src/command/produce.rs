//! `vitals produce`: activity into the source topics.

use super::Context;
use crate::access::Access;
use crate::exit::Outcome;
use crate::line::{Entry, MAX_LINE_BYTES};
use crate::print::{self, Format, Out};
use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;
use indicatif::ProgressBar;
use model::source::Source;
use serde_json::json;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::PathBuf;

/// How many bytes one transaction takes, about.
const BATCH_BYTES: usize = 1 << 20;
/// How many records one transaction takes.
const BATCH_RECORDS: usize = 10_000;

#[derive(Debug, Args)]
pub(crate) struct Produce {
    /// Files of JSON Lines; `-` or none is standard input.
    files: Vec<PathBuf>,

    /// Take each line as an activity of this source, such as `login`.
    #[arg(long, value_parser = source)]
    source: Option<Source>,

    /// Append the sample company instead.
    #[arg(long, conflicts_with_all = ["files", "source"])]
    demo: bool,

    /// Sample company: how many accounts.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000), requires = "demo")]
    accounts: u32,

    /// Sample company: how many days.
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3_650), requires = "demo")]
    days: u32,

    /// Sample company: the seed of all choices.
    #[arg(long, default_value_t = 1, requires = "demo")]
    seed: u64,
}

pub(super) fn source(name: &str) -> Result<Source, String> {
    Source::parse(name).ok_or_else(|| {
        let names: Vec<_> = Source::ALL.iter().map(|source| source.name()).collect();
        format!("choose from {}", names.join(", "))
    })
}

impl Produce {
    pub(super) fn perform(&self, context: &Context) -> Result<Outcome> {
        let mut sink = Sink::new(context.access()?);
        if self.demo {
            let Self { seed, accounts, days, .. } = *self;
            let settings = sample::Settings { seed, accounts, days, ..sample::Settings::default() };
            for record in sample::company(&settings) {
                sink.take(of_sample(record)?)?;
            }
        } else {
            sink.files(&self.files, self.source)?;
        }
        sink.send()?;
        let appended = sink.appended;
        sink.bar.finish_and_clear();
        let mut out = Out::new();
        match context.format {
            Format::Programs => out.json(&json!({ "appended": appended }))?,
            Format::People => out.line(format_args!("{appended} records appended"))?,
        }
        out.flush()?;
        Ok(Outcome::Fine)
    }
}

/// A record of the sample company.
pub(crate) fn of_sample(record: sample::Record) -> Result<Entry> {
    let source = pipeline::topic::source_of(record.topic);
    let source = source.with_context(|| format!("topic {} of the sample is not a source", record.topic))?;
    Ok(Entry { source, key: Some(record.key), stamp: Some(record.time_ms), value: Some(record.value) })
}

/// Appends the records of files of JSON Lines; `-` is standard input. Returns how many there were.
pub(crate) fn append_files(access: Access, files: &[PathBuf]) -> Result<(Access, u64)> {
    let mut sink = Sink { is_kept: false, ..Sink::new(access) };
    sink.files(files, None)?;
    sink.send()?;
    sink.bar.finish_and_clear();
    Ok((sink.access, sink.appended))
}

/// Gathers records into transactions.
struct Sink {
    access: Access,
    batch: Vec<Entry>,
    bytes: usize,
    appended: u64,
    /// Whether what is appended stays where it is, so that one can go on from there.
    is_kept: bool,
    bar: ProgressBar,
}

impl Sink {
    fn new(access: Access) -> Self {
        let bar = if print::is_watched() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        Self { access, batch: Vec::new(), bytes: 0, appended: 0, is_kept: true, bar }
    }

    /// Takes every line of every file; of standard input where no file is named, or `-`.
    fn files(&mut self, files: &[PathBuf], source: Option<Source>) -> Result<()> {
        if files.is_empty() {
            return self.lines("standard input", io::stdin().lock(), source);
        }
        for file in files {
            let name = file.display().to_string();
            if name == "-" {
                self.lines("standard input", io::stdin().lock(), source)?;
            } else {
                let open = File::open(file).with_context(|| format!("file {name} cannot be read"))?;
                self.lines(&name, BufReader::new(open), source)?;
            }
        }
        Ok(())
    }

    /// Takes every line. A wrong one ends it; what stands before it is appended.
    fn lines(&mut self, name: &str, mut input: impl BufRead, source: Option<Source>) -> Result<()> {
        let mut line = Vec::new();
        let mut number: u64 = 0;
        loop {
            line.clear();
            number += 1;
            let limit = u64::try_from(MAX_LINE_BYTES).unwrap_or(u64::MAX);
            let read = input.by_ref().take(limit).read_until(b'\n', &mut line);
            if read.with_context(|| format!("{name} cannot be read"))? == 0 {
                return Ok(());
            }
            let taken = if line.len() >= MAX_LINE_BYTES {
                Err(anyhow!("the line is longer than {MAX_LINE_BYTES} bytes"))
            } else {
                parse(&line, source)
            };
            match taken {
                Ok(None) => {}
                Ok(Some(entry)) => self.take(entry)?,
                Err(error) => {
                    if !self.is_kept {
                        bail!("{name}, line {number}: {error:#}; correct it or leave it out");
                    }
                    self.send()?;
                    let appended = self.appended;
                    bail!(
                        "{name}, line {number}: {error:#}; the {appended} records before it are appended, correct it and go on from there"
                    );
                }
            }
        }
    }

    fn take(&mut self, entry: Entry) -> Result<()> {
        self.bytes += entry.size();
        self.batch.push(entry);
        if self.bytes >= BATCH_BYTES || self.batch.len() >= BATCH_RECORDS {
            self.send()?;
        }
        Ok(())
    }

    fn send(&mut self) -> Result<()> {
        if !self.batch.is_empty() {
            let appended = self.appended;
            let context = || format!("{appended} records are appended, those after them are not");
            self.access.append(&self.batch).with_context(context)?;
            self.appended += u64::try_from(self.batch.len()).unwrap_or(u64::MAX);
            self.batch.clear();
            self.bytes = 0;
            self.bar.set_message(format!("{} records appended", self.appended));
            self.bar.tick();
        }
        Ok(())
    }
}

/// The record of a line; nothing for an empty one.
fn parse(line: &[u8], source: Option<Source>) -> Result<Option<Entry>> {
    let line = std::str::from_utf8(line).context("the line is not UTF-8; give other bytes as `value_hex`")?;
    let line = line.trim_end_matches(['\n', '\r']);
    if line.trim().is_empty() {
        return Ok(None);
    }
    let entry = match source {
        Some(source) => Entry::of(source, line),
        None => Entry::parse(line)?,
    };
    entry.check()?;
    Ok(Some(entry))
}
