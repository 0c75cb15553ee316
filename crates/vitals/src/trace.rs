//! Events of this process, to standard error.

use crate::settings::{Trace, TraceFormat};
use anyhow::{Context, Result};
use std::io;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// Begins to write them.
pub(crate) fn start(settings: &Trace, default: &str) -> Result<()> {
    let filter = if settings.filter.is_empty() { default } else { &settings.filter };
    let filter: Targets = filter.parse().context("the filter of events")?;
    let layer = fmt::layer().with_writer(io::stderr);
    let layer = match settings.format {
        TraceFormat::Text => layer.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).boxed(),
        TraceFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry().with(layer.with_filter(filter)).try_init().context("tracing cannot begin")
}
