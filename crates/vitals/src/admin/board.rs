//! How each worker stands, told by its thread and read by the admin server.

use super::view::Standing;
use pipeline::status::{IngestStatus, ScoreStatus};
use tokio::sync::watch;

/// What a worker tells of itself.
#[derive(Clone, Debug)]
pub(crate) enum Report {
    /// It has not told anything yet.
    Starting,
    /// An ingest worker.
    Ingest(IngestStatus),
    /// A score worker.
    Score(ScoreStatus),
    /// It cannot go on until somebody does something.
    Refused(String),
}

/// The place of one worker.
#[derive(Debug)]
pub(crate) struct Post {
    /// Its name, such as `score-0`.
    pub(crate) name: String,
    report: watch::Receiver<Report>,
}

/// All places.
#[derive(Debug, Default)]
pub(crate) struct Board {
    instance: String,
    posts: Vec<Post>,
    /// What is waited for before any worker starts, if anything is.
    before: Option<watch::Receiver<Option<String>>>,
}

impl Board {
    pub(crate) const fn new(instance: String) -> Self {
        Self { instance, posts: Vec::new(), before: None }
    }

    /// Says what is waited for before any worker starts, until there is nothing.
    pub(crate) fn wait(&mut self, what: String) -> watch::Sender<Option<String>> {
        let (sender, before) = watch::channel(Some(what));
        self.before = Some(before);
        sender
    }

    /// A place for a worker, and its end of it.
    pub(crate) fn post(&mut self, name: &str) -> watch::Sender<Report> {
        let (sender, report) = watch::channel(Report::Starting);
        self.posts.push(Post { name: name.to_owned(), report });
        sender
    }

    /// How all workers stand.
    pub(crate) fn standing(&self) -> Standing {
        let mut standing =
            Standing { instance: self.instance.clone(), pid: std::process::id(), ..Standing::default() };
        if let Some(what) = self.before.as_ref().and_then(|before| before.borrow().clone()) {
            standing.reasons.push(what);
            return standing;
        }
        for post in &self.posts {
            let report = post.report.borrow();
            take(&mut standing, &post.name, &report);
        }
        standing.conclude();
        standing
    }
}

fn take(standing: &mut Standing, name: &str, report: &Report) {
    match report {
        Report::Starting => standing.reasons.push(format!("{name}: it has just been started")),
        Report::Ingest(status) => {
            standing.add_ingest(status);
            standing.reasons.extend(status.reasons.iter().map(|reason| format!("{name}: {reason}")));
        }
        Report::Score(status) => {
            standing.add_score(status);
            standing.reasons.extend(status.reasons.iter().map(|reason| format!("{name}: {reason}")));
        }
        Report::Refused(reason) => standing.reasons.push(format!("{name}: {reason}")),
    }
}
