//! Who may ask for more than health and metrics: who shows the token.

use super::Desk;
use super::answer::Failed;
use crate::access::to_hex;
use crate::settings::Secret;
use anyhow::{Context, Result};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::fs::File;
use std::io::Read;
use std::sync::Arc;

/// The bytes of a token that is made here.
const BYTES: usize = 24;

/// Lets a request through that shows the token.
pub(super) async fn check(State(desk): State<Arc<Desk>>, request: Request, next: Next) -> Response {
    let shown = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let shown = shown.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    if is_same(shown, desk.token.reveal()) {
        return next.run(request).await;
    }
    let reason = "show the token of `admin.token`, or of the file `admin` in the log's directory, as \
                  `authorization: Bearer …`";
    Failed::new(StatusCode::UNAUTHORIZED, reason).into_response()
}

/// Compares without telling by the time it takes where the first difference is.
fn is_same(shown: &str, token: &str) -> bool {
    let differences = shown.bytes().zip(token.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
    !token.is_empty() && shown.len() == token.len() && differences == 0
}

/// A token that nobody can guess.
pub(crate) fn make() -> Result<Secret> {
    let mut bytes = [0; BYTES];
    let mut source = File::open("/dev/urandom").context("/dev/urandom cannot be opened; set admin.token")?;
    source.read_exact(&mut bytes).context("/dev/urandom cannot be read; set admin.token")?;
    Ok(Secret::new(to_hex(&bytes)))
}

#[cfg(test)]
mod tests {
    use super::{is_same, make};

    #[test]
    fn only_the_whole_token_passes() {
        for (shown, token, passes) in [
            ("abc", "abc", true),
            ("abd", "abc", false),
            ("ab", "abc", false),
            ("abcd", "abc", false),
            ("", "", false),
        ] {
            assert_eq!(is_same(shown, token), passes, "{shown} {token}");
        }
    }

    #[test]
    fn no_two_tokens_are_the_same() {
        let (one, other) = (make().unwrap(), make().unwrap());
        assert_eq!(one.reveal().len(), 48);
        assert_ne!(one, other);
    }
}
