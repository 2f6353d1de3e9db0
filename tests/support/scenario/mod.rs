//! Scenarios as the tests read and tell them.

mod bodies;
mod came_in;
mod endpoint;
mod outside;
mod page;
mod printed;
mod rule;
mod told;
mod world;

pub use rule::{Rule, files, rules};
