//! What a token of the HTTP API may do.
//!
//! A token is good for what its scopes name and for nothing else, on loopback too: whoever can reach the port is
//! not thereby somebody. One whose only scope is [`Scope::FormsWrite`] is a form's key: it stands in a web
//! page for everybody to read, so it can add a lead and learn nothing.

use jiff::Timestamp;

use super::names::names;

names! {
    /// One thing that a token may do.
    Scope, "scope" {
        /// Read leads, their history included.
        LeadsRead = "leads:read",
        /// Take in leads, and say what happened to them.
        LeadsWrite = "leads:write",
        /// Hand in a web form.
        FormsWrite = "forms:write",
        /// Hand in mails that came in.
        InboundWrite = "inbound:write",
        /// Ask whether somebody may be contacted.
        ContactRead = "contact:read",
        /// See who must not be contacted.
        SuppressionsRead = "suppressions:read",
        /// Say who must not be contacted, and lift it.
        SuppressionsWrite = "suppressions:write",
        /// Take out everything that is kept of one person.
        PersonExport = "person:export",
        /// Erase one person's data.
        PersonErase = "person:erase",
    }
}

/// What is known of a token. Never the token itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its row.
    pub id: super::ids::TokenId,
    /// What it was given for, as its maker called it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// The one campaign that a form's key is for.
    pub campaign: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is no longer good.
    pub expires_at: Option<Timestamp>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to the hour.
    pub last_used_at: Option<Timestamp>,
}

impl Grant {
    /// Whether it is good at `now`.
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }

    /// Whether it may do that. That it is good is asked apart.
    pub fn allows(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    /// Whether everybody may know it, because it can hand in forms and nothing else.
    pub fn is_form_key(&self) -> bool {
        self.scopes == [Scope::FormsWrite]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::TokenId;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    fn grant(scopes: &[Scope]) -> Grant {
        Grant {
            id: TokenId(1),
            name: "crm".to_owned(),
            scopes: scopes.to_vec(),
            campaign: None,
            created_at: at("2026-03-01T00:00:00Z"),
            expires_at: Some(at("2026-04-01T00:00:00Z")),
            revoked_at: None,
            last_used_at: None,
        }
    }

    #[test]
    fn a_token_is_good_until_it_expires_or_is_taken_back() {
        let good = grant(&[Scope::LeadsRead]);
        assert!(good.is_good(at("2026-03-31T23:59:59.999Z")));
        assert!(!good.is_good(at("2026-04-01T00:00:00Z")));
        let revoked = Grant { revoked_at: Some(at("2026-03-02T00:00:00Z")), ..good };
        assert!(!revoked.is_good(at("2026-03-03T00:00:00Z")));
    }

    #[test]
    fn a_scope_allows_itself_alone() {
        for scope in Scope::ALL {
            let allowed: Vec<_> =
                Scope::ALL.iter().filter(|other| grant(&[*scope]).allows(**other)).collect();
            assert_eq!(allowed, [scope]);
        }
        assert!(grant(&[Scope::FormsWrite]).is_form_key());
        assert!(!grant(&[Scope::FormsWrite, Scope::LeadsRead]).is_form_key() && !grant(&[]).is_form_key());
    }
}
