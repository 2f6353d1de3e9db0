//! The rules: facts and `now` in, a decision out.
//!
//! Nothing here knows SQL, a network, a task or what time it is. A pass of the engine loads facts, asks
//! a rule, and writes what it decided; the same rules answer people who ask `why` and `may-contact`.
//! Because they are plain functions, each is tested by tables and properties beside its code.

pub mod absence;
pub mod access;
pub mod agreement;
pub mod backoff;
pub mod calendar;
pub mod capacity;
pub mod clock_jump;
pub mod commitments;
pub mod condition;
pub mod contact;
pub mod country;
pub mod day;
pub mod document;
pub mod email;
pub mod escalation;
pub mod happening;
pub mod hex;
pub mod ids;
pub mod intake;
pub mod lead;
pub mod mail;
pub mod names;
pub mod order;
pub mod phone;
pub mod rate;
pub mod reading;
pub mod recycle;
pub mod report;
pub mod required;
pub mod routing;
pub mod scoring;
pub mod sequence;
pub mod sla;
pub mod span;
pub mod spelling;
pub mod wait;
pub mod webhook;
pub mod zone;
