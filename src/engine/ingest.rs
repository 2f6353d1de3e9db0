//! A mail comes in: a command, a copy of what a rep wrote to a lead, or something for a person.
//!
//! A command needs a token of ours, in its subject or in the address it went to; who it says it is from does not
//! matter, because anybody can say so. A copy needs a rep's address as sender and our log address among its
//! recipients: it can do no more than note that the rep wrote. Whatever a machine wrote orders nothing. Everything
//! else is kept for a person.
//!
//! A mail is known by its content, so one that a server delivers twice counts once: the note of it and what
//! follows are one transaction. Whoever ordered something that cannot be so gets an answer; the answer goes to the
//! person for whom the token was written, and to nobody else.

use jiff::Timestamp;

use super::act::{ActError, Acted, Deed, Noted, Unheeded};
use super::desk::{Forbidden, NoDesk, lead_of};
use super::happen::{HappenError, Said, Via};
use super::pass::PassError;
use super::staff_mail::{self, HELP};
use super::{Engine, Wake};
use crate::domain::contact::Channel;
use crate::domain::email::EmailAddress;
use crate::domain::happening::{Happening, Outcome};
use crate::domain::lead::Lead;
use crate::domain::order::Order;
use crate::mail::action::{self, Grant};
use crate::mail::inbound::{self, Inbound};
use crate::store::{NewInboundMail, Tx};

/// How often is tried what another daemon got in the way of.
const TRIES: usize = 3;

/// So much is kept of a mail for a person to look at.
const MOST_KEPT: usize = 1024 * 1024;

/// What became of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ingested {
    /// It did something; what, as a sentence without personal text.
    Done(String),
    /// It ordered what cannot be so, and was answered; why.
    Refused(String),
    /// Nobody knows what to do with it, and it waits for a person; why.
    Kept(String),
    /// It came before, and did then what it does.
    Before,
}

impl Engine {
    /// Takes in one raw mail. `recipients` are those that the mail server knows of beside the headers.
    ///
    /// # Errors
    /// When the store fails; then nothing was done, and the mail should be offered again.
    pub async fn ingest(
        &self,
        raw: &[u8],
        recipients: &[EmailAddress],
        now: Timestamp,
    ) -> Result<Ingested, PassError> {
        let mut mail = inbound::read(raw);
        if let Some(mail) = &mut mail {
            mail.delivered_to.extend(recipients.iter().cloned());
        }
        let identity =
            mail.as_ref().map_or_else(|| inbound::identity_of_noise(raw), |mail| mail.identity.clone());
        let mut tries = 1;
        loop {
            match self.try_to_ingest(raw, mail.as_ref(), &identity, now).await {
                Err(PassError::Store(error)) if error.lost_a_race() && tries < TRIES => tries += 1,
                result => {
                    if matches!(result, Ok(Ingested::Done(_) | Ingested::Refused(_))) {
                        self.wake_up();
                    }
                    return result;
                }
            }
        }
    }

    async fn try_to_ingest(
        &self,
        raw: &[u8],
        mail: Option<&Inbound>,
        identity: &str,
        now: Timestamp,
    ) -> Result<Ingested, PassError> {
        if let Some(mail) = mail.filter(|mail| !mail.is_automatic)
            && let Some(command) = self.command(mail)
            && let Ok(order @ (Order::RepAway { .. } | Order::RepBack | Order::Mend(_))) = &command.order
            && !command.grant.is_over(now)
        {
            return self.obey_apart(mail, &command, order, identity, now).await;
        }
        let wake = self.wake_at(now);
        let mut tx = self.store.begin().await?;
        if tx.inbound_result(identity).await?.is_some() {
            tx.rollback().await?;
            return Ok(Ingested::Before);
        }
        let ingested = match mail {
            None => Ingested::Kept("it is no mail".to_owned()),
            Some(mail) => match self.command(mail) {
                Some(command) => self.obey(&mut tx, &wake, mail, &command).await?,
                None => self.log_copy(&mut tx, &wake, mail).await?,
            },
        };
        self.note(tx, identity, raw, ingested, now).await
    }

    /// Notes what became of a mail, with everything that followed from it.
    async fn note(
        &self,
        mut tx: Tx,
        identity: &str,
        raw: &[u8],
        ingested: Ingested,
        now: Timestamp,
    ) -> Result<Ingested, PassError> {
        let (result, why, raw) = match &ingested {
            Ingested::Done(what) => ("done", what, None),
            Ingested::Refused(why) => ("refused", why, None),
            Ingested::Kept(why) => ("kept", why, Some(&raw[..raw.len().min(MOST_KEPT)])),
            Ingested::Before => return Ok(ingested),
        };
        let new = NewInboundMail { identity, received_at: now, result, why, raw };
        if tx.insert_inbound_mail(&new).await? {
            tx.commit().await?;
            Ok(ingested)
        } else {
            // Another process was given the same mail, and was faster.
            tx.rollback().await?;
            Ok(Ingested::Before)
        }
    }

