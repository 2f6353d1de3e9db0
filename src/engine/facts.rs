//! What the rules have to know of several leads at once, read in a handful of statements.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::Wake;
use crate::domain::agreement::Agreement;
use crate::domain::calendar::Calendar;
use crate::domain::condition::Facts;
use crate::domain::contact::{Channel, ContactFacts, SuppressionReason, day_number, first_day_that_counts};
use crate::domain::ids::LeadId;
use crate::domain::lead::{Answer, Lead};
use crate::domain::scoring::Done;
use crate::store::{CompanyDay, StoreError, Tx};

/// What leads said and did.
#[derive(Debug, Default)]
pub(super) struct Behaviour {
    answers: HashMap<LeadId, Vec<Answer>>,
    done: HashMap<LeadId, Vec<Done>>,
    counts: HashMap<LeadId, BTreeMap<String, i64>>,
    touches: HashMap<LeadId, i64>,
}

impl Behaviour {
    /// As it is at `now`. What a lead did is counted by the database, so one that did a hundred thousand things
    /// weighs no more than another.
    pub async fn load(tx: &mut Tx, leads: &[Lead], now: Timestamp) -> Result<Behaviour, StoreError> {
        let ids: Vec<LeadId> = leads.iter().map(|lead| lead.id).collect();
        let (answers, done) = tx.behaviour_of(&ids, now).await?;
        let mut behaviour = Behaviour::default();
        behaviour.touches.extend(tx.touch_counts(&ids).await?);
        for (lead, answer) in answers {
            behaviour.answers.entry(lead).or_default().push(answer);
        }
        for (lead, done) in done {
            let counts = behaviour.counts.entry(lead).or_default();
            *counts.entry(done.name.clone()).or_default() += done.times;
            behaviour.done.entry(lead).or_default().push(done);
        }
        Ok(behaviour)
    }

    /// The lead as conditions see it.
    pub fn facts<'a>(&'a self, lead: &'a Lead, now: Timestamp) -> Facts<'a> {
        let mut facts = Facts::of(lead, now);
        facts.answers = self.answers(lead.id);
        facts.touches = self.touches.get(&lead.id).copied().unwrap_or(0);
        if let Some(counts) = self.counts.get(&lead.id) {
            facts.activities = counts;
        }
        facts
    }

    pub fn answers(&self, lead: LeadId) -> &[Answer] {
        self.answers.get(&lead).map_or(&[], Vec::as_slice)
    }

    /// How often the lead did what on which day, the longest ago first.
    pub fn done(&self, lead: LeadId) -> &[Done] {
        self.done.get(&lead).map_or(&[], Vec::as_slice)
    }
}

/// What the gate has to know of leads.
#[derive(Debug)]
pub(crate) struct ContactHistory {
    suppressions: HashMap<LeadId, Vec<SuppressionReason>>,
    mail_dates: HashMap<LeadId, Vec<i64>>,
    highest_slots: HashMap<(LeadId, i64), i64>,
    company_days: Vec<CompanyDay>,
    unclear_until: HashMap<LeadId, Timestamp>,
}

impl ContactHistory {
    pub async fn load(
        tx: &mut Tx,
        leads: &[Lead],
        agreement: &Agreement,
        now: Timestamp,
    ) -> Result<ContactHistory, StoreError> {
        // Local dates differ by a day at most from the one in UTC, in either direction.
        let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
        let since = first_day_that_counts(&agreement.contact, today.yesterday().unwrap_or(today));
        let ids: Vec<LeadId> = leads.iter().map(|lead| lead.id).collect();
        let emails: Vec<_> = leads.iter().map(|lead| &lead.email).collect();
        let mut history = ContactHistory {
            suppressions: HashMap::new(),
            mail_dates: HashMap::new(),
            highest_slots: HashMap::new(),
            company_days: Vec::new(),
            unclear_until: tx.unclear_until(&ids, now).await?.into_iter().collect(),
        };
        let suppressions = tx.suppressions_of(&emails).await?;
        if !suppressions.is_empty() {
            for lead in leads {
                let reasons: Vec<SuppressionReason> =
                    suppressions.iter().filter(|row| row.email == lead.email).map(|row| row.reason).collect();
                if !reasons.is_empty() {
                    history.suppressions.insert(lead.id, reasons);
                }
            }
        }
        for contact in tx.contacts_since(&ids, since).await? {
            if contact.channel == Channel::Email {
                history.mail_dates.entry(contact.lead).or_default().push(contact.local_date);
            }
            if let Some(slot) = contact.slot {
                let highest = history.highest_slots.entry((contact.lead, contact.local_date)).or_insert(slot);
                *highest = slot.max(*highest);
            }
        }
        if agreement.contact.per_company.is_some() {
            let mut companies: Vec<&str> = leads.iter().filter_map(|lead| lead.email.company_key()).collect();
            companies.sort_unstable();
            companies.dedup();
            history.company_days = tx.company_days(&companies, day_number(today) - 1).await?;
        }
        Ok(history)
    }

    /// The lead as the gate sees it.
    pub fn facts<'a>(&'a self, lead: &'a Lead, company_days: &'a [(i64, i64)]) -> ContactFacts<'a> {
        ContactFacts {
            email: &lead.email,
            stage: lead.stage,
            owner: lead.owner.as_ref(),
            has_phone: lead.profile.phone.is_some(),
            away_until: lead.away_until,
            follow_up_at: lead.follow_up_at,
            unclear_until: self.unclear_until.get(&lead.id).copied(),
            suppressions: self.suppressions.get(&lead.id).map_or(&[], Vec::as_slice),
            mail_dates: self.mail_dates.get(&lead.id).map_or(&[], Vec::as_slice),
            company_days,
        }
    }

    /// On which dates how many people of the lead's company get mail.
    pub fn company_days(&self, lead: &Lead) -> Vec<(i64, i64)> {
        let Some(company) = lead.email.company_key() else {
            return Vec::new();
        };
        self.company_days
            .iter()
            .filter(|day| day.company_key == company)
            .map(|day| (day.local_date, day.people))
            .collect()
    }

    /// A nurture mail to `lead` today: the date, and the slots it takes of the lead's day and of its company's.
    pub fn take_slot(
        &mut self,
        lead: &Lead,
        hours: &Calendar,
        wake: &Wake,
    ) -> (i64, i64, Option<(String, i64)>) {
        let date = day_number(hours.local(wake.now).date());
        let dates = self.mail_dates.entry(lead.id).or_default();
        let first_today = !dates.contains(&date);
        dates.push(date);
        let highest = self.highest_slots.entry((lead.id, date)).or_insert(-1);
        *highest += 1;
        let slot = *highest;
        let counts_for_company = first_today && wake.rules.agreement.contact.per_company.is_some();
        let company = lead.email.company_key().filter(|_| counts_for_company).map(|company| {
            let known =
                self.company_days.iter().position(|day| day.company_key == company && day.local_date == date);
            let index = known.unwrap_or_else(|| {
                let company_key = company.to_owned();
                self.company_days.push(CompanyDay {
                    company_key,
                    local_date: date,
                    people: 0,
                    highest_slot: -1,
                });
                self.company_days.len() - 1
            });
            let day = &mut self.company_days[index];
            day.people += 1;
            day.highest_slot += 1;
            (company.to_owned(), day.highest_slot)
        });
        (date, slot, company)
    }
}
