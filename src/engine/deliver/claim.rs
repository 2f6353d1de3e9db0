//! The point of no return: a small batch of mail is decided on, for the last time, and marked `sending`.
//!
//! The leads are locked first, in the order of their ids. A reply, a click or a suppression locks the same
//! rows, so it comes either before the gate is asked, and counts, or after the mail is on its way.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::super::facts::ContactHistory;
use super::super::nurture::TOO_LATE;
use super::super::pass::{PassError, PassReport};
use super::super::{Engine, Wake};
use super::lease_ms;
use crate::domain::agreement::{LateStep, Sequence};
use crate::domain::contact::{Channel, Permission, Purpose, day_number, may_contact, reasons};
use crate::domain::ids::{EnrolmentId, LeadId, OutboxId};
use crate::domain::lead::Lead;
use crate::domain::mail::MailState;
use crate::domain::reading::hold;
use crate::domain::sequence::{due, late};
use crate::engine::context::contact_promised;
use crate::store::{Lease, NewContact, NewEvent, OutboxMail, Tx};

/// Mails to be sent under one lease.
pub(super) struct Claim {
    pub token: i64,
    pub mails: Vec<Claimed>,
    /// What was put off or dropped on the way.
    pub report: PassReport,
}

/// A mail that is `sending`.
pub(crate) struct Claimed {
    pub row: OutboxMail,
    /// The lead, for lead mail.
    pub lead: Option<Lead>,
    /// The bytes, for staff mail.
    pub message: Option<Vec<u8>>,
    /// Until when somebody has promised to turn to the lead, for mail that it asked for.
    pub contact_by: Option<Timestamp>,
    /// The mails of the same enrolment that were sent before, the first one first: it goes on where they stopped.
    pub before: Vec<OutboxId>,
}

/// So many mails of a conversation are named in the next one.
const LONGEST_THREAD: usize = 10;

impl Claim {
    pub fn none() -> Claim {
        Claim { token: 0, mails: Vec::new(), report: PassReport::default() }
    }

    /// Whether there was nothing to do at all.
    pub fn is_empty(&self) -> bool {
        self.mails.is_empty() && self.report == PassReport::default()
    }
}

/// A lease that nobody had before: random, so that daemons need not agree on numbers.
fn new_lease(length: Duration) -> Lease {
    let mut bytes = [0_u8; 8];
    // Without random bytes the engine would not have started; zero would still be safe on one daemon.
    let _ = getrandom::fill(&mut bytes);
    Lease { token: i64::from_be_bytes(bytes), length_ms: lease_ms(length) }
}

/// What a look for due mail came to.
pub(super) enum Looked {
    /// These are `sending`, once the transaction is committed; or none is, and some were put off or dropped.
    Claimed(Claim),
    /// Nothing is due.
    Idle,
    /// The day has had enough, for this reason: what the transaction did must be undone.
    DayIsFull(String),
}

/// Claims the next batch: staff mail, or when none is due, mail to leads.
pub(super) async fn next(
    engine: &Engine,
    wake: &Wake,
    limit: usize,
    lease: Duration,
) -> Result<Claim, PassError> {
    let mut tx = engine.store.begin().await?;
    match look(engine, &mut tx, wake, limit, lease).await? {
        Looked::Claimed(claim) => {
            tx.commit().await?;
            Ok(claim)
        }
        Looked::Idle => {
            tx.rollback().await?;
            Ok(Claim::none())
        }
        Looked::DayIsFull(why) => {
            tx.rollback().await?;
            engine.pull_brake(wake, &why).await?;
            Ok(Claim::none())
        }
    }
}

/// Looks for due mail in a transaction that may have done other things before.
pub(super) async fn look(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    limit: usize,
    lease: Duration,
) -> Result<Looked, PassError> {
    let to_staff = tx.lock_staff_mail_due(wake.now, limit as i64).await?;
    if to_staff.is_empty() {
        leads(engine, tx, wake, limit, new_lease(lease)).await
    } else {
        staff(tx, wake, to_staff, new_lease(lease)).await
    }
}

/// Claims staff mail.
async fn staff(tx: &mut Tx, wake: &Wake, rows: Vec<OutboxMail>, lease: Lease) -> Result<Looked, PassError> {
    let mut mails = Vec::with_capacity(rows.len());
    for row in rows {
        let message = tx.mail_message(row.id).await?;
        mails.push(Claimed { row, lead: None, message, contact_by: None, before: Vec::new() });
    }
    let ids: Vec<OutboxId> = mails.iter().map(|mail| mail.row.id).collect();
    tx.mark_sending(&ids, lease, wake.now).await?;
    Ok(Looked::Claimed(Claim { token: lease.token, mails, report: PassReport::default() }))
}

