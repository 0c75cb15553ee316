//! Encryption and authentication against a real broker: what works, and what is said where it does not.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests: a failure is a panic")]

mod kafka_support;

use kafka::{Kafka, Sasl, Secret, Security, Settings, Tls, Token, Tokens};
use kafka_support::{append, commit, create, fresh, member, poll_until, read_all, settings_at, wait, writer};
use log::{Error, Log, Partition};
use std::path::PathBuf;
use vitals_tests::broker::{PASSWORD, Secure};

/// base64url without padding (RFC 4648, 5).
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let number =
            chunk.iter().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            text.push(char::from(LETTERS[(number >> (18 - 6 * place) & 63) as usize]));
        }
    }
    text
}

/// A token without a signature, as a broker without a key set takes it.
fn tokens() -> Tokens {
    Tokens::new(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let claims = format!(r#"{{"sub":"ada","iat":{now},"exp":{}}}"#, now + 600);
        let value = format!("{}.{}.", base64(br#"{"alg":"none"}"#), base64(claims.as_bytes()));
        let expires_at = i64::try_from(now + 600).unwrap() * 1_000;
        Ok(Token { value: Secret::new(value), principal: "ada".to_owned(), expires_at })
    })
}

#[test]
fn every_mechanism_works_over_tls_and_what_is_wrong_is_said_without_secrets() {
    let Some(secure) = Secure::start() else { return };
    let login = |password: &str| ("ada".to_owned(), Secret::new(password));
    let with = |ca: PathBuf, sasl: Option<Sasl>| {
        let tls = Some(Tls { ca: Some(ca), ..Tls::default() });
        Settings { security: Security { tls, sasl }, ..settings_at(secure.cluster().bootstrap()) }
    };
    let mechanisms = |password: &str| {
        let [(user, password)] = [login(password)];
        [
            Sasl::Plain { user: user.clone(), password: password.clone() },
            Sasl::ScramSha256 { user: user.clone(), password: password.clone() },
            Sasl::ScramSha512 { user, password },
        ]
    };
    for sasl in mechanisms(PASSWORD).into_iter().chain([Sasl::OauthBearer(tokens())]) {
        let log = Kafka::new(with(secure.certificate(), Some(sasl))).unwrap();
        let name = fresh("secure");
        let topic = create(&log, &name, 1);
        let partition = Partition::new(topic.clone(), 0);
        commit(&mut writer(&log, &name), &[&append(&partition, &["a"])], &[], None).unwrap();
        assert_eq!(read_all(&log, &partition), ["a"]);
        let mut owner = member(&log, &name, "one", &topic);
        poll_until([&mut owner], |[owner]| owner.owned.len() == 1);
    }
    let says = |settings: Settings, words: &str| {
        let log = Kafka::new(settings).unwrap();
        let told = wait(words, || {
            let told = log.ends(&["nothing".into()]).unwrap_err();
            assert!(matches!(told, Error::Busy(_)), "{told:?}");
            Some(told.to_string()).filter(|told| told.to_lowercase().contains(words))
        });
        assert!(!told.contains(PASSWORD) && !format!("{log:?}").contains(PASSWORD), "{told}");
    };
    let [_, scram, _] = mechanisms(PASSWORD);
    says(with(secure.stranger(), Some(scram)), "certificate verify failed");
    for sasl in mechanisms("wrong") {
        says(with(secure.certificate(), Some(sasl)), "authentication failed");
    }
    let nobody = Tokens::new(|| Err("the token file is empty".to_owned()));
    says(with(secure.certificate(), Some(Sasl::OauthBearer(nobody))), "the token file is empty");
}
