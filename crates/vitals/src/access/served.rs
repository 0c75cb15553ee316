//! The log of another process, through its admin server.

use super::{Address, Page, Record, Topic};
use crate::admin::view::{Alive, Appended, Balance, Complaint, ModelName, Skipped, Standing, Verified};
use crate::line::Entry;
use crate::settings::Secret;
use anyhow::{Context, Result, anyhow};
use model::source::Source;
use serde::de::DeserializeOwned;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use ureq::Agent;
use ureq::http::StatusCode;

/// The greatest answer that is read, in bytes.
const MAX_ANSWER_BYTES: u64 = 256 << 20;
/// How long an answer may take, but for those that fold a whole journal.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long to look whether one is there.
const LOOK: Duration = Duration::from_secs(5);

/// Asks the process that holds a directory.
#[derive(Debug)]
pub(crate) struct Client {
    agent: Agent,
    address: Address,
}

impl Client {
    fn new(address: Address) -> Self {
        let config = Agent::config_builder().http_status_as_error(false).proxy(None);
        let config = config.timeout_connect(Some(Duration::from_secs(5))).timeout_global(Some(PATIENCE));
        Self { agent: config.build().into(), address }
    }

    /// A client of the process that listens at `listen`, if a token for it is known and it answers.
    pub(crate) fn at(listen: SocketAddr, token: &Secret) -> Option<Self> {
        if token.is_empty() {
            return None;
        }
        let mut client = Self::new(Address { listen, pid: 0, token: token.clone() });
        // The token is shown to nobody that does not answer as a run does.
        client.address.pid = client.alive()?.pid;
        Some(client)
    }

    fn alive(&self) -> Option<Alive> {
        let request = self.agent.get(self.url("/livez")).config().timeout_global(Some(LOOK)).build();
        let mut answer = request.call().ok()?;
        serde_json::from_str(&answer.body_mut().read_to_string().ok()?).ok()
    }

    /// A client of the process that holds `dir`, if it is one that answers.
    pub(crate) fn find(dir: &Path) -> Result<Option<Self>> {
        let Some(address) = Address::read(dir) else { return Ok(None) };
        let client = Self::new(address);
        // Whoever listens there now must be the process that wrote the file; only then is the token shown.
        let alive = client.alive();
        Ok(alive.filter(|alive| alive.pid == client.address.pid).map(|_| client))
    }

    /// The process.
    pub(crate) fn pid(&self) -> u32 {
        self.address.pid
    }

    pub(crate) fn topics(&self) -> Result<Vec<Topic>> {
        self.get("/topics")
    }

    pub(crate) fn page(&self, topic: &str, partition: u32, offset: i64, limit: usize) -> Result<Page> {
        self.get(&format!("/topics/{topic}/{partition}?offset={offset}&limit={limit}"))
    }

    pub(crate) fn latest(&self, topic: &str, key: &str) -> Result<Option<Record>> {
        // An account's id may be any text, so it does not travel within an address.
        self.post(&format!("/topics/{topic}/latest"), key.as_bytes(), Some(PATIENCE))
    }

    pub(crate) fn append(&self, entries: &[Entry]) -> Result<()> {
        let mut body = String::new();
        for entry in entries {
            body.push_str(&entry.line()?);
            body.push('\n');
        }
        self.post::<Appended>("/append", body.as_bytes(), Some(PATIENCE)).map(|_| ())
    }

    pub(crate) fn publish(&self, text: &str) -> Result<String> {
        self.post::<ModelName>("/models", text.as_bytes(), Some(PATIENCE)).map(|model| model.id)
    }

    pub(crate) fn standing(&self) -> Result<Standing> {
        self.get("/status")
    }

    pub(crate) fn resume(&self, source: Source) -> Result<()> {
        self.post::<serde_json::Value>(&format!("/sources/{source}/resume"), b"", Some(PATIENCE)).map(|_| ())
    }

    pub(crate) fn skip(&self, source: Source, partition: u32) -> Result<Skipped> {
        self.post(&format!("/sources/{source}/{partition}/skip"), b"", Some(PATIENCE))
    }

    pub(crate) fn verify(&self) -> Result<Verified> {
        self.post("/verify", b"", None)
    }

    pub(crate) fn balance(&self) -> Result<Vec<Balance>> {
        self.post("/balance", b"", None)
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address.listen)
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.address.token.reveal())
    }

    fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let answer = self.agent.get(self.url(path)).header("authorization", self.bearer()).call();
        self.read(answer)
    }

    fn post<T: DeserializeOwned>(&self, path: &str, body: &[u8], patience: Option<Duration>) -> Result<T> {
        let request = self.agent.post(self.url(path)).config().timeout_global(patience).build();
        self.read(request.header("authorization", self.bearer()).send(body))
    }

    fn read<T: DeserializeOwned>(
        &self,
        answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<T> {
        let Address { listen, pid, .. } = &self.address;
        let whose = || format!("process {pid}, which holds the log and answers at {listen}");
        let mut answer = answer.with_context(whose)?;
        let status = answer.status();
        let text =
            answer.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_string().with_context(whose)?;
        if status != StatusCode::OK {
            let complaint: Complaint = serde_json::from_str(&text).unwrap_or(Complaint { error: text });
            return Err(anyhow!(complaint.error)).with_context(whose);
        }
        serde_json::from_str(&text).with_context(whose)
    }
}
