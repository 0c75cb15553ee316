//! Partitions come and go: where one is begun, when it is given up, what a loss and a doubt mean for what waits.

use super::Ingest;
use super::feed::{Feed, Sight};
use super::load::Load;
use super::told::Told;
use super::trail::{REBUILD, Trail};
use crate::commit::Resolution;
use crate::failure::{ANEW, Failure, Progress, later, started};
use crate::metadata;
use crate::refusal::Cure;
use crate::settings::Rebuild;
use crate::topic;
use crate::variant::Variant;
use log::{Cleanup, Committed, Ends, Log, Member, Partition};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

impl<L: Log, V: Variant> Ingest<L, V> {
    /// Starts assigned partitions where their committed offsets say.
    pub(super) fn start_waiting(&mut self) -> Result<(), Failure> {
        self.try_again();
        let (Some(member), Some(model)) = (&mut self.member, &self.model) else { return Ok(()) };
        if self.waiting.is_empty() {
            return Ok(());
        }
        let Some(told) = Told::read(&mut self.told, &self.log)? else { return Ok(()) };
        let rebuild = self.settings.rebuild;
        let partitions: Vec<Partition> = self.waiting.iter().cloned().collect();
        // Asked for once the journal is read, they know at least as much.
        let Some(mut committed) = later(member.committed(&partitions))? else { return Ok(()) };
        if !told.reaches(&self.log, &partitions, &committed)? {
            return Ok(());
        }
        let mut older: BTreeMap<Partition, Failure> = BTreeMap::new();
        match told.judge(&mut self.short, &partitions, &committed) {
            Some(short) => older.extend(short),
            // Some of it may have been told since the journal was read.
            None => {
                self.told = None;
                return Ok(());
            }
        }
        for (partition, committed) in partitions.iter().zip(&mut committed) {
            if older.contains_key(partition) {
                continue;
            }
            let told = committed.as_ref().and_then(|committed| told.refusal(partition, committed));
            match told.filter(|_| !V::OFFSETS_TRUSTED) {
                // A rebuild finds the place without it.
                Some(_) if rebuild == Rebuild::Yes => *committed = None,
                Some(reason) => {
                    let refused = Failure::refused(partition, reason, REBUILD);
                    older.insert(partition.clone(), refused);
                }
                None => {}
            }
        }
        let topics: Vec<Arc<str>> = partitions.iter().map(|partition| Arc::clone(&partition.topic)).collect();
        let Some(round) = later(self.log.ends(&topics))? else { return Ok(()) };
        let lost = partitions.iter().zip(&committed).filter(|(_, committed)| committed.is_none());
        let lost: Vec<Partition> = lost.map(|(partition, _)| partition.clone()).collect();
        if !lost.is_empty() && self.trail.is_none() {
            self.trail = Trail::open(&self.log, &lost, rebuild)?;
        }
        let is_read = match &mut self.trail {
            Some(trail) if !lost.is_empty() => trail.step()?,
            _ => false,
        };
        for ((partition, committed), ends) in partitions.into_iter().zip(committed).zip(&round.topics) {
            let Some(ends) = ends.get(partition.number as usize).copied() else { continue };
            let left = match (&self.trail, &committed) {
                (Some(trail), None) if is_read => trail.end(&partition, &model.plan, rebuild),
                // The others need not wait for what those without an offset have left.
                (_, None) => continue,
                (_, Some(_)) => Ok(None),
            };
            let begun = match left {
                Ok(None) => begin(&partition, committed, ends, metadata::DELETE),
                Ok(Some(feed)) => {
                    within(&partition, feed, ends, "the offset up to which it was taken in").map(Some)
                }
                Err(failure) => Err(failure),
            };
            let older = older.remove(&partition).filter(|_| begun.is_ok());
            let begun = older.map_or(begun, Err);
            let mut feed = match begun {
                Ok(Some(mut feed)) => {
                    // The ends of a recorded run that did not come to them are over.
                    feed.kept.end = None;
                    feed
                }
                Ok(None) => continue,
                Err(failure @ Failure::Refused { .. }) => {
                    let (reason, now) = (failure.to_string(), self.log.now());
                    self.refusals.is_due(&partition, &reason, Cure::Possible, now);
                    self.waiting.remove(&partition);
                    self.refused.insert(partition);
                    continue;
                }
                Err(failure) => return Err(failure),
            };
            self.committer.pass(feed.kept.stamp);
            feed.meet(ends.first);
            if V::GONE_PASSED {
                feed.pass();
            }
            if let Some(first) = feed.behind {
                let offset = feed.next;
                tracing::error!(%partition, offset, first, "records were deleted before they were read; refused");
            }
            if !feed.rests() {
                match started(member.start(&partition, feed.start())) {
                    Ok(true) => {}
                    // What went since the ends were asked for is found when they are asked for again.
                    Ok(false) | Err(Failure::Log(log::Error::OutOfRange { .. })) => continue,
                    Err(failure) => return Err(failure),
                }
            }
            self.waiting.remove(&partition);
            if feed.is_proved() {
                self.refusals.forget(&partition);
            }
            self.feeds.insert(partition, feed);
        }
        if self.waiting.is_empty() {
            (self.told, self.trail) = (None, None);
        }
        Ok(())
    }

