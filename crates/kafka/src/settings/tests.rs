use super::{Sasl, Secret, Security, Settings, Tls};

fn settings() -> Settings {
    Settings::plain(["127.0.0.1:9092".to_owned()])
}

fn keys(settings: &Settings) -> Vec<String> {
    settings.check().unwrap_err().0.into_iter().map(|problem| problem.key).collect()
}

#[test]
fn the_defaults_are_valid() {
    assert_eq!(settings().check(), Ok(()));
}

#[test]
fn a_broker_is_a_host_and_a_port() {
    for broker in ["", "kafka", "kafka:", ":9092", "kafka:0", "kafka:99999", "a:1,b:2"] {
        let settings = Settings::plain([broker.to_owned()]);
        assert_eq!(keys(&settings), ["bootstrap"], "{broker:?}");
    }
    assert_eq!(keys(&Settings::default()), ["bootstrap"]);
    assert_eq!(Settings::plain(["[::1]:9092".to_owned()]).check(), Ok(()));
}

#[test]
fn all_problems_are_told_at_once_with_key_and_rule() {
    let mut settings = settings();
    settings.consumer.insert("isolation.level".to_owned(), "read_uncommitted".to_owned());
    settings.consumer.insert("fetch.min.byte".to_owned(), "1".to_owned());
    settings.producer.insert("linger.ms".to_owned(), "soon".to_owned());
    settings.topic.insert("cleanup.policy".to_owned(), "delete".to_owned());
    let problems = settings.check().unwrap_err();
    assert_eq!(
        keys(&settings),
        ["consumer.fetch.min.byte", "consumer.isolation.level", "producer.linger.ms", "topic.cleanup.policy"]
    );
    let text = problems.to_string();
    assert!(text.contains("No such configuration property"), "{text}");
    assert!(text.contains("would be folded twice"), "{text}");
    assert!(text.contains("linger.ms"), "{text}");
}

#[test]
fn what_the_promises_stand_on_may_not_be_set() {
    for name in [
        "enable.auto.commit",
        "enable.idempotence",
        "acks",
        "group.instance.id",
        "auto.offset.reset",
        "enable.partition.eof",
        "transactional.id",
        "max.in.flight",
        "partition.assignment.strategy",
    ] {
        let mut settings = settings();
        settings.client.insert(name.to_owned(), "true".to_owned());
        let problems = settings.check().unwrap_err().0;
        assert!(problems[0].rule.starts_with("may not be set: "), "{name}: {problems:?}");
    }
}

#[test]
fn properties_that_contradict_each_other_are_found_without_a_connection() {
    let mut settings = settings();
    settings.consumer.insert("session.timeout.ms".to_owned(), "400000".to_owned());
    let text = settings.check().unwrap_err().to_string();
    assert!(text.contains("max.poll.interval.ms"), "{text}");
}

#[test]
fn certificates_are_read_before_anything_is_connected() {
    let mut settings = settings();
    settings.security.tls = Some(Tls { ca: Some("/nowhere/ca.pem".into()), ..Tls::default() });
    assert_eq!(keys(&settings), ["security.tls.ca"]);
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    settings.security.tls = Some(Tls { ca: Some(own.into()), ..Tls::default() });
    let text = settings.check().unwrap_err().to_string();
    assert!(text.contains("ssl.ca.location"), "{text}");
    settings.security.tls = Some(Tls { certificate: Some(own.into()), ..Tls::default() });
    assert_eq!(keys(&settings), ["security.tls"]);
}

#[test]
fn every_mechanism_can_be_set_and_no_secret_is_printed() {
    let password = || Secret::new("correct horse");
    let user = || "ada".to_owned();
    for sasl in [
        Sasl::Plain { user: user(), password: password() },
        Sasl::ScramSha256 { user: user(), password: password() },
        Sasl::ScramSha512 { user: user(), password: password() },
        Sasl::OauthBearer(super::Tokens::new(|| Err("none yet".to_owned()))),
    ] {
        for tls in [None, Some(Tls::default())] {
            let security = Security { tls, sasl: Some(sasl.clone()) };
            let settings = Settings { security, ..settings() };
            assert_eq!(settings.check(), Ok(()));
            assert!(!format!("{settings:?}").contains("horse"));
        }
    }
}

#[test]
fn both_codecs_are_there() {
    for codec in ["lz4", "zstd"] {
        let mut settings = settings();
        settings.producer.insert("compression.codec".to_owned(), codec.to_owned());
        assert_eq!(settings.check(), Ok(()), "{codec}");
    }
}
