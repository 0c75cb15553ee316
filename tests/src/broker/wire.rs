//! Requests by hand, in the oldest versions that Kafka 4 speaks (kafka.apache.org/protocol).

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const DELETE_TOPICS: i16 = 20;
const DELETE_RECORDS: i16 = 21;
const DELETE_GROUPS: i16 = 42;
const LEAVE_GROUP: i16 = 13;
const API_VERSIONS: i16 = 18;
const CREATE_PARTITIONS: i16 = 37;
const INCREMENTAL_ALTER_CONFIGS: i16 = 44;

const NO_ERROR: i16 = 0;
const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
const UNKNOWN_MEMBER_ID: i16 = 25;
const COORDINATOR_LOAD_IN_PROGRESS: i16 = 14;
const COORDINATOR_NOT_AVAILABLE: i16 = 15;
const NOT_COORDINATOR: i16 = 16;
const NON_EMPTY_GROUP: i16 = 68;
const GROUP_ID_NOT_FOUND: i16 = 69;

/// Milliseconds that a broker may take.
const WITHIN_MS: i32 = 10_000;

#[derive(Default)]
struct Body(Vec<u8>);

impl Body {
    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn i16(self, number: i16) -> Self {
        self.bytes(&number.to_be_bytes())
    }

    fn i32(self, number: i32) -> Self {
        self.bytes(&number.to_be_bytes())
    }

    fn i64(self, number: i64) -> Self {
        self.bytes(&number.to_be_bytes())
    }

    fn text(self, text: &str) -> Self {
        self.i16(i16::try_from(text.len()).unwrap()).bytes(text.as_bytes())
    }
}

fn exchange(address: &str, api: i16, version: i16, body: &Body) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let request = Body::default().i16(api).i16(version).i32(1).text("tests").bytes(&body.0);
    let size = i32::try_from(request.0.len()).unwrap();
    stream.write_all(&Body::default().i32(size).bytes(&request.0).0)?;
    let mut size = [0; 4];
    stream.read_exact(&mut size)?;
    let mut answer = vec![0; u32::from_be_bytes(size) as usize];
    stream.read_exact(&mut answer)?;
    // Behind the number of the request.
    Ok(answer.split_off(4))
}

fn i16_at(answer: &[u8], at: usize) -> i16 {
    i16::from_be_bytes(answer[at..at + 2].try_into().unwrap())
}

/// Whether a broker answers there.
pub(super) fn answers(address: &str) -> bool {
    exchange(address, API_VERSIONS, 0, &Body::default()).is_ok_and(|answer| i16_at(&answer, 0) == NO_ERROR)
}

pub(super) fn create_partitions(address: &str, topic: &str, count: u32) {
    let count = i32::try_from(count).unwrap();
    let body = Body::default().i32(1).text(topic).i32(count).i32(-1).i32(WITHIN_MS).bytes(&[0]);
    let answer = exchange(address, CREATE_PARTITIONS, 0, &body).unwrap();
    // Throttle time, number of topics, the topic's name.
    assert_eq!(i16_at(&answer, 4 + 4 + 2 + topic.len()), NO_ERROR, "CreatePartitions of {topic}");
}

pub(super) fn set_property(address: &str, topic: &str, name: &str, value: &str) {
    // A topic, whose property is set, for good.
    let body = Body::default().i32(1).bytes(&[2]).text(topic).i32(1).text(name).bytes(&[0]).text(value);
    let answer = exchange(address, INCREMENTAL_ALTER_CONFIGS, 0, &body.bytes(&[0])).unwrap();
    // Throttle time, number of topics.
    assert_eq!(i16_at(&answer, 4 + 4), NO_ERROR, "{name}={value} of {topic}");
}

pub(super) fn delete_records(address: &str, topic: &str, partition: u32, offset: i64) {
    let partition = i32::try_from(partition).unwrap();
    let body = Body::default().i32(1).text(topic).i32(1).i32(partition).i64(offset).i32(WITHIN_MS);
    let answer = exchange(address, DELETE_RECORDS, 0, &body).unwrap();
    // Throttle time, number of topics, the topic's name, number of partitions, the partition, its first offset.
    let at = 4 + 4 + 2 + topic.len() + 4 + 4 + 8;
    assert_eq!(i16_at(&answer, at), NO_ERROR, "DeleteRecords of {topic}/{partition} before {offset}");
}

/// The code of each thing in an answer that names it and says one: behind the throttle time, in the order asked.
fn codes(answer: &[u8]) -> Vec<i16> {
    let count = i16_at(answer, 6);
    let mut at = 8;
    (0..count)
        .map(|_| {
            at += 2 + usize::try_from(i16_at(answer, at)).unwrap() + 2;
            i16_at(answer, at - 2)
        })
        .collect()
}

fn texts(names: &[&str]) -> Body {
    let count = i32::try_from(names.len()).unwrap();
    names.iter().fold(Body::default().i32(count), |body, name| body.text(name))
}

/// Deletes the topics that are there, of these.
///
/// # Panics
/// If the broker refuses.
pub fn delete_topics(address: &str, topics: &[&str]) {
    let answer = exchange(address, DELETE_TOPICS, 1, &texts(topics).i32(WITHIN_MS)).unwrap();
    for code in codes(&answer) {
        assert!(matches!(code, NO_ERROR | UNKNOWN_TOPIC_OR_PARTITION), "DeleteTopics of {topics:?}: {code}");
    }
}

/// Deletes the groups that are there, of these, as soon as they have no members, from a cluster of one node.
///
/// # Panics
/// If the broker refuses, or they keep members for two minutes.
pub fn delete_groups(address: &str, groups: &[&str]) {
    let until = Instant::now() + Duration::from_secs(120);
    loop {
        let answer = exchange(address, DELETE_GROUPS, 0, &texts(groups)).unwrap();
        let codes = codes(&answer);
        // The only node is no coordinator as long as there never was a group.
        let gone = |code: &i16| {
            matches!(*code, NO_ERROR | GROUP_ID_NOT_FOUND | COORDINATOR_NOT_AVAILABLE | NOT_COORDINATOR)
        };
        if codes.iter().all(gone) {
            return;
        }
        let waits =
            |code: &i16| gone(code) || matches!(*code, NON_EMPTY_GROUP | COORDINATOR_LOAD_IN_PROGRESS);
        assert!(codes.iter().all(waits) && Instant::now() < until, "DeleteGroups of {groups:?}: {codes:?}");
        std::thread::sleep(Duration::from_millis(500));
    }
}

pub(super) fn leave_group(address: &str, group: &str, instance: &str) -> bool {
    let body = Body::default().text(group).i32(1).text("").text(instance);
    let answer = exchange(address, LEAVE_GROUP, 3, &body).unwrap();
    assert_eq!(i16_at(&answer, 4), NO_ERROR, "LeaveGroup of {group}");
    // It ends with the code of the only member.
    match i16_at(&answer, answer.len() - 2) {
        NO_ERROR => true,
        UNKNOWN_MEMBER_ID => false,
        code => panic!("LeaveGroup of {instance} in {group}: {code}"),
    }
}
