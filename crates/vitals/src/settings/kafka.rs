//! How Kafka is reached: from our keys to the settings of the crate `kafka`.

use super::Secret;
use super::load::read_bounded;
use super::problem::Problem;
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use kafka::{Sasl, Security, Tls, Token, Tokens};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The greatest file that holds a secret, in bytes.
const MAX_SECRET_BYTES: u64 = 64 << 10;

/// What can be set of Kafka.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Kafka {
    /// Brokers to begin with, with commas between.
    pub(crate) bootstrap: String,
    /// Encryption and authentication of connections.
    pub(crate) protocol: Protocol,
    /// How to authenticate, where the protocol asks for it.
    pub(crate) mechanism: Mechanism,
    /// Who.
    pub(crate) user: String,
    /// The password.
    pub(crate) password: Secret,
    /// A file that holds the password, in place of it.
    pub(crate) password_file: PathBuf,
    /// A file that holds a JSON web token, for OAUTHBEARER.
    pub(crate) token_file: PathBuf,
    /// Certificates to trust; the system's if empty.
    pub(crate) ca_file: PathBuf,
    /// The client's own certificate.
    pub(crate) certificate_file: PathBuf,
    /// The key to it.
    pub(crate) key_file: PathBuf,
    /// The password of the key.
    pub(crate) key_password: Secret,
    /// Replicas of topics that are created; 0 for the cluster's default.
    pub(crate) replication: u32,
    /// How long a request may wait for its answer.
    pub(crate) answer_within: Duration,
    /// After what time the broker gives up on a transaction.
    pub(crate) transaction_timeout: Duration,
    /// librdkafka properties of every client, of consumers, of producers; Kafka properties of new topics.
    pub(crate) properties: [BTreeMap<String, String>; 4],
}

/// The tables of [`Kafka::properties`], in that order.
pub(crate) const TABLES: [&str; 4] = ["client", "consumer", "producer", "topic"];

/// How connections are protected, in the words of Kafka's `security.protocol`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Not at all.
    Plaintext,
    /// Encrypted.
    Ssl,
    /// Authenticated.
    SaslPlaintext,
    /// Both.
    SaslSsl,
}

/// How to authenticate, in the words of Kafka's `sasl.mechanism`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mechanism {
    /// User and password as they are.
    Plain,
    /// SCRAM with SHA-256.
    ScramSha256,
    /// SCRAM with SHA-512.
    ScramSha512,
    /// Tokens.
    OauthBearer,
}

/// Without properties, since some hold passwords.
impl fmt::Debug for Kafka {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Kafka");
        shown.field("bootstrap", &self.bootstrap).field("protocol", &self.protocol).finish_non_exhaustive()
    }
}

impl Default for Kafka {
    fn default() -> Self {
        let default = kafka::Settings::default();
        Self {
            bootstrap: "localhost:9092".to_owned(),
            protocol: Protocol::Plaintext,
            mechanism: Mechanism::ScramSha512,
            user: String::new(),
            password: Secret::default(),
            password_file: PathBuf::new(),
            token_file: PathBuf::new(),
            ca_file: PathBuf::new(),
            certificate_file: PathBuf::new(),
            key_file: PathBuf::new(),
            key_password: Secret::default(),
            replication: 0,
            answer_within: default.answer_within,
            transaction_timeout: default.transaction_timeout,
            properties: Default::default(),
        }
    }
}

impl Kafka {
    /// The table and the name of a librdkafka or topic property, if `key` is one.
    pub(super) fn property(key: &str) -> Option<(usize, &str)> {
        let (table, name) = key.strip_prefix("kafka.")?.split_once('.')?;
        Some((TABLES.iter().position(|known| *known == table)?, name))
    }

    /// Every property that is set: table, name and value; `None` for a value that may not be shown.
    pub(crate) fn shown(&self) -> impl Iterator<Item = (&'static str, &str, Option<&str>)> {
        TABLES.into_iter().zip(&self.properties).flat_map(|(table, properties)| {
            properties.iter().map(move |(name, value)| (table, &**name, is_public(name).then_some(&**value)))
        })
    }

    /// All that is wrong, by our keys. Nothing is connected.
    pub(super) fn problems(&self) -> Vec<Problem> {
        match self.put_together().map(|settings| settings.check()) {
            Ok(Ok(())) => Vec::new(),
            Ok(Err(kafka::Invalid(problems))) => problems.into_iter().map(problem).collect(),
            Err(problems) => problems,
        }
    }

