//! Brokers that stand still, die and come back: what a call then says is true.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests: a failure is a panic")]

mod kafka_support;

use kafka::Kafka;
use kafka_support::{
    append, commit, create, fresh, log_on, member, poll_until, read_all, settings, wait, writer,
};
use log::{CommitError, Committed, Error, Log, Member, OffsetCommit, Partition, Transaction, Writer};
use std::sync::Arc;
use std::time::{Duration, Instant};
use vitals_tests::broker::proxy::END_TXN;
use vitals_tests::broker::{Cluster, Options};

/// How long a request may take to come by.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request that times out may be answered with -1001 and no error: that is no proof of an end.
#[test]
fn a_time_out_is_never_an_answer() {
    let Some(mut cluster) = Cluster::start(&Options::default()) else { return };
    let (log, name) = (log_on(&cluster), fresh("silent"));
    let topic = create(&log, &name, 2);
    let asked = [Arc::clone(&topic)];
    let told = log.ends(&asked).unwrap();
    cluster.node(0).pause();
    for _ in 0..4 {
        let silent = log.ends(&asked);
        assert!(matches!(silent, Err(Error::Busy(_))), "{silent:?}");
        let silent = log.topic(&topic);
        assert!(matches!(silent, Err(Error::Busy(_))), "{silent:?}");
    }
    cluster.node(0).resume();
    let again = wait("the broker", || log.ends(&asked).ok());
    assert!(again.sent_at > told.sent_at);
    assert_eq!(again.topics, told.topics);
}

/// A client that has never been connected: a request for offsets that times out there ended the process, once.
#[test]
fn a_cluster_that_is_down_is_waited_for_and_said_by_name() {
    let Some(mut cluster) = Cluster::start(&Options::default()) else { return };
    let name = fresh("down");
    let first = log_on(&cluster);
    let topic = create(&first, &name, 1);
    let partition = Partition::new(topic.clone(), 0);
    let mut owner = member(&first, &name, "one", &topic);
    poll_until([&mut owner], |[owner]| owner.owned.len() == 1);
    cluster.node(0).kill();
    let log = log_on(&cluster);
    let told = wait("the reason", || {
        let told = log.ends(std::slice::from_ref(&topic)).unwrap_err();
        assert!(matches!(told, Error::Busy(_)), "{told:?}");
        Some(told.to_string()).filter(|told| told.contains("refused"))
    });
    assert!(told.contains(cluster.node(0).address()), "{told}");
    assert!(matches!(log.writer(&name), Err(Error::Busy(_))));
    assert!(matches!(
        log.join(&name, "two", std::slice::from_ref(&topic), log::Isolation::Committed),
        Err(Error::Busy(_))
    ));
    assert!(matches!(log.read(&partition, 0, log::Isolation::Committed), Err(Error::Busy(_))));
    let told = owner.member.committed(std::slice::from_ref(&partition));
    assert!(matches!(told, Err(Error::Busy(_))), "{told:?}");
    cluster.node(0).start_again();
    wait("the cluster", || log.ends(std::slice::from_ref(&topic)).ok());
    commit(&mut writer(&log, &name), &[&append(&partition, &["a"])], &[], None).unwrap();
    assert_eq!(read_all(&log, &partition), ["a"]);
    let told = wait("the offsets", || owner.member.committed(std::slice::from_ref(&partition)).ok());
    assert_eq!(told, [None]);
}

