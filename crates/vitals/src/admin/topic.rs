//! Reading topics, and appending activity.

use super::Desk;
use super::answer::{Failed, at_log};
use super::view::Appended;
use crate::access::{Page, Record, Topic};
use crate::line::Entry;
use anyhow::{Context, Result};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use std::sync::Arc;

pub(super) async fn list(State(desk): State<Arc<Desk>>) -> Result<Json<Vec<Topic>>, Failed> {
    at_log(desk, |desk| desk.reading.topics()).await
}

#[derive(Debug, Deserialize)]
pub(super) struct Place {
    offset: i64,
    limit: Option<usize>,
}

pub(super) async fn page(
    State(desk): State<Arc<Desk>>,
    Path((topic, partition)): Path<(String, u32)>,
    Query(place): Query<Place>,
) -> Result<Json<Page>, Failed> {
    let limit = place.limit.unwrap_or(usize::MAX);
    at_log(desk, move |desk| desk.reading.page(&topic, partition, place.offset, limit)).await
}

pub(super) async fn latest(
    State(desk): State<Arc<Desk>>,
    Path(topic): Path<String>,
    key: String,
) -> Result<Json<Option<Record>>, Failed> {
    at_log(desk, move |desk| desk.reading.latest(&topic, &key)).await
}

pub(super) async fn append(State(desk): State<Arc<Desk>>, lines: String) -> Result<Json<Appended>, Failed> {
    let entry = |(number, line): (usize, &str)| -> Result<Entry> {
        let entry = Entry::parse(line).and_then(|entry| entry.check().map(|()| entry));
        entry.with_context(|| format!("line {}", number + 1))
    };
    let filled = lines.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let entries: Result<Vec<Entry>> = filled.map(entry).collect();
    let entries = entries.map_err(|error| Failed::new(StatusCode::BAD_REQUEST, format!("{error:#}")))?;
    at_log(desk, move |desk| {
        desk.writing.blocking_lock().append(&entries)?;
        Ok(Appended { records: entries.len() })
    })
    .await
}
