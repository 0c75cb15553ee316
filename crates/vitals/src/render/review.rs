//! The review of a model, and what became of its test cases.

use super::{clean, shown, table};
use crate::trial::{Missed, Verdict, contributions};
use model::review::Review;
use std::fmt::Write;

/// `vitals model check`: what the score rests on, and what an account takes.
pub(crate) fn review(review: &Review) -> String {
    let weight = |hundredths: u32| format!("{}.{:02}", hundredths / 100, hundredths % 100);
    let mut kinds = table(&["kind", "weight %"], 1..2);
    for (kind, share) in &review.kinds {
        kinds.add_row(vec![kind.name().to_owned(), weight(*share)]);
    }
    let mut feeds = table(&["fed by", "weight %"], 1..2);
    for (sources, share) in &review.feeds {
        let names: Vec<&str> = sources.iter().map(|source| source.name()).collect();
        feeds.add_row(vec![names.join(" and "), weight(*share)]);
    }
    let memory = review.memory;
    shown("What the score rests on", &kinds)
        + &shown("Where that comes from", &feeds)
        + &format!(
            "About {} bytes of memory an account: {} for signals, {} for the account, its measures and alerts, {} to know what comes twice\n\
             (20 users, 30 activities a day, 10 tickets, 10 milestones).\n",
            memory.total(),
            memory.signals,
            memory.account,
            memory.duplicates,
        )
}

/// `vitals model test`: what became of each case of a file.
pub(crate) fn verdicts(file: &str, verdicts: &[Verdict]) -> String {
    let mut out = String::new();
    for verdict in verdicts {
        let mark = if verdict.is_met() { "ok  " } else { "FAIL" };
        let about = if verdict.about.is_empty() { String::new() } else { format!(": {}", verdict.about) };
        // Writing to a string cannot fail.
        writeln!(out, "{mark}  {}{}", clean(&verdict.case), clean(&about)).unwrap_or_default();
        for missed in &verdict.missed {
            out += &not_met(file, missed);
        }
    }
    let failed = verdicts.iter().filter(|verdict| !verdict.is_met()).count();
    let asked: usize = verdicts.iter().map(|verdict| verdict.asked).sum();
    let cases = verdicts.len();
    let outcome =
        if failed == 0 { "all as expected".to_owned() } else { format!("{failed} not as expected") };
    let noun = if cases == 1 { "case" } else { "cases" };
    out + &format!("{file}: {cases} {noun}, looked at {asked} times: {outcome}\n")
}

fn not_met(file: &str, missed: &Missed) -> String {
    let (place, at) = (&missed.place, missed.at);
    let mut out = format!("\n{file}:{}:{}: day {}, {at}\n", place.line, place.column, missed.day);
    for difference in &missed.differences {
        let why = if difference.why.is_empty() { String::new() } else { format!(": {}", difference.why) };
        out += &clean(&format!(
            "  {}: expected {}, found {}{why}",
            difference.what, difference.expected, difference.found
        ));
        out.push('\n');
    }
    out.push('\n');
    let mut rows = table(&["measure", "value", "points", "weight %", "contribution"], 1..5);
    for row in contributions(missed.found.as_ref()) {
        rows.add_row(row.map(|text| clean(&text)).to_vec());
    }
    out + &shown("  Where its score comes from", &rows)
}
