//! A table of comma-separated values in which every complaint names file, line, column and value.
//!
//! The data set has no quoted cells; one would be an error, never a wrong split.

use std::path::Path;

use anyhow::{Context as _, Error, Result, anyhow, ensure};

/// A file with its whole text.
pub(super) struct Table {
    file: String,
    text: String,
}

impl Table {
    pub(super) fn read(directory: &Path, file: &str) -> Result<Self> {
        let path = directory.join(file);
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self { file: file.to_owned(), text })
    }

    /// The rows below the header.
    pub(super) fn rows(&self) -> Result<Vec<Row<'_>>> {
        let mut lines = self.text.lines().zip(1..);
        let (header, _) = lines.next().with_context(|| format!("{}:1: there is no header", self.file))?;
        let columns: Vec<&str> = header.split(',').collect();
        lines
            .map(|(text, line)| {
                let cells: Vec<&str> = text.split(',').collect();
                let file = &self.file;
                ensure!(!text.contains('"'), "{file}:{line}: quoted cells are not read: `{text}`");
                ensure!(
                    cells.len() == columns.len(),
                    "{file}:{line}: {} cells under {} columns: `{text}`",
                    cells.len(),
                    columns.len()
                );
                Ok(Row { file, line, columns: columns.clone(), cells })
            })
            .collect()
    }
}

/// One row of a table.
pub(super) struct Row<'a> {
    file: &'a str,
    line: usize,
    columns: Vec<&'a str>,
    cells: Vec<&'a str>,
}

impl<'a> Row<'a> {
    /// The cell as it stands.
    pub(super) fn text(&self, column: &str) -> Result<&'a str> {
        let place = self.columns.iter().position(|name| *name == column);
        place
            .map(|place| self.cells[place])
            .with_context(|| format!("{}:1: column `{column}` is missing", self.file))
    }

    /// A whole number; some are written `78.0`.
    pub(super) fn whole(&self, column: &str) -> Result<i64> {
        let text = self.text(column)?;
        text.strip_suffix(".0")
            .unwrap_or(text)
            .parse()
            .map_err(|_| self.wrong(column, text, "not a whole number"))
    }

    /// A whole number, or an empty cell.
    pub(super) fn whole_or_empty(&self, column: &str) -> Result<Option<i64>> {
        if self.text(column)?.is_empty() { Ok(None) } else { self.whole(column).map(Some) }
    }

    /// The error that says what is wrong with a cell.
    pub(super) fn wrong(&self, column: &str, value: &str, problem: &str) -> Error {
        anyhow!("{}:{}: column `{column}`: `{value}` is {problem}", self.file, self.line)
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    fn complaint(text: &str) -> String {
        let table = Table { file: "days.csv".to_owned(), text: text.to_owned() };
        let read = table.rows().and_then(|rows| rows.iter().map(|row| row.whole("day")).collect());
        read.map(|days: Vec<i64>| format!("{days:?}")).unwrap_or_else(|error| error.to_string())
    }

    #[test]
    fn a_complaint_names_file_line_column_and_value() {
        let cases = [
            ("id,day\r\na,78.0\r\nb,-3\r\n", "[78, -3]"),
            ("id,day\na,1\nb,soon\n", "days.csv:3: column `day`: `soon` is not a whole number"),
            ("id,day\na,1.5\n", "days.csv:2: column `day`: `1.5` is not a whole number"),
            ("id,day\na\n", "days.csv:2: 1 cells under 2 columns: `a`"),
            ("id,day\n\"a,b\",1\n", "days.csv:2: quoted cells are not read: `\"a,b\",1`"),
            ("id,date\na,1\n", "days.csv:1: column `day` is missing"),
            ("", "days.csv:1: there is no header"),
        ];
        for (text, expected) in cases {
            assert_eq!(complaint(text), expected);
        }
    }
}
