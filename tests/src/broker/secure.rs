//! A node behind TLS and SASL, with access control: `ada` may do everything, `eve` nothing.

use super::{Cluster, Options};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The password of both users.
pub const PASSWORD: &str = "correct-horse-battery-staple";

/// A cluster of one node, and the certificates that it takes.
#[derive(Debug)]
pub struct Secure {
    cluster: Cluster,
    kept: TempDir,
}

fn keytool(dir: &Path, arguments: &[&str]) {
    let told = Command::new("keytool").args(arguments).current_dir(dir).output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stdout));
}

/// A key for 127.0.0.1 and its certificate, and the certificate of somebody else.
fn certificates() -> TempDir {
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

impl Secure {
    /// Starts it. `None` if this machine lacks what it takes; then the reason was said.
    ///
    /// # Panics
    /// As [`Cluster::start`].
    #[must_use]
    pub fn start() -> Option<Self> {
        const LOGIN: &str = "org.apache.kafka.common.security";
        // Java's tool for keys comes with what a broker needs.
        if !Cluster::can_start() {
            return None;
        }
        let kept = certificates();
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
        let store = kept.path().join("broker.p12").display().to_string();
        for (name, value) in [
            ("sasl.enabled.mechanisms", "SCRAM-SHA-256,SCRAM-SHA-512,PLAIN,OAUTHBEARER"),
            ("ssl.keystore.type", "PKCS12"),
            ("ssl.keystore.location", &store),
            ("ssl.keystore.password", PASSWORD),
            ("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer"),
            // Nodes speak to each other, and tests to a node from outside, as nobody.
            ("super.users", "User:ada;User:ANONYMOUS"),
        ] {
            properties.push((name.to_owned(), value.to_owned()));
        }
        let scram = |user: &str, mechanism: &str| format!("{mechanism}=[name={user},password={PASSWORD}]");
        let format =
            [scram("ada", "SCRAM-SHA-256"), scram("ada", "SCRAM-SHA-512"), scram("eve", "SCRAM-SHA-512")]
                .into_iter()
                .flat_map(|user| ["--add-scram".to_owned(), user])
                .collect();
        let options = Options { properties, format, protocol: "SASL_SSL", ..Options::default() };
        Some(Self { cluster: Cluster::start(&options)?, kept })
    }

    /// The cluster.
    #[must_use]
    pub const fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The certificate that the node shows, PEM.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.kept.path().join("broker.pem")
    }

    /// The certificate of somebody else, PEM.
    #[must_use]
    pub fn stranger(&self) -> PathBuf {
        self.kept.path().join("stranger.pem")
    }
}
