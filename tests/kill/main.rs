//! The guarantee of delivery, on the real program: mail to a lead at most once, mail to staff at least once.
//!
//! The program sends to a mail server that counts, and is killed, stopped, started twice and robbed of its
//! database meanwhile. What arrived is then compared with what the store believes.
//!
//! `NURTURED_KILLS=100` kills more often than by default; `NURTURED_KILL_SEED` repeats the moments of a run.

#[path = "../support/counting_sink.rs"]
mod counting_sink;
#[path = "../support/daemon.rs"]
mod daemon;
#[path = "../support/postgres.rs"]
mod postgres;

mod killed;
mod sharing;
mod stopped;
mod trouble;
mod world;
