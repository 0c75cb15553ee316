//! What stands in one partition of an output topic, up to a cut.

use crate::failure::Failure;
use crate::outside::WHOLE;
use engine::entry::Position;
use log::{Batch, Isolation, Log, Partition, Reader};
use std::collections::VecDeque;

/// Journal offset, entry, and place among the entry's effects: they order the records of a partition.
pub(super) type Order = (i64, u32, u32);

/// A record as it is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) id: String,
    pub(super) order: Option<Order>,
    pub(super) key: Vec<u8>,
    pub(super) value: Option<Vec<u8>>,
    pub(super) headers: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Line {
    fn of(record: &log::Record<'_>) -> Self {
        let headers: Vec<_> = record.headers().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
        let id = headers.iter().find(|(name, _)| name == b"ce_id").map(|(_, id)| id.as_slice());
        let id = String::from_utf8_lossy(id.unwrap_or_default()).into_owned();
        Self {
            order: order_of(&id),
            id,
            key: record.key.unwrap_or_default().to_vec(),
            value: record.value.map(<[u8]>::to_vec),
            headers,
        }
    }
}

/// Epoch and partition do not vary within a topic's partition: offset, entry and index order the records.
fn order_of(id: &str) -> Option<Order> {
    let mut words = id.split('-').skip(2);
    let mut next = || words.next();
    Some((next()?.parse().ok()?, next()?.parse().ok()?, next()?.parse().ok()?))
}

/// Reads what stands in one partition of an output topic.
pub(super) struct Standing<R> {
    reader: R,
    /// All that belongs to the cut stands before it.
    end: i64,
    cut: Position,
    over: bool,
    batch: Batch,
    lines: VecDeque<Line>,
}

impl<R: Reader> Standing<R> {
    /// Opens a partition; `cut` was read before.
    pub(super) fn open<L: Log<Reader = R>>(
        log: &L,
        partition: &Partition,
        cut: Position,
    ) -> Result<Self, Failure> {
        let round = WHOLE.ask(|| log.ends(std::slice::from_ref(&partition.topic)))?;
        let ends = round.topics.first().and_then(|ends| ends.get(partition.number as usize));
        let (first, end) = ends.map_or((0, 0), |ends| (ends.first, ends.end));
        let reader = WHOLE.ask(|| log.read(partition, first, Isolation::Committed))?;
        Ok(Self { reader, end, cut, over: false, batch: Batch::default(), lines: VecDeque::new() })
    }

    /// The next record, if there is one that may belong to the cut.
    pub(super) fn peek(&mut self) -> Result<Option<&Line>, Failure> {
        while self.lines.is_empty() && !self.over {
            match WHOLE.read_on(&mut self.reader, &mut self.batch)? {
                None => self.take(),
                Some(offset) => self.over = offset >= self.end,
            }
        }
        Ok(self.lines.front())
    }

    pub(super) fn next(&mut self) -> Result<Option<Line>, Failure> {
        self.peek()?;
        Ok(self.lines.pop_front())
    }

    fn take(&mut self) {
        for record in self.batch.records() {
            let line = Line::of(&record);
            let cut = (self.cut.offset, self.cut.entry);
            if line.order.is_some_and(|(offset, entry, _)| (offset, entry) > cut) {
                // They stand in the journal's order: all that follows is later too.
                self.over = true;
                return;
            }
            self.lines.push_back(line);
        }
    }
}