    /// The settings of the client library, which checks them when it takes them. Files of secrets are read.
    ///
    /// # Errors
    /// What is wrong before it comes to that.
    pub(crate) fn put_together(&self) -> Result<kafka::Settings, Vec<Problem>> {
        let idle = self.idle();
        if !idle.is_empty() {
            return Err(idle);
        }
        let security = Security { tls: self.tls(), sasl: self.sasl().map_err(|problem| vec![problem])? };
        let [client, consumer, producer, topic] = self.properties.clone();
        Ok(kafka::Settings {
            bootstrap: self.bootstrap.split(',').map(|broker| broker.trim().to_owned()).collect(),
            security,
            client,
            consumer,
            producer,
            topic,
            replication: u16::try_from(self.replication).ok().filter(|count| *count > 0),
            answer_within: self.answer_within,
            transaction_timeout: self.transaction_timeout,
            ..kafka::Settings::default()
        })
    }

    /// What is set and would have no effect: somebody believes that it has.
    fn idle(&self) -> Vec<Problem> {
        let has_sasl = matches!(self.protocol, Protocol::SaslPlaintext | Protocol::SaslSsl);
        let has_tls = matches!(self.protocol, Protocol::Ssl | Protocol::SaslSsl);
        let file = |path: &PathBuf| !path.as_os_str().is_empty();
        let without = |key: &str, others: &str| {
            let rule = "has no effect under this kafka.protocol".to_owned();
            wrong(key, rule, &format!("set kafka.protocol to {others}, or leave it out"))
        };
        let sasl = [
            ("kafka.user", !self.user.is_empty()),
            ("kafka.password", !self.password.is_empty()),
            ("kafka.password_file", file(&self.password_file)),
            ("kafka.token_file", file(&self.token_file)),
        ];
        let tls = [
            ("kafka.ca_file", file(&self.ca_file)),
            ("kafka.certificate_file", file(&self.certificate_file)),
            ("kafka.key_file", file(&self.key_file)),
            ("kafka.key_password", !self.key_password.is_empty()),
        ];
        let sasl = sasl.into_iter().filter(|(_, set)| *set && !has_sasl);
        let tls = tls.into_iter().filter(|(_, set)| *set && !has_tls);
        let mut problems: Vec<Problem> =
            sasl.map(|(key, _)| without(key, "`sasl_ssl` or `sasl_plaintext`")).collect();
        problems.extend(tls.map(|(key, _)| without(key, "`ssl` or `sasl_ssl`")));
        if !self.password.is_empty() && file(&self.password_file) {
            let rule = "stands beside kafka.password_file".to_owned();
            problems.push(wrong("kafka.password", rule, "leave one of them out"));
        }
        problems
    }

    fn tls(&self) -> Option<Tls> {
        let file = |path: &PathBuf| Some(path.clone()).filter(|path| !path.as_os_str().is_empty());
        let secret = |secret: &Secret| (!secret.is_empty()).then(|| kafka::Secret::new(secret.reveal()));
        matches!(self.protocol, Protocol::Ssl | Protocol::SaslSsl).then(|| Tls {
            ca: file(&self.ca_file),
            certificate: file(&self.certificate_file),
            key: file(&self.key_file),
            key_password: secret(&self.key_password),
        })
    }

    fn sasl(&self) -> Result<Option<Sasl>, Problem> {
        if matches!(self.protocol, Protocol::Plaintext | Protocol::Ssl) {
            return Ok(None);
        }
        if self.mechanism == Mechanism::OauthBearer {
            let path = self.token_file.clone();
            token(&path)
                .map_err(|rule| wrong("kafka.token_file", rule, "name a file with a JSON web token"))?;
            return Ok(Some(Sasl::OauthBearer(Tokens::new(move || token(&path)))));
        }
        let password = if self.password_file.as_os_str().is_empty() {
            self.password.reveal().to_owned()
        } else {
            let fix = "name a file that holds the password and nothing else";
            read(&self.password_file).map_err(|rule| wrong("kafka.password_file", rule, fix))?
        };
        let (user, password) = (self.user.clone(), kafka::Secret::new(password));
        Ok(Some(match self.mechanism {
            Mechanism::Plain => Sasl::Plain { user, password },
            Mechanism::ScramSha256 => Sasl::ScramSha256 { user, password },
            Mechanism::ScramSha512 | Mechanism::OauthBearer => Sasl::ScramSha512 { user, password },
        }))
    }
}

/// Whether the value of a property may be shown.
fn is_public(name: &str) -> bool {
    let words = ["password", "passphrase", "secret", "pem", "credential", "token", "private", "oauthbearer"];
    !words.iter().any(|word| name.contains(word))
}

fn wrong(key: &str, rule: String, fix: &str) -> Problem {
    Problem {
        key: key.to_owned(),
        value: None,
        place: "settings together".to_owned(),
        rule,
        fix: fix.to_owned(),
    }
}

