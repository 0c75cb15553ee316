//! A JSON object written field by field.
//!
//! Written by hand because the bytes are pinned: field order, number format and escaping are decided here.

use std::fmt::Write as _;

use crate::date;

/// An object that is being written.
#[derive(Debug)]
pub(crate) struct Object {
    out: String,
}

impl Object {
    pub(crate) fn new() -> Self {
        Self { out: String::from("{") }
    }

    pub(crate) fn text(&mut self, name: &str, value: &str) -> &mut Self {
        self.name(name);
        self.quote(value);
        self
    }

    pub(crate) fn number(&mut self, name: &str, value: i64) -> &mut Self {
        self.name(name);
        // Writing to a string cannot fail.
        write!(self.out, "{value}").unwrap_or_default();
        self
    }

    /// A decimal number given in hundredths.
    pub(crate) fn hundredths(&mut self, name: &str, value: i64) -> &mut Self {
        self.name(name);
        self.out.push_str(&decimal(value));
        self
    }

    /// An amount of money given in cents: a decimal string.
    pub(crate) fn money(&mut self, name: &str, cents: i64) -> &mut Self {
        self.text(name, &decimal(cents))
    }

    pub(crate) fn time(&mut self, name: &str, ms: i64) -> &mut Self {
        self.name(name);
        self.out.push('"');
        date::write_rfc3339(&mut self.out, ms);
        self.out.push('"');
        self
    }

    pub(crate) fn object(&mut self, name: &str, fields: impl FnOnce(&mut Object)) -> &mut Self {
        self.name(name);
        let mut inner = Self::new();
        fields(&mut inner);
        self.out.push_str(&inner.out);
        self.out.push('}');
        self
    }

    /// The object as it stands, complete.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.out.len() + 1);
        bytes.extend_from_slice(self.out.as_bytes());
        bytes.push(b'}');
        bytes
    }

    fn name(&mut self, name: &str) {
        if !self.out.ends_with('{') {
            self.out.push(',');
        }
        self.quote(name);
        self.out.push(':');
    }

    fn quote(&mut self, text: &str) {
        self.out.push('"');
        for letter in text.chars() {
            match letter {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                control if u32::from(control) < 0x20 => {
                    write!(self.out, "\\u{:04x}", u32::from(control)).unwrap_or_default();
                }
                other => self.out.push(other),
            }
        }
        self.out.push('"');
    }
}

fn decimal(hundredths: i64) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", (hundredths / 100).abs(), (hundredths % 100).abs())
}

#[cfg(test)]
mod tests {
    use super::Object;

    #[test]
    fn what_is_written_reads_back() {
        let mut object = Object::new();
        object
            .text("quote\"", "a \\ b\n\u{1}\t\"\u{e9}\u{1f600}")
            .number("count", -3)
            .hundredths("half", -50);
        object.money("mrr", 123_405).time("at", 0).object("attributes", |o| {
            o.text("region", "emea");
        });
        let read: serde_json::Value = serde_json::from_slice(&object.bytes()).unwrap();
        let expected = serde_json::json!({
            "quote\"": "a \\ b\n\u{1}\t\"\u{e9}\u{1f600}", "count": -3, "half": -0.5, "mrr": "1234.05",
            "at": "1970-01-01T00:00:00.000Z", "attributes": {"region": "emea"},
        });
        assert_eq!(read, expected);
    }
}
