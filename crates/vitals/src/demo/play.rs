//! The workers of a run, in recorded time, until everything is folded.

use crate::admin::board::Board;
use crate::run::{Crew, End, Mode, Plan, Stage, failure};
use crate::settings::Settings;
use crate::store::Store;
use anyhow::Result;
use pipeline::settings::Rebuild;
use std::thread;
use std::time::Duration;

/// How often it is looked how far they are.
const LOOK: Duration = Duration::from_millis(50);

/// Plays up to `end`.
pub(super) fn play(log: &Store, settings: &Settings, end: i64) -> Result<()> {
    let mut board = Board::new(settings.instance.clone());
    let plan = Plan { mode: Mode::Recorded { until: Some(end) }, rebuild: Rebuild::No };
    let mut crew = Crew::gather(log, settings, plan, &mut board);
    crew.start()?;
    let bar = super::bar(0, "records of the year played")?;
    loop {
        match crew.try_end() {
            None => thread::sleep(LOOK),
            Some((Stage::Ingest, End::Done)) => crew.finish()?,
            Some((Stage::Score, End::Done)) => break,
            Some((stage, end)) => {
                crew.stop();
                crew.join();
                return Err(failure(stage, end));
            }
        }
        let (done, total) = crew.progress();
        bar.set_length(total);
        bar.set_position(done);
    }
    bar.finish_and_clear();
    crew.join();
    Ok(())
}
