//! Varint codec of the stored state. A reader never panics and never reads past its input.

/// How far from 1970 an instant may be and how long a span, ms: 17,800 years. What the fold makes of event times, which
/// lie in the years 1 to 9999, is less, and a sum of several does not overflow.
pub const FAR: i64 = 1 << 49;

/// Why stored bytes could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stored bytes are damaged: {0}")]
pub struct Damaged(pub &'static str);

/// Appends to a buffer.
#[derive(Debug)]
pub(crate) struct Writer<'a>(pub(crate) &'a mut Vec<u8>);

impl Writer<'_> {
    pub(crate) fn u64(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.0.push((value & 0x7f) as u8);
    }

    pub(crate) fn len(&mut self, value: usize) {
        self.u64(value as u64);
    }

    /// Zigzag.
    pub(crate) fn i64(&mut self, value: i64) {
        self.u64((value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned());
    }

    pub(crate) fn fixed(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn text(&mut self, value: &str) {
        self.len(value.len());
        self.0.extend_from_slice(value.as_bytes());
    }

    pub(crate) fn opt_text(&mut self, value: Option<&str>) {
        self.flag(value.is_some());
        if let Some(value) = value {
            self.text(value);
        }
    }

    pub(crate) fn opt(&mut self, value: Option<i64>) {
        self.flag(value.is_some());
        if let Some(value) = value {
            self.i64(value);
        }
    }

    pub(crate) fn flag(&mut self, value: bool) {
        self.0.push(u8::from(value));
    }
}

/// Reads what [`Writer`] wrote.
#[derive(Debug)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], Damaged> {
        let (head, rest) = self.0.split_at_checked(len).ok_or(Damaged("cut off"))?;
        self.0 = rest;
        Ok(head)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Damaged> {
        Ok(self.take(1)?[0])
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Damaged> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Damaged("number too long"))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Damaged> {
        u32::try_from(self.u64()?).map_err(|_| Damaged("number out of range"))
    }

    /// A count of things of at least one byte each.
    pub(crate) fn len(&mut self) -> Result<usize, Damaged> {
        let len = usize::try_from(self.u64()?).map_err(|_| Damaged("length out of range"))?;
        if len > self.0.len() { Err(Damaged("length beyond the end")) } else { Ok(len) }
    }

    pub(crate) fn i64(&mut self) -> Result<i64, Damaged> {
        let raw = self.u64()?;
        Ok((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed())
    }

    /// An instant, or a span of time, ms.
    pub(crate) fn time(&mut self) -> Result<i64, Damaged> {
        self.time_or(FAR)
    }

    /// The same, or `mark`, which stands for something else.
    pub(crate) fn time_or(&mut self, mark: i64) -> Result<i64, Damaged> {
        let time = self.i64()?;
        let is_time = (-FAR..=FAR).contains(&time);
        if is_time || time == mark { Ok(time) } else { Err(Damaged("time out of range")) }
    }

    /// A number that is counted on: of its range, half is left.
    pub(crate) fn counter(&mut self) -> Result<u64, Damaged> {
        let count = self.u64()?;
        if count <= u64::MAX / 2 { Ok(count) } else { Err(Damaged("count out of range")) }
    }

    pub(crate) fn fixed(&mut self) -> Result<u64, Damaged> {
        let bytes = self.take(8)?;
        Ok(bytes.iter().rev().fold(0, |value, byte| (value << 8) | u64::from(*byte)))
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Damaged> {
        let len = self.len()?;
        std::str::from_utf8(self.take(len)?).map_err(|_| Damaged("text is not UTF-8"))
    }

    pub(crate) fn opt_text(&mut self) -> Result<Option<&'a str>, Damaged> {
        if self.flag()? { self.text().map(Some) } else { Ok(None) }
    }

    pub(crate) fn opt(&mut self) -> Result<Option<i64>, Damaged> {
        if self.flag()? { self.i64().map(Some) } else { Ok(None) }
    }

    pub(crate) fn opt_time(&mut self) -> Result<Option<i64>, Damaged> {
        if self.flag()? { self.time().map(Some) } else { Ok(None) }
    }

    pub(crate) fn flag(&mut self) -> Result<bool, Damaged> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Damaged("neither yes nor no")),
        }
    }

    pub(crate) const fn end(&self) -> Result<(), Damaged> {
        if self.0.is_empty() { Ok(()) } else { Err(Damaged("bytes left over")) }
    }
}
