//! What is sent at once.
//!
//! librdkafka has one batch of a partition in flight; what waits behind it keeps its thread busy asking whether it
//! may be sent yet, for as long as the broker takes. So a partition is given what goes into one batch, and more only
//! once all of that is answered.

use log::batch::Append;

/// Bytes around a record in a batch, and around each of its headers, at most.
const AROUND: usize = 64;
const AROUND_HEADER: usize = 10;
/// Bytes around all records of a batch.
const AROUND_BATCH: usize = 256;

/// What goes into one batch at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Most {
    pub(super) bytes: usize,
    pub(super) records: usize,
}

/// What one partition was given in this round.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Room {
    bytes: usize,
    records: usize,
    is_full: bool,
}

impl Room {
    /// Whether a record still goes into this round. Once one does not, none does: they keep their order. One that is
    /// larger than a batch goes alone.
    pub(super) fn takes(&mut self, record: &Append<'_>, most: Most) -> bool {
        let bytes = record.size() + AROUND + AROUND_HEADER * record.headers().len();
        let fits = self.records < most.records && self.bytes + bytes + AROUND_BATCH <= most.bytes;
        self.is_full |= !fits && self.records > 0;
        if !self.is_full {
            (self.bytes, self.records) = (self.bytes + bytes, self.records + 1);
        }
        !self.is_full
    }
}

#[cfg(test)]
mod tests {
    use super::{Most, Room};
    use log::Appends;

    #[test]
    fn a_round_is_one_batch_of_each_partition_in_order() {
        let (topic, mut appends) = ("t".into(), Appends::default());
        for size in [100, 5_000, 400, 100, 100] {
            appends.push(&topic, 0, None, Some(&vec![0; size]), &[("h", b"v")]);
        }
        let most = Most { bytes: 1_000, records: 2 };
        let records: Vec<_> = appends.records().collect();
        let mut rounds = vec![0];
        let mut room = Room::default();
        for record in &records {
            if !room.takes(record, most) {
                assert!(!room.takes(&records[0], most), "nothing overtakes");
                (room, rounds) = (Room::default(), [rounds, vec![0]].concat());
                assert!(room.takes(record, most), "an empty round takes any record");
            }
            *rounds.last_mut().unwrap_or(&mut 0) += 1;
        }
        // The large one goes alone; of the last three, two at a time.
        assert_eq!(rounds, [1, 1, 2, 1]);
    }
}
