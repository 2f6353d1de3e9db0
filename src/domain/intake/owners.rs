//! Which rep a CRM means: its exports name the owner, seldom with the address.

use std::collections::HashMap;

use crate::domain::agreement::Agreement;
use crate::domain::email::EmailAddress;

/// Reps by the names under which a CRM may know them. CRM exports name the owner, not the address.
#[derive(Clone, Debug, Default)]
pub struct Owners {
    /// `None`: several reps have that name.
    by_name: HashMap<String, Option<EmailAddress>>,
}

impl Owners {
    /// All reps of the agreement.
    pub fn of(agreement: &Agreement) -> Owners {
        let mut owners = Owners::default();
        for rep in agreement.teams.values().flat_map(|team| &team.reps) {
            owners.add(&rep.name, &rep.email);
        }
        owners
    }

    /// One more rep.
    pub fn add(&mut self, name: &str, email: &EmailAddress) {
        self.by_name
            .entry(folded_name(name))
            .and_modify(|known| {
                if known.as_ref() != Some(email) {
                    *known = None;
                }
            })
            .or_insert_with(|| Some(email.clone()));
    }

    /// The address of the rep that `text` names: an address itself, one in brackets, or a known name.
    pub fn find(&self, text: &str) -> Option<EmailAddress> {
        bare_address(text)
            .parse()
            .ok()
            .or_else(|| text.trim_end().strip_suffix(')')?.rsplit_once('(')?.1.parse().ok())
            .or_else(|| self.by_name.get(&folded_name(text))?.clone())
    }
}

fn folded_name(name: &str) -> String {
    name.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

/// `jane@firm.example` of `mailto:jane@firm.example`, `Jane <jane@firm.example>;` and the like.
pub(super) fn bare_address(text: &str) -> &str {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == ';' || c == ',');
    let inside =
        text.strip_suffix('>').and_then(|text| text.rsplit_once('<')).map_or(text, |(_, inside)| inside);
    let scheme = inside.get(..7).filter(|start| start.eq_ignore_ascii_case("mailto:"));
    if scheme.is_some() { &inside[7..] } else { inside }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_known_by_address_and_by_name_unless_two_share_it() {
        let mut owners = Owners::default();
        let rep1: EmailAddress = "rep1@ours.example".parse().expect("an address");
        owners.add("Rita Rep", &rep1);
        owners.add("John Smith", &rep1);
        owners.add("John Smith", &"rep2@ours.example".parse().expect("an address"));
        for text in
            ["rep1@ours.example", "rita  rep", "Rita Rep (rep1@ours.example)", "R <rep1@ours.example>"]
        {
            assert_eq!(owners.find(text).as_ref(), Some(&rep1), "{text}");
        }
        assert_eq!(owners.find("John Smith"), None);
    }
}
