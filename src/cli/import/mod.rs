//! `nurtured import`.

pub mod columns;
pub mod encoding;
pub mod reader;
mod record;
