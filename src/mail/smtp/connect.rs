//! From a host name to a connection that is ready for MAIL: TCP, TLS, greeting, login.
//!
//! The stream is ours, for three reasons. lettre leaves Nagle's algorithm on, which costs some 40 ms a
//! mail; it knows no deadlines; and its STARTTLS keeps bytes that arrived in the clear and reads them as
//! if they had been protected. Here the dialogue before TLS is read byte by byte, so nothing said in
//! the clear outlives the handshake: what an attacker adds becomes part of it, and spoils it.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use lettre::transport::smtp::authentication::DEFAULT_MECHANISMS;
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::commands::{Ehlo, Starttls};
use lettre::transport::smtp::extension::{Extension, ServerInfo};
use lettre::transport::smtp::response::Response;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls;

use super::verdict::{Cause, Failure, Phase};
use super::{Encryption, Server};

/// More than any server says before TLS.
const MAX_REPLY_BYTES: usize = 64 * 1024;

/// Connects to `server` and logs in, each step in its time and all of it by `deadline`.
pub(super) async fn connect(server: &Server, deadline: Instant) -> Result<AsyncSmtpConnection, Failure> {
    let until = || server.until(deadline);
    let address = (server.host.as_str(), server.port);
    let mut tcp = step(Phase::Connect, until(), TcpStream::connect(address)).await?;
    tcp.set_nodelay(true).map_err(|error| Failure { phase: Phase::Connect, cause: error.into() })?;
    let peer = tcp.peer_addr().map_err(|error| Failure { phase: Phase::Connect, cause: error.into() })?;

    let stream: Box<dyn AsyncTokioStream> = match &server.encryption {
        Encryption::None if server.credentials.is_some() && !peer.ip().is_loopback() => {
            let why = "refusing to log in without TLS to another machine; set tls = \"starttls\"";
            return Err(Failure { phase: Phase::Auth, cause: Cause::Unfit(why.to_owned()) });
        }
        Encryption::None => Box::new(tcp),
        Encryption::Implicit(tls) => {
            let stream = step(Phase::Tls, until(), tls.handshake(tcp)).await?;
            Box::new(Resumed { heard: io::Cursor::default(), stream, peer })
        }
        Encryption::StartTls(tls) => {
            let greeting = step(Phase::Tls, until(), ask_for_tls(&mut tcp, server)).await?;
            let stream = step(Phase::Tls, until(), tls.handshake(tcp)).await?;
            Box::new(Resumed { heard: io::Cursor::new(greeting), stream, peer })
        }
    };
    let hello = AsyncSmtpConnection::connect_with_transport(stream, &server.hello);
    let mut connection = step(Phase::Greeting, until(), hello).await?;
    if let Some(credentials) = &server.credentials {
        step(Phase::Auth, until(), connection.auth(DEFAULT_MECHANISMS, credentials)).await?;
    }
    Ok(connection)
}

/// One step of a dialogue. When time runs out the future is dropped in the middle, and what it spoke
/// over must not be used again.
pub(super) async fn step<T, E: Into<Cause>>(
    phase: Phase,
    until: Instant,
    doing: impl Future<Output = Result<T, E>>,
) -> Result<T, Failure> {
    // `timeout_at` would let a step begin although its time is over.
    if until <= Instant::now() {
        return Err(Failure { phase, cause: Cause::Late });
    }
    match timeout_at(until, doing).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(Failure { phase, cause: error.into() }),
        Err(_) => Err(Failure { phase, cause: Cause::Late }),
    }
}

/// TLS as one server is spoken to with it.
#[derive(Clone)]
pub(super) struct Tls {
    pub(super) connector: tokio_rustls::TlsConnector,
    pub(super) name: rustls::pki_types::ServerName<'static>,
}

impl Tls {
    async fn handshake(&self, tcp: TcpStream) -> Result<TlsStream<TcpStream>, Cause> {
        self.connector.connect(self.name.clone(), tcp).await.map_err(|error| {
            match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                Some(reason) => Cause::Unfit(format!("no trustworthy TLS connection: {reason}")),
                None => error.into(),
            }
        })
    }
}

/// Speaks in the clear until the server is ready for a handshake (RFC 3207). Gives back its greeting.
async fn ask_for_tls(tcp: &mut TcpStream, server: &Server) -> Result<Vec<u8>, Cause> {
    let (greeting, raw) = listen(tcp).await?;
    expect(&greeting, 220)?;
    tcp.write_all(Ehlo::new(server.hello.clone()).to_string().as_bytes()).await?;
    let (offer, _) = listen(tcp).await?;
    expect(&offer, 250)?;
    if !ServerInfo::from_response(&offer)?.supports_feature(Extension::StartTls) {
        let why = "the server offers no STARTTLS, and mail is not sent in the clear unless tls = \"none\"";
        return Err(Cause::Unfit(why.to_owned()));
    }
    tcp.write_all(Starttls.to_string().as_bytes()).await?;
    let (ready, _) = listen(tcp).await?;
    expect(&ready, 220)?;
    Ok(raw)
}

fn expect(response: &Response, code: u16) -> Result<(), Cause> {
    if response.has_code(code) { Ok(()) } else { Err(response.into()) }
}

/// Reads one reply and not a byte more.
async fn listen(tcp: &mut TcpStream) -> Result<(Response, Vec<u8>), Cause> {
    let mut raw = Vec::new();
    let mut line = 0;
    loop {
        raw.push(tcp.read_u8().await?);
        if raw.len() > MAX_REPLY_BYTES {
            return Err(Cause::Lost("a reply without end".to_owned()));
        }
        if raw.ends_with(b"\n") {
            // `250-` goes on, `250 ` is the last line (RFC 5321 section 4.2.1).
            if raw.get(line + 3) != Some(&b'-') {
                break;
            }
            line = raw.len();
        }
    }
    let response = String::from_utf8_lossy(&raw).parse::<Response>()?;
    Ok((response, raw))
}

/// An encrypted stream that first gives back the greeting heard before it was: lettre waits for one on
/// every new stream, and after STARTTLS the server says none.
struct Resumed {
    heard: io::Cursor<Vec<u8>>,
    stream: TlsStream<TcpStream>,
    peer: SocketAddr,
}

impl AsyncRead for Resumed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        match Pin::new(&mut self.heard).poll_read(cx, buf) {
            Poll::Ready(Ok(())) if buf.filled().len() == before => {
                Pin::new(&mut self.stream).poll_read(cx, buf)
            }
            heard => heard,
        }
    }
}

impl AsyncWrite for Resumed {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl AsyncTokioStream for Resumed {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}

impl fmt::Debug for Resumed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TLS to {}", self.peer)
    }
}
