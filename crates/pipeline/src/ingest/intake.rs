//! What is done with one source record, in live and in recorded time alike: decode, check, route.

use super::feed::Feed;
use super::load::Load;
use crate::settings;
use log::{Partition, Record};
use model::plan::Plan;
use wire::activity::{Decoder, Limits};
use wire::reason::{Excerpt, Reason};

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Its source goes on.
    On,
    /// Too many of its source's records are rejected: the source stops.
    Stop,
}

/// Takes in records.
#[derive(Debug)]
pub(crate) struct Intake {
    decoder: Decoder,
    settings: settings::Ingest,
}

impl Intake {
    pub(crate) fn new(settings: settings::Ingest) -> Self {
        let limits = Limits { max_record_bytes: settings.max_record_bytes };
        Self { decoder: Decoder::new(limits), settings }
    }

    /// The time of the activity in a record, if it is one that [`Intake::take`] accepts.
    pub(crate) fn time(&mut self, feed: &Feed, record: &Record<'_>, plan: &Plan) -> Option<i64> {
        let activity = self.decoder.decode(feed.source, feed.number, record.offset, record.value?).ok()?;
        let skew = plan.sources[feed.source.index()].max_skew;
        Some(activity.time.0).filter(|time| time.saturating_sub(record.stamp) <= skew)
    }

    /// Takes in a record: an entry, a dead letter or nothing; counted in any case.
    pub(crate) fn take(
        &mut self,
        partition: &Partition,
        record: &Record<'_>,
        plan: &Plan,
        feed: &mut Feed,
        load: &mut Load,
        now: i64,
    ) -> Taken {
        feed.count(record, now);
        let Some(value) = record.value else {
            feed.kept.skipped += 1;
            return Taken::On;
        };
        let rules = &plan.sources[feed.source.index()];
        let decoded = self.decoder.decode(feed.source, feed.number, record.offset, value);
        let checked = decoded.and_then(|activity| {
            let ahead = activity.time.0.saturating_sub(record.stamp);
            if ahead > rules.max_skew {
                return Err(Reason::TimeInFuture { by_ms: ahead - rules.max_skew });
            }
            Ok(activity)
        });
        match checked {
            Ok(activity) => {
                feed.accept(record.offset, activity.time.0, rules);
                load.accept(&activity);
                Taken::On
            }
            Err(reason) => {
                load.reject(partition, record, &reason);
                tracing::trace!(%partition, offset = record.offset, %reason, "record rejected");
                if feed.reject(now, self.settings.stop_in_a_row, self.settings.stop_share_of) {
                    feed.kept.stopped = true;
                    let reason = Excerpt::of(&reason.to_string());
                    tracing::error!(%partition, %reason, "too many records rejected in a row or of all; the source is stopped");
                    return Taken::Stop;
                }
                Taken::On
            }
        }
    }
}
