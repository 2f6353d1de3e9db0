//! `nurtured`: the part of a company that does not forget a lead.
//!
//! # The map
//!
//! | module | what it is | may use |
//! |---|---|---|
//! | [`clock`] | the only reader of the time | |
//! | [`problem`] | what is wrong with a file a person wrote | |
//! | [`toml_reader`] | a TOML file, read so that every mistake is told | `problem` |
//! | [`domain`] | the rules: pure functions of facts and `now` | `problem` |
//! | [`store`] | SQLite and PostgreSQL, one file per aggregate | `domain` |
//! | [`mail`] | rendering, composing, SMTP, directory | `domain`, `problem` |
//! | [`playbook`] | loading, checking and versions of `templates/` | `domain`, `mail`, `toml_reader`, `problem` |
//! | [`config`] | `nurtured.toml` and the environment | `domain`, `mail`, `toml_reader`, `problem` |
//! | [`telemetry`] | the log | `config` |
//! | [`engine`] | the passes of a wake, one file each | all of the above |
//! | [`http`] | health, unsubscribe links | the engine and what it uses |
//! | [`cli`] | one file per command | everything |
//!
//! `tests/architecture.rs` holds these arrows and the ban on reading the clock elsewhere.

pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod engine;
pub mod http;
pub mod mail;
pub mod playbook;
pub mod problem;
pub mod store;
pub mod telemetry;
pub mod toml_reader;
