//! Encryption and authentication.

use super::Problem;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// A text that nothing prints.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Holds `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

/// How connections are protected. Default: not at all.
#[derive(Clone, Debug, Default)]
pub struct Security {
    /// Encryption.
    pub tls: Option<Tls>,
    /// Authentication.
    pub sasl: Option<Sasl>,
}

/// Encryption. Files are PEM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// Whom to trust. Default: the system's certificates.
    pub ca: Option<PathBuf>,
    /// The client's own certificate, where the brokers ask for one; with `key`.
    pub certificate: Option<PathBuf>,
    /// The key to that certificate.
    pub key: Option<PathBuf>,
    /// The password of the key, if it has one.
    pub key_password: Option<Secret>,
}

/// Authentication.
#[derive(Clone, Debug)]
pub enum Sasl {
    /// User and password as they are; only sensible with TLS.
    Plain {
        /// Who.
        user: String,
        /// The password.
        password: Secret,
    },
    /// SCRAM-SHA-256.
    ScramSha256 {
        /// Who.
        user: String,
        /// The password.
        password: Secret,
    },
    /// SCRAM-SHA-512.
    ScramSha512 {
        /// Who.
        user: String,
        /// The password.
        password: Secret,
    },
    /// OAUTHBEARER with tokens that somebody else fetches.
    OauthBearer(Tokens),
}

/// A token for OAUTHBEARER.
#[derive(Clone, Debug)]
pub struct Token {
    /// The token itself.
    pub value: Secret,
    /// Whom it stands for.
    pub principal: String,
    /// Until when it can be used, ms since the epoch. It is asked for anew at four fifths of that time.
    pub expires_at: i64,
}

type Source = dyn Fn() -> Result<Token, String> + Send + Sync;

/// Where tokens come from. Asked from a thread of the client whenever a new one is needed.
#[derive(Clone)]
pub struct Tokens(Arc<Source>);

impl Tokens {
    /// Tokens from `source`, which says why if there is none; it is asked again after ten seconds then.
    pub fn new(source: impl Fn() -> Result<Token, String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(source))
    }

    pub(crate) fn fetch(&self) -> Result<Token, String> {
        (self.0)()
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens")
    }
}

impl Security {
    pub(super) fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some(tls) = &self.tls
            && tls.certificate.is_some() != tls.key.is_some()
        {
            problems.push(Problem {
                key: "security.tls".to_owned(),
                rule: "certificate and key come together".to_owned(),
            });
        }
        if let Some(tls) = &self.tls {
            for (key, path) in [("ca", &tls.ca), ("certificate", &tls.certificate), ("key", &tls.key)] {
                if let Some(error) = path.as_ref().and_then(|path| std::fs::metadata(path).err()) {
                    problems.push(Problem {
                        key: format!("security.tls.{key}"),
                        rule: format!("cannot be read: {error}"),
                    });
                }
            }
        }
        if let Some(
            Sasl::Plain { user, password }
            | Sasl::ScramSha256 { user, password }
            | Sasl::ScramSha512 { user, password },
        ) = &self.sasl
            && (user.is_empty() || password.reveal().is_empty())
        {
            problems.push(Problem {
                key: "security.sasl".to_owned(),
                rule: "user and password may not be empty".to_owned(),
            });
        }
        problems
    }

    /// The source of tokens, where they are used.
    pub(crate) fn tokens(&self) -> Option<&Tokens> {
        match &self.sasl {
            Some(Sasl::OauthBearer(tokens)) => Some(tokens),
            Some(Sasl::Plain { .. } | Sasl::ScramSha256 { .. } | Sasl::ScramSha512 { .. }) | None => None,
        }
    }

    pub(super) fn properties(&self) -> Vec<(&'static str, String)> {
        let protocol = match (&self.tls, &self.sasl) {
            (None, None) => "plaintext",
            (Some(_), None) => "ssl",
            (None, Some(_)) => "sasl_plaintext",
            (Some(_), Some(_)) => "sasl_ssl",
        };
        let mut all = vec![("security.protocol", protocol.to_owned())];
        if let Some(tls) = &self.tls {
            let path = |path: &PathBuf| path.to_string_lossy().into_owned();
            all.extend(tls.ca.as_ref().map(|ca| ("ssl.ca.location", path(ca))));
            all.extend(tls.certificate.as_ref().map(|own| ("ssl.certificate.location", path(own))));
            all.extend(tls.key.as_ref().map(|key| ("ssl.key.location", path(key))));
            all.extend(tls.key_password.as_ref().map(|word| ("ssl.key.password", word.reveal().to_owned())));
        }
        let mut login = |mechanism: &str, user: &str, password: &Secret| {
            all.push(("sasl.mechanisms", mechanism.to_owned()));
            all.push(("sasl.username", user.to_owned()));
            all.push(("sasl.password", password.reveal().to_owned()));
        };
        match &self.sasl {
            Some(Sasl::Plain { user, password }) => login("PLAIN", user, password),
            Some(Sasl::ScramSha256 { user, password }) => login("SCRAM-SHA-256", user, password),
            Some(Sasl::ScramSha512 { user, password }) => login("SCRAM-SHA-512", user, password),
            Some(Sasl::OauthBearer(_)) => all.push(("sasl.mechanisms", "OAUTHBEARER".to_owned())),
            None => {}
        }
        all
    }
}
