//! From the start of a score process that was killed to its first output, with much of the journal before it.

use super::present::{Watch, activity};
use super::product::{Broker, Producer, Run, Running, SCORED, clear};
use pipeline::topic;
use serde::Serialize;
use std::time::{Duration, Instant};

/// Activities of one transaction.
const SENT: usize = 5_000;
/// How long the first output is waited for.
const PATIENCE: Duration = Duration::from_secs(120);
const JOURNALED: &str = "vitals_ingest_consumed_total";

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Comeback {
    /// Accounts that were scored before.
    pub accounts: f64,
    /// Journal entries that came while nobody scored them.
    pub behind: u64,
    /// Wall time from its start to its first output in a reader's hands, s.
    pub first_output_s: f64,
    /// To all of them scored, s.
    pub caught_up_s: f64,
}

impl Comeback {
    /// A line for people.
    #[must_use]
    pub fn line(&self) -> String {
        format!(
            "{:.0} accounts, {} activities behind: first output after {:.2} s, all scored after {:.2} s",
            self.accounts, self.behind, self.first_output_s, self.caught_up_s
        )
    }
}

/// How many accounts there are. They are counted one after the other, so the number grows for some seconds.
fn counted(score: &Running) -> f64 {
    let mut last = 0.0;
    loop {
        std::thread::sleep(Duration::from_secs(2));
        let now = score.metric("vitals_score_accounts");
        if now > 0.0 && now <= last {
            return now;
        }
        last = now;
    }
}

/// Kills the score process of a live run, lets `behind` activities come, and starts it again.
///
/// # Panics
/// If the program or the broker fails, or no output comes.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "fewer than 2^52")]
pub fn measure(run: &Run, broker: &Broker, accounts: u32, behind: u64) -> Comeback {
    broker.make_sources();
    let dir = run.set_up(broker, &run.live_model());
    let mut ingest = run.start(dir.path(), "ingest", &["--role", "ingest"]);
    let mut score = run.start(dir.path(), "score", &["--role", "score"]);
    let mut producer = Producer::new(broker);
    let mut activity = activity(accounts);
    let mut send = |count: u64| {
        for number in 1..=count {
            producer.push(&activity.next().unwrap());
            if producer.pending() == SENT || number == count {
                producer.send();
            }
        }
    };
    let before = behind.max(4 * u64::from(accounts));
    send(before);
    score.await_metric(SCORED, before as f64);
    let known = counted(&score);
    score.kill();
    send(behind);
    ingest.await_metric(JOURNALED, (before + behind) as f64);
    let watch = Watch::over(broker, &[topic::HEALTH, topic::ALERTS, topic::ACCOUNT_HEALTH]);
    let began = Instant::now();
    let mut score = run.start(dir.path(), "again", &["--role", "score"]);
    let first = watch.seen.recv_timeout(PATIENCE);
    let Ok((_, at)) = first else { panic!("no output came:\n{}", score.said()) };
    score.await_metric(SCORED, (before + behind) as f64);
    let caught_up_s = began.elapsed().as_secs_f64();
    drop((watch, score, ingest));
    clear(broker);
    Comeback { accounts: known, behind, first_output_s: at.duration_since(began).as_secs_f64(), caught_up_s }
}
