//! What the playbook's files read beyond plain TOML: conditions, and sections whose names others refer to.

pub use crate::toml_reader::{Located, Section, Source};

use super::fields::{self, Refusal};
use crate::domain::condition::{Condition, Vars};

impl<'a> Section<'a> {
    /// A condition.
    pub(super) fn condition(&mut self, key: &'static str, vars: Vars<'_>) -> Option<Condition> {
        self.parsed(key, |text| Condition::compile(text, vars).map_err(Refusal::from))
            .map(|condition| condition.value)
    }

    /// The tables of `[key.<name>]`, in the order of the file.
    pub(super) fn tables(&mut self, key: &'static str) -> Vec<(Located<String>, Section<'a>)> {
        self.named(key, |name| fields::name(name).map(|_| ()))
    }
}
