//! Folds the journal again, offline, and compares what it gives with what stands in the output topics, byte for
//! byte: promise 1, on a real system.
//!
//! What is compared is what belongs to a *cut*: the position that a shard had committed when its head was read. A
//! record's `ce_id` says which journal entry gave it, so it says by itself on which side of the cut it lies, and a
//! live run may be busy meanwhile: all that belongs to the cut was committed with that head, or before; what comes
//! later is passed over. On the compacted topic a record may be gone if its key has a later one: of the cut, or
//! beyond it, which is found out by folding on to the journal's end as it is after the topic was read.

mod compare;
mod refold;
mod standing;

use crate::committed::{head, partitions};
use crate::failure::Failure;
use crate::score::Topics;
use crate::topic;
use compare::{Comparer, Keys};
use engine::entry::Position;
use log::{Log, Partition};
use refold::{Goal, Refold};
use standing::Standing;
use std::sync::Arc;
use wire::output::{Encoder, Output};

/// How many differences are kept in words.
const SHOWN: usize = 20;

/// What a comparison came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// Journal entries folded.
    pub entries: u64,
    /// Records that are equal in key, value and headers.
    pub compared: u64,
    /// Records of a compacted topic that were superseded and are gone.
    pub superseded: u64,
    /// Records that the journal gives and no topic holds.
    pub missing: u64,
    /// Records that a topic holds and the journal does not give.
    pub extra: u64,
    /// Records that differ.
    pub different: u64,
    /// The first differences, in words.
    pub differences: Vec<String>,
    /// Partitions without a committed position: nothing of them was compared. Whatever stands in their outputs is
    /// extra.
    pub untouched: Vec<u32>,
}

impl Verification {
    /// Whether everything is equal.
    #[must_use]
    pub const fn is_equal(&self) -> bool {
        self.missing == 0 && self.extra == 0 && self.different == 0
    }

    /// A partition of which nothing says up to where it was folded, and `spoken` records stand in its outputs.
    fn leave(&mut self, number: u32, spoken: u64) {
        self.untouched.push(number);
        self.extra += spoken;
        if spoken > 0 {
            self.differ(|| {
                format!("partition {number} of the outputs holds {spoken} records, and nothing says up to where the journal was folded")
            });
        }
    }

    fn differ(&mut self, what: impl FnOnce() -> String) {
        if self.differences.len() < SHOWN {
            self.differences.push(what());
        }
    }
}

/// Folds the whole journal, up to what is committed now, and compares. `progress` is told how many entries were
/// folded.
///
/// # Errors
/// [`Failure`] if the log fails or the journal cannot be folded.
pub fn verify<L: Log>(
    log: &L,
    instance: &str,
    progress: &mut dyn FnMut(u64),
) -> Result<Verification, Failure> {
    let mut result = Verification::default();
    let mut encoder = Encoder::new(instance);
    for number in 0..partitions(log)? {
        let (mut standing, mut spoken) = (head(log, number)?, 0);
        if standing.is_none() {
            spoken = unexplained(log, number)?;
            // The first that is committed may have been committed meanwhile.
            standing = head(log, number)?;
        }
        match standing {
            Some((cut, _)) => verify_partition(log, &mut encoder, number, cut, &mut result, progress)?,
            None => result.leave(number, spoken),
        }
    }
    Ok(result)
}

/// How many records stand in a partition of the outputs, of whatever position.
fn unexplained<L: Log>(log: &L, number: u32) -> Result<u64, Failure> {
    let topics = Topics::default();
    let mut count = 0;
    for output in Output::ALL {
        let partition = Partition::new(Arc::clone(topics.of(output)), number);
        let mut standing = Standing::open(log, &partition, Position::after(i64::MAX, u32::MAX))?;
        while standing.next()?.is_some() {
            count += 1;
        }
    }
    Ok(count)
}

fn verify_partition<L: Log>(
    log: &L,
    encoder: &mut Encoder,
    number: u32,
    cut: Position,
    result: &mut Verification,
    progress: &mut dyn FnMut(u64),
) -> Result<(), Failure> {
    let topics = Topics::default();
    let [health, alerts, latest] = Output::ALL
        .map(|output| Standing::open(log, &Partition::new(Arc::clone(topics.of(output)), number), cut));
    let standing = [health?, alerts?, latest?];
    let mut refold = Refold::open(log, &Partition::new(topic::JOURNAL, number), result.entries)?;
    let mut comparer = Comparer::new(encoder, number, standing, cut, result);
    refold.fold_to(Goal::Cut(cut), &mut comparer, progress)?;
    let gone = comparer.finish()?;
    result.entries = refold.entries();
    if gone.is_empty() {
        return Ok(());
    }
    // Whatever superseded a record that was not there any more stands in the journal by now.
    let mut later = Keys::new(encoder, number);
    refold.fold_to(Goal::End, &mut later, &mut |_| {})?;
    let later = later.finish();
    for latest in gone.into_iter().filter(|latest| !later.contains(&latest.key)) {
        result.superseded = result.superseded.saturating_sub(1);
        result.missing += 1;
        result.differ(|| latest.say());
    }
    Ok(())
}
