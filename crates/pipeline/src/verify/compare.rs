//! Effects as the fold gives them, against what stands.

use super::Verification;
use super::refold::Sheet;
use super::standing::{Line, Order, Standing};
use crate::failure::Failure;
use engine::effect::{Effect, EffectId, Sink};
use engine::entry::Position;
use log::Reader;
use std::collections::{BTreeMap, BTreeSet};
use wire::output::{Encoder, Journal, Output};

/// Compares effects as the fold gives them.
pub(super) struct Comparer<'a, R> {
    encoder: &'a mut Encoder,
    journal: Journal,
    standing: [Standing<R>; 3],
    cut: Position,
    /// The effect that was given last.
    last: Option<Order>,
    /// The latest of each key of the compacted topic: its id, as given and as it stands.
    latest: BTreeMap<Vec<u8>, (String, String)>,
    result: &'a mut Verification,
    failure: Option<Failure>,
}

/// The latest record of a key that does not stand.
pub(super) struct Latest {
    pub(super) key: Vec<u8>,
    given: String,
    stands: String,
}

impl Latest {
    pub(super) fn say(&self) -> String {
        let Self { key, given, stands } = self;
        let key = String::from_utf8_lossy(key);
        format!("missing: {given}, the latest of {key:?}; the topic has {stands:?}")
    }
}

impl<'a, R: Reader> Comparer<'a, R> {
    pub(super) const fn new(
        encoder: &'a mut Encoder,
        partition: u32,
        standing: [Standing<R>; 3],
        cut: Position,
        result: &'a mut Verification,
    ) -> Self {
        let journal = Journal { epoch: 0, partition };
        let latest = BTreeMap::new();
        Self { encoder, journal, standing, cut, last: None, latest, result, failure: None }
    }

    fn compare(&mut self, place: usize, line: &Line) -> Result<(), Failure> {
        let compacted = place == 2;
        if compacted {
            self.latest.entry(line.key.clone()).or_default().0.clone_from(&line.id);
        }
        loop {
            let standing = &mut self.standing[place];
            if standing.peek()?.is_none_or(|stands| stands.order > line.order) {
                self.miss(compacted, line);
                return Ok(());
            }
            let Some(stands) = standing.next()? else { continue };
            if stands.order < line.order {
                self.is_extra(&stands);
                continue;
            }
            if compacted {
                self.latest.entry(stands.key.clone()).or_default().1.clone_from(&stands.id);
            }
            if stands == *line {
                self.result.compared += 1;
            } else {
                self.result.different += 1;
                self.result.differ(|| {
                    let text = |line: &Line| {
                        String::from_utf8_lossy(line.value.as_deref().unwrap_or_default()).into_owned()
                    };
                    format!("different: {}\n  journal: {}\n  topic:   {}", line.id, text(line), text(&stands))
                });
            }
            return Ok(());
        }
    }

    fn miss(&mut self, compacted: bool, line: &Line) {
        if compacted {
            // Whether it may be gone is known once all is given.
            self.result.superseded += 1;
            return;
        }
        self.result.missing += 1;
        self.result.differ(|| format!("missing: {} of {:?}", line.id, String::from_utf8_lossy(&line.key)));
    }

    fn is_extra(&mut self, stands: &Line) {
        self.result.extra += 1;
        self.result.differ(|| format!("extra: {} of {:?}", stands.id, String::from_utf8_lossy(&stands.key)));
    }

    /// Whether a record that the fold did not give up to the cut is one that it gives later: the cut may lie in the
    /// midst of an entry.
    fn is_later(&self, stands: &Line) -> bool {
        let Some((offset, entry, index)) = stands.order else { return false };
        let in_cut = (offset, entry) == (self.cut.offset, self.cut.entry);
        let given = self.last.filter(|last| (last.0, last.1) == (offset, entry));
        self.cut.minute != Position::DONE && in_cut && given.is_none_or(|last| index > last.2)
    }

    /// All is given. Returns the keys of the compacted topic whose latest record does not stand.
    pub(super) fn finish(mut self) -> Result<Vec<Latest>, Failure> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        for place in 0..self.standing.len() {
            while let Some(stands) = self.standing[place].next()? {
                if !self.is_later(&stands) {
                    self.is_extra(&stands);
                }
            }
        }
        let gone = self.latest.into_iter().filter(|(_, (given, stands))| given != stands);
        Ok(gone.map(|(key, (given, stands))| Latest { key, given, stands }).collect())
    }
}

impl<R: Reader> Sheet for Comparer<'_, R> {
    fn begin(&mut self, epoch: u32) {
        self.journal.epoch = epoch;
    }
}

impl<R: Reader> Sink for Comparer<'_, R> {
    fn effect(&mut self, id: EffectId, effect: &Effect<'_>) {
        if self.failure.is_some() {
            return;
        }
        let record = self.encoder.encode(self.journal, id, effect);
        let headers = record.headers.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.to_vec()));
        let order = (id.offset, id.entry, id.index);
        let line = Line {
            id: format!(
                "{}-{}-{}-{}-{}",
                self.journal.epoch, self.journal.partition, id.offset, id.entry, id.index
            ),
            order: Some(order),
            key: record.key.to_vec(),
            value: record.value.map(<[u8]>::to_vec),
            headers: headers.collect(),
        };
        let place = match record.output {
            Output::Health => 0,
            Output::Alerts => 1,
            Output::AccountHealth => 2,
        };
        self.last = Some(order);
        self.failure = self.compare(place, &line).err();
    }
}

/// Takes note of the keys of the compacted topic that have a record.
pub(super) struct Keys<'a> {
    encoder: &'a mut Encoder,
    journal: Journal,
    keys: BTreeSet<Vec<u8>>,
}

impl<'a> Keys<'a> {
    pub(super) const fn new(encoder: &'a mut Encoder, partition: u32) -> Self {
        Self { encoder, journal: Journal { epoch: 0, partition }, keys: BTreeSet::new() }
    }

    pub(super) fn finish(self) -> BTreeSet<Vec<u8>> {
        self.keys
    }
}

impl Sheet for Keys<'_> {
    fn begin(&mut self, epoch: u32) {
        self.journal.epoch = epoch;
    }
}

impl Sink for Keys<'_> {
    fn effect(&mut self, id: EffectId, effect: &Effect<'_>) {
        let record = self.encoder.encode(self.journal, id, effect);
        if record.output == Output::AccountHealth {
            self.keys.insert(record.key.to_vec());
        }
    }
}
