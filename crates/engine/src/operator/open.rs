//! Tickets that are open.
//!
//! A ticket that is not open is forgotten 30 days after its newest activity: one that comes later finds it new.
//! That is a matter of event times alone, and longer than activities may be late, so the order in which they
//! arrive changes nothing.

use super::order::{Newest, Order};
use crate::activity::Activity;
use crate::bytes::{Damaged, Reader, Writer};
use crate::compact::{give_back, make_room};
use model::source::Field;
use model::time::DAY;

/// The most tickets kept for one signal of one account.
pub const CEILING: usize = 4_096;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Ticket {
    key: u64,
    open: Newest<bool>,
    counts: Newest<bool>,
}

/// How long after its newest activity a ticket that is not open is forgotten, ms.
const FORGOTTEN_AFTER: i64 = 30 * DAY;

impl Ticket {
    /// Whether an activity at `time` finds it forgotten.
    fn is_forgotten(&self, time: i64) -> bool {
        let newest = self.open.order.time.max(self.counts.order.time);
        self.open.get() != Some(&true) && time.saturating_sub(newest) > FORGOTTEN_AFTER
    }
}

/// The tickets of one signal of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tickets {
    tickets: Vec<Ticket>,
    /// Whether a ticket found no place: from then on the number is not known.
    overflow: bool,
}

impl Tickets {
    /// Takes in an activity. `priority`: those that count; any, if empty. Returns whether it found a place.
    pub(crate) fn observe(&mut self, activity: &Activity<'_>, priority: &[String], at: Option<i64>) -> bool {
        let Some(key) = activity.fields.identity(Field::Ticket) else { return true };
        let order = Order::of(activity);
        let place = match self.tickets.binary_search_by_key(&key, |ticket| ticket.key) {
            Ok(place) => place,
            Err(place) => {
                self.forget(at);
                if self.tickets.len() >= CEILING {
                    self.overflow = true;
                    return false;
                }
                let place = place.min(self.tickets.len());
                let place = self.tickets[..place].partition_point(|ticket| ticket.key < key);
                make_room(&mut self.tickets);
                self.tickets.insert(place, Ticket { key, ..Ticket::default() });
                place
            }
        };
        let ticket = &mut self.tickets[place];
        if ticket.is_forgotten(order.time) {
            *ticket = Ticket { key, ..Ticket::default() };
        }
        match activity.fields.word(Field::Kind) {
            Some("opened" | "reopened") => ticket.open.take(order, true),
            Some("solved" | "closed" | "merged" | "deleted") => ticket.open.take(order, false),
            _ => {}
        }
        if let Some(word) = activity.fields.word(Field::Priority) {
            ticket.counts.take(order, priority.iter().any(|counted| counted == word));
        }
        if ticket.open.get() == Some(&false) {
            self.forget(at);
        }
        true
    }

    /// Drops what nothing can find any more.
    fn forget(&mut self, at: Option<i64>) {
        let Some(at) = at else { return };
        self.tickets.retain(|ticket| !ticket.is_forgotten(at));
        give_back(&mut self.tickets);
    }

    /// How many are open; `None` while some found no place.
    pub(crate) fn count(&self, any_priority: bool) -> Option<usize> {
        let counts = |ticket: &&Ticket| {
            ticket.open.get() == Some(&true) && (any_priority || ticket.counts.get() == Some(&true))
        };
        (!self.overflow).then(|| self.tickets.iter().filter(counts).count())
    }

    pub(crate) fn heap(&self) -> usize {
        self.tickets.capacity() * size_of::<Ticket>()
    }

    pub(crate) fn write(&self, to: &mut Writer<'_>) {
        to.flag(self.overflow);
        to.len(self.tickets.len());
        for ticket in &self.tickets {
            to.fixed(ticket.key);
            for state in [&ticket.open, &ticket.counts] {
                state.order.write(to);
                to.flag(state.value);
            }
        }
    }

    pub(crate) fn read(from: &mut Reader<'_>) -> Result<Self, Damaged> {
        let overflow = from.flag()?;
        let len = from.len()?;
        let mut tickets = Vec::with_capacity(len);
        for _ in 0..len {
            let key = from.fixed()?;
            let mut state = || Ok(Newest { order: Order::read(from)?, value: from.flag()? });
            tickets.push(Ticket { key, open: state()?, counts: state()? });
        }
        if tickets.windows(2).any(|pair| pair[0].key >= pair[1].key) {
            return Err(Damaged("tickets out of order"));
        }
        Ok(Self { tickets, overflow })
    }
}
