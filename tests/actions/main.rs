//! What reps and managers do from a mail: on pages over real connections, and by answering.

#[path = "../support/postgres.rs"]
mod postgres;

mod answers;
mod claim;
mod mending;
mod office;
mod pages;
mod races;
