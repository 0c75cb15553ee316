//! A consumer of one partition, without a group.

use crate::attendant::{Said, attend};
use crate::error::{explain, of_topic};
use crate::feed::{Feed, Next};
use crate::member::isolation_level;
use crate::native::{Failure, Handle, List, Queue, Role, number};
use crate::shared::{Shared, out_of_range};
use log::{Batch, Error, Event, Isolation, Partition, Result};
use std::sync::Arc;
use std::time::Duration;

/// librdkafka wants a group's name of whoever assigns; no broker hears it.
const NO_GROUP: &str = "vitals-reader";

/// A consumer of one partition.
#[derive(Debug)]
pub struct Reader {
    // Messages and queues go before their client.
    feed: Feed,
    events: Queue,
    handle: Arc<Handle>,
    shared: Arc<Shared>,
    said: Said,
    partition: Partition,
    /// Its position is out of range, and where the log lies is not known yet.
    outside: Option<i64>,
    /// What every further poll says.
    failed: Option<Error>,
}

impl Reader {
    pub(crate) fn open(
        shared: &Arc<Shared>,
        partition: &Partition,
        offset: i64,
        isolation: Isolation,
    ) -> Result<Self> {
        shared.check_range(partition, offset)?;
        let failed = |failure: Failure| Error::Fatal(explain("reader", &failure, None));
        let level = [("isolation.level", isolation_level(isolation))];
        let handle = shared.client(Role::Consumer, NO_GROUP, &level).map_err(failed)?;
        let mut feed = Feed::new(&handle);
        feed.attach(partition);
        let mut list = List::new(1);
        list.push(&partition.topic, number(partition.number), offset, None);
        handle.assign(&list).map_err(failed)?;
        feed.insert_running(partition, offset);
        let (events, shared) = (handle.main_queue(), Arc::clone(shared));
        let (partition, said) = (partition.clone(), Said::default());
        Ok(Self { feed, events, handle, shared, said, partition, outside: None, failed: None })
    }

    fn outside(&mut self, offset: i64) -> Error {
        self.outside = Some(offset);
        match self.shared.ends_of(&self.partition) {
            Ok(ends) => {
                let error = out_of_range(&self.partition, offset, ends);
                self.failed = Some(error.clone());
                error
            }
            Err(error) => error,
        }
    }
}

impl log::Reader for Reader {
    fn poll(&mut self, batch: &mut Batch, wait: Duration) -> Result<Event> {
        batch.clear();
        let tokens = self.shared.settings.security.tokens();
        while self
            .events
            .serve(Duration::ZERO, |event| drop(attend(event, &self.handle, &self.said, tokens)))
            .is_some()
        {}
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        if let Some(offset) = self.outside {
            return Err(self.outside(offset));
        }
        match self.feed.next(batch, wait) {
            None => Ok(Event::Idle),
            Some(Next::Event(event)) => {
                self.said.well();
                Ok(event)
            }
            Some(Next::OutOfRange(_, offset)) => Err(self.outside(offset)),
            Some(Next::Failed(partition, failure)) => {
                Err(of_topic(&partition.topic, &failure, self.said.trouble().as_deref()))
            }
        }
    }
}