/// What the client library finds wrong, by our keys.
fn problem(found: kafka::Problem) -> Problem {
    let (key, fix) = match found.key.as_str() {
        "security.tls" => ("kafka.certificate_file".to_owned(), "give both of them, or neither"),
        "security.tls.ca" => ("kafka.ca_file".to_owned(), "name a file that can be read"),
        "security.tls.certificate" => ("kafka.certificate_file".to_owned(), "name a file that can be read"),
        "security.tls.key" => ("kafka.key_file".to_owned(), "name a file that can be read"),
        "security.sasl" => {
            ("kafka.user".to_owned(), "set kafka.user and kafka.password or kafka.password_file")
        }
        other => (format!("kafka.{other}"), "correct it, or leave it out"),
    };
    wrong(&key, found.rule, fix)
}

/// The text of a file of a secret, without the line break at its end.
fn read(path: &Path) -> Result<String, String> {
    let shown = path.display();
    if path.exists() && !path.is_file() {
        return Err(format!("{shown} is not a plain file"));
    }
    let text = read_bounded(path, MAX_SECRET_BYTES).map_err(|rule| format!("{shown} {rule}"))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// The claims of a token that its user needs (RFC 7519, section 4.1).
#[derive(serde::Deserialize)]
struct Claims {
    sub: Option<String>,
    /// Seconds since the epoch.
    exp: i64,
}

/// Reads a token; who refreshes the file need not tell us.
fn token(path: &Path) -> Result<Token, String> {
    let text = read(path)?;
    let claims =
        claims(&text).ok_or_else(|| format!("{} is not a JSON web token with `exp`", path.display()))?;
    let expires_at = claims.exp.saturating_mul(1_000);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    if i128::from(expires_at) <= i128::try_from(now).unwrap_or(0) {
        return Err(format!("the token in {} has expired", path.display()));
    }
    Ok(Token { value: kafka::Secret::new(text), principal: claims.sub.unwrap_or_default(), expires_at })
}

fn claims(token: &str) -> Option<Claims> {
    let mut parts = token.split('.');
    let (_, body, _) = (parts.next()?, parts.next()?, parts.next()?);
    // RFC 7515 leaves out the padding; who writes it all the same is understood.
    let body = BASE64_URL_SAFE_NO_PAD.decode(body.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&body).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_known_by_their_tables() {
        assert_eq!(Kafka::property("kafka.consumer.fetch.min.bytes"), Some((1, "fetch.min.bytes")));
        assert_eq!(Kafka::property("kafka.consumers.fetch.min.bytes"), None);
        assert_eq!(Kafka::property("kafka.bootstrap"), None);
        assert!(!is_public("sasl.oauthbearer.client.secret"));
        assert!(!is_public("sasl.oauthbearer.assertion.private.key.passphrase"));
        assert!(is_public("fetch.min.bytes"));
    }

    #[test]
    fn what_the_promises_stand_on_cannot_be_set() {
        let mut kafka = Kafka::default();
        kafka.properties[1].insert("isolation.level".to_owned(), "read_uncommitted".to_owned());
        kafka.properties[0].insert("no.such.property".to_owned(), "1".to_owned());
        let keys: Vec<String> = kafka.problems().into_iter().map(|problem| problem.key).collect();
        assert_eq!(keys, ["kafka.client.no.such.property", "kafka.consumer.isolation.level"]);
    }

    #[test]
    fn a_password_may_stand_in_a_file_and_is_shown_nowhere() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("password");
        std::fs::write(&path, "s3cret\n").unwrap();
        let kafka = Kafka {
            protocol: Protocol::SaslPlaintext,
            user: "vitals".to_owned(),
            password_file: path,
            ..Kafka::default()
        };
        let built = kafka.put_together().unwrap();
        let Some(Sasl::ScramSha512 { password, .. }) = &built.security.sasl else { panic!() };
        assert_eq!(password.reveal(), "s3cret");
        assert!(!format!("{built:?}{kafka:?}").contains("s3cret"));
        let missing = Kafka { password_file: dir.path().join("none"), ..kafka };
        assert_eq!(missing.problems()[0].key, "kafka.password_file");
    }

    #[test]
    fn what_would_have_no_effect_is_a_problem() {
        let kafka = Kafka { user: "vitals".to_owned(), ca_file: "ca.pem".into(), ..Kafka::default() };
        let keys: Vec<String> = kafka.problems().into_iter().map(|problem| problem.key).collect();
        assert_eq!(keys, ["kafka.user", "kafka.ca_file"]);
    }

    #[test]
    fn a_token_says_whose_it_is_and_until_when() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        // {"sub":"vitals","exp":4102444800}
        std::fs::write(&path, "e30.eyJzdWIiOiJ2aXRhbHMiLCJleHAiOjQxMDI0NDQ4MDB9.c2ln\n").unwrap();
        let read = token(&path).unwrap();
        assert_eq!((read.principal.as_str(), read.expires_at), ("vitals", 4_102_444_800_000));
        std::fs::write(&path, "e30.eyJleHAiOjF9.c2ln").unwrap();
        assert!(token(&path).unwrap_err().contains("has expired"));
        std::fs::write(&path, "nothing").unwrap();
        assert!(token(&path).unwrap_err().contains("not a JSON web token"));
    }
}
