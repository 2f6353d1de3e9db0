//! What comes next for a lead: mails that wait, the next step of its sequence, promises that run, when its stage is
//! decided anew.

use jiff::Timestamp;

use super::Engine;
use crate::domain::lead::{Lead, Stage};
use crate::domain::mail::MailState;
use crate::store::{OutboxMail, StoreError, Tx};

/// Something that is planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coming {
    /// Which kind: `mail`, `step`, `promise`, `attempt`, `stage`.
    pub kind: &'static str,
    /// When; `None`: that depends on somebody.
    pub at: Option<Timestamp>,
    /// Whether the daemon does it by itself, so that what is due is done at its next look; somebody else may be late.
    pub by_itself: bool,
    /// What, in words.
    pub words: String,
}

impl Coming {
    fn ours(kind: &'static str, at: Option<Timestamp>, words: impl Into<String>) -> Coming {
        Coming { kind, at, by_itself: true, words: words.into() }
    }

    fn of_people(kind: &'static str, at: Timestamp, words: impl Into<String>) -> Coming {
        Coming { kind, at: Some(at), by_itself: false, words: words.into() }
    }
}

impl Engine {
    /// What is planned for a lead as things stand.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn coming(&self, tx: &mut Tx, lead: &Lead, now: Timestamp) -> Result<Vec<Coming>, StoreError> {
        let mut next: Vec<Coming> = tx.mails_of(lead.id).await?.into_iter().filter_map(mail).collect();
        if let Some(enrolment) = tx.active_enrolment(lead.id).await?
            && let Some(due) = enrolment.due_at
        {
            let words = format!("the next step of sequence {}", enrolment.sequence);
            next.push(Coming::ours("step", Some(due), words));
        }
        for running in tx.running_clocks(lead.id).await? {
            let kind = running.kind;
            let words = format!("{} {}", kind.words(), kind.is_due(running.deadline_at <= now));
            next.push(Coming::of_people("promise", running.deadline_at, words));
            // One that cannot be counted is told by its deadline.
            if let Ok(Some(attempt)) = self.next_attempt(tx, lead, &running).await {
                let channel =
                    attempt.channel.map(|channel| format!(", by {}", channel.name())).unwrap_or_default();
                let overdue = if attempt.due <= now { ", overdue" } else { "" };
                let words = format!("attempt {} is due{channel}{overdue}", attempt.number);
                next.push(Coming::of_people("attempt", attempt.due, words));
            }
        }
        if let Some(due) = lead.due_at {
            let words = match lead.stage {
                Stage::Resting => "its rest is over",
                Stage::Qualified => "it is handed to a rep",
                _ => "its stage is decided anew",
            };
            next.push(Coming::ours("stage", Some(due), words));
        } else if lead.stage == Stage::Qualified {
            next.push(Coming::ours("stage", None, "it waits for a rep with room"));
        }
        Ok(next)
    }
}

/// What becomes of a mail that is not sent yet.
fn mail(mail: OutboxMail) -> Option<Coming> {
    let what = match (&mail.sequence, &mail.step) {
        (Some(sequence), Some(step)) => format!("mail {sequence}/{step}"),
        _ => format!("{} mail to {}", mail.class.name().replace('_', " "), mail.recipient),
    };
    let reason = mail.held_why.or(mail.last_error).map(|why| format!(": {why}")).unwrap_or_default();
    let (at, words) = match mail.state {
        MailState::Pending => (Some(mail.due_at), format!("{what}{reason}")),
        MailState::Sending => (None, format!("{what} is being sent")),
        MailState::InDoubt => {
            (None, format!("{what} may or may not have arrived (nurtured outbox --in-doubt)"))
        }
        MailState::Parked => (None, format!("{what} needs a person{reason}")),
        MailState::Sent | MailState::Skipped | MailState::Dropped => return None,
    };
    Some(Coming::ours("mail", at, words))
}
