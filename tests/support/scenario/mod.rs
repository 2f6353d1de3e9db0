//! Scenarios as the tests read and tell them.

mod bodies;
mod rule;
mod told;

pub use rule::{Rule, files, rules};
