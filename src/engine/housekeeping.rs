//! What keeps the house in order: mail whose sender vanished, answers nobody asks for again, and the beat that says somebody was here.

use jiff::SignedDuration;

use super::deliver;
use super::pass::{PassError, PassReport};
use super::{Engine, Wake};
use crate::domain::mail::{Audience, MailState};
use crate::store::{OutboxMail, Tx};

/// Lost mails settled in one transaction.
const BATCH: i64 = 100;

/// The beat is written this often at most, in seconds: a row rewritten each second would be the only thing a
/// quiet night writes.
const BEAT_SECONDS: i64 = 60;

/// How long the answer to a request with an `Idempotency-Key` is kept: a client that was away for a day asks again.
const KEEP_ANSWERS: SignedDuration = SignedDuration::from_hours(48);

pub(super) async fn run(engine: &Engine, wake: &Wake) -> Result<PassReport, PassError> {
    let mut tx = engine.store.read().await?;
    let sending = tx.any_mail_sending().await?;
    let last = tx.last_beat().await?;
    tx.rollback().await?;
    let report = if sending { settle_lost_mail(engine, wake, false).await? } else { PassReport::default() };
    if last.is_none_or(|last| wake.now.duration_since(last).as_secs().abs() >= BEAT_SECONDS) {
        let mut tx = engine.store.begin().await?;
        tx.beat(wake.now).await?;
        tx.forget_requests(wake.now.saturating_sub(KEEP_ANSWERS).unwrap_or(wake.now)).await?;
        tx.commit().await?;
    }
    Ok(report)
}

/// Finds mail that was being sent when its sender vanished. Staff mail goes again, under the same Message-ID;
/// lead mail is in doubt. With `all`, when nobody else can be sending, the leases need not run out first.
pub(super) async fn settle_lost_mail(
    engine: &Engine,
    wake: &Wake,
    all: bool,
) -> Result<PassReport, PassError> {
    let mut report = PassReport::default();
    loop {
        let mut tx = engine.store.begin().await?;
        // Leads before mails, as whoever marks a mail does: a sender that was slow, not dead, may be at it now.
        let mut leads: Vec<_> =
            tx.lost_mails(wake.now, all, BATCH).await?.into_iter().filter_map(|mail| mail.lead).collect();
        leads.sort_unstable();
        leads.dedup();
        if !leads.is_empty() {
            tx.lock_rows_of_leads(&leads).await?;
        }
        let mut lost = tx.lock_lost_mails(wake.now, all, BATCH).await?;
        lost.retain(|mail| mail.lead.is_none_or(|lead| leads.contains(&lead)));
        if lost.is_empty() {
            tx.rollback().await?;
            return Ok(report);
        }
        for mail in &lost {
            settle(engine, &mut tx, wake, mail).await?;
            match mail.audience {
                Audience::Staff => report.put_off += 1,
                Audience::Lead => report.parked += 1,
            }
        }
        tx.commit().await?;
    }
}

async fn settle(engine: &Engine, tx: &mut Tx, wake: &Wake, mail: &OutboxMail) -> Result<(), PassError> {
    const WHY: &str = "the daemon that was sending it vanished";
    if mail.audience == Audience::Staff {
        tx.send_mail_again(mail.id, MailState::Sending, wake.now, WHY).await?;
        return Ok(());
    }
    if tx.settle_mail(mail.id, MailState::Sending, MailState::InDoubt, WHY, wake.now).await? {
        let lead = match mail.lead {
            Some(lead) => tx.leads(&[lead]).await?.pop(),
            None => None,
        };
        deliver::fell_into_doubt(engine, tx, wake, mail, lead.as_ref(), wake.now).await?;
    }
    Ok(())
}
