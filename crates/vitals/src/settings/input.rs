//! A value as it was given, and the few types that it may be read as.

use std::net::SocketAddr;
use std::ops::RangeInclusive;

/// A value from the file has a type; one from the environment or a flag is text.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    /// From the file.
    Typed(toml::Value),
    /// From the environment or a flag.
    Text(String),
}

/// Why a value is not right.
#[derive(Debug)]
pub(crate) struct Wrong {
    /// What must hold.
    pub(crate) rule: String,
    /// What to do about it.
    pub(crate) fix: String,
}

fn wrong(rule: impl Into<String>, fix: impl Into<String>) -> Wrong {
    Wrong { rule: rule.into(), fix: fix.into() }
}

impl Input {
    /// As it was given, cut short.
    pub(crate) fn shown(&self) -> String {
        let text = match self {
            Self::Typed(value) => value.to_string(),
            Self::Text(text) => format!("{text:?}"),
        };
        match text.char_indices().nth(80) {
            Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
            None => text,
        }
    }

    /// Any text of at most `limit` bytes, without control characters.
    pub(crate) fn text(&self, limit: usize) -> Result<&str, Wrong> {
        let text = match self {
            Self::Typed(toml::Value::String(text)) | Self::Text(text) => text,
            Self::Typed(_) => return Err(wrong("must be a text", "put it in quotes")),
        };
        if text.len() > limit || text.chars().any(char::is_control) {
            let rule = format!("must have at most {limit} bytes and no control characters");
            return Err(wrong(rule, "shorten it to plain text"));
        }
        Ok(text)
    }

    /// Letters, digits, `.`, `_` and `-`, 1 to 64 of them: fit for ids and file names.
    pub(crate) fn name(&self) -> Result<String, Wrong> {
        let text = self.text(64)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if text.is_empty() || !text.chars().all(plain) {
            return Err(wrong(
                "must be 1 to 64 letters, digits, `.`, `_` or `-`",
                "write it like \"acme-prod\"",
            ));
        }
        Ok(text.to_owned())
    }

    /// A path that is not empty.
    pub(crate) fn path(&self) -> Result<std::path::PathBuf, Wrong> {
        let text = self.text(4_096)?;
        if text.is_empty() {
            return Err(wrong("must name a directory", "write it like \"vitals-data\""));
        }
        Ok(text.into())
    }

    /// A whole number within a range.
    pub(crate) fn whole(&self, range: RangeInclusive<u64>) -> Result<u64, Wrong> {
        let number = match self {
            Self::Typed(toml::Value::Integer(number)) => u64::try_from(*number).ok(),
            Self::Typed(_) => None,
            Self::Text(text) => text.parse().ok(),
        };
        let rule = || format!("must be a whole number from {} to {}", range.start(), range.end());
        let number = number.ok_or_else(|| wrong(rule(), "write digits, without quotes or a unit"))?;
        if !range.contains(&number) {
            let near = number.clamp(*range.start(), *range.end());
            return Err(wrong(rule(), format!("the nearest is {near}")));
        }
        Ok(number)
    }

    /// A whole number of 32 bits within a range.
    pub(crate) fn small(&self, range: RangeInclusive<u32>) -> Result<u32, Wrong> {
        let number = self.whole(u64::from(*range.start())..=u64::from(*range.end()))?;
        Ok(u32::try_from(number).unwrap_or(u32::MAX))
    }

    /// The value of a property: a text, a number or a truth value.
    pub(crate) fn property(&self) -> Result<String, Wrong> {
        match self {
            Self::Typed(toml::Value::Integer(number)) => Ok(number.to_string()),
            Self::Typed(toml::Value::Boolean(truth)) => Ok(truth.to_string()),
            Self::Typed(toml::Value::Float(number)) => Ok(number.to_string()),
            Self::Typed(_) | Self::Text(_) => self.text(64 << 10).map(str::to_owned),
        }
    }

    /// An address and a port.
    pub(crate) fn address(&self) -> Result<SocketAddr, Wrong> {
        let text = self.text(64)?;
        text.parse()
            .map_err(|_| wrong("must be an IP address and a port", "write it like \"127.0.0.1:9464\""))
    }

    /// One of a few words.
    pub(crate) fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Result<T, Wrong> {
        let given = self.text(64)?;
        let found = choices.iter().find(|(name, _)| *name == given);
        found.map(|(_, choice)| *choice).ok_or_else(|| {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            let fix =
                format!("write {}", names.first().map_or_else(String::new, |name| format!("\"{name}\"")));
            wrong(format!("must be one of {}", names.join(", ")), fix)
        })
    }
}