/// Claims mail to leads: what the gate lets through now. What it does not is put off or dropped.
async fn leads(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    limit: usize,
    lease: Lease,
) -> Result<Looked, PassError> {
    let alone = engine.store.is_exclusive();
    // Where there are several daemons, several times the batch: those that look at once find leads that nobody
    // has locked.
    let look_at = if alone { limit } else { limit * 4 };
    // Whoever answered must not get the next mail because nobody looked; what a lead asked for does not wait for that.
    let mut rows = match hold(&tx.readings().await?, wake.now) {
        Some(_) => tx.requested_mail_due(wake.now, look_at as i64).await?,
        None => tx.lead_mail_due(wake.now, look_at as i64).await?,
    };
    if rows.is_empty() {
        return Ok(Looked::Idle);
    }
    let locked =
        tx.lock_free_leads(&distinct(rows.iter().filter_map(|row| row.lead).collect()), limit).await?;
    let is_locked = |lead: LeadId| locked.binary_search_by_key(&lead, |lead| lead.id).is_ok();
    rows.retain(|row| row.lead.is_some_and(is_locked));
    if !alone {
        // Another daemon may have claimed or settled them before their leads were locked.
        let ids: Vec<OutboxId> = rows.iter().map(|row| row.id).collect();
        rows = tx.still_due(&ids, wake.now).await?;
    }
    if rows.is_empty() {
        return Ok(Looked::Idle);
    }
    let history = ContactHistory::load(tx, &locked, &wake.rules.agreement, wake.now).await?;
    let locked: HashMap<LeadId, Lead> = locked.into_iter().map(|lead| (lead.id, lead)).collect();
    let mut gate =
        Gate { engine, wake, history, contacts: Vec::new(), events: Vec::new(), claim: Claim::none() };
    for row in rows {
        if let Some(lead) = row.lead.and_then(|id| locked.get(&id)) {
            gate.ask(tx, row, lead).await?;
        }
    }
    let Gate { contacts, events, mut claim, .. } = gate;
    if !claim.mails.is_empty() && !fits_the_day(tx, wake, claim.mails.len() as i64).await? {
        let most = wake.rules.agreement.contact.daily_brake;
        let why = format!("more than {most} mails to leads on one day ([contact] daily_brake)");
        return Ok(Looked::DayIsFull(why));
    }
    promise(tx, &mut claim).await?;
    follow_on(tx, &mut claim).await?;
    claim.token = lease.token;
    let ids: Vec<OutboxId> = claim.mails.iter().map(|mail| mail.row.id).collect();
    tx.insert_contacts(&contacts).await?;
    tx.mark_sending(&ids, lease, wake.now).await?;
    tx.append(&events).await?;
    Ok(Looked::Claimed(claim))
}

/// Whoever asked for a mail reads in it until when somebody has promised to turn to them.
async fn promise(tx: &mut Tx, claim: &mut Claim) -> Result<(), PassError> {
    let asked = claim.mails.iter_mut().filter(|mail| mail.row.requested);
    let mut asked: Vec<(LeadId, &mut Claimed)> =
        asked.filter_map(|mail| Some((mail.lead.as_ref()?.id, mail))).collect();
    let ids: Vec<LeadId> = asked.iter().map(|(lead, _)| *lead).collect();
    let promised = contact_promised(tx, &ids).await?;
    for (lead, mail) in &mut asked {
        mail.contact_by = promised.get(lead).copied();
    }
    Ok(())
}

/// Each mail of a sequence goes on where the one before stopped, so a reader's program shows them as one conversation.
async fn follow_on(tx: &mut Tx, claim: &mut Claim) -> Result<(), PassError> {
    let enrolments: Vec<EnrolmentId> = claim.mails.iter().filter_map(|mail| mail.row.enrolment).collect();
    if enrolments.is_empty() {
        return Ok(());
    }
    let mut before: HashMap<EnrolmentId, Vec<OutboxId>> = HashMap::new();
    for (enrolment, mail) in tx.sent_in(&distinct(enrolments)).await? {
        before.entry(enrolment).or_default().push(mail);
    }
    for mail in &mut claim.mails {
        let ids = mail.row.enrolment.and_then(|enrolment| before.get(&enrolment));
        mail.before =
            ids.map(|ids| ids[ids.len().saturating_sub(LONGEST_THREAD)..].to_vec()).unwrap_or_default();
    }
    Ok(())
}

/// Asks the gate for each mail of a batch, with what the mails before it have taken.
struct Gate<'a> {
    engine: &'a Engine,
    wake: &'a Wake,
    history: ContactHistory,
    contacts: Vec<NewContact>,
    events: Vec<NewEvent>,
    claim: Claim,
}

