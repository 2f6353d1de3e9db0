//! What a rep's own mailbox got from a lead, and the rep passes on to our log address: it counts as if the rep had said it.
//!
//! A rep can say that a lead wrote, is away, wants to be called on a day, wants no more mail, or has left; so a mail that
//! says it of them can, too. What only servers know, that an address is dead, needs a proof that it is about a mail of ours.

use super::{Ingested, Verdict};
use crate::domain::happening::Happening;
use crate::engine::happen::ReadFrom;
use crate::engine::pass::PassError;
use crate::engine::{Engine, Wake};
use crate::mail::inbound::meaning::{Meaning, Surety, Writer, meaning};
use crate::mail::inbound::{Inbound, forwarded, read};
use crate::store::Tx;

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
        let Some(within) = forwarded(raw).and_then(|raw| read(&raw)) else { return Ok(None) };
        // Proof that it is about a mail of ours is the same whoever brings it.
        if let Some((_, ours)) = self.ours(tx, &within).await?
            && ours.lead.is_some()
        {
            return self.came_back(tx, wake, &within).await;
        }
        let Some(from) = within.from.as_ref().filter(|from| *from != by) else { return Ok(None) };
        let Some(mut lead) = tx.lock_person_by_email(from).await? else { return Ok(None) };
        let happenings = match meaning(&within.classified, Surety::Tied, Writer::Lead) {
            Meaning::Happened(happenings) if happenings.iter().all(can_be_passed_on) => happenings,
            Meaning::Nothing(why) => return Ok(Some(Ingested::Done(format!("nothing: {why}")).into())),
            _ => return Ok(None),
        };
        let mut evidence = vec!["somebody of ours passed it on".to_owned()];
        evidence.extend(within.classified.evidence.iter().cloned());
        let read_from = ReadFrom { mail: None, evidence };
        self.happened_as_read(tx, wake, &within, &mut lead, &happenings, Some(by), read_from).await.map(Some)
    }
}

fn can_be_passed_on(happening: &Happening) -> bool {
    !matches!(happening, Happening::Bounced(_) | Happening::Complained)
}