    /// What a mail orders, if it has a token of ours.
    fn command(&self, mail: &Inbound) -> Option<Command> {
        let key = &self.keys.action;
        let addresses = mail.to.iter().chain(&mail.delivered_to);
        let token = action::find(key, &mail.subject)
            .or_else(|| addresses.filter_map(|to| action::find(key, to.as_str())).next())?;
        let grant = action::verify(key, &token)?;
        let ordered = ordered(&mail.subject, &token);
        let ordered = if ordered.is_empty() {
            mail.text.lines().next().unwrap_or_default().to_owned()
        } else {
            ordered
        };
        let wants_help =
            ordered.split_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case(HELP));
        let order = Order::parse(&ordered).map_err(|error| error.to_string());
        Some(Command { token, grant, order, wants_help })
    }

    /// Does what a mail orders, or answers why not.
    async fn obey(
        &self,
        tx: &mut Tx,
        wake: &Wake,
        mail: &Inbound,
        command: &Command,
    ) -> Result<Ingested, PassError> {
        if mail.is_automatic {
            return Ok(Ingested::Kept("a machine wrote it, and machines order nothing".to_owned()));
        }
        if command.grant.is_over(wake.now) {
            return Ok(Ingested::Kept(format!("its token ended on {}", command.grant.last_day)));
        }
        let order = match &command.order {
            Ok(order) => order,
            Err(_) if command.wants_help => {
                return self.answer(tx, wake, command, mail, "Here is what you can answer.").await;
            }
            Err(why) => return self.answer(tx, wake, command, mail, why).await,
        };
        let deed = Deed {
            token: command.token.clone(),
            orders: vec![order.clone()],
            words: Some(mail.text.clone()).filter(|text| !text.is_empty()),
            seen: None,
            via: Via::Mail,
        };
        let what = order.kind();
        match self.act_in(tx, &command.grant, &deed, wake.now).await {
            Ok(Ok(Noted::Now | Noted::Before)) => Ok(Ingested::Done(format!("{what}, by mail"))),
            Ok(Err(Unheeded::Refused(why))) => self.answer(tx, wake, command, mail, &why).await,
            Ok(Err(Unheeded::Forbidden(why))) => self.answer(tx, wake, command, mail, forbidden(why)).await,
            Err(ActError::NoDesk(NoDesk::Failed(error))) => Err(error.into()),
            Err(ActError::NoDesk(error)) => Ok(Ingested::Kept(error.to_string())),
            Err(ActError::Failed(error)) => Err(error),
        }
    }

    /// What has transactions of its own: a rep is away or back, or a lead is mended. Done twice it is done once.
    async fn obey_apart(
        &self,
        mail: &Inbound,
        command: &Command,
        order: &Order,
        identity: &str,
        now: Timestamp,
    ) -> Result<Ingested, PassError> {
        let mut tx = self.store.read().await?;
        let known = tx.inbound_result(identity).await?.is_some();
        tx.rollback().await?;
        if known {
            return Ok(Ingested::Before);
        }
        let deed = Deed {
            token: command.token.clone(),
            orders: vec![order.clone()],
            words: Some(mail.text.clone()).filter(|text| !text.is_empty()),
            seen: None,
            via: Via::Mail,
        };
        let acted = self.act(&deed, now).await;
        let mut tx = self.store.begin().await?;
        let refused = match acted {
            Ok(Acted { result: Ok(_), .. }) => {
                let done = Ingested::Done(format!("{}, by mail", order.kind()));
                return self.note(tx, identity, &[], done, now).await;
            }
            Ok(Acted { result: Err(Unheeded::Refused(why)), .. }) => why,
            Ok(Acted { result: Err(Unheeded::Forbidden(why)), .. }) => forbidden(why).to_owned(),
            Err(ActError::NoDesk(NoDesk::Failed(error))) => return Err(error.into()),
            Err(ActError::NoDesk(error)) => {
                let kept = Ingested::Kept(error.to_string());
                return self.note(tx, identity, &[], kept, now).await;
            }
            Err(ActError::Failed(error)) => return Err(error),
        };
        let wake = self.wake_at(now);
        let answered = self.answer(&mut tx, &wake, command, mail, &refused).await?;
        self.note(tx, identity, &[], answered, now).await
    }

    /// Answers whoever the token was written for: why nothing was done, and what can be.
    async fn answer(
        &self,
        tx: &mut Tx,
        wake: &Wake,
        command: &Command,
        mail: &Inbound,
        why: &str,
    ) -> Result<Ingested, PassError> {
        let lead = match lead_of(tx, &command.grant).await {
            Ok(lead) => lead,
            Err(NoDesk::Failed(error)) => return Err(error.into()),
            Err(error) => return Ok(Ingested::Kept(error.to_string())),
        };
        let Some(lead) = tx.lock_leads(&[lead]).await?.pop() else {
            return Ok(Ingested::Kept(NoDesk::Gone.to_string()));
        };
        let desk = match self.lay_out(tx, &command.grant, lead, wake.now).await {
            Ok(desk) => desk,
            Err(NoDesk::Failed(error)) => return Err(error.into()),
            Err(error) => return Ok(Ingested::Kept(error.to_string())),
        };
        let words = if command.wants_help {
            why.to_owned()
        } else {
            format!("Your mail changed nothing: {}.", why.trim_end_matches('.'))
        };
        let key = format!("answer:{}", mail.identity);
        staff_mail::answer(self, tx, wake, &desk, &command.token, &words, &key).await?;
        if command.wants_help {
            return Ok(Ingested::Done("what can be answered was sent".to_owned()));
        }
        let why = if command.order.is_ok() {
            "what it orders cannot be so"
        } else {
            "it orders nothing that we know"
        };
        Ok(Ingested::Refused(format!("{why}; its sender was told")))
    }

    /// Notes that a rep wrote to leads, when a copy of the mail came to our log address.
    async fn log_copy(&self, tx: &mut Tx, wake: &Wake, mail: &Inbound) -> Result<Ingested, PassError> {
        let kept = |why: &str| Ok(Ingested::Kept(why.to_owned()));
        let agreement = &wake.rules.agreement;
        let Some(log) = self.identity.log_address.as_ref().filter(|log| mail.came_to(log)) else {
            return kept("it has no token and did not come to the log address");
        };
        let Some(rep) = mail
            .from
            .as_ref()
            .filter(|from| agreement.rep(from).is_some() || agreement.answers_for_team(from))
        else {
            return kept("it has no token, and its sender is nobody of the agreement");
        };
        if mail.is_automatic {
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
            at: None,
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

/// What a mail orders, and by which right.
struct Command {
    token: String,
    grant: Grant,
    order: Result<Order, String>,
    wants_help: bool,
}

/// Why somebody may not order something, as a sentence begins.
fn forbidden(why: Forbidden) -> &'static str {
    match why {
        Forbidden::Stale => {
            "this lead is not yours to act on by that mail any more (if there is a newer one, answer it)"
        }
        Forbidden::ForTheRep => "it is for the lead's rep to say what came of it",
        Forbidden::ForTheManager => "it is for the team's manager to decide that",
        Forbidden::ForMarketing => "it is for marketing to mend that",
        Forbidden::Settled => "it is settled, and waits for nobody any more",
        Forbidden::ForReps => "only a rep of the agreement can be away",
    }
}

/// Why a rep's mail is not noted, without an address.
fn why(error: &HappenError) -> &'static str {
    use crate::domain::happening::Refusal;
    match error {
        HappenError::Refused(Refusal::NotYours { .. }) => "somebody else has it",
        _ => "nobody in sales has it",
    }
}

/// The order in a subject: what is left without the token, brackets, and the marks of answers.
fn ordered(subject: &str, token: &str) -> String {
    let lower = subject.to_ascii_lowercase();
    let without = match lower.find(token) {
        Some(at) => format!("{} {}", &subject[..at], &subject[at + token.len()..]),
        None => subject.to_owned(),
    };
    let words: String = without.chars().map(|c| if "[](){}".contains(c) { ' ' } else { c }).collect();
    let mut words: Vec<&str> = words.split_whitespace().collect();
    while words.first().is_some_and(|word| word.ends_with(':')) {
        words.remove(0);
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_what_a_subject_says_without_its_trimmings() {
        let token = "a".repeat(action::LENGTH);
        for (subject, order) in [
            (format!("accept [{token}]"), "accept"),
            (format!("Re: AW: reject not-ready [{}]", token.to_uppercase()), "reject not-ready"),
            (format!("({token})"), ""),
            ("accept".to_owned(), "accept"),
            (format!("ä {token} ö"), "ä ö"),
        ] {
            assert_eq!(ordered(&subject, &token), order, "{subject}");
        }
    }
}
