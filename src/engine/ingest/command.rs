//! A mail that orders something: it has a token of ours, in its subject or in the address it went to. Who it says it is
//! from does not matter, because anybody can say so.
//!
//! Whoever ordered something that cannot be so gets an answer; it goes to the person for whom the token was written, and
//! to nobody else.

use jiff::Timestamp;

use super::Ingested;
use crate::domain::order::Order;
use crate::engine::act::{ActError, Acted, Deed, Noted, Unheeded};
use crate::engine::desk::{Forbidden, NoDesk, lead_of};
use crate::engine::happen::Via;
use crate::engine::pass::PassError;
use crate::engine::staff_mail::{self, HELP};
use crate::engine::{Engine, Wake};
use crate::mail::action::{self, Grant};
use crate::mail::inbound::Inbound;
use crate::store::Tx;

impl Engine {
    /// What a mail orders, if it has a token of ours.
    pub(super) fn command(&self, mail: &Inbound) -> Option<Command> {
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
    pub(super) async fn obey(
        &self,
        tx: &mut Tx,
        wake: &Wake,
        mail: &Inbound,
        command: &Command,
    ) -> Result<Ingested, PassError> {
        if mail.is_automatic() {
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
    pub(super) async fn obey_apart(
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
                return self.note(tx, identity, &[], done.into(), now).await;
            }
            Ok(Acted { result: Err(Unheeded::Refused(why)), .. }) => why,
            Ok(Acted { result: Err(Unheeded::Forbidden(why)), .. }) => forbidden(why).to_owned(),
            Err(ActError::NoDesk(NoDesk::Failed(error))) => return Err(error.into()),
            Err(ActError::NoDesk(error)) => {
                let kept = Ingested::Kept(error.to_string());
                return self.note(tx, identity, &[], kept.into(), now).await;
            }
            Err(ActError::Failed(error)) => return Err(error),
        };
        let wake = self.wake_at(now);
        let answered = self.answer(&mut tx, &wake, command, mail, &refused).await?;
        self.note(tx, identity, &[], answered.into(), now).await
    }

    /// Answers whoever the token was written for: why nothing was done, and what can be.
    pub(super) async fn answer(
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
}

/// What a mail orders, and by which right.
pub(super) struct Command {
    token: String,
    pub(super) grant: Grant,
    pub(super) order: Result<Order, String>,
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