    /// Lets partitions that were refused wait to be begun, from time to time.
    fn try_again(&mut self) {
        let now = self.log.now();
        for partition in std::mem::take(&mut self.refused) {
            let reason = self.refusals.reason(&partition).unwrap_or_default().to_owned();
            let is_due = self.refusals.is_due(&partition, &reason, Cure::Possible, now);
            let place = if is_due { &mut self.waiting } else { &mut self.refused };
            place.insert(partition);
        }
    }

    /// Pauses everything; the group is still served.
    pub(super) fn hold(&mut self) {
        if let Some(member) = self.member.as_mut().filter(|_| !self.held && !V::TAKES_IN_DOUBT) {
            self.feeds.keys().for_each(|partition| member.pause(partition));
        }
        self.held = true;
    }

    /// Lets everything that is held go on where it was.
    pub(super) fn go_on(&mut self) -> Result<(), Failure> {
        let Some(member) = self.member.as_mut().filter(|_| self.held) else { return Ok(()) };
        for (partition, feed) in &self.feeds {
            let stays = !feed.rests() && !self.leaving.contains(partition);
            if stays && !V::TAKES_IN_DOUBT {
                match started(member.start(partition, feed.start())) {
                    Ok(true) => {}
                    Ok(false) => return Ok(()),
                    Err(failure) => return self.meet(failure).map(drop),
                }
            }
        }
        self.held = false;
        Ok(())
    }

    /// Serves the group while nothing can be taken in.
    pub(super) fn serve(&mut self) -> Result<Progress, Failure> {
        self.poll(Duration::ZERO)
    }

    /// Finds out what became of the transaction in doubt.
    pub(super) fn resolve(&mut self) -> Result<Progress, Failure> {
        let now = self.log.now();
        let Some(member) = &mut self.member else { return Ok(Progress::Idle) };
        // Of those that were lost, the others know as well.
        let ours: Vec<Partition> =
            self.sending.iter().filter(|partition| self.feeds.contains_key(*partition)).cloned().collect();
        match self.committer.resolve(member, &ours, metadata::Source::stamp)? {
            Resolution::Later => return self.serve(),
            Resolution::Committed if !ours.is_empty() => self.is_committed(now),
            // What waits holds entries of all its partitions: with one gone it cannot be sent again.
            Resolution::Aborted if ours.len() == self.sending.len() => {}
            Resolution::Committed | Resolution::Aborted | Resolution::Mixed => self.start_over(),
        }
        Ok(Progress::Worked)
    }

    /// Drops all that is not committed, and reads it again.
    fn start_over(&mut self) {
        if let Some(load) = &mut self.load {
            load.clear();
        }
        self.sending.clear();
        // What these have told is younger than what was read.
        self.told = None;
        let all = std::mem::take(&mut self.feeds).into_keys();
        self.waiting.extend(all.filter(|partition| !self.leaving.contains(partition)));
        if let Some(member) = &mut self.member {
            self.waiting.iter().for_each(|partition| member.pause(partition));
        }
    }

