//! What several integration tests need.

pub mod smtp_stub;
