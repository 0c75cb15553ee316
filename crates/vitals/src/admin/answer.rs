//! What cannot be done, as a status and a sentence; and the way to threads that may block.

use super::Desk;
use super::view::Complaint;
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// Why a request was not answered.
#[derive(Debug)]
pub(super) struct Failed(StatusCode, String);

impl Failed {
    pub(super) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self(status, error.into())
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        (self.0, Json(Complaint { error: self.1 })).into_response()
    }
}

/// By what the caller can do about it.
impl From<anyhow::Error> for Failed {
    fn from(error: anyhow::Error) -> Self {
        let log = error.chain().find_map(|cause| cause.downcast_ref::<log::Error>());
        let invalid = error.downcast_ref::<pipeline::PublishError>();
        let status = match (log, invalid) {
            (_, Some(pipeline::PublishError::Invalid(_))) => StatusCode::UNPROCESSABLE_ENTITY,
            (Some(log::Error::Missing(_)), _) => StatusCode::NOT_FOUND,
            (Some(log::Error::OutOfRange { .. }), _) => StatusCode::RANGE_NOT_SATISFIABLE,
            (Some(log::Error::Busy(_)), _) => StatusCode::SERVICE_UNAVAILABLE,
            (Some(log::Error::Refused(_)), _) => StatusCode::CONFLICT,
            (Some(log::Error::Fatal(_)) | None, _) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, format!("{error:#}"))
    }
}

/// Does something with the log on a thread that may block.
pub(super) async fn at_log<T, F>(desk: Arc<Desk>, work: F) -> Result<Json<T>, Failed>
where
    T: Send + 'static,
    F: FnOnce(&Desk) -> anyhow::Result<T> + Send + 'static,
{
    let ended = |error: &dyn std::fmt::Display| {
        Failed::new(StatusCode::SERVICE_UNAVAILABLE, format!("the server ends: {error}"))
    };
    let done = {
        let place = Arc::clone(&desk);
        let _room = place.room.acquire().await.map_err(|error| ended(&error))?;
        tokio::task::spawn_blocking(move || work(&desk)).await.map_err(|error| ended(&error))?
    };
    Ok(Json(done?))
}
