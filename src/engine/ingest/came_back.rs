//! What came back of a mail of ours: a bounce, an answer, an out-of-office reply, a complaint.
//!
//! What ties it to the mail decides whom it is about; what it means is decided in [`meaning`]; here it is done, and said in
//! the log with the words by which it was read. A mail that only says that it is from a lead asks a person.

use jiff::Timestamp;
use serde_json::json;

use super::question::Asked;
use super::{Ingested, Verdict};
use crate::domain::email::EmailAddress;
use crate::domain::happening::Happening;
use crate::domain::lead::Lead;
use crate::domain::mail::Audience;
use crate::engine::happen::{HappenError, ReadFrom, Said, Via};
use crate::engine::pass::PassError;
use crate::engine::person::is_tombstone;
use crate::engine::{Engine, Wake, staff_mail};
use crate::mail::inbound::Inbound;
use crate::mail::inbound::classify::{Class, Reason};
use crate::mail::inbound::correlate::{Clue, Tie, tie};
use crate::mail::inbound::meaning::{Meaning, Surety, Writer, meaning};
use crate::store::{OutboxMail, Tx};

impl Engine {
    /// Does what follows from a mail that came back; `None` when it is about nobody we know.
    pub(super) async fn came_back(
        &self,
        tx: &mut Tx,
        wake: &Wake,
        mail: &Inbound,
    ) -> Result<Option<Verdict>, PassError> {
        if mail.from.as_ref() == Some(&self.identity.from.address) {
            return done("nothing: it is a mail of our own");
        }
        if let Some((tie, ours)) = self.ours(tx, mail).await? {
            if tie.clue != Clue::Address && is_about_another(mail, &ours.recipient) {
                let why = "it says that a mail to another address came back";
                return Ok(Some(Ingested::Kept(why.to_owned()).into()));
            }
            if ours.audience == Audience::Staff {
                return self.came_back_from_staff(tx, wake, mail, &ours).await.map(Some);
            }
            let Some(lead) = whose(tx, &ours, &mail.classified.class).await? else {
                return done(
                    "nothing: the mail that it is about went to somebody whom we do not know any more",
                );
            };
            let writer = Writer::of(mail, &ours.recipient);
            let meaning = meaning(&mail.classified, Surety::Tied, writer);
            return self.do_what_follows(tx, wake, mail, lead, meaning, Some((tie, &ours))).await.map(Some);
        }
        let Some(from) = &mail.from else { return Ok(None) };
        let Some(lead) = tx.lock_person_by_email(from).await? else { return Ok(None) };
        let meaning = meaning(&mail.classified, Surety::SaysSo, Writer::Lead);
        self.do_what_follows(tx, wake, mail, lead, meaning, None).await.map(Some)
    }

    /// The mail of ours that one is about, and by what.
    pub(super) async fn ours(
        &self,
        tx: &mut Tx,
        mail: &Inbound,
    ) -> Result<Option<(Tie, OutboxMail)>, PassError> {
        let Some(tie) = tie(&self.keys.mail, mail) else { return Ok(None) };
        Ok(tx.outbox_mail(tie.mail).await?.map(|ours| (tie, ours)))
    }

    async fn do_what_follows(
        &self,
        tx: &mut Tx,
        wake: &Wake,
        mail: &Inbound,
        mut lead: Lead,
        meaning: Meaning,
        ours: Option<(Tie, &OutboxMail)>,
    ) -> Result<Verdict, PassError> {
        let mut evidence: Vec<String> = ours.iter().map(|(tie, _)| tie.clue.words().to_owned()).collect();
        evidence.extend(mail.classified.evidence.iter().map(|one| without_words(one)));
        let read_from = ReadFrom { mail: ours.map(|(tie, _)| tie.mail), evidence };
        match meaning {
            Meaning::Happened(happenings) => {
                self.happened_as_read(tx, wake, mail, &mut lead, &happenings, None, read_from).await
            }
            Meaning::Asks(happenings, why) => {
                self.ask(tx, wake, mail, &lead, &happenings, why, read_from).await
            }
            Meaning::OursToMend(reason) => {
                self.is_ours_to_mend(tx, wake, &lead, reason, read_from).await?;
                Ok(Ingested::Done(format!("the operator is told: {}", reason.words())).into())
            }
            Meaning::ForAPerson(why) => Ok(Ingested::Kept(why.to_owned()).into()),
            Meaning::Nothing(why) => Ok(Ingested::Done(format!("nothing: {why}")).into()),
        }
    }

    /// Has a person asked about a mail: about one of each lead at a time, so that nobody silences a sequence, or fills a
    /// mailbox, by writing again and again.
    #[expect(clippy::too_many_arguments, reason = "a mail, whose it may be, and what is asked")]
    pub(super) async fn ask(
        &self,
        tx: &mut Tx,
        wake: &Wake,
        mail: &Inbound,
        lead: &Lead,
        happenings: &[Happening],
        why: &'static str,
        read_from: ReadFrom,
    ) -> Result<Verdict, PassError> {
        if !tx.unclear_until(&[lead.id], wake.now).await?.is_empty() {
            return Ok(
                Ingested::Kept(format!("somebody is asked about another mail of this lead: {why}")).into()
            );
        }
        let asked = Asked::new(lead, happenings, why, mail, read_from, wake.now);
        Ok(Verdict { ingested: Ingested::Asked(why.to_owned()), asked: Some(asked) })
    }

