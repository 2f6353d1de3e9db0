//! Placeholder.
#[derive(Clone, Debug)]
pub struct Calendar;
#[derive(Clone, Debug)]
pub struct Hours;
