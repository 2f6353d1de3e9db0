//! A mail that may be a lead's own, and may not: a person is asked, and until they have answered the lead gets no mail of
//! a sequence. Nothing else follows before.
//!
//! The lead's rep is asked when sales has it, marketing's manager otherwise. Nobody has to answer: after
//! [`HELD_DAYS`] the sequence goes on, and the question stays where it can be found (`nurtured ingest --kept`).

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{TRIES, Verdict};
use crate::domain::email::EmailAddress;
use crate::domain::happening::Happening;
use crate::domain::ids::LeadId;
use crate::domain::lead::Lead;
use crate::domain::mail::{Audience, MailState};
use crate::engine::happen::ReadFrom;
use crate::engine::pass::PassError;
use crate::engine::{Engine, Wake, staff_mail};
use crate::mail::inbound::Inbound;
use crate::mail::inbound_token;
use crate::store::{KeptMail, Question, StoreError, Tx};

/// How long a lead gets no mail of a sequence for the sake of a question that nobody answers.
pub const HELD_DAYS: i64 = 14;

/// What would follow from a mail if it were the lead's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Proposed {
    Replied,
    OutOfOffice { until: Option<String>, do_not_call: bool },
    FollowUp { on: String },
    Unsubscribed,
    LeftCompany,
}

impl Proposed {
    fn of(happening: &Happening) -> Option<Proposed> {
        Some(match happening {
            Happening::Replied => Proposed::Replied,
            Happening::Away { until, do_not_call } => Proposed::OutOfOffice {
                until: until.map(|until| until.to_string()),
                do_not_call: *do_not_call,
            },
            Happening::FollowUp { on } => Proposed::FollowUp { on: on.to_string() },
            Happening::Unsubscribed => Proposed::Unsubscribed,
            Happening::LeftCompany => Proposed::LeftCompany,
            _ => return None,
        })
    }

    fn happening(&self) -> Option<Happening> {
        let day = |text: &String| text.parse::<Date>().ok();
        Some(match self {
            Proposed::Replied => Happening::Replied,
            Proposed::OutOfOffice { until, do_not_call } => {
                Happening::Away { until: until.as_ref().and_then(day), do_not_call: *do_not_call }
            }
            Proposed::FollowUp { on } => Happening::FollowUp { on: day(on)? },
            Proposed::Unsubscribed => Happening::Unsubscribed,
            Proposed::LeftCompany => Happening::LeftCompany,
        })
    }

    /// What follows, as whoever is asked would say it.
    fn words(&self) -> String {
        let day = |text: &String| text.parse::<Date>().map_or_else(|_| text.clone(), staff_mail::display_day);
        match self {
            Proposed::Replied => "it has written back".to_owned(),
            Proposed::OutOfOffice { until: Some(until), .. } => {
                format!("it is away and back on {}", day(until))
            }
            Proposed::OutOfOffice { until: None, .. } => "it is away, without saying until when".to_owned(),
            Proposed::FollowUp { on } => format!("it wants to hear from us on {}", day(on)),
            Proposed::Unsubscribed => "it wants no more of our mails".to_owned(),
            Proposed::LeftCompany => "it does not work there any more".to_owned(),
        }
    }
}

/// What a person is asked about a mail.
pub(super) struct Asked {
    lead: LeadId,
    proposed: Vec<Proposed>,
    why: &'static str,
    from: Option<EmailAddress>,
    text: String,
    evidence: Vec<String>,
    held_until: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    proposed: Vec<Proposed>,
    evidence: Vec<String>,
}

impl Asked {
    pub(super) fn new(
        lead: &Lead,
        happenings: &[Happening],
        why: &'static str,
        mail: &Inbound,
        read_from: ReadFrom,
        now: Timestamp,
    ) -> Asked {
        Asked {
            lead: lead.id,
            proposed: happenings.iter().filter_map(Proposed::of).collect(),
            why,
            from: mail.from.clone(),
            text: mail.text.clone(),
            evidence: read_from.evidence,
            held_until: now + SignedDuration::from_hours(24 * HELD_DAYS),
        }
    }

    /// As it is kept with the mail.
    pub(super) fn as_kept(&self) -> Question {
        let kept = Kept { proposed: self.proposed.clone(), evidence: self.evidence.clone() };
        Question {
            lead: self.lead,
            proposal: serde_json::to_string(&kept).expect("it has nothing that JSON cannot say"),
            held_until: self.held_until,
        }
    }
}

/// A mail that waits for somebody's word, as it is shown to them.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The mail's number.
    pub number: i64,
    /// The lead whose it may be.
    pub lead: Lead,
    /// What follows if it is: "it has written back".
    pub follows: String,
    /// What it says.
    pub text: String,
    /// Who says that they wrote it.
    pub from: Option<EmailAddress>,
}

/// What became of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// It is the lead's: what followed.
    Theirs(String),
    /// It is not, and what was held goes on.
    NotTheirs,
    /// It does not wait any more.
    Settled,
}

