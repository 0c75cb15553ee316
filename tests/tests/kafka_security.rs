//! Encryption and authentication against a real broker: what works, and what is said where it does not.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests: a failure is a panic")]

mod kafka_support;

use kafka::{Kafka, Sasl, Secret, Security, Settings, Tls, Token, Tokens};
use kafka_support::{append, commit, create, fresh, member, poll_until, read_all, settings_at, wait, writer};
use log::{Error, Log, Partition};
use std::path::Path;
use std::process::Command;
use vitals_tests::broker::{Cluster, Options};

const PASSWORD: &str = "correct-horse-battery-staple";

fn keytool(dir: &Path, arguments: &[&str]) {
    let told = Command::new("keytool").args(arguments).current_dir(dir).output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stdout));
}

/// A key for 127.0.0.1 and its certificate, and the certificate of somebody else.
fn certificates() -> tempfile::TempDir {
    let kept = tempfile::tempdir().unwrap();
    let dir = kept.path();
    for name in ["broker", "stranger"] {
        let (store, file) = (format!("{name}.p12"), format!("{name}.pem"));
        let common = ["-alias", name, "-keystore", &store, "-storetype", "PKCS12", "-storepass", PASSWORD];
        let make = ["-genkeypair", "-keyalg", "RSA", "-dname", "CN=127.0.0.1", "-ext", "SAN=ip:127.0.0.1"];
        keytool(dir, &[&make[..], &common].concat());
        keytool(dir, &[&["-exportcert", "-rfc", "-file", &file][..], &common].concat());
    }
    kept
}

fn cluster(certificates: &Path) -> Option<Cluster> {
    const LOGIN: &str = "org.apache.kafka.common.security";
    let jaas = |mechanism: &str, module: &str| {
        let name = format!("listener.name.client.{mechanism}.sasl.jaas.config");
        (name, format!("{LOGIN}.{module};"))
    };
    let plain = format!("plain.PlainLoginModule required user_ada=\"{PASSWORD}\"");
    let mut properties = vec![
        jaas("scram-sha-256", "scram.ScramLoginModule required"),
        jaas("scram-sha-512", "scram.ScramLoginModule required"),
        jaas("plain", &plain),
        jaas(
            "oauthbearer",
            "oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=\"x\"",
        ),
    ];
    let store = certificates.join("broker.p12").display().to_string();
    for (name, value) in [
        ("sasl.enabled.mechanisms", "SCRAM-SHA-256,SCRAM-SHA-512,PLAIN,OAUTHBEARER"),
        ("ssl.keystore.type", "PKCS12"),
        ("ssl.keystore.location", &store),
        ("ssl.keystore.password", PASSWORD),
    ] {
        properties.push((name.to_owned(), value.to_owned()));
    }
    let scram = |mechanism: &str| format!("{mechanism}=[name=ada,password={PASSWORD}]");
    let format = [scram("SCRAM-SHA-256"), scram("SCRAM-SHA-512")]
        .into_iter()
        .flat_map(|user| ["--add-scram".to_owned(), user])
        .collect();
    Cluster::start(&Options { properties, format, protocol: "SASL_SSL", ..Options::default() })
}

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
    if !Cluster::can_start() {
        return;
    }
    let kept = certificates();
    let dir = kept.path();
    let Some(cluster) = cluster(dir) else { return };
    let login = |password: &str| ("ada".to_owned(), Secret::new(password));
    let with = |ca: &str, sasl: Option<Sasl>| {
        let tls = Some(Tls { ca: Some(dir.join(ca)), ..Tls::default() });
        Settings { security: Security { tls, sasl }, ..settings_at(cluster.bootstrap()) }
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
        let log = Kafka::new(with("broker.pem", Some(sasl))).unwrap();
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
    says(with("stranger.pem", Some(scram)), "certificate verify failed");
    for sasl in mechanisms("wrong") {
        says(with("broker.pem", Some(sasl)), "authentication failed");
    }
    let nobody = Tokens::new(|| Err("the token file is empty".to_owned()));
    says(with("broker.pem", Some(Sasl::OauthBearer(nobody))), "the token file is empty");
}
