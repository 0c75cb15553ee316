//! Tickets that are open.
//!
//! A ticket that is not open is forgotten 30 days after its newest activity: one that comes later finds it new.
//! That is a matter of event times alone, and longer than activities may be late, so the order in which they
//! arrive changes nothing.
//!
//! Words of the part: 1 if a ticket found no place, from when on the number is not known. Then the tickets,
//! ascending by key: its upper half, its lower half; order of the newest activity that opened or ended it, with a flag
//! for opened; order of the newest that told its priority, with a flag for one that counts.

use super::distinct::{halves, whole};
use super::order::{self, Order};
use crate::activity::Activity;
use crate::bytes::{Damaged, Reader, Writer};
use crate::parts::{Part, partition};
use model::source::Field;
use model::time::DAY;

/// The most tickets kept for one signal of one account.
pub const CEILING: usize = 4_096;

const OVERFLOW: usize = 0;
const HEAD: usize = 1;
const OPENED: usize = 2;
const TOLD: usize = OPENED + order::WORDS;
const STRIDE: usize = TOLD + order::WORDS;

/// The words of a part that holds nothing.
pub(crate) const NEW: [u32; HEAD] = [0];

/// How long after its newest activity a ticket that is not open is forgotten, ms.
const FORGOTTEN_AFTER: i64 = 30 * DAY;

fn new(key: [u32; 2]) -> [u32; STRIDE] {
    let mut ticket = [0; STRIDE];
    ticket[..2].copy_from_slice(&key);
    Order::NONE.put(&mut ticket, OPENED, false);
    Order::NONE.put(&mut ticket, TOLD, false);
    ticket
}

const fn is_open(ticket: &[u32]) -> bool {
    Order::flag(ticket, OPENED)
}

/// Whether an activity at `time` finds a ticket forgotten.
fn is_forgotten(ticket: &[u32], time: i64) -> bool {
    let newest = Order::get(ticket, OPENED).time.max(Order::get(ticket, TOLD).time);
    !is_open(ticket) && time.saturating_sub(newest) > FORGOTTEN_AFTER
}

/// Takes in an activity. `priority`: those that count; any, if empty. Returns whether it found a place.
pub(crate) fn observe(
    part: &mut Part<'_>,
    activity: &Activity<'_>,
    priority: &[String],
    now: Option<i64>,
) -> bool {
    let Some(key) = activity.fields.identity(Field::Ticket).map(halves) else { return true };
    let order = Order::of(activity);
    let find = |part: &[u32]| partition(part, HEAD, STRIDE, |ticket| ticket[..2] < key[..]);
    let mut at = find(part);
    if part.get(at..at + 2) != Some(&key[..]) {
        forget(part, now);
        if (part.len() - HEAD) / STRIDE >= CEILING {
            part[OVERFLOW] = 1;
            return false;
        }
        at = find(part);
        part.insert(at, &new(key));
    }
    let ticket = &mut part[at..at + STRIDE];
    if is_forgotten(ticket, order.time) {
        ticket.copy_from_slice(&new(key));
    }
    let state = match activity.fields.word(Field::Kind) {
        Some("opened" | "reopened") => Some(true),
        Some("solved" | "closed" | "merged" | "deleted") => Some(false),
        _ => None,
    };
    let counts =
        activity.fields.word(Field::Priority).map(|word| priority.iter().any(|counted| counted == word));
    for (value, place) in [(state, OPENED), (counts, TOLD)] {
        if let Some(value) = value.filter(|_| order > Order::get(ticket, place)) {
            order.put(ticket, place, value);
        }
    }
    if !is_open(ticket) && !Order::get(ticket, OPENED).is_none() {
        forget(part, now);
    }
    true
}

/// Drops what nothing can find any more.
fn forget(part: &mut Part<'_>, now: Option<i64>) {
    if let Some(now) = now {
        part.retain(HEAD, STRIDE, |ticket| !is_forgotten(ticket, now));
    }
}

/// How many are open; `None` while some found no place.
pub(crate) fn count(part: &[u32], any_priority: bool) -> Option<usize> {
    let counts = |ticket: &&[u32]| is_open(ticket) && (any_priority || Order::flag(ticket, TOLD));
    (part[OVERFLOW] == 0).then(|| part[HEAD..].chunks_exact(STRIDE).filter(counts).count())
}

/// Writes the stored form.
pub(crate) fn write(part: &[u32], to: &mut Writer<'_>) {
    to.flag(part[OVERFLOW] != 0);
    let tickets = part[HEAD..].chunks_exact(STRIDE);
    to.len(tickets.len());
    for ticket in tickets {
        to.fixed(whole(ticket));
        for place in [OPENED, TOLD] {
            Order::get(ticket, place).write(to);
            to.flag(Order::flag(ticket, place));
        }
    }
}

/// Reads the stored form into the words of a part.
pub(crate) fn read(from: &mut Reader<'_>, words: &mut Vec<u32>) -> Result<(), Damaged> {
    words.push(u32::from(from.flag()?));
    let len = from.len()?;
    if len > CEILING {
        return Err(Damaged("too many tickets"));
    }
    let mut last = None;
    for _ in 0..len {
        let key = from.fixed()?;
        if last.replace(key).is_some_and(|last| last >= key) {
            return Err(Damaged("tickets out of order"));
        }
        let mut ticket = new(halves(key));
        for place in [OPENED, TOLD] {
            let order = Order::read(from)?;
            order.put(&mut ticket, place, from.flag()?);
        }
        words.extend(ticket);
    }
    Ok(())
}
