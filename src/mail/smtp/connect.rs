//! From a host name to a connection that is ready for MAIL: TCP, TLS, greeting, login.
//!
//! The stream is ours, for three reasons. lettre leaves Nagle's algorithm on, which costs some 40 ms a
//! mail; it knows no deadlines; and its STARTTLS keeps bytes that arrived in the clear and reads them as
//! if they had been protected. Here the dialogue before TLS is read byte by byte, so nothing said in
//! the clear outlives the handshake: what an attacker adds becomes part of it, and spoils it.
//!
//! Being ours, it also watches what goes through it: how many bytes were handed over, which tells a message
//! that was cut off from one whose final dot may have arrived; and what the server said first, because
//! lettre does not tell whether it takes several commands at once (PIPELINING, RFC 2920).

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
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

/// A connection that is ready for MAIL.
pub(super) struct Connection {
    /// The protocol on it.
    pub(super) smtp: AsyncSmtpConnection,
    /// What goes through it.
    pub(super) watch: Arc<Watch>,
    /// Whether the server takes several commands at once.
    pub(super) pipelines: bool,
    /// The server waits for a message that it will not get: nothing else can be said to it.
    pub(super) owes_message: bool,
}

/// Connects to `server` and logs in, each step in its time and all of it by `deadline`.
pub(super) async fn connect(server: &Server, deadline: Instant) -> Result<Connection, Failure> {
    let until = || server.until(deadline);
    let address = (server.host.as_str(), server.port);
    let mut tcp = step(Phase::Connect, until(), TcpStream::connect(address)).await?;
    tcp.set_nodelay(true).map_err(|error| Failure { phase: Phase::Connect, cause: error.into() })?;
    let peer = tcp.peer_addr().map_err(|error| Failure { phase: Phase::Connect, cause: error.into() })?;

    let watch = Arc::new(Watch::default());
    let stream: Box<dyn AsyncTokioStream> = match &server.encryption {
        Encryption::None if server.credentials.is_some() && !peer.ip().is_loopback() => {
            let why = "refusing to log in without TLS to another machine; set tls = \"starttls\"";
            return Err(Failure { phase: Phase::Auth, cause: Cause::Unfit(why.to_owned()) });
        }
        Encryption::None => Box::new(Watched::new(tcp, Vec::new(), peer, &watch)),
        Encryption::Implicit(tls) => {
            let stream = step(Phase::Tls, until(), tls.handshake(tcp)).await?;
            Box::new(Watched::new(stream, Vec::new(), peer, &watch))
        }
        Encryption::StartTls(tls) => {
            let greeting = step(Phase::Tls, until(), ask_for_tls(&mut tcp, server)).await?;
            let stream = step(Phase::Tls, until(), tls.handshake(tcp)).await?;
            Box::new(Watched::new(stream, greeting, peer, &watch))
        }
    };
    let hello = AsyncSmtpConnection::connect_with_transport(stream, &server.hello);
    let mut smtp = step(Phase::Greeting, until(), hello).await?;
    let pipelines = offers_pipelining(&watch.take_heard());
    if let Some(credentials) = &server.credentials {
        step(Phase::Auth, until(), smtp.auth(DEFAULT_MECHANISMS, credentials)).await?;
    }
    Ok(Connection { smtp, watch, pipelines, owes_message: false })
}

/// Whether the reply to EHLO, in what was heard so far, has the keyword.
fn offers_pipelining(heard: &[u8]) -> bool {
    heard.split(|byte| *byte == b'\n').any(|line| {
        let keyword = line.strip_prefix(b"250-").or_else(|| line.strip_prefix(b"250 "));
        keyword.is_some_and(|keyword| keyword.trim_ascii().eq_ignore_ascii_case(b"PIPELINING"))
    })
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

/// What went through a connection.
#[derive(Debug)]
pub(super) struct Watch {
    /// How many bytes the stream has taken from us. What it has not taken, the server cannot have.
    taken: AtomicU64,
    /// What the server said so far, until somebody has read it.
    heard: Mutex<Option<Vec<u8>>>,
}

impl Default for Watch {
    fn default() -> Watch {
        Watch { taken: AtomicU64::new(0), heard: Mutex::new(Some(Vec::new())) }
    }
}

impl Watch {
    /// How many bytes were handed over since the connection began.
    pub(super) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    fn take_heard(&self) -> Vec<u8> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default()
    }

    fn hear(&self, bytes: &[u8]) {
        if let Some(heard) = &mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner)
            && heard.len() + bytes.len() <= MAX_REPLY_BYTES
        {
            heard.extend_from_slice(bytes);
        }
    }
}

/// A stream that is watched. It first gives back the greeting that was heard before it was encrypted: lettre
/// waits for one on every new stream, and after STARTTLS the server says none.
struct Watched<S> {
    greeting: io::Cursor<Vec<u8>>,
    stream: S,
    peer: SocketAddr,
    watch: Arc<Watch>,
}

impl<S> Watched<S> {
    fn new(stream: S, greeting: Vec<u8>, peer: SocketAddr, watch: &Arc<Watch>) -> Watched<S> {
        Watched { greeting: io::Cursor::new(greeting), stream, peer, watch: Arc::clone(watch) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let mut read = Pin::new(&mut self.greeting).poll_read(cx, buf);
        if matches!(read, Poll::Ready(Ok(()))) && buf.filled().len() == before {
            read = Pin::new(&mut self.stream).poll_read(cx, buf);
        }
        if matches!(read, Poll::Ready(Ok(()))) {
            self.watch.hear(&buf.filled()[before..]);
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        if let Poll::Ready(Ok(bytes)) = &written {
            self.watch.taken.fetch_add(*bytes as u64, Ordering::Relaxed);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> AsyncTokioStream for Watched<S> {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}

impl<S> fmt::Debug for Watched<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a connection to {}", self.peer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipelining_is_believed_where_the_reply_to_ehlo_offers_it() {
        for (heard, offered) in [
            ("220 mx\r\n250-mx\r\n250-PIPELINING\r\n250 8BITMIME\r\n", true),
            ("220 mx\r\n250-mx\r\n250 pipelining\r\n", true),
            ("220 PIPELINING\r\n250-mx\r\n250 8BITMIME\r\n", false),
            ("220 mx\r\n250-mx\r\n250 PIPELINING2\r\n", false),
            ("", false),
        ] {
            assert_eq!(offers_pipelining(heard.as_bytes()), offered, "{heard:?}");
        }
    }
}
