//! A lead that asks to be contacted while a wave of mail is going out: how long from `POST /v1/leads` until the mail
//! server has the hand-off to its rep.
//!
//! Each round has a wave of its own; the lead is posted when the first of the wave have arrived, and a round counts
//! only if others of the wave arrived behind the hand-off.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep, timeout};

use super::Outcome;
use super::process::Process;
use super::seed::Leads;
use super::site::Site;
use super::table::{Table, median};

const MAILS: usize = 10_000;
const ROUNDS: usize = 20;
/// So many of the wave are there when the lead is posted.
const UNDER_WAY: usize = 200;
const PATIENCE: Duration = Duration::from_secs(120);

/// Measures `ROUNDS` rounds with waves of `MAILS` mails; `NURTURED_BENCH_HOT=rounds,mails` takes others, for a try.
pub async fn measure(table: &mut Table) -> Outcome<()> {
    let wished = std::env::var("NURTURED_BENCH_HOT").unwrap_or_default();
    let (rounds, mails) = match wished.split_once(',') {
        Some((rounds, mails)) => (rounds.parse()?, mails.parse()?),
        None => (ROUNDS, MAILS),
    };
    let mut took = Vec::new();
    for round in 1..=rounds {
        let (after, behind) = one(mails).await?;
        eprintln!("hot: round {round} of {rounds}: {} ms, {behind} of the wave behind it", after.as_millis());
        took.push(after.as_secs_f64());
    }
    let worst = took.iter().copied().fold(0.0, f64::max);
    table.add(
        format!("POST /v1/leads to the hand-off at the mail server, amid {mails} mails, median of {rounds}"),
        format!("{:.2} s", median(&took)),
        "< 2 s",
    );
    table.add("the same, slowest", format!("{worst:.2} s"), "");
    Ok(())
}

/// One round: how long it took, and how many of the wave were still to come.
async fn one(mails: usize) -> Outcome<(Duration, usize)> {
    let site = Site::on_sqlite(Leads { enrolled: mails, due: mails }).await?;
    let mut sink = Sink::start().await?;
    let config = site.configure(sink.port)?;
    let address = listens_at(&config)?;
    let token = token(&site, &config)?;
    let log = site.path().join("log");
    let _daemon = Process::start(&config, &["run"], &log)?;
    let waited = Instant::now();
    while sink.arrived.load(Ordering::Relaxed) < UNDER_WAY.min(mails / 2) {
        if waited.elapsed() > PATIENCE {
            return Err(format!("the wave does not begin: {}", std::fs::read_to_string(&log)?).into());
        }
        sleep(Duration::from_millis(1)).await;
    }
    let begun = Instant::now();
    post(&address, &token).await?;
    let at = timeout(PATIENCE, sink.hand_offs.recv()).await?.ok_or("the mail server ended")?;
    let behind = mails.saturating_sub(sink.arrived.load(Ordering::Relaxed));
    if behind == 0 {
        return Err("the wave was over before the hand-off came: the round says nothing".into());
    }
    Ok((at.duration_since(begun), behind))
}

/// Where the configuration has the daemon listen.
fn listens_at(config: &Path) -> Outcome<String> {
    let text = std::fs::read_to_string(config)?;
    let line = text.lines().find_map(|line| line.trim().strip_prefix("listen = "));
    Ok(line.ok_or("the configuration has no `listen`")?.trim_matches('"').to_owned())
}

fn token(site: &Site, config: &Path) -> Outcome<String> {
    let said = site.path().join("token");
    Process::start(config, &["token", "new", "--name", "figures", "--scope", "leads:write"], &said)?
        .finish()?;
    let said = std::fs::read_to_string(said)?;
    let token = said.lines().find(|line| line.starts_with("nurtured_")).ok_or("no token was made")?;
    Ok(token.to_owned())
}

async fn post(address: &str, token: &str) -> Outcome<()> {
    let body = "{\"email\":\"hot@buyer.example\",\"first_name\":\"Hot\",\"country\":\"IN\",\"phone\":\"+91 22 2778 8888\",\
                \"campaign\":\"demo-request\"}";
    let mut stream = TcpStream::connect(address).await?;
    let request = format!(
        "POST /v1/leads HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    if answer.starts_with("HTTP/1.1 201 ") {
        Ok(())
    } else {
        Err(format!("the lead was not taken: {answer}").into())
    }
}

/// A mail server that takes everything, and tells when a mail about the hot lead is there.
struct Sink {
    port: u16,
    arrived: Arc<AtomicUsize>,
    hand_offs: UnboundedReceiver<Instant>,
}

impl Sink {
    async fn start() -> Outcome<Sink> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let (tell, hand_offs) = unbounded_channel();
        let arrived = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&arrived);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                tokio::spawn(converse(stream, Arc::clone(&count), tell.clone()));
            }
        });
        Ok(Sink { port, arrived, hand_offs })
    }
}

async fn converse(
    stream: TcpStream,
    arrived: Arc<AtomicUsize>,
    tell: UnboundedSender<Instant>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 sink\r\n").await?;
    let mut to_staff = false;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        let answer: &[u8] = match verb.as_str() {
            "EHLO" => b"250-sink\r\n250 8BITMIME\r\n",
            "RCPT" => {
                to_staff = line.contains("@ours.example");
                b"250 ok\r\n"
            }
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await?;
                let about_it = message(&mut stream).await?;
                if to_staff && about_it {
                    let _ = tell.send(Instant::now());
                } else {
                    arrived.fetch_add(1, Ordering::Relaxed);
                }
                b"250 ok\r\n"
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => b"250 ok\r\n",
        };
        stream.write_all(answer).await?;
    }
}

/// Reads a message to its dot; says whether it speaks of the hot lead.
async fn message(stream: &mut BufReader<TcpStream>) -> std::io::Result<bool> {
    let mut about_it = false;
    let mut line = Vec::new();
    loop {
        line.clear();
        if stream.read_until(b'\n', &mut line).await? == 0 || line == b".\r\n" {
            return Ok(about_it);
        }
        about_it |= line.windows(4).any(|four| four == b"hot@" || four == b"Hot,");
    }
}
