//! Whether there is anything to do, found out without writing.
//!
//! Most wakes find nothing. A pass that began a writing transaction to learn that would, on SQLite, wait for
//! whoever else writes (a command beside the daemon, its own delivery) and keep them waiting; so each pass
//! looks here first, in a transaction that only reads, at an index that holds what is due and nothing else.

use jiff::Timestamp;

use super::Engine;
use crate::domain::escalation::Purpose;
use crate::domain::lead::Stage;
use crate::domain::mail::Audience;
use crate::domain::reading::hold;
use crate::store::column::{instant_opt, millis};
use crate::store::{RoutingDuty, StoreError, Tx};

/// What a wake may have to do at a planned time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Duty {
    /// New leads.
    Intake,
    /// Steps of sequences.
    Nurture,
    /// Nurtured leads that may be ready, and ready ones that wait for a rep.
    HandOff,
    /// Reps who are away.
    Absences,
    /// Promises.
    Sla,
    /// Rests that are over, leads that go back by themselves, and what marketing has to look at.
    Recycle,
    /// What staff has to be told.
    Matters,
    /// Reps' calls of the day.
    CallLists,
    /// Figures by mail.
    Figures,
    /// Commitments and the review of the agreement.
    Reports,
    /// Mail in the outbox.
    Deliver,
}

impl Duty {
    const ALL: [Duty; 11] = [
        Duty::Intake,
        Duty::Nurture,
        Duty::HandOff,
        Duty::Absences,
        Duty::Sla,
        Duty::Recycle,
        Duty::Matters,
        Duty::CallLists,
        Duty::Reports,
        Duty::Figures,
        Duty::Deliver,
    ];

    /// When it is due next, in epoch milliseconds; `None` when nothing is planned.
    async fn next(self, tx: &mut Tx, now: Timestamp) -> Result<Option<i64>, StoreError> {
        match self {
            Duty::Intake => tx.next_lead_due(Stage::New).await,
            Duty::Nurture => tx.next_enrolment_due().await,
            Duty::HandOff => {
                let nurtured = tx.next_lead_due(Stage::Nurturing).await?;
                let ready = earlier(nurtured, tx.next_lead_due(Stage::Qualified).await?);
                let waiting = tx.next_routing_due(RoutingDuty::Waiting).await?;
                let incomplete = tx.next_routing_due(RoutingDuty::Incomplete).await?;
                Ok(earlier(ready, earlier(waiting, incomplete)))
            }
            Duty::Absences => tx.next_appointment(Purpose::Absence).await,
            Duty::Matters => tx.next_matter_due().await,
            Duty::CallLists => tx.next_appointment(Purpose::CallList).await,
            Duty::Sla => tx.next_clock_due().await,
            Duty::Figures => tx.next_report_due().await,
            Duty::Recycle => {
                let rests = tx.next_lead_due(Stage::Resting).await?;
                let goes_back = tx.next_lead_due(Stage::Accepted).await?;
                Ok(earlier(earlier(rests, goes_back), tx.next_work_list().await?))
            }
            Duty::Reports => tx.next_agenda_due().await,
            Duty::Deliver => {
                let staff = tx.next_mail_due(Audience::Staff).await?;
                // With the brake on, mail to leads is not due, however long it waits.
                let leads = if tx.brake().await?.is_some() {
                    None
                } else if hold(&tx.readings().await?, now).is_some() {
                    tx.next_requested_mail_due().await?
                } else {
                    tx.next_mail_due(Audience::Lead).await?
                };
                Ok(earlier(staff, leads))
            }
        }
    }
}

fn earlier(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    a.into_iter().chain(b).min()
}

impl Engine {
    /// Whether a duty is due at `now`.
    pub(super) async fn has(&self, duty: Duty, now: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.store.read().await?;
        let next = duty.next(&mut tx, now).await?;
        tx.rollback().await?;
        Ok(next.is_some_and(|due| due <= millis(now)))
    }

    /// The first instant at which some pass has something to do; `None` when nothing is planned.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let mut tx = self.store.read().await?;
        let mut first = None;
        for duty in Duty::ALL {
            first = earlier(first, duty.next(&mut tx, self.clock.now()).await?);
        }
        tx.rollback().await?;
        instant_opt("lead", 0, first)
    }
}
