//! What concerns the workers and the journal as a whole.

use super::Desk;
use super::answer::{Failed, at_log};
use super::view::{Balance, ModelName, Skipped, Standing, Verified};
use crate::run::Order;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use model::source::Source;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

pub(super) async fn status(State(desk): State<Arc<Desk>>) -> Json<Standing> {
    Json(desk.board.standing())
}

pub(super) async fn publish(State(desk): State<Arc<Desk>>, text: String) -> Result<Json<ModelName>, Failed> {
    at_log(desk, move |desk| desk.reading.publish(&text).map(|id| ModelName { id })).await
}

pub(super) async fn verify(State(desk): State<Arc<Desk>>) -> Result<Json<Verified>, Failed> {
    at_log(desk, |desk| desk.reading.verify(&mut |_| {})).await
}

pub(super) async fn balance(State(desk): State<Arc<Desk>>) -> Result<Json<Vec<Balance>>, Failed> {
    at_log(desk, |desk| desk.reading.balance()).await
}

pub(super) async fn resume(
    State(desk): State<Arc<Desk>>,
    Path(name): Path<String>,
) -> Result<Json<Value>, Failed> {
    let source = known(&name)?;
    let mut resumed = 0;
    for worker in workers(&desk)? {
        let partitions = ask(worker, |reply| Order::Resume { source, reply }).await?;
        resumed += partitions.map_err(|reason| Failed::new(StatusCode::INTERNAL_SERVER_ERROR, reason))?;
    }
    if resumed == 0 {
        return Err(Failed::new(StatusCode::CONFLICT, format!("source {source} is not stopped")));
    }
    Ok(Json(json!({ "source": source.name(), "partitions": resumed })))
}

pub(super) async fn skip(
    State(desk): State<Arc<Desk>>,
    Path((name, partition)): Path<(String, u32)>,
) -> Result<Json<Skipped>, Failed> {
    let source = known(&name)?;
    for worker in workers(&desk)? {
        let skipped = ask(worker, |reply| Order::Skip { source, partition, reply }).await?;
        let skipped = skipped.map_err(|reason| Failed::new(StatusCode::CONFLICT, reason))?;
        if let Some((from, to)) = skipped {
            return Ok(Json(Skipped { from, to }));
        }
    }
    let reason =
        format!("this process refuses no partition {partition} of source {source} for deleted records");
    Err(Failed::new(StatusCode::CONFLICT, reason))
}

/// Where the ingest workers take orders.
fn workers(desk: &Desk) -> Result<&[mpsc::Sender<Order>], Failed> {
    if desk.orders.is_empty() { Err(gone()) } else { Ok(&desk.orders) }
}

/// Gives a worker an order, and waits for its answer.
async fn ask<T>(
    worker: &mpsc::Sender<Order>,
    order: impl FnOnce(oneshot::Sender<T>) -> Order,
) -> Result<T, Failed> {
    let (reply, answer) = oneshot::channel();
    worker.send(order(reply)).await.map_err(|_| gone())?;
    answer.await.map_err(|_| gone())
}

fn known(name: &str) -> Result<Source, Failed> {
    Source::parse(name).ok_or_else(|| {
        let names: Vec<_> = Source::ALL.iter().map(|source| source.name()).collect();
        let reason = format!("source {name:?} does not exist; choose from {}", names.join(", "));
        Failed::new(StatusCode::NOT_FOUND, reason)
    })
}

fn gone() -> Failed {
    Failed::new(StatusCode::SERVICE_UNAVAILABLE, "no ingest worker is at work")
}