/// Whatever an outcome is called, it is true of the records and of the offset, once the id was taken over.
#[test]
fn the_name_of_an_outcome_is_true_whenever_the_broker_stands_still() {
    const ROUNDS: i64 = 12;
    let Some(mut cluster) = Cluster::start(&Options::default()) else { return };
    let mut own = settings(&cluster);
    own.transaction_timeout = Duration::from_secs(2);
    let (log, name) = (Kafka::new(own).unwrap(), fresh("outcome"));
    let (journal, out) = (create(&log, &name, 1), create(&log, &format!("{name}-out"), 2));
    let shard = Partition::new(journal.clone(), 0);
    let targets = [Partition::new(out.clone(), 0), Partition::new(out, 1)];
    let mut owner = member(&log, &name, "one", &journal);
    poll_until([&mut owner], |[owner]| owner.owned.len() == 1);
    let mut own = writer(&log, &name);
    let mut expected: Vec<String> = Vec::new();
    let mut undisturbed = Duration::ZERO;
    for round in 1..=ROUNDS {
        let standing = wait("a standing", || {
            owner.poll();
            owner.member.membership()
        });
        let text = round.to_string();
        let records = targets.each_ref().map(|target| append(target, &[&text]));
        let offsets = [OffsetCommit { partition: shard.clone(), offset: round, metadata: text.clone() }];
        let began = Instant::now();
        let told = std::thread::scope(|scope| {
            let own = &mut own;
            let commit = scope.spawn(|| {
                let appends: Vec<_> = records.iter().collect();
                own.commit(&Transaction { appends: &appends, offsets: &offsets, membership: Some(&standing) })
            });
            if round > 1 {
                // Somewhere between begin and commit, a little later each time, and longer than a transaction may
                // last.
                std::thread::sleep(undisturbed * u32::try_from(round - 2).unwrap() / 10);
                cluster.node(0).pause();
                std::thread::sleep(Duration::from_secs(5));
                cluster.node(0).resume();
            }
            commit.join().unwrap()
        });
        println!("round {round}: {told:?}");
        if round == 1 {
            undisturbed = began.elapsed();
        }
        if !matches!(told, Ok(_) | Err(CommitError::Aborted { .. })) {
            own = writer(&log, &name);
        }
        let committed = wait("the offset", || {
            owner.poll();
            owner.member.committed(std::slice::from_ref(&shard)).ok()
        });
        let is_there = committed == [Some(Committed { offset: round, metadata: text.clone() })];
        match told {
            Ok(_) => assert!(is_there, "committed, and {committed:?}"),
            Err(CommitError::Aborted { .. } | CommitError::Fenced { .. }) => {
                assert!(!is_there, "not committed, and {committed:?}");
            }
            Err(CommitError::Unknown { .. }) => {}
        }
        if is_there {
            expected.push(text);
        }
        for target in &targets {
            assert_eq!(read_all(&log, target), expected, "{target}");
        }
        assert_eq!(owner.errors, []);
    }
}

/// The request to commit is under way when the broker stands still: nobody knows what becomes of it, and the next
/// holder of the id finds all of it or nothing.
#[test]
fn a_commit_without_an_answer_is_unknown_until_its_id_is_opened_anew() {
    let Some(mut cluster) = Cluster::start(&Options::default()) else { return };
    let mut own = settings(&cluster);
    own.transaction_timeout = Duration::from_secs(4);
    let (log, name) = (Kafka::new(own).unwrap(), fresh("unknown"));
    let (journal, out) = (create(&log, &name, 1), create(&log, &format!("{name}-out"), 1));
    let (shard, target) = (Partition::new(journal.clone(), 0), Partition::new(out, 0));
    let mut owner = member(&log, &name, "one", &journal);
    let mut expected: Vec<String> = Vec::new();
    for round in 1..=3 {
        let text = round.to_string();
        let records = [&append(&target, &[&text])];
        let offsets = [OffsetCommit { partition: shard.clone(), offset: round, metadata: text.clone() }];
        let mut held = wait("the open transaction", || {
            owner.poll();
            let standing = owner.member.membership()?;
            log.hold(
                &name,
                &Transaction { appends: &records, offsets: &offsets, membership: Some(&standing) },
            )
            .ok()
        });
        cluster.node(0).pause();
        let told = held.commit();
        assert!(matches!(told, Err(CommitError::Unknown { .. })), "{told:?}");
        cluster.node(0).resume();
        drop(writer(&log, &name));
        let committed = wait("the offset", || {
            owner.poll();
            owner.member.committed(std::slice::from_ref(&shard)).ok()
        });
        if committed == [Some(Committed { offset: round, metadata: text.clone() })] {
            expected.push(text);
        }
        println!("round {round}: {committed:?}");
        assert_eq!(read_all(&log, &target), expected);
    }
}

