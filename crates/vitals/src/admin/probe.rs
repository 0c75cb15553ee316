//! Health and metrics: what machines ask for, without a token.

use super::Desk;
use super::view::{Alive, Ready};
use crate::metrics;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use std::sync::Arc;

pub(super) async fn livez(State(desk): State<Arc<Desk>>) -> Json<Alive> {
    Json(Alive { instance: desk.board.standing().instance, pid: std::process::id() })
}

pub(super) async fn readyz(State(desk): State<Arc<Desk>>) -> (StatusCode, Json<Ready>) {
    let reasons = desk.board.standing().reasons;
    let ready = reasons.is_empty();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Ready { ready, reasons }))
}

pub(super) async fn numbers(State(desk): State<Arc<Desk>>) -> impl IntoResponse {
    let text = metrics::render(&desk.board.standing());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text)
}
