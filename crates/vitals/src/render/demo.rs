//! What the demo found, on one or two screens.

use super::{clean, count, grouped, shown, table};
use crate::demo::outcome::{AtRisk, Found};
use std::fmt::Write;

/// All of it, with what to run next. `dir` is the directory that was kept.
pub(crate) fn demo(found: &Found, dir: Option<&str>) -> String {
    let mut out = format!(
        "\nA year of a software company: {} records from nine sources, played in {:.1} s.\n\n",
        grouped(found.records),
        found.seconds
    );
    out += &bands(found);
    out += &stories(found);
    out += &at_risk(found);
    out += &alerts(found);
    out += &outages(found);
    out += &super::balance(&found.balance, super::UNDER_WAY);
    out += &dead_letters(found);
    out + &next(found.at_risk.first(), dir)
}

fn bands(found: &Found) -> String {
    let mut head = vec!["band"];
    head.extend(found.over_time.iter().map(|(date, _)| date.as_str()));
    let mut rows = table(&head, 1..head.len());
    for band in &found.bands {
        let counts =
            found.over_time.iter().map(|(_, bands)| count(bands.get(band).copied().unwrap_or_default()));
        rows.add_row([clean(band)].into_iter().chain(counts).collect::<Vec<_>>());
    }
    shown("Accounts by band, from the first month to now", &rows)
}

fn stories(found: &Found) -> String {
    let mut head = vec!["what happened to them", "accounts", "alerted"];
    head.extend(found.bands.iter().map(String::as_str));
    head.push("gone");
    let mut rows = table(&head, 1..head.len());
    for (story, told) in &found.stories {
        let bands = found.bands.iter().map(String::as_str).chain(["gone"]);
        let bands = bands.map(|band| count(told.bands.get(band).copied().unwrap_or_default()));
        let first = [story.clone(), count(told.accounts), count(told.alerted)];
        rows.add_row(first.into_iter().chain(bands).collect::<Vec<_>>());
    }
    shown("What the sample made happen, and where these accounts stand now", &rows)
}

fn at_risk(found: &Found) -> String {
    let shown = found.at_risk.len();
    let mut out = format!("Most at risk now ({shown} of {})\n", found.at_risk_count);
    for AtRisk { id, name, score, since, renews_at, open_alerts, reason, story } in &found.at_risk {
        let renews = renews_at.as_ref().map_or_else(String::new, |at| format!(", renews {at}"));
        let open = if open_alerts.is_empty() { "none".to_owned() } else { open_alerts.join(", ") };
        // Writing to a string cannot fail.
        write!(
            out,
            "  {score:5.2}  {} ({}), at risk since {since}{renews}\n         alerts: {}; the sample's story: {story}\n         {}\n",
            clean(name),
            clean(id),
            clean(&open),
            clean(reason)
        )
        .unwrap_or_default();
    }
    out + "\n"
}

fn alerts(found: &Found) -> String {
    let mut rows = table(&["alert rule", "opened", "resolved", "how", "open now"], 1..3);
    for (rule, alerts) in &found.alerts {
        let resolved = alerts.resolved.values().sum();
        let how: Vec<String> = alerts
            .resolved
            .iter()
            .map(|(resolution, count)| format!("{resolution} {}", grouped(*count)))
            .collect();
        rows.add_row(vec![
            clean(rule),
            grouped(alerts.opened),
            count(resolved),
            clean(&how.join(", ")),
            count(alerts.open),
        ]);
    }
    shown("Alerts over the year", &rows)
}

fn outages(found: &Found) -> String {
    let mut rows = table(&["no news from", "from", "until", "records that say so"], 3..4);
    for outage in &found.outages {
        let source = outage.source.clone();
        rows.add_row(vec![source, outage.from.clone(), outage.until.clone(), grouped(outage.records)]);
    }
    shown(
        "Sources that went dead: their clocks stood, so that no silence was counted against a customer",
        &rows,
    )
}

fn dead_letters(found: &Found) -> String {
    let reasons: Vec<String> = found
        .dead_letters
        .iter()
        .map(|(reason, count)| format!("{} {}", clean(reason), grouped(*count)))
        .collect();
    if reasons.is_empty() { String::new() } else { format!("Rejected because: {}\n\n", reasons.join(", ")) }
}

fn next(worst: Option<&AtRisk>, dir: Option<&str>) -> String {
    let Some(dir) = dir else {
        return "Next: `vitals demo --dir demo-data` keeps the directory, so that you can look around in it;\n      \
                `vitals --help` says what else there is.\n"
            .to_owned();
    };
    let dir = format!("--dir {dir}");
    let account = worst.map_or("ACCOUNT", |worst| worst.id.as_str());
    let mut out = "Next:\n".to_owned();
    for (command, what) in [
        (format!("vitals account explain {account} {dir}"), "where its score comes from"),
        (format!("vitals tail alerts --account {account} {dir}"), "every transition of its alerts"),
        (format!("vitals replay --verify {dir}"), "fold the journal again: the same, byte for byte"),
        (format!("vitals run {dir}"), "go on live; `vitals produce`, `vitals status` then work beside it"),
    ] {
        // Writing to a string cannot fail.
        writeln!(out, "  {:<58} {what}", clean(&command)).unwrap_or_default();
    }
    out
}
