//! Files of activity become a journal: a log of its own in a temporary directory, filled by a recorded run of ingest.

use crate::access::{Access, Direct};
use crate::command::append_files;
use crate::print;
use crate::scratch::Scratch;
use crate::settings::Settings;
use crate::store::Store;
use anyhow::Result;
use indicatif::ProgressBar;
use log::Log;
use log::embedded::{Durability, Embedded, Options};
use pipeline::{Progress, Recorded};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

/// Partitions of the journal: few, since every watermark is told to each.
const PARTITIONS: u32 = 4;
/// Partitions of each source topic.
const SOURCE_PARTITIONS: u32 = 2;
/// How long to rest where nothing could be done.
const REST: Duration = Duration::from_millis(1);

/// A journal of files, which goes with this value.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) access: Access,
    /// Records that are no activity.
    pub(crate) rejected: u64,
    /// Holds the directory for as long as it is read.
    _dir: Scratch,
}

/// Reads files of JSON Lines, as `vitals produce` does, and merges them by event time as ingest does under `model`.
pub(crate) fn read(files: &[PathBuf], model: &str, settings: &Settings) -> Result<Input> {
    let dir = Scratch::new()?;
    let options = Options { durability: Durability::Buffered, ..settings.log_options() };
    let log = Store::from(Embedded::open(dir.path(), options)?);
    for spec in pipeline::topic::specs(PARTITIONS, SOURCE_PARTITIONS) {
        log.create(&spec)?;
    }
    pipeline::publish(&log, model, settings.identity().epoch)?;
    let direct = Box::new(Direct::new(log.clone(), &settings.instance));
    let (access, _) = append_files(Access::Direct { direct, run: None }, files)?;
    let rejected = merge(log, settings)?;
    Ok(Input { access, rejected, _dir: dir })
}

/// Merges all source partitions into the journal. Returns how many records are no activity.
fn merge(log: Store, settings: &Settings) -> Result<u64> {
    let mut worker = Recorded::new(log, settings.identity(), settings.ingest.clone(), None);
    let bar = if print::is_watched() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    loop {
        match worker.step()? {
            Progress::Worked => {}
            Progress::Idle => thread::sleep(REST),
            Progress::Done => break,
        }
        bar.set_message(format!("{} records merged", worker.progress().0));
        bar.tick();
    }
    bar.finish_and_clear();
    let rejected = worker.status().feeds.iter().map(|feed| feed.rejected).sum();
    worker.stop();
    Ok(rejected)
}
