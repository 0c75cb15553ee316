//! The layout of a watermark entry, after its tag.
//!
//! ```text
//! head       1 with a model, + 2 with a turn, + 4 with losses  [model: 32 bytes]  [turn  turns]
//! sources    count, then each: source  partition_count  count of partitions, then each:
//! partition  number: less the one before, × 2, + 1 with a watermark  [watermark: signed, less the time before]
//!            rejected  skipped  [lost offsets  signed: the offset after them]  count of runs, then each: first: signed, less the time before  last: signed, less first
//! ```

use super::varint::{self, Cursor};
use super::{FrameError, MAX_PARTITIONS};
use engine::entry::{Latest, Lost, PartitionMark, Run, SourceMark, Watermarks};
use model::plan::ModelId;
use model::source::Source;
use model::time::EventTime;

pub(super) fn put(out: &mut Vec<u8>, time: &mut i64, watermarks: &Watermarks) {
    let turn = match watermarks.latest {
        Latest::All => None,
        Latest::Turn { turn, turns } => Some((turn, turns)),
    };
    // Seldom is anything lost, so what says so has room only where something was.
    let mut marks = watermarks.sources.iter().flat_map(|mark| &mark.partitions);
    let losses = marks.any(|mark| mark.lost != Lost::default());
    let head = u8::from(watermarks.model.is_some()) | u8::from(turn.is_some()) << 1;
    out.push(head | u8::from(losses) << 2);
    if let Some(model) = watermarks.model {
        out.extend_from_slice(&model.0);
    }
    if let Some((turn, turns)) = turn {
        varint::put(out, turn.into());
        varint::put(out, turns.into());
    }
    varint::put(out, watermarks.sources.len() as u64);
    for mark in &watermarks.sources {
        out.push(mark.source as u8);
        varint::put(out, u64::from(mark.partition_count));
        varint::put(out, mark.partitions.len() as u64);
        let mut number = 0_u32;
        for partition in &mark.partitions {
            let step = u64::from(partition.partition.wrapping_sub(number));
            number = partition.partition;
            varint::put(out, (step << 1) | u64::from(partition.watermark.is_some()));
            if let Some(watermark) = partition.watermark {
                varint::put_signed(out, watermark.0.wrapping_sub(*time));
                *time = watermark.0;
            }
            varint::put(out, partition.rejected);
            varint::put(out, partition.skipped);
            if losses {
                varint::put(out, partition.lost.offsets);
                varint::put_signed(out, partition.lost.to);
            }
            varint::put(out, partition.runs.len() as u64);
            for run in &partition.runs {
                varint::put_signed(out, run.first.0.wrapping_sub(*time));
                varint::put_signed(out, run.last.0.wrapping_sub(run.first.0));
            }
        }
    }
}

pub(super) fn take(cursor: &mut Cursor<'_>, time: &mut i64) -> Result<Watermarks, FrameError> {
    let head = cursor.byte("head of a watermark entry")?;
    if head > 7 {
        return Err(FrameError::Invalid("head of a watermark entry"));
    }
    let model = if head & 1 == 1 { Some(ModelId(cursor.array("model id")?)) } else { None };
    let latest = if head & 2 == 2 { turn(cursor)? } else { Latest::All };
    let losses = head & 4 == 4;
    let mut watermarks = Watermarks { model, latest, sources: Vec::new() };
    for _ in 0..cursor.count("source count")? {
        let source = usize::from(cursor.byte("source")?);
        let source = Source::at(source).ok_or(FrameError::Invalid("source"))?;
        let partition_count = cursor.u32("partition count")?;
        if partition_count > MAX_PARTITIONS {
            return Err(FrameError::Invalid("partition count"));
        }
        let mut mark = SourceMark { source, partition_count, partitions: Vec::new() };
        let mut number = 0_u32;
        for _ in 0..cursor.count("partition marks")? {
            let head = cursor.varint("partition")?;
            let step = u32::try_from(head >> 1).map_err(|_| FrameError::Invalid("partition"))?;
            number = number.wrapping_add(step);
            if number >= MAX_PARTITIONS {
                return Err(FrameError::Invalid("partition"));
            }
            let watermark = if head & 1 == 1 {
                *time = time.wrapping_add(cursor.signed("watermark")?);
                Some(EventTime(*time))
            } else {
                None
            };
            mark.partitions.push(partition(cursor, (number, watermark), *time, losses)?);
        }
        watermarks.sources.push(mark);
    }
    Ok(watermarks)
}

fn turn(cursor: &mut Cursor<'_>) -> Result<Latest, FrameError> {
    let mut number = || u16::try_from(cursor.varint("turn")?).map_err(|_| FrameError::Invalid("turn"));
    Latest::turn(number()?, number()?).ok_or(FrameError::Invalid("turn"))
}

fn partition(
    cursor: &mut Cursor<'_>,
    (number, watermark): (u32, Option<EventTime>),
    time: i64,
    losses: bool,
) -> Result<PartitionMark, FrameError> {
    let rejected = cursor.varint("rejected count")?;
    let skipped = cursor.varint("skipped count")?;
    let mut lost = Lost::default();
    if losses {
        lost = Lost { offsets: cursor.varint("lost count")?, to: cursor.signed("lost offset")? };
    }
    let mut runs = Vec::new();
    for _ in 0..cursor.count("run count")? {
        let first = time.wrapping_add(cursor.signed("run")?);
        let last = first.wrapping_add(cursor.signed("run")?);
        runs.push(Run { first: EventTime(first), last: EventTime(last) });
    }
    Ok(PartitionMark { partition: number, watermark, runs, rejected, skipped, lost })
}
