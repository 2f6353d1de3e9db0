//! Placeholder.
#[derive(Clone, Debug)]
pub struct Wait;
