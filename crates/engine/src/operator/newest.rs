//! The newest value of a field. Words of the part: its order, then the value.

use super::order::{self, Order};
use crate::bytes::{Damaged, Reader, Writer};
use crate::parts::{number, set_number};

const VALUE: usize = order::WORDS;
/// Words of the part.
pub(crate) const LEN: usize = VALUE + 2;

/// The words of a part that holds nothing.
pub(crate) fn new() -> [u32; LEN] {
    let mut words = [0; LEN];
    Order::NONE.put(&mut words, 0, false);
    words
}

/// Takes the value if it is newer.
pub(crate) fn take(part: &mut [u32], order: Order, value: i64) {
    if order > Order::get(part, 0) {
        order.put(part, 0, false);
        set_number(part, VALUE, value);
    }
}

/// The value, if there is one.
pub(crate) fn get(part: &[u32]) -> Option<i64> {
    (!Order::get(part, 0).is_none()).then(|| number(part, VALUE))
}

/// Writes the stored form.
pub(crate) fn write(part: &[u32], to: &mut Writer<'_>) {
    Order::get(part, 0).write(to);
    to.i64(number(part, VALUE));
}

/// Reads the stored form into the words of a part.
pub(crate) fn read(from: &mut Reader<'_>, words: &mut Vec<u32>) -> Result<(), Damaged> {
    let mut part = [0; LEN];
    Order::read(from)?.put(&mut part, 0, false);
    set_number(&mut part, VALUE, from.i64()?);
    words.extend(part);
    Ok(())
}
