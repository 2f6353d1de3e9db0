//! A mail server that counts: how often each mail was taken on, by whom it was sent, and with which bytes.
//!
//! A mail counts as taken on when its final dot has been read, whether or not the client lives to hear of it:
//! that is the moment from which a real server would deliver. It runs on threads of its own, so that nothing
//! a test does holds it up, and clients may vanish at any point.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// A mail that was taken on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// What its sender called itself in EHLO.
    pub by: String,
    /// The recipient of the envelope.
    pub to: String,
    /// As it stands in the header, with its angle brackets.
    pub message_id: String,
    /// As it stands in the header.
    pub subject: String,
    /// Everything before the dot.
    pub bytes: Vec<u8>,
}

/// A running server. Its connections end when it is dropped.
pub struct CountingSink {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    taken: Vec<Taken>,
    /// What the server takes for each mail, between the dot and its answer.
    pause: Duration,
    /// Whether the dot is answered. Without an answer the mail is taken on all the same.
    silent: bool,
    /// Connections that wait for the silence to end.
    waiting: usize,
    closed: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CountingSink {
    /// A server that takes `pause` for each mail.
    pub fn start(pause: Duration) -> CountingSink {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Mutex::new(State { pause, ..State::default() });
        let shared = Arc::new(Shared { state, ..Shared::default() });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if serving.state().closed {
                    return;
                }
                let serving = Arc::clone(&serving);
                // That a client vanishes is what the tests are about.
                thread::spawn(move || stream.and_then(|stream| serve(&serving, stream)));
            }
        });
        CountingSink { address, shared }
    }

    /// From now on it takes `pause` for each mail.
    pub fn take_for_each(&self, pause: Duration) {
        self.shared.state().pause = pause;
    }

    /// How many mails were taken on.
    pub fn count(&self) -> usize {
        self.shared.state().taken.len()
    }

    /// What was taken on, in order.
    pub fn taken(&self) -> Vec<Taken> {
        self.shared.state().taken.clone()
    }

    /// Whether that many mails are taken on within `limit`.
    pub fn reaches(&self, count: usize, limit: Duration) -> bool {
        self.wait(limit, |state| state.taken.len() >= count)
    }

    /// From now on no final dot is answered.
    pub fn fall_silent(&self) {
        self.shared.state().silent = true;
    }

    /// Whether within `limit` some client waits for an answer that does not come.
    pub fn keeps_somebody_waiting(&self, limit: Duration) -> bool {
        self.wait(limit, |state| state.waiting > 0)
    }

    /// Answers again; who was kept waiting is hung up on.
    pub fn speak_again(&self) {
        self.shared.state().silent = false;
        self.shared.changed.notify_all();
    }

    fn wait(&self, limit: Duration, until: impl Fn(&State) -> bool) -> bool {
        let state = self.shared.state();
        let waited = self.shared.changed.wait_timeout_while(state, limit, |state| !until(state));
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

impl Drop for CountingSink {
    fn drop(&mut self) {
        self.shared.state().closed = true;
        self.shared.changed.notify_all();
        // Wakes the listener, which looks at `closed` next.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
    }
}

fn serve(shared: &Shared, stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut replies = stream.try_clone()?;
    let mut lines = BufReader::new(stream);
    let mut say = |reply: &str| replies.write_all(format!("{reply}\r\n").as_bytes());
    say("220 sink.example ESMTP")?;
    let (mut by, mut to) = (String::new(), String::new());
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 || shared.state().closed {
            return Ok(());
        }
        let (verb, rest) = line.trim_end().split_once([' ', ':']).unwrap_or((line.trim_end(), ""));
        match verb {
            "EHLO" => {
                by = rest.to_owned();
                say("250-sink.example\r\n250 8BITMIME")?;
            }
            "MAIL" | "RSET" | "NOOP" => say("250 2.0.0 ok")?,
            "RCPT" => {
                to = rest.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                say("250 2.1.5 ok")?;
            }
            "DATA" => {
                say("354 go ahead")?;
                let bytes = message(&mut lines)?;
                let header = |name: &str| header(&bytes, name);
                let (message_id, subject) = (header("Message-ID"), header("Subject"));
                shared.take(Taken { by: by.clone(), to: to.clone(), message_id, subject, bytes })?;
                say("250 2.0.0 taken")?;
            }
            "QUIT" => return say("221 2.0.0 bye"),
            _ => say("502 5.5.2 what?")?,
        }
    }
}

impl Shared {
    fn take(&self, taken: Taken) -> io::Result<()> {
        let pause = {
            let mut state = self.state();
            state.taken.push(taken);
            self.changed.notify_all();
            if state.silent {
                state.waiting += 1;
                self.changed.notify_all();
                let silent = |state: &mut State| state.silent && !state.closed;
                let mut state =
                    self.changed.wait_while(state, silent).unwrap_or_else(PoisonError::into_inner);
                state.waiting -= 1;
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            state.pause
        };
        // The work of a mail server; nobody waits for something to happen here.
        thread::sleep(pause);
        Ok(())
    }
}

/// Everything up to the dot. A client that vanishes before it has sent nothing.
fn message(lines: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let begin = bytes.len();
        if lines.read_until(b'\n', &mut bytes)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if bytes.get(begin..) == Some(b".\r\n") {
            bytes.truncate(begin);
            return Ok(bytes);
        }
    }
}

fn header(bytes: &[u8], name: &str) -> String {
    let text = String::from_utf8_lossy(bytes);
    let head = text.split("\r\n\r\n").next().unwrap_or_default();
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.filter(|(found, _)| *found == name).map(|(_, value)| value.to_owned()).next().unwrap_or_default()
}
