//! A process of the simulated cluster: the log as it sees it.

use super::member::Member;
use super::partition::Cursor;
use super::reader::Reader;
use super::state::{ProcessId, State};
use super::writer::Writer;
use crate::{Ends, Error, Isolation, Log, Partition, Result, Round, TopicSpec};
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

/// One process's handle of the cluster. Of no use once the process is dead.
#[derive(Clone)]
pub struct Simulated {
    pub(super) state: Rc<RefCell<State>>,
    pub(super) process: ProcessId,
}

impl fmt::Debug for Simulated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulated").field("process", &self.process).finish_non_exhaustive()
    }
}

impl Log for Simulated {
    type Member = Member;
    type Reader = Reader;
    type Writer = Writer;

    fn now(&self) -> i64 {
        self.state.borrow_mut().clock(self.process)
    }

    fn topic(&self, topic: &str) -> Result<Option<TopicSpec>> {
        let mut state = self.state.borrow_mut();
        state.query(self.process)?;
        Ok(state.names.get(topic).map(|index| state.topics[*index].spec.clone()))
    }

    fn create(&self, spec: &TopicSpec) -> Result<()> {
        let mut state = self.state.borrow_mut();
        state.query(self.process)?;
        state.create(spec)
    }

    fn ends(&self, topics: &[Arc<str>]) -> Result<Round> {
        let mut state = self.state.borrow_mut();
        state.query(self.process)?;
        let sent_at = state.clock(self.process);
        let mut told = Vec::with_capacity(topics.len());
        for name in topics {
            let topic = &state.topics[state.topic(name)?];
            told.push(
                topic.partitions.iter().map(|store| Ends { first: store.first, end: store.end }).collect(),
            );
        }
        Ok(Round { sent_at, topics: told })
    }

    fn join(&self, group: &str, instance: &str, topics: &[Arc<str>], isolation: Isolation) -> Result<Member> {
        let group = {
            let mut state = self.state.borrow_mut();
            state.query(self.process)?;
            for topic in topics {
                state.topic(topic)?;
            }
            state.group(group)
        };
        Ok(Member::new(&self.state, self.process, (group, instance), topics, isolation))
    }

    fn read(&self, partition: &Partition, offset: i64, isolation: Isolation) -> Result<Reader> {
        let mut state = self.state.borrow_mut();
        state.query(self.process)?;
        let place = state.place(partition).ok_or_else(|| Error::Missing(partition.to_string()))?;
        state.in_range(place, partition, offset)?;
        let cursor = Cursor::new(offset, isolation);
        let partition = partition.clone();
        Ok(Reader { state: Rc::clone(&self.state), process: self.process, partition, place, cursor })
    }

    fn writer(&self, id: &str) -> Result<Writer> {
        let mut state = self.state.borrow_mut();
        state.query(self.process)?;
        let epoch = state.take_over(id)?;
        Ok(Writer {
            state: Rc::clone(&self.state),
            process: self.process,
            id: id.to_owned(),
            epoch,
            spent: None,
        })
    }
}
