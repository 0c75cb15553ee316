//! A whole journal, partition by partition, into a fold.

use crate::access::Access;
use crate::print;
use anyhow::{Context as _, Result, ensure};
use backtest::{Collected, Fold};
use engine::entry::Position;
use indicatif::{ProgressBar, ProgressStyle};
use pipeline::topic::JOURNAL;
use wire::frame::FrameBuffer;

/// Folds every partition from its beginning to its end as it is found now.
///
/// # Errors
/// Fails where the log does, and where a journal cannot be folded from its beginning.
pub(crate) fn fold(access: &Access, mut fold: Fold) -> Result<Collected> {
    let topic = access.topic(JOURNAL)?;
    let records: i64 = topic.partitions.iter().map(|(first, end)| end - first).sum();
    let bar = bar(u64::try_from(records).unwrap_or(0))?;
    for (number, (first, end)) in (0..).zip(&topic.partitions) {
        ensure!(
            *first == 0,
            "{JOURNAL}-{number} begins at offset {first}: what stood before was deleted, so scores of then cannot be worked \
             out again; back-test the activity itself with `--input FILE`"
        );
        fold_partition(access, &mut fold, number, *first, *end, &bar)
            .with_context(|| format!("{JOURNAL}-{number} cannot be back-tested"))?;
    }
    bar.finish_and_clear();
    Ok(fold.finish())
}

fn fold_partition(
    access: &Access,
    fold: &mut Fold,
    number: u32,
    first: i64,
    end: i64,
    bar: &ProgressBar,
) -> Result<()> {
    let (mut frame, mut offset) = (FrameBuffer::default(), first);
    while offset < end {
        let page = access.page(JOURNAL, number, offset, usize::MAX)?;
        for record in page.records.iter().filter(|record| record.offset < end) {
            let place = || format!("the record at offset {}", record.offset);
            frame.load(record.value.as_ref().map_or(&[][..], |value| &value.0)).with_context(place)?;
            let mut entries = frame.reader();
            let mut entry = 0;
            while let Some(next) = entries.next_entry().with_context(place)? {
                fold.take(Position::after(record.offset, entry), &next).with_context(place)?;
                entry += 1;
            }
        }
        bar.inc(u64::try_from(page.next - offset).unwrap_or(0));
        if page.at_end {
            break;
        }
        offset = page.next;
    }
    Ok(fold.end_partition()?)
}

/// A bar for people who watch.
fn bar(records: u64) -> Result<ProgressBar> {
    if !print::is_watched() {
        return Ok(ProgressBar::hidden());
    }
    let style = ProgressStyle::with_template("{msg:24} {bar:40} {percent:>3}%  {human_pos} of {human_len}")?;
    Ok(ProgressBar::new(records).with_style(style).with_message("journal records folded"))
}
