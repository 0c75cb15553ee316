//! What a back-test found, in tables and plain words.

use super::{clean, grouped, shown, table};
use crate::backtest::Found;
use backtest::{Comparison, Interval, LeftOut, MeasureReport, Report, RuleReport, Verdict, Warning};
use std::fmt::Write as _;

/// `vitals backtest`.
pub(crate) fn backtest(found: &Found) -> String {
    let mut out = String::new();
    for report in &found.models {
        out += &model(found, report);
    }
    if let Some(comparison) = &found.comparison {
        out += &compared(comparison, found);
    } else if found.models.len() > 1 {
        out += "no comparison: there is no cut at which both models scored accounts that came to it and accounts that did not\n\n";
    }
    out
}

fn model(found: &Found, report: &Report) -> String {
    let mut out = format!("{}  {}\n{}\n", clean(&report.model), report.id, asked(found, report));
    out += &left_out(&report.left_out, found);
    out += &verdict(found, report);
    let mut top = table(&["looked at first", "come to it", "of all that come to it"], 1..3);
    for of in &report.top {
        top.add_row(vec![percent(of.share, 0), percent(of.precision, 1), percent(of.recall, 1)]);
    }
    out += &shown("Who is looked at first: precision and recall", &top);
    let mut deciles = table(&["tenth", "come to it", "lift"], 1..3);
    for of in &report.deciles {
        let name = match of.decile {
            1 => "1 (looked at first)".to_owned(),
            decile => decile.to_string(),
        };
        deciles.add_row(vec![name, percent(of.rate, 1), format!("{:.2}", of.lift)]);
    }
    out += &shown("Tenths of each cut", &deciles);
    out += &measures(report);
    let mut segments = table(&["segment", "scores", "outcomes", "AUC", "95 %", "precision at 10 %"], 1..6);
    for of in &report.segments {
        let (auc, bounds) = area(of.auc);
        let name = if of.segment.is_empty() { "(none)".to_owned() } else { clean(&of.segment) };
        let precision = of.top.map_or_else(|| "-".to_owned(), |top| percent(top.precision, 1));
        segments.add_row(vec![name, whole(of.rows), whole(of.outcomes), auc, bounds, precision]);
    }
    out += &shown("Segments", &segments);
    out + &rules(found, report)
}

/// What was asked, and of how much.
fn asked(found: &Found, report: &Report) -> String {
    let (first, last) = (report.cuts.first(), report.cuts.last());
    let at = |cut: Option<&backtest::CutReport>| cut.map_or_else(String::new, |cut| cut.at.clone());
    format!(
        "outcome `{}` within {} days of {} cuts, every {} days from {} to {}\n{} scores of {} accounts, {} of them before an \
         outcome",
        found.outcome,
        found.horizon_days,
        report.cuts.len(),
        found.every_days,
        at(first),
        at(last),
        whole(report.rows),
        whole(report.accounts),
        whole(report.outcomes),
    )
}

fn left_out(left: &LeftOut, found: &Found) -> String {
    let mut out = String::new();
    let parts = [
        (left.censored, format!("whose horizon ends after the data ({})", found.complete_to)),
        (left.idle, format!("around whose cut nothing is told of anyone for {} days", found.horizon_days)),
        (left.untold, "to whom it had happened by then, which was told later".to_owned()),
        (left.unscored.ended, "that had ended".to_owned()),
        (left.unscored.unscored, "without a score".to_owned()),
        (left.unscored.young, "told of for too short".to_owned()),
    ];
    let told: Vec<String> = parts
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, why)| format!("{} {why}", grouped(number)))
        .collect();
    if !told.is_empty() {
        out += &format!("left out, accounts summed over cuts: {}\n", told.join("; "));
    }
    if found.late > 0 {
        let (late, all) = (grouped(found.late), grouped(found.activities));
        out += &format!(
            "{late} of {all} activities came more than a day after they had happened, and count from then\n"
        );
    }
    if found.rejected > 0 {
        out +=
            &format!("{} records of the files are no activity and were left out\n", grouped(found.rejected));
    }
    out + "\n"
}

/// The one figure that counts, and what it means.
fn verdict(found: &Found, report: &Report) -> String {
    let Some(auc) = report.auc else {
        return "no AUC: at no cut did some accounts with a score come to it and others not\n\n".to_owned();
    };
    let worse = if found.outcome == "bad" { "lower" } else { "higher" };
    let meaning = if auc.low > 0.5 {
        format!(
            "in {:.0} of 100 pairs of one cut, the account that comes to it has the {worse} score",
            100.0 * auc.value
        )
    } else if auc.high < 0.5 {
        format!(
            "the wrong way round: in only {:.0} of 100 pairs of one cut, the account that comes to it has the {worse} score",
            100.0 * auc.value
        )
    } else {
        "no better than drawing lots, as far as these data tell".to_owned()
    };
    let (value, bounds) = area(Some(auc));
    format!(
        "AUC {value} (95 %: {bounds}), the mean over cuts: {meaning}\n(interval: DeLong's components, summed by account as \
         Obuchowski does, since accounts recur)\n\n"
    )
}

