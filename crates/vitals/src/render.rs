//! What people read: tables and sentences from plain data. Nothing here asks or decides anything.

mod account;
mod backtest;
mod chart;
mod demo;
mod model;
mod node;
mod record;
mod review;
mod standing;

pub(crate) use account::{account, explanation};
pub(crate) use backtest::backtest;
pub(crate) use chart::chart;
pub(crate) use demo::demo;
pub(crate) use model::model;
pub(crate) use record::{record_json, record_line};
pub(crate) use review::{review, verdicts};
pub(crate) use standing::{UNDER_WAY, balance, standing, topics, verified};

use crate::print;
use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

/// How wide text is where there is no terminal to ask.
const WIDTH: u16 = 110;

/// A line below the header and no other.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// A table whose columns from `numbers` on are right-aligned, up to `texts`.
fn table(header: &[&str], numbers: std::ops::Range<usize>) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE).set_content_arrangement(ContentArrangement::Dynamic);
    if table.width().is_none() {
        table.set_width(WIDTH);
    }
    table.set_header(header.to_vec());
    for column in numbers {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// A table with an empty line behind it; nothing if it has no rows.
fn shown(title: &str, table: &Table) -> String {
    if table.row_count() == 0 {
        return String::new();
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    format!("{title}\n{}\n\n", lines.join("\n"))
}

/// Text from outside, fit for a terminal.
fn clean(text: &str) -> String {
    print::clean(text)
}

/// A score, or a dash.
fn points(score: Option<f64>) -> String {
    score.map_or_else(|| "-".to_owned(), |score| format!("{score:.2}"))
}

/// A count, or nothing for zero: most of a table of counts is zero.
fn count(count: u64) -> String {
    if count == 0 { "·".to_owned() } else { grouped(count) }
}

/// Digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (number, text) in [(0, "0"), (12, "12"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")]
        {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn a_table_without_rows_is_left_out() {
        let mut empty = table(&["a"], 0..0);
        assert_eq!(shown("title", &empty), "");
        empty.add_row(vec!["x"]);
        assert!(shown("title", &empty).starts_with("title\n"));
    }
}
