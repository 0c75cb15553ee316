//! The binary against a Kafka behind TLS, SCRAM and access control: it does its whole job, what is wrong is said once and
//! with a way out, and no password is seen anywhere.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests: a failure is a panic")]

#[path = "support/recorded.rs"]
#[allow(dead_code, reason = "one run is compared with no other")]
mod recorded;
mod support;

use recorded::{assert_exact, count, oulad_lines, outputs};
use std::path::Path;
use support::{Place, Said, model};
use vitals_tests::broker::{PASSWORD, Secure};

/// Every so manyth student of OULAD is taken.
const PART: u64 = 256;

/// A place whose log is on the cluster, for a user who says this password.
fn place(secure: &Secure, user: &str, ca: &Path, password: &str) -> Place {
    let place = Place::new();
    place.write("password", &format!("{password}\n"));
    let bootstrap = secure.cluster().bootstrap().join(",");
    let text = format!(
        "[log]\nkind = 'kafka'\n[kafka]\nbootstrap = '{bootstrap}'\nprotocol = 'sasl_ssl'\n\
         user = '{user}'\npassword_file = 'password'\nca_file = '{}'\n\
         [topics]\npartitions = 2\nsource_partitions = 1\n[admin]\nlisten = '127.0.0.1:0'\n",
        ca.display()
    );
    place.write("vitals.toml", &text);
    place
}

/// Says nothing of the password.
fn discreet(said: Said) -> Said {
    assert!(!said.out.contains(PASSWORD) && !said.err.contains(PASSWORD), "{said:?}");
    said
}

/// Fails with these words, and some more.
fn assert_told(said: Said, words: &[&str]) {
    let said = discreet(said);
    assert_eq!(said.status, Some(70), "{said:?}");
    for word in words {
        assert!(said.err.contains(word), "{word}: {said:?}");
    }
}

#[test]
fn the_whole_job_is_done_behind_tls_and_scram_and_no_secret_is_told() {
    let Some(secure) = Secure::start() else { return };
    let ada = place(&secure, "ada", &secure.certificate(), PASSWORD);
    let yaml = model("oulad.yaml");
    discreet(ada.run(["setup", "--model", yaml.to_str().unwrap()])).fine();
    discreet(ada.feed(["produce"], &oulad_lines(PART))).fine();
    let run = ada.run(["--set", "trace.filter=debug", "run", "--mode", "recorded"]);
    discreet(run).fine();
    assert_exact(&ada);
    assert!(count(&outputs(&ada), "health") > 100);
    for command in [&["config", "show"][..], &["status"], &["status", "--json"], &["model", "show"]] {
        discreet(ada.run(command)).fine();
    }

    let eve = place(&secure, "eve", &secure.certificate(), PASSWORD);
    for command in [&["setup"][..], &["produce"], &["status"]] {
        assert_told(eve.feed(command, "{\"topic\": \"vitals.login\", \"value\": {}}\n"), &["uthoriz"]);
    }
    let wrong = place(&secure, "ada", &secure.certificate(), "wrong");
    assert_told(wrong.run(["status"]), &["uthentication failed", "check the user"]);
    let stranger = place(&secure, "ada", &secure.stranger(), PASSWORD);
    assert_told(stranger.run(["status"]), &["certificate verify failed", "`ca_file`"]);
}