fn measures(report: &Report) -> String {
    let mut rows = table(&["measure", "weight", "known", "AUC alone", "95 %", "tells who comes to it"], 1..5);
    let mut out = String::new();
    for of in &report.measures {
        let (auc, bounds) = area(of.auc);
        let says = match of.verdict {
            Verdict::Tells => "yes",
            Verdict::Vanity => "no",
            Verdict::Backwards => "the wrong way round",
            Verdict::Unclear => "too few outcomes",
            Verdict::Unknown => "never known",
        };
        rows.add_row(vec![
            clean(&of.measure),
            percent(of.weight, 2),
            percent(of.known, 0),
            auc,
            bounds,
            says.to_owned(),
        ]);
        // Writing to a string cannot fail.
        if let Some(said) = plainly(of) {
            writeln!(out, "- {said}").unwrap_or_default();
        }
    }
    let end = if out.is_empty() { "" } else { "\n" };
    shown("Measures alone", &rows) + &out + end
}

/// What is to be said of a measure that does not help.
fn plainly(of: &MeasureReport) -> Option<String> {
    let (name, (auc, _)) = (clean(&of.measure), area(of.auc));
    let weight = if of.weight > 0.0 {
        format!("though it has {} of the score", percent(of.weight, 2))
    } else {
        "and is not scored".to_owned()
    };
    match of.verdict {
        Verdict::Tells => None,
        Verdict::Vanity => Some(format!(
            "`{name}` is a vanity measure: it does not tell who comes to it (AUC {auc}), {weight}"
        )),
        Verdict::Backwards => Some(format!(
            "`{name}` points the wrong way: it is better where it ends worse (AUC {auc}), {weight}"
        )),
        Verdict::Unclear => Some(format!(
            "`{name}` may be anything: there are too few outcomes where it is known (AUC {auc})"
        )),
        Verdict::Unknown => Some(format!("`{name}` is never known where it could be compared")),
    }
}

fn rules(found: &Found, report: &Report) -> String {
    let header =
        ["alert rule", "fired", "per account and month", "followed", "foretold", "median lead", "flaps"];
    let mut rows = table(&header, 1..7);
    for RuleReport { rule, fired, per_account_month, followed, flaps, warning } in &report.rules {
        rows.add_row(vec![
            clean(rule),
            whole(*fired),
            format!("{per_account_month:.3}"),
            followed.map_or_else(|| "-".to_owned(), |share| percent(share, 1)),
            foretold(warning),
            lead(warning),
            whole(*flaps),
        ]);
    }
    if report.rules.len() > 1 {
        let of = &report.warning;
        let fired = report.rules.iter().map(|rule| rule.fired).sum();
        let rate: f64 = report.rules.iter().map(|rule| rule.per_account_month).sum();
        let flaps = report.rules.iter().map(|rule| rule.flaps).sum();
        let all = "all together".to_owned();
        rows.add_row(vec![
            all,
            whole(fired),
            format!("{rate:.3}"),
            "-".to_owned(),
            foretold(of),
            lead(of),
            whole(flaps),
        ]);
    }
    let title = format!(
        "Alerts (followed: by the outcome within {0} days; foretold: of all outcomes, with an alert open in the {0} days before)",
        found.horizon_days
    );
    shown(&title, &rows)
}

#[allow(clippy::cast_precision_loss, reason = "counts of outcomes")]
fn foretold(warning: &Warning) -> String {
    if warning.outcomes == 0 {
        "-".to_owned()
    } else {
        percent(warning.warned as f64 / warning.outcomes as f64, 1)
    }
}

fn lead(warning: &Warning) -> String {
    warning.median_lead_days.map_or_else(|| "-".to_owned(), |days| format!("{days:.1} days"))
}

fn compared(comparison: &Comparison, found: &Found) -> String {
    let name = |place: usize| found.models.get(place).map_or("", |report| &report.model);
    let mut rows = table(&["on the same scores", "AUC", "95 %"], 1..3);
    for (what, of) in [(name(0), comparison.auc), (name(1), comparison.other)] {
        let (auc, bounds) = area(Some(of));
        rows.add_row(vec![clean(what), auc, bounds]);
    }
    let of = comparison.difference;
    rows.add_row(vec![
        "difference".to_owned(),
        format!("{:+.3}", of.value),
        format!("{:+.3} to {:+.3}", of.low, of.high),
    ]);
    let meaning = if of.low > 0.0 {
        "the first model ranks better"
    } else if of.high < 0.0 {
        "the second model ranks better"
    } else {
        "these data do not tell which ranks better"
    };
    let (both, apart) = (whole(comparison.rows), whole(comparison.apart));
    shown("Side by side", &rows)
        + &format!(
            "{meaning}; of {both} scores that both gave, beside {apart} that one of them alone gave\n\n"
        )
}

/// An area and its bounds, or dashes.
fn area(auc: Option<Interval>) -> (String, String) {
    let dash = || "-".to_owned();
    auc.map_or_else(
        || (dash(), dash()),
        |auc| (format!("{:.3}", auc.value), format!("{:.3} to {:.3}", auc.low, auc.high)),
    )
}

fn percent(share: f64, places: usize) -> String {
    format!("{:.places$} %", 100.0 * share)
}

fn whole(number: usize) -> String {
    grouped(u64::try_from(number).unwrap_or(u64::MAX))
}
