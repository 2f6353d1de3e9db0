//! The engine where a scenario cannot reach: mail servers that refuse, playbooks that are edited while leads
//! wait, a daemon that was down, several daemons at once.

#[path = "../support/postgres.rs"]
mod postgres;

mod campaigns;
mod edits;
mod sales;
mod server;
mod several;
mod standstill;
mod thread;
mod time;
mod world;
