//! Integers of variable length, and a cursor that reads them.

use super::FrameError;

/// Appends an LEB128 varint.
#[inline]
pub(super) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Appends a signed varint.
#[inline]
pub(super) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put(out, zigzag(value));
}

/// Small magnitudes of either sign as small numbers.
#[inline]
pub(super) const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

/// The inverse of [`zigzag`].
#[inline]
pub(super) const fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

/// What is left of a body.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'b> {
    pub(super) rest: &'b [u8],
}

impl<'b> Cursor<'b> {
    #[inline]
    pub(super) fn byte(&mut self, what: &'static str) -> Result<u8, FrameError> {
        let (first, rest) = self.rest.split_first().ok_or(FrameError::Truncated(what))?;
        self.rest = rest;
        Ok(*first)
    }

    #[inline]
    pub(super) fn bytes(&mut self, len: usize, what: &'static str) -> Result<&'b [u8], FrameError> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(FrameError::Truncated(what))?;
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    pub(super) fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], FrameError> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(FrameError::Truncated(what))?;
        self.rest = rest;
        Ok(*taken)
    }

    #[inline]
    pub(super) fn varint(&mut self, what: &'static str) -> Result<u64, FrameError> {
        let first = self.byte(what)?;
        if first < 0x80 { Ok(u64::from(first)) } else { self.long_varint(first, what) }
    }

    fn long_varint(&mut self, first: u8, what: &'static str) -> Result<u64, FrameError> {
        let mut value = u64::from(first & 0x7f);
        for shift in (7..=63).step_by(7) {
            let byte = self.byte(what)?;
            if shift == 63 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(FrameError::Invalid(what))
    }

    #[inline]
    pub(super) fn signed(&mut self, what: &'static str) -> Result<i64, FrameError> {
        self.varint(what).map(unzigzag)
    }

    #[inline]
    pub(super) fn u32(&mut self, what: &'static str) -> Result<u32, FrameError> {
        u32::try_from(self.varint(what)?).map_err(|_| FrameError::Invalid(what))
    }

    /// A number of things of which each takes at least one more byte.
    #[inline]
    pub(super) fn count(&mut self, what: &'static str) -> Result<usize, FrameError> {
        let count = usize::try_from(self.varint(what)?).map_err(|_| FrameError::Invalid(what))?;
        if count > self.rest.len() { Err(FrameError::Truncated(what)) } else { Ok(count) }
    }

    /// A text with its length before it.
    #[inline]
    pub(super) fn text(&mut self, what: &'static str) -> Result<&'b str, FrameError> {
        let len = self.count(what)?;
        std::str::from_utf8(self.bytes(len, what)?).map_err(|_| FrameError::Invalid(what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_survive_the_way_there_and_back() {
        for value in [0, 1, -1, 63, 64, -64, -65, 1 << 40, i64::MAX, i64::MIN] {
            let mut out = Vec::new();
            put_signed(&mut out, value);
            let mut cursor = Cursor { rest: &out };
            assert_eq!((cursor.signed("x"), cursor.rest.len()), (Ok(value), 0));
        }
    }

    #[test]
    fn a_varint_that_is_too_long_is_invalid() {
        let mut cursor = Cursor { rest: &[0xff; 12] };
        assert_eq!(cursor.varint("x"), Err(FrameError::Invalid("x")));
        assert_eq!(Cursor { rest: &[0x80] }.varint("x"), Err(FrameError::Truncated("x")));
    }
}
