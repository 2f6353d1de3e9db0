//! What came back of a mail to staff. Only what is tied to such a mail counts: anybody can write that a rep is away.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use super::{Ingested, Verdict};
use crate::domain::email::EmailAddress;
use crate::domain::happening::ABSENCE_WITHOUT_DATE_DAYS;
use crate::domain::mail::Audience;
use crate::engine::hand_off::team_calendar;
use crate::engine::happen::HappenError;
use crate::engine::pass::PassError;
use crate::engine::{Engine, Wake, staff_mail};
use crate::mail::inbound::Inbound;
use crate::mail::inbound::classify::{Class, Kind};
use crate::store::{OutboxMail, Tx};

impl Engine {
    /// A rep's mailbox says that the rep is away: the rules for absences hold, as if the rep had said so. `None` when the
    /// mail is something else. It has transactions of its own; done twice it is done once.
    pub(super) async fn rep_is_away(
        &self,
        mail: &Inbound,
        identity: &str,
        now: Timestamp,
    ) -> Result<Option<Ingested>, PassError> {
        let Some(reply) = mail.classified.auto_reply.as_ref().filter(|one| one.kind == Kind::OutOfOffice)
        else {
            return Ok(None);
        };
        let mut tx = self.store.read().await?;
        let ours = self.ours(&mut tx, mail).await?;
        let is_known = tx.inbound_result(identity).await?.is_some();
        tx.rollback().await?;
        // Whoever answers for somebody else says nothing of them.
        let is_own = |ours: &OutboxMail| mail.from.as_ref() == Some(&ours.recipient);
        let Some((_, ours)) = ours.filter(|(_, ours)| ours.audience == Audience::Staff && is_own(ours))
        else {
            return Ok(None);
        };
        if is_known {
            return Ok(Some(Ingested::Before));
        }
        let rep = &ours.recipient;
        let Some(back) = self.back_on(rep, reply.returns_on, now) else { return Ok(None) };
        if reply.returns_on.is_none() && self.is_away(rep, now).await? {
            let before = Ingested::Done("nothing: the rep is away, and has said until when".to_owned());
            let tx = self.store.begin().await?;
            return self.note(tx, identity, &[], before.into(), now).await.map(Some);
        }
        let verdict = match self.rep_away(rep, Some(back), now).await {
            Ok(()) => Ingested::Done("a rep is away, by their mailbox".to_owned()),
            Err(HappenError::Failed(error)) => return Err(error),
            Err(_) => Ingested::Done("nothing: what it says of a rep's absence is over".to_owned()),
        };
        let tx = self.store.begin().await?;
        self.note(tx, identity, &[], verdict.into(), now).await.map(Some)
    }

    async fn is_away(&self, rep: &EmailAddress, now: Timestamp) -> Result<bool, PassError> {
        let mut tx = self.store.read().await?;
        let state = tx.rep_state(rep).await?;
        tx.rollback().await?;
        Ok(state.away.is_some_and(|(from, until)| (from..until).contains(&now)))
    }

    /// The rep's first day back; without a date as long as is taken for a lead. `None`: they are no rep.
    fn back_on(&self, rep: &EmailAddress, said: Option<Date>, now: Timestamp) -> Option<Date> {
        let wake = self.wake_at(now);
        let (team, _) = wake.rules.agreement.rep(rep)?;
        let today = team_calendar(&wake, team).local(now).date();
        said.or_else(|| today.checked_add(ABSENCE_WITHOUT_DATE_DAYS.days()).ok())
    }

    /// What else comes back from staff.
    pub(super) async fn came_back_from_staff(
        &self,
        tx: &mut Tx,
        wake: &Wake,
        mail: &Inbound,
        ours: &OutboxMail,
    ) -> Result<Verdict, PassError> {
        let whose = ours.recipient.as_str();
        let words = match mail.classified.class {
            Class::Bounce => {
                format!("Mail to {whose} comes back. Whoever it is does not learn what waits for them.")
            }
            Class::Complaint => format!("The mailbox of {whose} takes our mail for spam."),
            Class::AutoReply => {
                let left =
                    mail.classified.auto_reply.as_ref().is_some_and(|one| one.kind == Kind::LeftCompany);
                if !left {
                    return Ok(
                        Ingested::Done("nothing: a machine says that our mail arrived".to_owned()).into()
                    );
                }
                format!(
                    "The mailbox of {whose} says that its owner has left. Please take them out of the agreement; \
                     until then they get leads that nobody calls."
                )
            }
            Class::DeliveryNotice | Class::Receipt => {
                return Ok(Ingested::Done("nothing: our mail was delivered".to_owned()).into());
            }
            Class::Reply | Class::Unsubscribe | Class::Calendar | Class::Challenge => {
                let why =
                    "it answers a mail to staff without an order: only its links, or their subjects, act";
                return Ok(Ingested::Kept(why.to_owned()).into());
            }
        };
        let today = wake.now.to_zoned(jiff::tz::TimeZone::UTC).date();
        let key = format!("staff-mail-came-back:{}:{whose}:{today}", mail.classified.class.name());
        staff_mail::operator(self, tx, wake, &words, &key).await?;
        Ok(Ingested::Done("the operator is told what came back from staff".to_owned()).into())
    }
}
