//! Saying who we are.

use std::path::Path;

use async_imap::{Authenticator, Client};

use super::connect::{Session, Stream};
use super::dialogue::Failure;
use super::{ImapConfig, Login, Trouble};

/// No token is longer; something else was named.
const MOST_TOKEN: usize = 16 * 1024;

/// Logs in.
pub(super) async fn login(client: Client<Stream>, config: &ImapConfig) -> Result<Session, Trouble> {
    let user = config.username.as_str();
    let session = match &config.login {
        // LOGIN has no way to say other letters (RFC 3501 section 6.2.3).
        Login::Password(password) if user.is_ascii() && password.reveal().is_ascii() => {
            client.login(user, password.reveal()).await
        }
        Login::Password(password) => {
            let said = format!("\0{user}\0{}", password.reveal());
            client.authenticate("PLAIN", Once { first: Some(said), then: "" }).await
        }
        Login::XOAuth2(file) => {
            let said = format!("user={user}\x01auth=Bearer {}\x01\x01", token(file)?);
            client.authenticate("XOAUTH2", Once { first: Some(said), then: "" }).await
        }
        Login::OAuthBearer(file) => {
            let (host, port, token) = (&config.host, config.port, token(file)?);
            let name = user.replace('=', "=3D").replace(',', "=2C");
            let said = format!("n,a={name},\x01host={host}\x01port={port}\x01auth=Bearer {token}\x01\x01");
            client.authenticate("OAUTHBEARER", Once { first: Some(said), then: "\x01" }).await
        }
    };
    session.map_err(|(error, _)| match Failure::of(&error) {
        // Whatever the server says may name the account.
        Failure::Refused(_) => Trouble("the server refuses the login".to_owned()),
        failure @ Failure::Lost(_) => failure.trouble("no login"),
    })
}

/// Says one thing. What a server asks after that is why it refuses, and it waits for `then` before it says no.
struct Once {
    first: Option<String>,
    then: &'static str,
}

impl Authenticator for Once {
    type Response = String;

    fn process(&mut self, _: &[u8]) -> String {
        self.first.take().unwrap_or_else(|| self.then.to_owned())
    }
}

/// The token in a file, read at each login: whoever renews it writes it there.
fn token(file: &Path) -> Result<String, Trouble> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Trouble(format!("the file with the token cannot be read: {}", error.kind())))?;
    let token = text.trim();
    // What RFC 6750 section 2.1 lets be in one. Anything else could say more than a token.
    if token.is_empty() || token.len() > MOST_TOKEN || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Trouble("the file with the token does not hold one line with a token".to_owned()));
    }
    Ok(token.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_word_on_one_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("token");
        assert!(token(&file).is_err(), "there is no file");
        for (text, read) in [("ya29.a-b\n", Some("ya29.a-b")), ("", None), ("a b", None), ("a\nb", None)] {
            std::fs::write(&file, text).expect("a file");
            assert_eq!(token(&file).ok().as_deref(), read, "{text:?}");
        }
    }

    #[test]
    fn a_refusal_is_answered_with_what_ends_it() {
        let mut xoauth2 = Once { first: Some("user=…".to_owned()), then: "" };
        assert_eq!(xoauth2.process(b""), "user=…");
        assert_eq!(xoauth2.process(b"{\"status\":\"400\"}"), "");
    }
}
