//! The admin server of a running `vitals`: health and metrics for machines, the log for the other commands.
//!
//! | request | what | token |
//! | --- | --- | --- |
//! | `GET /livez` | 200 while the process lives | no |
//! | `GET /readyz` | 200, or 503 with every reason why not | no |
//! | `GET /metrics` | Prometheus text | no |
//! | `GET /status` | how every worker stands | yes |
//! | `GET /topics` | topics with first offset and end of each partition | yes |
//! | `GET /topics/{topic}/{partition}?offset=&limit=` | a page of records | yes |
//! | `POST /topics/{topic}/latest` | the newest record of the key in the body | yes |
//! | `POST /append` | records for source topics, JSON Lines, one transaction | yes |
//! | `POST /models` | publishes the model in the body | yes |
//! | `POST /sources/{source}/resume` | lets a stopped source go on | yes |
//! | `POST /sources/{source}/{partition}/skip` | accepts that records were deleted before they were read | yes |
//! | `POST /verify`, `POST /balance` | `replay --verify`, the accounting of promise 2 | yes |
//!
//! The token is asked for since whoever can reach the port could read customers and write activity, among them any web
//! page open on the machine. Every body is bounded, and few requests are at work at once. What touches the log
//! runs on threads that may block.

mod answer;
pub(crate) mod board;
mod probe;
mod token;
mod topic;
pub(crate) mod view;
mod work;

pub(crate) use token::make as make_token;

use crate::access::Direct;
use crate::run::Order;
use crate::settings::Secret;
use crate::store::Store;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{get, post};
use board::Board;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Semaphore, mpsc};

/// The greatest body of `/append`; twice the greatest line.
const MAX_APPEND_BYTES: usize = 2 * crate::line::MAX_LINE_BYTES;
/// The greatest model; as `model::compile`.
const MAX_MODEL_BYTES: usize = 1 << 20;
/// The greatest of all other bodies.
const MAX_BODY_BYTES: usize = 64 << 10;
/// How many requests may be at work on the log at once.
const AT_ONCE: usize = 4;

/// What the server answers from.
#[derive(Debug)]
pub(crate) struct Desk {
    /// How workers stand.
    pub(crate) board: Board,
    /// For reading.
    pub(crate) reading: Direct<Store>,
    /// For appending, one at a time.
    pub(crate) writing: Mutex<Direct<Store>>,
    /// What each ingest worker is to do.
    pub(crate) orders: Vec<mpsc::Sender<Order>>,
    /// What callers must show.
    pub(crate) token: Secret,
    /// How many requests may still begin to work on the log.
    pub(crate) room: Semaphore,
}

impl Desk {
    pub(crate) fn new(
        board: Board,
        log: &Store,
        instance: &str,
        orders: Vec<mpsc::Sender<Order>>,
        token: Secret,
    ) -> Self {
        Self {
            board,
            reading: Direct::new(log.clone(), instance).sparing(),
            writing: Mutex::new(Direct::new(log.clone(), instance)),
            orders,
            token,
            room: Semaphore::new(AT_ONCE),
        }
    }
}

/// Answers until `end` comes, then finishes what is under way.
pub(crate) async fn serve(
    listener: TcpListener,
    desk: Arc<Desk>,
    end: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router(desk)).with_graceful_shutdown(end).await
}

fn router(desk: Arc<Desk>) -> Router {
    let guarded = Router::new()
        .route("/status", get(work::status))
        .route("/topics", get(topic::list))
        .route("/topics/{topic}/{partition}", get(topic::page))
        .route("/topics/{topic}/latest", post(topic::latest))
        .route("/append", post(topic::append).layer(DefaultBodyLimit::max(MAX_APPEND_BYTES)))
        .route("/models", post(work::publish).layer(DefaultBodyLimit::max(MAX_MODEL_BYTES)))
        .route("/sources/{source}/resume", post(work::resume))
        .route("/sources/{source}/{partition}/skip", post(work::skip))
        .route("/verify", post(work::verify))
        .route("/balance", post(work::balance))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&desk), token::check));
    Router::new()
        .route("/livez", get(probe::livez))
        .route("/readyz", get(probe::readyz))
        .route("/metrics", get(probe::numbers))
        .merge(guarded)
        .with_state(desk)
}