impl Gate<'_> {
    async fn ask(&mut self, tx: &mut Tx, row: OutboxMail, lead: &Lead) -> Result<(), PassError> {
        let rules = &self.wake.rules;
        let sequence = row.sequence.as_ref().and_then(|sequence| rules.sequences.get(sequence));
        let step = |sequence: &'_ Sequence| {
            sequence.steps.iter().find(|step| Some(&step.name) == row.step.as_ref()).cloned()
        };
        let Some((sequence, step)) = sequence.and_then(|sequence| Some((sequence, step(sequence)?))) else {
            return self.leave_out(tx, &row, lead, "the playbook has this mail no more").await;
        };
        let hours = self.engine.hours.mail(lead, &rules.agreement, sequence.window.as_ref());
        if !row.requested {
            match late(sequence.late, row.due_at, self.wake.now) {
                Some(LateStep::Skip) => return self.leave_out(tx, &row, lead, TOO_LATE).await,
                Some(LateStep::Replan) => {
                    if let Some(at) = due(&step, self.wake.now, &hours).filter(|at| *at > self.wake.now) {
                        return self.put_off(tx, &row, lead, at, "planned anew after a standstill").await;
                    }
                }
                Some(LateStep::Send) | None => {}
            }
        }
        let purpose = if row.requested { Purpose::Requested } else { Purpose::Nurture };
        let company_days = self.history.company_days(lead);
        let facts = self.history.facts(lead, &company_days);
        let contact = &rules.agreement.contact;
        match may_contact(&facts, contact, &hours, Channel::Email, purpose, None, self.wake.now) {
            Permission::Yes => {
                let (local_date, slot, company_slot) = self.history.take_slot(lead, &hours, self.wake);
                self.contacts.push(NewContact {
                    lead: lead.id,
                    at: self.wake.now,
                    local_date,
                    channel: Channel::Email,
                    actor: None,
                    mail: Some(row.id),
                    slot: Some(slot),
                    company_slot,
                });
                self.claim.mails.push(Claimed {
                    row,
                    lead: Some(lead.clone()),
                    message: None,
                    contact_by: None,
                    before: Vec::new(),
                });
            }
            Permission::NotBefore { at, because } => {
                self.put_off(tx, &row, lead, at, &reasons(&because)).await?;
            }
            Permission::Never { because } => {
                let why = because.to_string();
                tx.settle_mail(row.id, MailState::Pending, MailState::Dropped, &why, self.wake.now).await?;
                let facts = json!({ "sequence": row.sequence, "step": row.step, "why": why });
                self.events.push(self.wake.event(lead.id, "dropped", facts));
                if let Some(enrolment) =
                    tx.active_enrolment(lead.id).await?.filter(|e| Some(e.id) == row.enrolment)
                {
                    self.engine.end_enrolment(tx, self.wake, &enrolment, false, &why).await?;
                }
                self.claim.report.done += 1;
            }
        }
        Ok(())
    }

    /// Has a mail wait, and says so.
    async fn put_off(
        &mut self,
        tx: &mut Tx,
        row: &OutboxMail,
        lead: &Lead,
        at: Timestamp,
        why: &str,
    ) -> Result<(), PassError> {
        tx.hold_mail(row.id, at, why).await?;
        let facts =
            json!({ "sequence": row.sequence, "step": row.step, "until": at.to_string(), "why": why });
        self.events.push(self.wake.event(lead.id, "deferred", facts));
        self.claim.report.put_off += 1;
        Ok(())
    }

    /// Goes on to the next step. Whoever took a mail out of the playbook does not want it sent any more, also
    /// not to those who have it waiting for the morning.
    async fn leave_out(
        &mut self,
        tx: &mut Tx,
        row: &OutboxMail,
        lead: &Lead,
        why: &str,
    ) -> Result<(), PassError> {
        tx.settle_mail(row.id, MailState::Pending, MailState::Skipped, why, self.wake.now).await?;
        let facts = json!({ "sequence": row.sequence, "step": row.step, "why": why });
        self.events.push(self.wake.event(lead.id, "skipped", facts));
        if let Some(enrolment) = row.enrolment {
            tx.look_at_enrolment(enrolment, Some(row.due_at)).await?;
        }
        self.claim.report.done += 1;
        Ok(())
    }
}

/// Counts a batch towards the day; `false` when the day has had enough.
async fn fits_the_day(tx: &mut Tx, wake: &Wake, mails: i64) -> Result<bool, PassError> {
    Ok(tx.count_lead_mails(brake_day(wake), mails).await? <= wake.rules.agreement.contact.daily_brake)
}

/// The day that the brake counts: the date in the agreement's zone.
pub(crate) fn brake_day(wake: &Wake) -> i64 {
    let zone = &wake.rules.agreement.contact.default_zone;
    let zone = jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC);
    day_number(wake.now.to_zoned(zone).date())
}

fn distinct<T: Ord>(mut ids: Vec<T>) -> Vec<T> {
    ids.sort_unstable();
    ids.dedup();
    ids
}