    /// Records what a mail said; `by` is who passed it on. What cannot be so (a return that has passed) is no news.
    #[expect(clippy::too_many_arguments, reason = "a mail, whose it is, and how it came")]
    pub(super) async fn happened_as_read(
        &self,
        tx: &mut Tx,
        wake: &Wake,
        mail: &Inbound,
        lead: &mut Lead,
        happenings: &[Happening],
        by: Option<&EmailAddress>,
        read_from: ReadFrom,
    ) -> Result<Verdict, PassError> {
        let mut said = Said {
            by: by.cloned(),
            words: Some(mail.text.clone()).filter(|text| !text.is_empty()),
            via: Via::Mailbox,
            read_from: Some(read_from),
            ..Said::default()
        };
        let (mut noted, mut refused) = (Vec::new(), None);
        for happening in in_order(lead, happenings) {
            if is_known(tx, wake, lead, happening).await? {
                refused.get_or_insert("it said so before".to_owned());
                continue;
            }
            // The words stand with what they say first; a day is in them.
            let words = said.words.clone().filter(|_| !matches!(happening, Happening::FollowUp { .. }));
            match self.say(tx, wake, lead, happening, &Said { words: words.clone(), ..said.clone() }).await {
                Ok(()) => {
                    noted.push(happening.kind().replace('_', " "));
                    said.words = said.words.filter(|_| words.is_none());
                }
                Err(HappenError::Failed(error)) => return Err(error),
                Err(error) => refused = Some(error.to_string()),
            }
        }
        Ok(match (noted.is_empty(), refused) {
            (true, Some(why)) => Ingested::Done(format!("nothing: {why}")).into(),
            _ => Ingested::Done(noted.join(", ")).into(),
        })
    }

    /// A mail was not delivered for a reason that says nothing of the lead: whoever runs the server hears of it once a day.
    async fn is_ours_to_mend(
        &self,
        tx: &mut Tx,
        wake: &Wake,
        lead: &Lead,
        reason: Reason,
        read_from: ReadFrom,
    ) -> Result<(), PassError> {
        let facts = json!({ "why": reason.words(), "evidence": read_from.evidence });
        let mut entry = wake.event(lead.id, "not_delivered", facts);
        entry.mail = read_from.mail;
        tx.append(&[entry]).await?;
        let words = format!(
            "Mail of ours was not delivered, and that is for us to mend: {}. No lead was marked for it.",
            reason.words()
        );
        let today = wake.now.to_zoned(jiff::tz::TimeZone::UTC).date();
        let key = format!("not-delivered:{}:{today}", reason.words());
        staff_mail::operator(self, tx, wake, &words, &key).await
    }
}

/// In which order what a mail says is taken. A lead that sales has waits for its day before its rep is told, who then
/// reads when the call is due; one that is nurtured is heard first, which ends what it had said before.
fn in_order<'a>(lead: &Lead, happenings: &'a [Happening]) -> Vec<&'a Happening> {
    let mut ordered: Vec<&Happening> = happenings.iter().collect();
    if lead.stage.sales_has_the_word() {
        ordered.sort_by_key(|happening| !matches!(happening, Happening::FollowUp { .. }));
    }
    ordered
}

/// Evidence for the log, which outlives the words: those stand beside the entry, and can be erased.
pub(super) fn without_words(evidence: &str) -> String {
    let mut kept = String::with_capacity(evidence.len());
    let mut rest = evidence;
    while let Some((before, quoted)) = rest.split_once('“') {
        kept.push_str(before);
        kept.push('…');
        rest = quoted.split_once('”').map_or("", |(_, after)| after);
    }
    kept.push_str(rest);
    kept
}

fn done(what: &str) -> Result<Option<Verdict>, PassError> {
    Ok(Some(Ingested::Done(what.to_owned()).into()))
}

/// Whom a mail that came back is about. That an address does not exist is the address's, everything else the person's.
async fn whose(tx: &mut Tx, ours: &OutboxMail, class: &Class) -> Result<Option<Lead>, PassError> {
    if *class == Class::Bounce {
        return Ok(tx.lock_lead_by_email(&ours.recipient).await?);
    }
    let Some(id) = ours.lead else { return Ok(None) };
    // Whoever wanted to be forgotten is not brought back by an old conversation.
    let Some(lead) = tx.leads(&[id]).await?.pop().filter(|lead| !is_tombstone(&lead.email)) else {
        return Ok(None);
    };
    Ok(tx.lock_person_by_email(&lead.email).await?)
}

/// Whether a report names an address that failed, and it is not the one that we wrote to.
fn is_about_another(mail: &Inbound, recipient: &EmailAddress) -> bool {
    let failures = &mail.classified.failures;
    let named = failures.iter().filter_map(|failure| failure.address.as_deref());
    failures.iter().all(|failure| failure.address.is_some())
        && !failures.is_empty()
        && named.into_iter().all(|address| !address.trim().eq_ignore_ascii_case(recipient.as_str()))
}

/// Whether a lead said that before, so that a machine which answers every mail is heard once: an absence until the same
/// day, or another one without a day on one day.
async fn is_known(tx: &mut Tx, wake: &Wake, lead: &Lead, happening: &Happening) -> Result<bool, PassError> {
    let Happening::Away { until, .. } = happening else { return Ok(false) };
    let undone = tx.undone_events(lead.id).await?;
    let said = tx.events_of_kind(lead.id, "out_of_office").await?;
    let Some(last) = said.iter().rfind(|event| !undone.contains(&event.id)) else { return Ok(false) };
    let until = until.map(|until| until.to_string());
    let is_same = last.facts.get("over").is_none()
        && last.facts.get("until").and_then(serde_json::Value::as_str) == until.as_deref();
    Ok(is_same && (until.is_some() || is_of_one_day(last.occurred_at, wake.now)))
}

fn is_of_one_day(one: Timestamp, other: Timestamp) -> bool {
    one.as_second() / 86_400 == other.as_second() / 86_400
}
