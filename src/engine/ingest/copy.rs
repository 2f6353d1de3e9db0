//! A copy of what a rep wrote to a lead: it has a rep's address as its sender and our log address among its recipients,
//! and can do no more than note that the rep wrote.

use super::Ingested;
use crate::domain::contact::Channel;
use crate::domain::email::EmailAddress;
use crate::domain::happening::{Happening, Outcome};
use crate::domain::lead::Lead;
use crate::engine::happen::{HappenError, Said, Via};
use crate::engine::pass::PassError;
use crate::engine::{Engine, Wake};
use crate::mail::inbound::Inbound;
use crate::store::Tx;

impl Engine {
    /// Notes that a rep wrote to leads, when a copy of the mail came to our log address.
    pub(super) async fn log_copy(
        &self,
        tx: &mut Tx,
        wake: &Wake,
        mail: &Inbound,
    ) -> Result<Ingested, PassError> {
        let kept = |why: &str| Ok(Ingested::Kept(why.to_owned()));
        let Some(log) = self.identity.log_address.as_ref().filter(|log| mail.came_to(log)) else {
            return kept("nothing ties it to a mail of ours, and it did not come to the log address");
        };
        let Some(rep) = mail.from.as_ref().filter(|from| is_of_ours(wake, from)) else {
            return kept("nothing ties it to a mail of ours, and its sender is nobody of the agreement");
        };
        if mail.is_automatic() {
            return kept("a machine wrote it: it is no attempt of a rep");
        }
        let to: Vec<&EmailAddress> = mail.to.iter().filter(|to| *to != log && *to != rep).collect();
        tx.lock_persons_by_email(&to).await?;
        let mut leads: Vec<Lead> = Vec::new();
        for email in to {
            leads.extend(
                tx.lock_person_by_email(email)
                    .await?
                    .filter(|lead| leads.iter().all(|one| one.id != lead.id)),
            );
        }
        if leads.is_empty() {
            return kept("a rep's mail to nobody who is a lead");
        }
        let wrote = Happening::Attempt { channel: Channel::Email, outcome: Outcome::Sent };
        let said = Said {
            by: Some(rep.clone()),
            words: Some(mail.subject.clone()).filter(|subject| !subject.is_empty()),
            via: Via::Copy,
            ..Said::default()
        };
        let (mut noted, mut refused) = (0, None);
        for mut lead in leads {
            match self.say(tx, wake, &mut lead, &wrote, &said).await {
                Ok(()) => noted += 1,
                Err(HappenError::Failed(error)) => return Err(error),
                Err(error) => {
                    refused = Some(format!("a rep's mail to a lead that is not theirs: {}", why(&error)));
                }
            }
        }
        Ok(match refused {
            Some(why) if noted == 0 => Ingested::Kept(why),
            _ if noted == 1 => Ingested::Done("a rep's mail to a lead is noted".to_owned()),
            _ => Ingested::Done(format!("a rep's mail to {noted} leads is noted")),
        })
    }
}

/// Whether somebody is a rep of the agreement, or answers for a team of it.
pub(super) fn is_of_ours(wake: &Wake, who: &EmailAddress) -> bool {
    let agreement = &wake.rules.agreement;
    agreement.rep(who).is_some() || agreement.answers_for_team(who) || agreement.marketing.manager == *who
}

/// Why a rep's mail is not noted, without an address.
fn why(error: &HappenError) -> &'static str {
    use crate::domain::happening::Refusal;
    match error {
        HappenError::Refused(Refusal::NotYours { .. }) => "somebody else has it",
        _ => "nobody in sales has it",
    }
}
