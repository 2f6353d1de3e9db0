//! What a rep's own mailbox got from a lead, and the rep passes on to our log address, and to nobody else: a mail that goes
//! to the lead is the rep's answer, whatever it quotes.
//!
//! Anybody can write a rep's address above a mail. So it acts only for a lead that this rep has, and only as far as no harm
//! comes of it: that the lead wrote, is away, or wants to be called on a day. Everything else is asked. What only servers
//! know, that an address is dead, needs a proof that it is about a mail of ours.

use super::came_back::without_words;
use super::copy::is_of_ours;
use super::{Ingested, Verdict};
use crate::domain::email::EmailAddress;
use crate::domain::happening::Happening;
use crate::engine::happen::ReadFrom;
use crate::engine::pass::PassError;
use crate::engine::{Engine, Wake};
use crate::mail::inbound::meaning::{Meaning, Surety, Writer, meaning};
use crate::mail::inbound::{Inbound, forwarded, read};
use crate::store::{NewInboundMail, Tx};

impl Engine {
    /// Does what follows from a mail that somebody of ours passes on; `None` when it passes on none, or nobody we know
    /// wrote it.
    pub(super) async fn passed_on(
        &self,
        tx: &mut Tx,
        wake: &Wake,
        mail: &Inbound,
        raw: &[u8],
    ) -> Result<Option<Verdict>, PassError> {
        let came_to_log = self.identity.log_address.as_ref().is_some_and(|log| mail.came_to(log));
        let (Some(by), true) = (&mail.from, came_to_log) else { return Ok(None) };
        let is_for_us =
            |to: &EmailAddress| Some(to) == self.identity.log_address.as_ref() || is_of_ours(wake, to);
        if !mail.to.iter().all(is_for_us) {
            return Ok(None);
        }
        let Some(within) = forwarded(raw).and_then(|raw| read(&raw)) else { return Ok(None) };
        if tx.inbound_result(&within.identity).await?.is_some() {
            return Ok(Some(Ingested::Done("nothing: what it passes on came before".to_owned()).into()));
        }
        // Proof that it is about a mail of ours is the same whoever brings it.
        let verdict = if self.ours(tx, &within).await?.is_some_and(|(_, ours)| ours.lead.is_some()) {
            self.came_back(tx, wake, &within).await?
        } else {
            self.passed_on_untied(tx, wake, &within, by).await?
        };
        if verdict.is_some() {
            let why = "somebody of ours passed it on";
            let note = NewInboundMail {
                identity: &within.identity,
                received_at: wake.now,
                result: "done",
                why,
                raw: None,
                question: None,
            };
            tx.insert_inbound_mail(&note).await?;
        }
        Ok(verdict)
    }

    /// What follows from a mail that nothing ties to one of ours, and `by` passes on.
    async fn passed_on_untied(
        &self,
        tx: &mut Tx,
        wake: &Wake,
        within: &Inbound,
        by: &EmailAddress,
    ) -> Result<Option<Verdict>, PassError> {
        let Some(from) = within.from.as_ref().filter(|from| *from != by) else { return Ok(None) };
        let happenings = match meaning(&within.classified, Surety::Tied, Writer::Lead) {
            Meaning::Happened(happenings) | Meaning::Asks(happenings, _) => happenings,
            Meaning::Nothing(why) => return Ok(Some(Ingested::Done(format!("nothing: {why}")).into())),
            Meaning::OursToMend(_) | Meaning::ForAPerson(_) => return Ok(None),
        };
        if happenings.iter().any(|one| matches!(one, Happening::Bounced(_) | Happening::Complained)) {
            return Ok(None);
        }
        let Some(mut lead) = tx.lock_person_by_email(from).await? else { return Ok(None) };
        let mut evidence = vec!["somebody of ours passed it on".to_owned()];
        evidence.extend(within.classified.evidence.iter().map(|one| without_words(one)));
        let read_from = ReadFrom { mail: None, evidence };
        let is_theirs = lead.owner.as_ref() == Some(by) && lead.stage.sales_has_the_word();
        if is_theirs && happenings.iter().all(does_no_harm) {
            let followed =
                self.happened_as_read(tx, wake, within, &mut lead, &happenings, Some(by), read_from).await?;
            return Ok(Some(followed));
        }
        self.ask(tx, wake, within, &lead, &happenings, PASSED_ON, read_from).await.map(Some)
    }
}

/// Why a person is asked about what a rep passes on.
const PASSED_ON: &str = "somebody passed it on from an address of ours, which anybody can write";

fn does_no_harm(happening: &Happening) -> bool {
    matches!(happening, Happening::Replied | Happening::Away { .. } | Happening::FollowUp { .. })
}
