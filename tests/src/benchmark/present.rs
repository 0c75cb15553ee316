//! The workload as it happens now, and the outputs as they come.

use super::product::{Broker, PARTITIONS};
use super::workload::{Record, TOPICS, Workload};
use log::{Batch, Event, Reader};
use model::time::EventTime;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long a look at an output waits.
const LOOK: Duration = Duration::from_millis(100);

/// What stands before the time of an activity.
const KEY: &str = "\"time\":\"";

/// This moment as activity names it.
pub(super) fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    EventTime(since.as_millis().try_into().unwrap()).to_string()
}

/// Activity of the workload that happens when it is taken.
pub(super) fn activity(accounts: u32) -> impl Iterator<Item = Record> {
    // So many that it does not come to its end.
    Workload::new(u64::MAX, accounts).map(|record| {
        let (before, rest) = record.value.split_once(KEY).unwrap();
        let (_, after) = rest.split_once('"').unwrap();
        let value = format!("{before}{KEY}{}\"{after}", now());
        Record { value, ..record }
    })
}

/// A customer-success call of an account with the worst of sentiments.
pub(super) fn sour(account: &str) -> Record {
    let value = format!(
        r#"{{"id":"{account}","account":"{account}","time":"{}","csm":"csm-1","kind":"call","sentiment":-1.0}}"#,
        now()
    );
    let topic = TOPICS.iter().position(|topic| topic.ends_with("csm-activity")).unwrap();
    Record { topic, key: account.to_owned(), value }
}

/// Reads some topics from their ends on, in threads that end with this.
pub(super) struct Watch {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    /// The key of each committed record, and when it was read.
    pub(super) seen: Receiver<(String, Instant)>,
}

impl Watch {
    pub(super) fn over(broker: &Broker, topics: &[&str]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (tell, seen) = channel();
        let mut threads = Vec::new();
        for (topic, number) in topics.iter().flat_map(|topic| (0..PARTITIONS).map(move |n| (*topic, n))) {
            let mut reader = broker.reader_at_end(topic, number);
            let (stop, tell) = (Arc::clone(&stop), tell.clone());
            threads.push(std::thread::spawn(move || {
                let mut batch = Batch::default();
                while !stop.load(Ordering::Relaxed) {
                    if reader.poll(&mut batch, LOOK).unwrap_or_else(|error| panic!("{error}"))
                        != Event::Records
                    {
                        continue;
                    }
                    let at = Instant::now();
                    for record in batch.records() {
                        let key = String::from_utf8_lossy(record.key.unwrap_or_default()).into_owned();
                        // Nobody may be listening any more.
                        tell.send((key, at)).unwrap_or_default();
                    }
                }
            }));
        }
        Self { stop, threads, seen }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // What went wrong was said.
            thread.join().unwrap_or_default();
        }
    }
}
