//! A disk that is full: said by every worker, nothing lost, and over by itself once there is room.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::panic, reason = "tests: a failure is a panic")]

#[path = "../../log/tests/embedded_support/disk.rs"]
mod disk;
mod support;

use disk::Disk;
use pipeline::settings::{Identity, Ingest};
use pipeline::{Progress, Recorded};
use serde_json::json;
use std::os::unix::fs::symlink;
use std::process::Command;
use support::{Place, model, wait_for};

/// A log that is set up on a small disk.
fn place_on(disk: &Disk) -> Place {
    let place = Place::new();
    let data = disk.path().join("data");
    std::fs::create_dir(&data).unwrap();
    symlink(&data, place.path("data")).unwrap();
    place.set_up(Some(&model("b2b.yaml")));
    place
}

fn set_reserve(place: &Place, bytes: &str) {
    let settings = std::fs::read_to_string(place.path("vitals.toml")).unwrap();
    place.write("vitals.toml", &settings.replace("reserve_bytes = 0", &format!("reserve_bytes = {bytes}")));
}

fn lines(from: i64, to: i64) -> String {
    let line = |number: i64| {
        let time = format!("2026-01-01T{:02}:{:02}:00Z", number / 60, number % 60);
        json!({"id": number.to_string(), "time": time, "account": format!("a{}", number % 7), "user": "ada"})
    };
    let lines = (from..to).map(|number| {
        let value = line(number);
        json!({"topic": "vitals.login", "key": "k", "time": value["time"], "value": value}).to_string() + "\n"
    });
    lines.collect()
}

#[test]
fn a_full_disk_is_named_by_both_stages_and_all_goes_on_once_there_is_room() {
    let Some(disk) = Disk::mount("size=300m") else { return };
    let place = place_on(&disk);
    place.feed(["produce"], &lines(0, 300)).fine();
    // All of it is in the journal, and nothing is folded yet.
    let log = place.open_log();
    let mut ingest = Recorded::new(log.clone(), Identity::default(), Ingest::default(), None);
    while ingest.step().unwrap() != Progress::Done {}
    ingest.stop();
    drop(log);
    set_reserve(&place, "150_000_000");
    disk.resize("size=100m");

    let running = place.start();
    for stage in ["ingest", "score"] {
        let full = format!("{stage}: nothing can be committed: directory ");
        let said = wait_for(stage, || Some(running.reasons()).filter(|said| said.contains(&full)));
        assert!(said.contains("make room, it goes on by itself"), "{said}");
    }
    let status = place.run(["status"]);
    assert!(status.status == Some(1) && status.out.contains("make room"), "{status:?}");
    let refused = place.feed(["produce"], &lines(300, 301));
    assert!(refused.status == Some(70) && refused.err.contains("make room"), "{refused:?}");

    disk.resize("size=300m");
    wait_for("readiness", || running.reasons().is_empty().then_some(()));
    place.feed(["produce"], &lines(300, 400)).fine();
    wait_for("the records", || place.is_balanced(400).then_some(()));
    assert_eq!(running.terminate(), Some(0));
    assert!(place.run(["replay", "--verify"]).fine().out.contains("equal, byte for byte"));
}

#[test]
fn a_disk_without_a_byte_left_ends_the_process_with_the_way_out_and_a_restart_has_all() {
    let Some(disk) = Disk::mount("size=300m") else { return };
    let place = place_on(&disk);
    let running = place.start();
    place.feed(["produce"], &lines(0, 300)).fine();
    wait_for("the records", || place.is_balanced(300).then_some(()));
    // As small as it can be: what is to come does not fit.
    let used = Command::new("df").args(["--output=used", "-k"]).arg(disk.path()).output().unwrap();
    let used = String::from_utf8(used.stdout).unwrap();
    disk.resize(&format!("size={}k", used.lines().last().unwrap().trim()));
    let (status, said) = running.end();
    assert_eq!(status, Some(70), "{said}");
    assert!(said.contains("make room"), "{said}");

    disk.resize("size=300m");
    let running = place.start();
    wait_for("readiness", || running.reasons().is_empty().then_some(()));
    place.feed(["produce"], &lines(300, 400)).fine();
    wait_for("all records", || place.is_balanced(400).then_some(()));
    assert_eq!(running.terminate(), Some(0));
    assert!(place.run(["replay", "--verify"]).fine().out.contains("equal, byte for byte"));
}