/// The connection breaks on which a commit was asked for, and librdkafka asks again by itself and is granted it. The
/// first request arrives after all, while another transaction is open, which it must not commit.
#[test]
fn a_commit_that_arrives_late_ends_no_other_transaction() {
    let options = Options { proxied: true, ..Options::default() };
    let Some(mut cluster) = Cluster::start(&options) else { return };
    let (log, name) = (log_on(&cluster), fresh("late"));
    let partition = Partition::new(create(&log, &name, 1), 0);
    let mut own = writer(&log, &name);
    let mut put = |text| commit(&mut own, &[&append(&partition, &[text])], &[], None);
    put("a").unwrap();
    let proxy = cluster.node(0).proxy();
    let late = proxy.catch(END_TXN, true);
    put("b").unwrap();
    let late = late.recv_timeout(PATIENCE).unwrap();
    let next = proxy.catch(END_TXN, false);
    std::thread::scope(|scope| {
        let told = scope.spawn(|| put("c"));
        let next = next.recv_timeout(PATIENCE).unwrap();
        let answer = late.release();
        // Nobody has committed the open transaction: whoever takes the id over aborts it.
        drop(writer(&log, &name));
        drop(next);
        let told = told.join().unwrap();
        println!("the late commit was told {answer:?}, the open one {told:?}");
        assert!(matches!(told, Err(CommitError::Unknown { .. } | CommitError::Fenced { .. })), "{told:?}");
    });
    assert_eq!(read_all(&log, &partition), ["a", "b"]);
}

/// A client whose session has run out on its side says so with an empty member id, and is told that another has its
/// name: a broker that stood still itself knows the member yet. Nobody else has it.
#[test]
fn a_member_is_not_fenced_by_itself() {
    let Some(mut cluster) = Cluster::start(&Options::default()) else { return };
    let (log, name) = (log_on(&cluster), fresh("itself"));
    let topic = create(&log, &name, 2);
    let mut owner = member(&log, &name, "one", &topic);
    poll_until([&mut owner], |[owner]| owner.owned.len() == 2);
    for _ in 0..4 {
        cluster.node(0).pause();
        // Longer than a session, and the worker is busy elsewhere.
        std::thread::sleep(Duration::from_millis(5_000));
        cluster.node(0).resume();
        std::thread::sleep(Duration::from_millis(1_000));
        poll_until([&mut owner], |[owner]| owner.owned.len() == 2 && owner.member.membership().is_some());
        assert_eq!(owner.errors, []);
    }
    let mut other = member(&log_on(&cluster), &name, "one", &topic);
    poll_until([&mut other], |[other]| other.owned.len() == 2);
    poll_until([&mut owner, &mut other], |[owner, _]| !owner.errors.is_empty());
    assert!(matches!(&owner.errors[0], Error::Fatal(reason) if reason.contains("another process")));
}

/// A broker of three dies: what is committed stays, and all goes on.
#[test]
fn one_broker_of_three_may_die() {
    let Some(mut cluster) = Cluster::start(&Options { nodes: 3, ..Options::default() }) else { return };
    let (log, name) = (log_on(&cluster), fresh("three"));
    let topic = create(&log, &name, 3);
    let partitions: Vec<_> = (0..3).map(|number| Partition::new(topic.clone(), number)).collect();
    let mut own = writer(&log, &name);
    let mut expected = Vec::new();
    for victim in 0..3 {
        for part in ["before", "without", "after"] {
            match part {
                "without" => cluster.node(victim).kill(),
                "after" => cluster.node(victim).start_again(),
                _ => {}
            }
            let text = format!("{part} {victim}");
            let records: Vec<_> = partitions.iter().map(|partition| append(partition, &[&text])).collect();
            let records: Vec<_> = records.iter().collect();
            wait("the commit", || {
                match own.commit(&Transaction { appends: &records, offsets: &[], membership: None }) {
                    Ok(_) => Some(()),
                    Err(CommitError::Aborted { .. }) => None,
                    // Certainly not there: sent again by a new writer.
                    Err(CommitError::Fenced { .. }) => {
                        own = writer(&log, &name);
                        None
                    }
                    Err(CommitError::Unknown { .. }) => {
                        own = writer(&log, &name);
                        let seen = read_all(&log, &partitions[0]);
                        (seen.last() == Some(&text)).then_some(())
                    }
                }
            });
            expected.push(text);
        }
    }
    for partition in &partitions {
        assert_eq!(read_all(&log, partition), expected, "{partition}");
    }
}
