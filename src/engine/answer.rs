//! A lead answers a question that one of its mails put to it.
//!
//! An answer comes in as if a form had brought it: what a campaign requires may be known with it, and a lead that
//! lacked nothing else goes to sales.

use jiff::Timestamp;

use super::Engine;
use super::pass::PassError;
use crate::domain::ids::LeadId;
use crate::domain::intake::merge::Authority;
use crate::domain::intake::{Owners, RawLead, normalise};
use crate::domain::lead::{Answer, Lead, LeadRecord};
use crate::domain::required::Known;
use crate::store::Tx;

/// How often an answer is noted that somebody else who had the lead got in the way of.
const TRIES: usize = 3;
/// Longer answers are cut: it is a field of one line.
const MAX_ANSWER: usize = 500;

/// What became of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// It was noted.
    Noted,
    /// The lead had said so before.
    Known,
    /// It is no phone number, no country.
    NotUnderstood,
    /// There is no such lead any more.
    Gone,
}

/// The field of a lead that a question asks for when it is just the field's name (`{{ask "phone"}}`), and what
/// browsers call it.
pub fn asked_for(question: &str) -> Option<(Known, &'static str)> {
    let autocomplete = match question {
        "first_name" => "given-name",
        "last_name" => "family-name",
        "company" => "organization",
        "title" => "organization-title",
        "phone" => "tel",
        "country" => "country-name",
        _ => return None,
    };
    Some((Known::parse(question).ok()?, autocomplete))
}

/// A question as it is put to the lead.
pub fn words(question: &str) -> &str {
    match question {
        "first_name" => "What is your first name?",
        "last_name" => "What is your last name?",
        "company" => "Which company do you work for?",
        "title" => "What is your job title?",
        "phone" => "On which number may we call you?",
        "country" => "In which country are you?",
        asked => asked,
    }
}

impl Engine {
    /// A lead gave `answer` to `question`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn answered(
        &self,
        lead: LeadId,
        question: &str,
        answer: &str,
        now: Timestamp,
    ) -> Result<Answered, PassError> {
        let answer: String = answer.split_whitespace().collect::<Vec<_>>().join(" ");
        let answer: String = answer.chars().filter(|c| !c.is_control()).take(MAX_ANSWER).collect();
        let mut tries = 1;
        loop {
            let mut tx = self.store.begin().await?;
            match self.answer_in(&mut tx, lead, question, &answer, now).await {
                Ok(Answered::Noted) => {
                    tx.commit().await?;
                    self.wake_up();
                    return Ok(Answered::Noted);
                }
                Err(PassError::Store(error)) if error.lost_a_race() && tries < TRIES => tries += 1,
                result => {
                    tx.rollback().await?;
                    return result;
                }
            }
        }
    }

    /// The same in a transaction, which is worth keeping when the answer was noted. The lead is locked before its
    /// answers are looked at: of two clicks at one instant the second finds the first.
    async fn answer_in(
        &self,
        tx: &mut Tx,
        lead: LeadId,
        question: &str,
        answer: &str,
        now: Timestamp,
    ) -> Result<Answered, PassError> {
        let Some(link) = tx.leads(&[lead]).await?.pop() else { return Ok(Answered::Gone) };
        // A double's link is the person's.
        let Some(lead) = tx.lock_person_by_email(&link.email).await? else { return Ok(Answered::Gone) };
        let answers = tx.answers(lead.id).await?;
        if answers.iter().rfind(|said| said.question == question).is_some_and(|last| last.answer == answer) {
            return Ok(Answered::Known);
        }
        let Some(record) = record(&lead, question, answer, now) else {
            return Ok(Answered::NotUnderstood);
        };
        // Whoever is asked for their number and gives another one wants to be called there.
        let authority = if asked_for(question).is_some() { Authority::Crm } else { Authority::Form };
        self.take_in_within(tx, &[record], authority, now).await?;
        Ok(Answered::Noted)
    }
}

/// The answer as a form would bring it; nothing when it asks for a field that cannot hold it.
fn record(lead: &Lead, question: &str, answer: &str, now: Timestamp) -> Option<LeadRecord> {
    let said = || Some(answer.to_owned());
    let mut raw = RawLead {
        email: Some(lead.email.to_string()),
        // A number without a prefix is one of the lead's country.
        country: lead.profile.country.clone(),
        ..RawLead::default()
    };
    let field = asked_for(question).map(|(field, _)| field);
    match &field {
        Some(Known::FirstName) => raw.first_name = said(),
        Some(Known::LastName) => raw.last_name = said(),
        Some(Known::Company) => raw.company = said(),
        Some(Known::Title) => raw.title = said(),
        Some(Known::Phone) => raw.phone = said(),
        Some(Known::Country) => raw.country = said(),
        Some(Known::Answer(_) | Known::Field(_)) | None => {}
    }
    let (mut record, _) = normalise(raw, &Owners::default(), now).ok()?;
    match field {
        Some(Known::Phone) if record.profile.phone.is_none() => return None,
        Some(Known::Country) if record.profile.country.is_none() => return None,
        Some(_) | None => {}
    }
    record.answers =
        vec![Answer { question: question.to_owned(), answer: answer.to_owned(), occurred_at: Some(now) }];
    Some(record)
}
