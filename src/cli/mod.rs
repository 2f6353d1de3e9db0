//! The commands: one file or folder each.

pub mod clock;
pub mod import;
