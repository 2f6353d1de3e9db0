//! The lead store, on SQLite and on PostgreSQL.
//!
//! # One SQL text for both
//! Statements are written once, with `$n` placeholders, and run on either database through [`Tx`] and the
//! `each!` macro, which expands the same body for both drivers. What keeps that possible: everything
//! countable is `BIGINT`, instants are epoch milliseconds ([`mod@column`]), lists are JSON text, no date
//! arithmetic and no `now()` in SQL. A test prepares every constant statement on both databases, so a
//! misspelt column is found by name in milliseconds; the conformance suite runs them.
//!
//! The dialects differ in two places, each marked where it stands: PostgreSQL takes row locks
//! (`FOR UPDATE`, `SKIP LOCKED`), which SQLite neither has nor needs, because a writing transaction there
//! is alone from its first statement (`BEGIN IMMEDIATE`); and leases on PostgreSQL are measured by the
//! database's clock, since several daemons share it.
//!
//! # Transactions
//! Everything is a method on [`Tx`], so which transaction a statement is in is always visible. On SQLite
//! there is one writing connection, handed out in turn, and a few reading ones. No transaction is ever
//! held open across SMTP, HTTP or rendering.

mod api_tokens;
mod appointments;
mod brake;
mod bulk;
pub mod column;
mod commitments;
mod contacts;
mod deliveries;
mod doubles;
mod enrolments;
mod error;
mod events;
mod given_back;
mod hand_offs;
mod idempotency;
mod inbound;
mod keys;
mod leads;
mod mailboxes;
mod matters;
mod migrate;
mod open;
mod outbox;
mod persons;
mod playbooks;
mod reports;
mod routing;
mod sla_clocks;
mod standing;
mod touches;
mod undo;
mod webhooks;
mod work_items;

use sqlx::{Postgres, Sqlite, Transaction};

pub use api_tokens::NewToken;
pub use brake::Brake;
pub use commitments::{AgendaItem, CommitmentPeriod};
pub use contacts::{CompanyDay, NewContact, PastContact, Suppression};
pub use deliveries::{FiredLevel, KeptPromise, NewDelivery};
pub use doubles::Moved;
pub use enrolments::{Advance, Enrolment, NewEnrolment};
pub use error::StoreError;
pub use events::{Event, NewEvent};
pub use given_back::{Dispute, GivenBack, NewGivenBack, Settled};
pub use hand_offs::{HandOff, NewHandOff};
pub use idempotency::Began;
pub use inbound::{KeptMail, NewInboundMail, Question};
pub use leads::LeadFilter;
pub use mailboxes::MailboxState;
pub use matters::{Matter, NewMatter};
pub use open::{Store, without_password};
pub use outbox::{Lease, NewMail, OutboxMail, SentMail};
pub use reports::{AnswerCount, HandOffRow, PromiseRow, ReportDue};
pub use routing::{IncompleteLead, KnownCampaign, Likes, RepState, RoutingDuty, WaitingLead};
pub use sla_clocks::{NewSlaClock, SlaClock};
pub use standing::Standing;
pub use webhooks::{Delivery, EndpointState};
pub use work_items::WorkItem;

/// A transaction on whichever database the store is on.
pub enum Tx {
    /// On SQLite.
    Sqlite(Transaction<'static, Sqlite>),
    /// On PostgreSQL.
    Postgres(Transaction<'static, Postgres>),
}

/// Type-checks `$body` once for each dialect; the SQL inside is the same text for both.
macro_rules! each {
    ($tx:expr, $conn:ident => $body:expr) => {
        match $tx {
            $crate::store::Tx::Sqlite(tx) => {
                let $conn = &mut **tx;
                $body
            }
            $crate::store::Tx::Postgres(tx) => {
                let $conn = &mut **tx;
                $body
            }
        }
    };
}

/// Names statements, and lists them for the test that prepares each on both databases.
macro_rules! statements {
    ($($(#[$meta:meta])* $name:ident = $sql:expr;)*) => {
        $($(#[$meta])* const $name: &str = $sql;)*
        /// Every statement of this file, by name.
        pub(super) const STATEMENTS: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}

use {each, statements};

impl Tx {
    /// Makes everything done in it last.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self {
            Tx::Sqlite(tx) => tx.commit().await?,
            Tx::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }

    /// Undoes everything done in it.
    pub async fn rollback(self) -> Result<(), StoreError> {
        match self {
            Tx::Sqlite(tx) => tx.rollback().await?,
            Tx::Postgres(tx) => tx.rollback().await?,
        }
        Ok(())
    }

    /// Whether rows have to be locked one by one, because other writers may be at work.
    fn locks_rows(&self) -> bool {
        matches!(self, Tx::Postgres(_))
    }
}

/// Every constant statement of the store: file, name, text.
pub fn all_statements() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    [
        ("api_tokens", api_tokens::STATEMENTS),
        ("appointments", appointments::STATEMENTS),
        ("brake", brake::STATEMENTS),
        ("commitments", commitments::STATEMENTS),
        ("contacts", contacts::STATEMENTS),
        ("deliveries", deliveries::STATEMENTS),
        ("doubles", doubles::STATEMENTS),
        ("enrolments", enrolments::STATEMENTS),
        ("events", events::STATEMENTS),
        ("given_back", given_back::STATEMENTS),
        ("hand_offs", hand_offs::STATEMENTS),
        ("idempotency", idempotency::STATEMENTS),
        ("inbound", inbound::STATEMENTS),
        ("keys", keys::STATEMENTS),
        ("leads", leads::STATEMENTS),
        ("mailboxes", mailboxes::STATEMENTS),
        ("matters", matters::STATEMENTS),
        ("outbox", outbox::STATEMENTS),
        ("persons", persons::STATEMENTS),
        ("playbooks", playbooks::STATEMENTS),
        ("routing", routing::STATEMENTS),
        ("reports", reports::STATEMENTS),
        ("sla_clocks", sla_clocks::STATEMENTS),
        ("standing", standing::STATEMENTS),
        ("touches", touches::STATEMENTS),
        ("undo", undo::STATEMENTS),
        ("webhooks", webhooks::STATEMENTS),
        ("work_items", work_items::STATEMENTS),
    ]
    .into_iter()
    .flat_map(|(file, list)| list.iter().map(move |(name, sql)| (file, *name, *sql)))
}
