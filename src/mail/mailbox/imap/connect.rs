//! From a host name to a connection on which we are logged in: TCP, TLS, greeting, login.

use std::fmt;
use std::time::Duration;

use async_imap::imap_proto::{Capability, Response, Status};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls;
use tokio_rustls::rustls::pki_types::ServerName;

use super::dialogue::{Failure, run};
use super::login::login;
use super::{ImapConfig, Open, Trouble};
use crate::mail::smtp::{TlsMode, trusting};

/// More than any server says before TLS.
const MOST_BEFORE_TLS: usize = 64 * 1024;

/// What a dialogue goes over.
pub(super) trait Talk: AsyncRead + AsyncWrite + Unpin + Send + Sync + fmt::Debug {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send + Sync + fmt::Debug> Talk for S {}

pub(super) type Stream = Box<dyn Talk>;
pub(super) type Session = async_imap::Session<Stream>;

/// Connects and logs in, each step in its time.
pub(super) async fn connect(config: &ImapConfig) -> Result<Open, Trouble> {
    let patience = config.patience;
    let tcp = step(patience, "the server cannot be reached", async {
        Ok(TcpStream::connect((config.host.as_str(), config.port)).await?)
    })
    .await?;
    let tls = "no trustworthy TLS connection";
    let (stream, is_greeted): (Stream, bool) = match config.tls {
        TlsMode::None => {
            // The name was checked by the configuration; `localhost` may still be another machine.
            if !tcp.peer_addr().is_ok_and(|peer| peer.ip().is_loopback()) {
                return Err(Trouble("refusing to log in without TLS to another machine".to_owned()));
            }
            (Box::new(tcp), false)
        }
        TlsMode::Implicit => (step(patience, tls, handshake(config, tcp)).await?, false),
        TlsMode::StartTls => {
            let tcp = step(patience, "STARTTLS", ask_for_tls(tcp)).await?;
            (step(patience, tls, handshake(config, tcp)).await?, true)
        }
    };
    let mut client = async_imap::Client::new(stream);
    if !is_greeted {
        step(patience, "no greeting", async {
            match client.read_response().await? {
                Some(greeting) if is_welcome(greeting.parsed()) => Ok(()),
                Some(_) => Err(Failure::lost("the server does not want to be spoken to")),
                None => Err(Failure::lost("the server hung up")),
            }
        })
        .await?;
    }
    let Ok(session) = timeout(patience, login(client, config)).await else {
        return Err(Trouble("no login: the server does not answer".to_owned()));
    };
    let mut session = session?;
    let (mut idles, mut moves) = (false, false);
    step(
        patience,
        "what the server can do is not known",
        run(&mut session, "CAPABILITY", |response| {
            if let Response::Capabilities(offered) = response {
                for offer in offered {
                    if let Capability::Atom(word) = offer {
                        idles |= word.eq_ignore_ascii_case("IDLE");
                        moves |= word.eq_ignore_ascii_case("MOVE");
                    }
                }
            }
        }),
    )
    .await?;
    Ok(Open { session, idles, moves })
}

fn is_welcome(greeting: &Response<'_>) -> bool {
    matches!(greeting, Response::Data { status: Status::Ok, .. })
}

/// One step of a dialogue, in its time.
async fn step<T>(
    limit: Duration,
    what: &str,
    doing: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Trouble> {
    match timeout(limit, doing).await {
        Ok(result) => result.map_err(|failure| failure.trouble(what)),
        Err(_) => Err(Failure::lost("the server does not answer").trouble(what)),
    }
}

async fn handshake(config: &ImapConfig, tcp: TcpStream) -> Result<Stream, Failure> {
    let set_up = |error: &dyn fmt::Display| Failure::Lost(error.to_string());
    let client = trusting(config.ca_file.as_deref()).map_err(|error| set_up(&error))?;
    let name = ServerName::try_from(config.host.clone()).map_err(|error| set_up(&error))?;
    let stream = TlsConnector::from(client).connect(name, tcp).await;
    match stream {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) => Err(match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(reason) => Failure::Lost(reason.to_string()),
            None => error.into(),
        }),
    }
}

/// Speaks in the clear until the server is ready for a handshake. What it says is read byte by byte, so that nothing
/// said in the clear is heard as if it had been protected.
async fn ask_for_tls(mut tcp: TcpStream) -> Result<TcpStream, Failure> {
    let greeting = line(&mut tcp).await?;
    if !greeting.to_ascii_uppercase().starts_with("* OK") {
        return Err(Failure::lost("the server does not want to be spoken to"));
    }
    tcp.write_all(b"T1 STARTTLS\r\n").await?;
    loop {
        let answer = line(&mut tcp).await?.to_ascii_uppercase();
        if answer.starts_with("T1 OK") {
            return Ok(tcp);
        }
        if answer.starts_with("T1 ") {
            return Err(Failure::lost("the server offers no TLS, and no login is sent in the clear"));
        }
    }
}

async fn line(tcp: &mut TcpStream) -> Result<String, Failure> {
    let mut raw = Vec::new();
    while !raw.ends_with(b"\n") {
        raw.push(tcp.read_u8().await?);
        if raw.len() > MOST_BEFORE_TLS {
            return Err(Failure::lost("a line without end"));
        }
    }
    Ok(String::from_utf8_lossy(&raw).into_owned())
}