    pub(super) fn revoke(&mut self, partitions: Vec<Partition>) {
        for partition in &partitions {
            self.waiting.remove(partition);
            self.refused.remove(partition);
            self.refusals.forget(partition);
        }
        self.leaving.extend(partitions);
    }

    pub(super) fn lose(&mut self, partitions: &[Partition]) {
        for partition in partitions {
            self.waiting.remove(partition);
            self.refused.remove(partition);
            self.refusals.forget(partition);
            self.leaving.remove(partition);
            self.feeds.remove(partition);
        }
        // Frames mix partitions, so what waits cannot be sent without what was lost.
        if !self.committer.is_in_doubt() && !V::LOAD_KEPT {
            self.start_over();
        }
    }

    /// Gives up what was revoked, once nothing of it waits.
    pub(super) fn let_go(&mut self) {
        if self.leaving.is_empty() {
            return;
        }
        let waits =
            self.leaving.iter().any(|partition| self.feeds.get(partition).is_some_and(|feed| feed.touched));
        let load = self.load.as_ref().is_none_or(Load::is_empty);
        // What has no membership cannot be committed: the next owner reads it again.
        let hopeless = self.member.as_ref().is_none_or(|member| member.membership().is_none());
        if (waits || !load) && !hopeless {
            return;
        }
        if hopeless {
            self.start_over();
        }
        let leaving: Vec<Partition> = std::mem::take(&mut self.leaving).into_iter().collect();
        for partition in &leaving {
            self.feeds.remove(partition);
        }
        if let Some(member) = &mut self.member {
            member.release(&leaving);
        }
    }
}

/// A feed as its committed offset and metadata tell; whether what it reads next is still there, it does not know.
pub(super) fn begin(
    partition: &Partition,
    committed: Option<Committed>,
    ends: Ends,
    way_out: &str,
) -> Result<Option<Feed>, Failure> {
    let Some(source) = topic::source_of(&partition.topic) else { return Ok(None) };
    let Some(committed) = committed else {
        return Ok(Some(Feed::new(source, partition.number, ends.first, metadata::Source::default())));
    };
    let kept = metadata::Source::read(&committed.metadata)
        .ok_or_else(|| Failure::refused(partition, metadata::foreign(&committed.metadata), way_out))?;
    let feed = Feed::new(source, partition.number, committed.offset, kept);
    within(partition, feed, ends, "its committed offset").map(Some)
}

/// Whether the topic of a feed is the one that was read before, by what was seen of it; `None` if that is not known yet.
pub(super) fn is_same<L: Log>(
    log: &L,
    topic: &str,
    feed: &mut Feed,
    sight: Sight,
) -> Result<Option<bool>, Failure> {
    match sight {
        Sight::Same => Ok(Some(true)),
        Sight::Other => Ok(Some(false)),
        Sight::Gone => {
            let Some(spec) = later(log.topic(topic))? else { return Ok(None) };
            // Of a topic that is compacted any record may go.
            let is_compacted = spec.is_some_and(|spec| spec.cleanup == Cleanup::Compact);
            if is_compacted {
                feed.do_without();
            }
            Ok(Some(is_compacted))
        }
    }
}

/// The refusal of a feed whose topic has another record where the one stood that was read last.
pub(super) fn foreign(partition: &Partition, feed: &Feed) -> Failure {
    let at = feed.kept.last.map_or(feed.next, |last| last.offset);
    let reason = format!(
        "the record that was read last, at offset {at}, is not there any more: the topic was truncated or made anew"
    );
    Failure::refused(partition, reason, ANEW)
}

/// Refuses a feed that is beyond the end of its topic. `what`: what tells where it goes on.
fn within(partition: &Partition, feed: Feed, ends: Ends, what: &str) -> Result<Feed, Failure> {
    if feed.next <= ends.end {
        return Ok(feed);
    }
    let (next, end) = (feed.next, ends.end);
    let reason = format!("{what} {next} is beyond the end of the topic at {end}: the topic was made anew");
    Err(Failure::refused(partition, reason, ANEW))
}
