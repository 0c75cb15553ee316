//! A picture of the way down: the scores of those to whom it happened over the time before, beside those of the others.

use backtest::{Quantiles, Report, Side, Week};
use model::plan::Unit;
use model::quantity::shown;
use std::fmt::Write as _;

/// Width, height, and the frame of the plot within them, in pixels.
const SIZE: (f64, f64) = (860.0, 480.0);
const LEFT: f64 = 64.0;
const RIGHT: f64 = 836.0;
const TOP: f64 = 84.0;
const BOTTOM: f64 = 408.0;

/// Colours that a colour-blind reader tells apart, too: those to whom it happened, and the others.
const WITH: &str = "#c2410c";
const WITHOUT: &str = "#1d4ed8";

/// An SVG document. Time runs to the right, up to the outcome; `every` is the time from cut to cut, ms.
pub(crate) fn chart(report: &Report, side: Side, every: i64) -> String {
    let (who, others) = match side {
        Side::Bad => ("came to the bad outcome", "never did"),
        Side::Good => ("came to the good outcome", "never did"),
    };
    let steps = report.before.iter().map(|week| week.steps_before + 1).max().unwrap_or(1);
    let plot = Plot { steps };
    let mut out = String::new();
    let (width, height) = SIZE;
    // Writing to a string cannot fail.
    writeln!(
        out,
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" font-family="sans-serif" font-size="13" fill="#1f2937">"##
    )
    .unwrap_or_default();
    let title = format!("Scores before the outcome: {}", report.model);
    writeln!(out, r#"<rect width="{width}" height="{height}" fill="white"/>"#).unwrap_or_default();
    text(&mut out, LEFT, 28.0, "start", 17, &title);
    legend(&mut out, LEFT, WITH, &format!("accounts that {who}"));
    legend(&mut out, LEFT + 330.0, WITHOUT, &format!("accounts that {others}, at the same cuts"));
    for score in (0..=100).step_by(20) {
        let y = plot.y(score * 100);
        writeln!(out, r##"<path d="M{LEFT} {y:.1}H{RIGHT}" stroke="#e5e7eb"/>"##).unwrap_or_default();
        text(&mut out, LEFT - 8.0, y + 4.0, "end", 13, &score.to_string());
    }
    let with = |week: &Week| Some(week.with);
    let without = |week: &Week| week.without;
    let both = [(&without as &dyn Fn(&Week) -> Option<Quantiles>, WITHOUT), (&with, WITH)];
    let known = both.map(|(of, colour)| (plot.known(&report.before, of), colour));
    // Lines last, so that no band lies over one.
    known.iter().for_each(|(known, colour)| plot.bands(&mut out, known, colour));
    known.iter().for_each(|(known, colour)| plot.median(&mut out, known, colour));
    for week in &report.before {
        let x = plot.x(week.steps_before);
        text(&mut out, x, BOTTOM + 20.0, "middle", 13, &(week.steps_before + 1).to_string());
        text(&mut out, x, BOTTOM + 38.0, "middle", 11, &format!("n={}", week.rows));
    }
    let unit = match shown(Unit::Span, every).as_str() {
        "7d" => "weeks".to_owned(),
        "1d" => "days".to_owned(),
        span => format!("steps of {span}"),
    };
    let caption = format!(
        "{unit} before the outcome, at most (n: scores of those who came to it); lines: medians, dark: the middle half, light: 10 % to 90 %"
    );
    text(&mut out, f64::midpoint(LEFT, RIGHT), BOTTOM + 60.0, "middle", 12, &caption);
    out + "</svg>\n"
}

fn text(out: &mut String, x: f64, y: f64, anchor: &str, size: u8, what: &str) {
    let what = what.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    writeln!(out, r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" font-size="{size}">{what}</text>"#)
        .unwrap_or_default();
}

fn legend(out: &mut String, x: f64, colour: &str, what: &str) {
    writeln!(out, r#"<rect x="{x}" y="44" width="22" height="12" fill="{colour}" opacity="0.5"/>"#)
        .unwrap_or_default();
    text(out, x + 30.0, 55.0, "start", 13, what);
}

/// Where things are drawn.
struct Plot {
    /// How many steps back it goes.
    steps: usize,
}

impl Plot {
    /// The middle of a step; the nearest to the outcome is on the right.
    fn x(&self, steps_before: usize) -> f64 {
        let place = real(self.steps.saturating_sub(steps_before + 1)) + 0.5;
        LEFT + (RIGHT - LEFT) * place / real(self.steps)
    }

    /// The height of hundredths of a point.
    fn y(&self, score: u16) -> f64 {
        BOTTOM - (BOTTOM - TOP) * f64::from(score) / 10_000.0
    }

    /// The quantiles of each step that has them, and where it stands.
    fn known(&self, weeks: &[Week], of: &dyn Fn(&Week) -> Option<Quantiles>) -> Vec<(f64, Quantiles)> {
        weeks.iter().filter_map(|week| Some((self.x(week.steps_before), of(week)?))).collect()
    }

    fn bands(&self, out: &mut String, known: &[(f64, Quantiles)], colour: &str) {
        for ((low, high), opacity) in [((0, 4), 0.13), ((1, 3), 0.25)] {
            let there = known.iter().map(|(x, quantiles)| (*x, quantiles[high]));
            let back = known.iter().rev().map(|(x, quantiles)| (*x, quantiles[low]));
            let points = self.points(there.chain(back));
            writeln!(out, r#"<polygon points="{points}" fill="{colour}" opacity="{opacity}"/>"#)
                .unwrap_or_default();
        }
    }

    fn median(&self, out: &mut String, known: &[(f64, Quantiles)], colour: &str) {
        let points = self.points(known.iter().map(|(x, quantiles)| (*x, quantiles[2])));
        writeln!(out, r#"<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2.5"/>"#)
            .unwrap_or_default();
    }

    fn points(&self, of: impl Iterator<Item = (f64, u16)>) -> String {
        of.map(|(x, score)| format!("{x:.1},{:.1}", self.y(score))).collect::<Vec<_>>().join(" ")
    }
}

#[allow(clippy::cast_precision_loss, reason = "a dozen steps")]
const fn real(number: usize) -> f64 {
    number as f64
}
