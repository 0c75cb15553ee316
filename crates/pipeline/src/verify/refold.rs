//! The journal of one partition, folded again from its beginning.

use crate::failure::{BRING_BACK, Failure};
use crate::outside::WHOLE;
use engine::effect::Sink;
use engine::entry::Position;
use engine::{Shard, Step};
use log::{Batch, Error, Isolation, Log, Partition, Reader};
use wire::frame::FrameBuffer;

/// How far to fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// To this position, which the journal holds.
    Cut(Position),
    /// To the end of what is committed.
    End,
}

/// Takes effects, and is told the epoch of the frame that they come from.
pub(super) trait Sheet: Sink {
    fn begin(&mut self, epoch: u32);
}

/// A fold that can be gone on with.
pub(super) struct Refold<R> {
    partition: Partition,
    reader: R,
    shard: Shard,
    frame: FrameBuffer,
    batch: Batch,
    /// The record of the batch that is folded, how many of its entries were begun, and whether the last of them is
    /// not done.
    record: usize,
    begun: u32,
    within: bool,
    entries: u64,
}

impl<R: Reader> Refold<R> {
    /// Begins; `entries` were folded of other partitions.
    pub(super) fn open<L: Log<Reader = R>>(
        log: &L,
        partition: &Partition,
        entries: u64,
    ) -> Result<Self, Failure> {
        let reader = WHOLE.ask(|| log.read(partition, 0, Isolation::Committed));
        Ok(Self {
            partition: partition.clone(),
            reader: reader.map_err(|error| cut(partition, error))?,
            shard: Shard::new(),
            frame: FrameBuffer::default(),
            batch: Batch::default(),
            record: 0,
            begun: 0,
            within: false,
            entries,
        })
    }

    /// How many entries were folded, of other partitions too.
    pub(super) const fn entries(&self) -> u64 {
        self.entries
    }

    /// Folds on.
    pub(super) fn fold_to(
        &mut self,
        goal: Goal,
        sheet: &mut impl Sheet,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), Failure> {
        if let Goal::Cut(cut) = goal {
            self.shard.halt_at(cut);
        }
        loop {
            while self.record < self.batch.len() {
                if self.fold_record(goal, sheet)? {
                    return Ok(());
                }
                progress(self.entries);
            }
            let read = WHOLE.read_on(&mut self.reader, &mut self.batch);
            match read.map_err(|error| cut(&self.partition, error))? {
                None => self.record = 0,
                Some(offset) => match goal {
                    Goal::End => return Ok(()),
                    Goal::Cut(cut) => {
                        let reason = format!(
                            "the journal ends at offset {offset}, before the committed position {cut:?}"
                        );
                        return Err(Failure::refused(
                            &self.partition,
                            reason,
                            "the journal was truncated; nothing can be compared",
                        ));
                    }
                },
            }
        }
    }

    /// Folds a record to its end, or to the cut. Returns whether that was reached.
    fn fold_record(&mut self, goal: Goal, sheet: &mut impl Sheet) -> Result<bool, Failure> {
        let Some(record) = self.batch.record(self.record) else { return Ok(false) };
        let partition = &self.partition;
        let unreadable = |error: &dyn std::fmt::Display| {
            let reason = format!("the record at offset {} cannot be folded: {error}", record.offset);
            Failure::refused(partition, reason, "run the version of vitals that wrote it")
        };
        self.frame.load(record.value.unwrap_or_default()).map_err(|error| unreadable(&error))?;
        sheet.begin(self.frame.epoch());
        let mut entries = self.frame.reader_from(self.begun).map_err(|error| unreadable(&error))?;
        loop {
            let step = if self.within {
                self.shard.go_on(sheet)
            } else {
                let Some(entry) = entries.next_entry().map_err(|error| unreadable(&error))? else { break };
                let at = Position { offset: record.offset, entry: self.begun, minute: i64::MIN };
                self.begun += 1;
                self.entries += 1;
                self.shard.fold(at, &entry, sheet).map_err(|error| unreadable(&error))?
            };
            self.within = step == Step::More;
            if matches!(goal, Goal::Cut(cut) if self.shard.position() >= cut) {
                return Ok(true);
            }
        }
        self.record += 1;
        self.begun = 0;
        Ok(false)
    }
}

/// Of a journal that does not begin at its beginning any more, what that means here.
fn cut(partition: &Partition, error: Error) -> Failure {
    let Error::OutOfRange { first, .. } = error else { return error.into() };
    let reason = format!(
        "the journal begins at offset {first}: what stood before was deleted, so it cannot be folded again from its beginning, and nothing can be compared"
    );
    Failure::refused(partition, reason, BRING_BACK)
}