impl Engine {
    /// Asks about the mail that was kept as `number`.
    pub(super) async fn ask_about(
        &self,
        tx: &mut Tx,
        wake: &Wake,
        number: i64,
        asked: &Asked,
    ) -> Result<(), PassError> {
        let Some(lead) = tx.lock_leads(&[asked.lead]).await?.pop() else { return Ok(()) };
        let to = match &lead.owner {
            Some(owner) if lead.stage.sales_has_the_word() => owner.clone(),
            _ => wake.rules.agreement.marketing.manager.clone(),
        };
        let page = self.identity.has_pages().then(|| {
            format!("{}/m/{}", self.identity.public_url, inbound_token::token(&self.keys.action, number))
        });
        let question = staff_mail::Asked {
            number,
            from: asked.from.as_ref(),
            why: asked.why,
            follows: &follows(&asked.proposed),
            text: &asked.text,
            held_until: asked.held_until,
            page,
        };
        staff_mail::ask_whose(self, tx, wake, &lead, &to, &question).await
    }

    /// The kept mail `number`, if it waits for somebody's word.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn waiting_mail(&self, number: i64) -> Result<Option<Waiting>, StoreError> {
        let mut tx = self.store.read().await?;
        let found = waiting(&mut tx, number).await?;
        let waiting = match found {
            None => None,
            Some((kept, lead, question)) => {
                let mail = crate::mail::inbound::read(&kept.raw);
                tx.leads(&[lead]).await?.pop().map(|lead| Waiting {
                    number,
                    lead,
                    follows: follows(&question.proposed),
                    text: mail.as_ref().map(|mail| mail.text.clone()).unwrap_or_default(),
                    from: mail.and_then(|mail| mail.from),
                })
            }
        };
        tx.rollback().await?;
        Ok(waiting)
    }

    /// A person says whether the kept mail `number` is the lead's own.
    ///
    /// # Errors
    /// When the store fails; then nothing was done.
    pub async fn answer_about_mail(
        &self,
        number: i64,
        is_theirs: bool,
        now: Timestamp,
    ) -> Result<Answered, PassError> {
        let mut tries = 1;
        loop {
            let mut tx = self.store.begin().await?;
            match self.answer_about_mail_in(&mut tx, number, is_theirs, now).await {
                Ok(answered) => {
                    tx.commit().await?;
                    self.wake_up();
                    return Ok(answered);
                }
                Err(PassError::Store(error)) if error.lost_a_race() && tries < TRIES => tries += 1,
                Err(error) => {
                    tx.rollback().await?;
                    return Err(error);
                }
            }
        }
    }

    async fn answer_about_mail_in(
        &self,
        tx: &mut Tx,
        number: i64,
        is_theirs: bool,
        now: Timestamp,
    ) -> Result<Answered, PassError> {
        let wake = self.wake_at(now);
        let Some((kept, lead, question)) = waiting(tx, number).await? else { return Ok(Answered::Settled) };
        // It may have become part of another lead meanwhile.
        let Some(record) = tx.leads(&[lead]).await?.pop() else { return Ok(Answered::Settled) };
        let Some(mut lead) = tx.lock_person_by_email(&record.email).await? else {
            return Ok(Answered::Settled);
        };
        // Of two who answer at one instant the second finds that it was settled.
        let (settled, why) = match is_theirs {
            true => (tx.settle_kept_mail(number, "a person says that it is the lead's").await?, "theirs"),
            false => {
                (tx.settle_kept_mail(number, "a person says that it is not the lead's").await?, "not theirs")
            }
        };
        if !settled {
            return Ok(Answered::Settled);
        }
        let mail = crate::mail::inbound::read(&kept.raw);
        let answered = match mail.filter(|_| is_theirs) {
            None => Answered::NotTheirs,
            Some(mail) => {
                let happenings: Vec<Happening> =
                    question.proposed.iter().filter_map(Proposed::happening).collect();
                let mut evidence = vec![format!("a person looked at it: {why}")];
                evidence.extend(question.evidence);
                let read_from = ReadFrom { mail: None, evidence };
                let Verdict { ingested, .. } =
                    self.happened_as_read(tx, &wake, &mail, &mut lead, &happenings, None, read_from).await?;
                Answered::Theirs(match ingested {
                    super::Ingested::Done(what) => what,
                    _ => String::new(),
                })
            }
        };
        // What waited for the answer is looked at again; whatever else stands against it holds it again.
        for mail in tx.mails_of(lead.id).await? {
            if mail.audience == Audience::Lead && mail.state == MailState::Pending && mail.held_why.is_some()
            {
                tx.hold_mail(mail.id, now, "what it waited for was answered").await?;
            }
        }
        Ok(answered)
    }
}

fn follows(proposed: &[Proposed]) -> String {
    proposed.iter().map(Proposed::words).collect::<Vec<_>>().join(", and ")
}

/// A kept mail, the lead whose it may be, and what would follow.
async fn waiting(tx: &mut Tx, number: i64) -> Result<Option<(KeptMail, LeadId, Kept)>, StoreError> {
    let Some(mut kept) = tx.kept_mails(number - 1, 1).await?.pop().filter(|kept| kept.id == number) else {
        return Ok(None);
    };
    let Some((lead, proposal)) = kept.question.take() else { return Ok(None) };
    let question = serde_json::from_str(&proposal).map_err(|error| StoreError::Inconsistent {
        table: "inbound_mail",
        id: number,
        what: format!("proposal: {error}"),
    })?;
    Ok(Some((kept, lead, question)))
}
