//! Requests by hand, in the oldest versions that Kafka 4 speaks (kafka.apache.org/protocol).

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const DELETE_RECORDS: i16 = 21;
const LEAVE_GROUP: i16 = 13;
const API_VERSIONS: i16 = 18;
const CREATE_PARTITIONS: i16 = 37;

const NO_ERROR: i16 = 0;
const UNKNOWN_MEMBER_ID: i16 = 25;

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

pub(super) fn delete_records(address: &str, topic: &str, partition: u32, offset: i64) {
    let partition = i32::try_from(partition).unwrap();
    let body = Body::default().i32(1).text(topic).i32(1).i32(partition).i64(offset).i32(WITHIN_MS);
    let answer = exchange(address, DELETE_RECORDS, 0, &body).unwrap();
    // Throttle time, number of topics, the topic's name, number of partitions, the partition, its first offset.
    let at = 4 + 4 + 2 + topic.len() + 4 + 4 + 8;
    assert_eq!(i16_at(&answer, at), NO_ERROR, "DeleteRecords of {topic}/{partition} before {offset}");
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
