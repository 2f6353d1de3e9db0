//! The commands, one file each.
pub mod clock;
//! The commands: one file or folder each.
pub mod import;
