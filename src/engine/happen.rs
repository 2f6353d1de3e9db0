//! Something happened to a lead, and somebody told us: it is recorded, and what follows is done.
//!
//! Commands, clicks, incoming mail and scenarios all come through here, so a thing means the same whoever
//! says it.

use jiff::civil::{Date, Time};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use thiserror::Error;

use super::absence;
use super::facts::ContactHistory;
use super::hand_off;
use super::is_there;
use super::pass::PassError;
use super::recycle;
use super::sla;
use super::{Engine, Wake, staff_mail, turn_over, undo};
use crate::domain::agreement::Agreement;
use crate::domain::calendar::Calendar;
use crate::domain::contact::{
    self, Channel, ContactFacts, Permission, call_after_absence, day_number, may_contact, reasons,
};
use crate::domain::email::EmailAddress;
use crate::domain::escalation::Purpose;
use crate::domain::happening::{
    Bounce, Circumstances, Consequences, HandOffFacts, Happening, Outcome, Promises, Refusal, Tell,
    consequences,
};
use crate::domain::ids::OutboxId;
use crate::domain::lead::{Activity, Lead, Stage};
use crate::domain::recycle::{NextRep, Refused};
use crate::domain::sla::course::course;
use crate::problem::nearest;
use crate::store::{Event, NewContact, NewEvent, StoreError, Tx};

/// How often something is recorded that another daemon got in the way of.
const TRIES: usize = 3;

/// Why something could not be recorded.
#[derive(Debug, Error)]
pub enum HappenError {
    /// Nobody knows the lead.
    #[error("no lead has the address {0}")]
    UnknownLead(EmailAddress),
    /// Nobody knows the rep.
    #[error("{rep} is no rep of the agreement{suggestion}")]
    UnknownRep {
        /// Who was named.
        rep: EmailAddress,
        /// "; did you mean …?"
        suggestion: String,
    },
    /// It cannot be so.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The engine failed.
    #[error(transparent)]
    Failed(#[from] PassError),
}

impl From<StoreError> for HappenError {
    fn from(error: StoreError) -> HappenError {
        HappenError::Failed(error.into())
    }
}

/// Who said it, and in which words.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// By whose hand; `None`: the lead's own, or its mailbox's.
    pub by: Option<EmailAddress>,
    /// The words, which are personal and kept apart.
    pub words: Option<String>,
    /// Which way it came.
    pub via: Via,
    /// When it happened, if that was before we learned of it; `None`: now.
    pub at: Option<Timestamp>,
    /// What it was read from, if somebody's mail was read: by which words, and to which mail of ours.
    pub read_from: Option<ReadFrom>,
}

/// What a happening was read from.
#[derive(Clone, Debug, Default)]
pub struct ReadFrom {
    /// The mail of ours that it is about.
    pub mail: Option<OutboxId>,
    /// Why it was taken for that, without names and addresses.
    pub evidence: Vec<String>,
}

/// Which way somebody's word came to us. Mails get forwarded, so what a link or a mail said is recorded as said
/// by it; and who listens to a webhook must be able to tell their own word from others'.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Via {
    /// A command, or a mailbox.
    #[default]
    Command,
    /// A click on a page that a mail led to.
    Link,
    /// An answer to a mail.
    Mail,
    /// A copy of a rep's own mail.
    Copy,
    /// Another program, by the HTTP API.
    Api,
    /// A mail that came back was read.
    Mailbox,
}

impl Via {
    /// Its name in the event log; commands have none.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Via::Command => None,
            Via::Link => Some("link"),
            Via::Mail => Some("mail"),
            Via::Copy => Some("copy"),
            Via::Api => Some("api"),
            Via::Mailbox => Some("mailbox"),
        }
    }
}

impl Engine {
    /// Records that something happened to the lead at `email`, and does what follows.
    ///
    /// # Errors
    /// [`HappenError::Refused`] says in words that can be shown why it cannot be so; then nothing was changed.
    pub async fn happened(
        &self,
        email: &EmailAddress,
        happening: &Happening,
        said: &Said,
        now: Timestamp,
    ) -> Result<Lead, HappenError> {
        let mut tries = 1;
        loop {
            match self.record(email, happening, said, now).await {
                // A mail program that unsubscribes somebody asks once.
                Err(HappenError::Failed(PassError::Store(error))) if error.lost_a_race() && tries < TRIES => {
                    tries += 1;
                }
                result => return result,
            }
        }
    }

    async fn record(
        &self,
        email: &EmailAddress,
        happening: &Happening,
        said: &Said,
        now: Timestamp,
    ) -> Result<Lead, HappenError> {
        if said.at.is_some_and(|at| at > now) {
            return Err(Refusal::NotYet.into());
        }
        let wake = self.wake_at(now);
        let mut tx = self.store.begin().await?;
        // An address belongs to a person; that it does not exist is the address's own.
        let found = match happening {
            Happening::Bounced(_) => tx.lock_lead_by_email(email).await?,
            _ => tx.lock_person_by_email(email).await?,
        };
        let Some(mut lead) = found else {
            tx.rollback().await?;
            return Err(HappenError::UnknownLead(email.clone()));
        };
        // What a rep finds wrong with a record that has ended says nothing of the person.
        if lead.email != *email && matches!(happening, Happening::Rejected { .. } | Happening::WrongPerson) {
            tx.rollback().await?;
            return Err(Refusal::from(Refused::MergedBefore(lead.email)).into());
        }
        match self.say(&mut tx, &wake, &mut lead, happening, said).await {
            Ok(()) => {
                tx.commit().await?;
                self.wake_up();
                Ok(lead)
            }
            Err(error) => {
                tx.rollback().await?;
                Err(error)
            }
        }
    }

    /// The same inside a transaction that has the lead locked. After a refusal nothing was written.
    pub(super) async fn say(
        &self,
        tx: &mut Tx,
        wake: &Wake,
        lead: &mut Lead,
        happening: &Happening,
        said: &Said,
    ) -> Result<(), HappenError> {
        let (agreement, now) = (&wake.rules.agreement, wake.now);
        let hours = self.hours.mail(lead, agreement, None);
        let absent_before = match happening {
            Happening::Away { until: None, .. } => absences(tx, lead, &hours, now).await?,
            _ => 0,
        };
        let strikes = match happening {
            Happening::Bounced(Bounce::Strike) => strikes(tx, lead, agreement, now).await?,
            _ => 0,
        };
        let hand_off = match happening {
            Happening::Extended => hand_off_facts(tx, lead).await?,
            Happening::Reclaimed => HandOffFacts {
                claim: turn_over::claim(tx, lead, said.by.as_ref()).await?,
                ..HandOffFacts::default()
            },
            _ => HandOffFacts::default(),
        };
        let circumstances = Circumstances { agreement, hours: &hours, absent_before, strikes, hand_off, now };
        let followed = consequences(lead, happening, said.by.as_ref(), circumstances)?;
        self.follow(tx, wake, lead, happening, said, &followed).await?;
        Ok(())
    }

    /// The same for what a mail server told us while we were sending: a refusal is no news then.
    pub(super) async fn happened_by_mail(
        &self,
        tx: &mut Tx,
        wake: &Wake,
        email: &EmailAddress,
        happening: &Happening,
    ) -> Result<(), PassError> {
        let Some(mut lead) = tx.lock_lead_by_email(email).await? else {
            return Ok(());
        };
        let agreement = &wake.rules.agreement;
        let hours = self.hours.mail(&lead, agreement, None);
        let circumstances = Circumstances {
            agreement,
            hours: &hours,
            absent_before: 0,
            strikes: 0,
            hand_off: HandOffFacts::default(),
            now: wake.now,
        };
        match consequences(&lead, happening, None, circumstances) {
            Ok(followed) => self.follow(tx, wake, &mut lead, happening, &Said::default(), &followed).await,
            Err(_) => Ok(()),
        }
    }

    pub(super) async fn follow(
        &self,
        tx: &mut Tx,
        wake: &Wake,
        lead: &mut Lead,
        happening: &Happening,
        said: &Said,
        followed: &Consequences,
    ) -> Result<(), PassError> {
        let phone = self.hours.phone(lead, &wake.rules.agreement);
        let event = NewEvent {
            occurred_at: said.at.unwrap_or(wake.now),
            actor: said.by.as_ref().map(|by| by.as_str().to_owned()),
            mail: said.read_from.as_ref().and_then(|read_from| read_from.mail),
            ..wake.event(lead.id, happening.kind(), facts(happening, said, followed, &phone))
        };
        let id = tx.append_with_text(&event, said.words.as_deref()).await?;
        if undo::can_be_undone(happening, said) {
            undo::keep(tx, lead, followed, id).await?;
        }
        if let Happening::Activity { name } = happening {
            let activity = Activity { name: name.clone(), occurred_at: wake.now };
            tx.insert_activity(lead.id, &activity, &format!("event:{id}"), wake.now).await?;
        }
        let mut known = !followed.suppress.is_empty();
        for reason in &followed.suppress {
            let evidence = format!("event {id}");
            if tx.suppress(&lead.email, *reason, Some(&evidence), wake.now).await? {
                known = false;
                tx.append(&[wake.event(lead.id, "suppressed", json!({ "why": reason.label() }))]).await?;
            }
        }
        if let Some(why) = followed.sequence_ends {
            self.end_sequence(tx, wake, lead.id, why).await?;
        }
        let stages: Vec<Stage> = followed.stages.iter().map(|(stage, _)| *stage).collect();
        // Said twice, it is said once.
        let names_a_day = followed.follow_up_at.is_some() && followed.follow_up_at != lead.follow_up_at;
        let course = course(followed.promises, lead.stage, &stages, names_a_day, said.words.is_some());
        let at = said.at.unwrap_or(wake.now);
        sla::stop_kinds(tx, wake, lead.id, &course.stop, happening.kind(), at).await?;
        if let Some(channel) = followed.contact {
            let local_date = day_number(phone.local(at).date());
            let contact = NewContact {
                lead: lead.id,
                at,
                local_date,
                channel,
                actor: said.by.clone(),
                mail: None,
                slot: None,
                company_slot: None,
            };
            tx.insert_contacts(&[contact]).await?;
            if channel == Channel::Phone {
                note_call_against_gate(tx, wake, lead, &phone, said, at).await?;
            }
        }
        let owner = lead.owner.clone();
        let open = tx.open_hand_off(lead.id).await?;
        recycle::note(self, tx, wake, lead, open.as_ref(), happening, followed, id).await?;
        let is_there = is_there::note(self, tx, wake, lead, followed.over).await?;
        change(wake, lead, followed, tx).await?;
        if let (Some(hand_off), Some(at)) = (&open, said.at) {
            sla::correct(tx, wake, hand_off, &course.stop, happening.kind(), at).await?;
        }
        if let Some(hand_off) = &open {
            if followed.accepted {
                tx.accept_hand_off(hand_off.id, at).await?;
            }
            if let Some(why) = &followed.hand_off_ends {
                hand_off::end(tx, wake, hand_off, why).await?;
            }
        }
        if let Some(to) = &followed.goes_to {
            turn_over::give_to(self, tx, wake, lead, open.as_ref(), to, said.by.as_ref()).await?;
        }
        if let (true, Some(open), Some(by)) = (followed.taken_back, &open, &said.by) {
            turn_over::take_back(self, tx, wake, lead, open, by).await?;
        }
        if followed.promises == Promises::Recount || is_there {
            sla::recount(tx, wake, lead).await?;
        }
        if course.count_attempts || !followed.suppress.is_empty() {
            recycle::count_attempts(self, tx, wake, lead, at).await?;
        }
        if let Some(hand_off) = &open {
            sla::start_what_starts(self, tx, wake, lead, hand_off, &course).await?;
        }
        if followed.stages.iter().any(|(stage, _)| *stage == Stage::Opportunity) {
            // Its rep has room for another one.
            tx.look_at_waiting_leads(wake.now).await?;
        }
        let is_a_deal = |(stage, _): &(Stage, String)| matches!(stage, Stage::Opportunity | Stage::Won);
        if let Some(hand_off) = open.as_ref().filter(|_| followed.stages.iter().any(is_a_deal)) {
            tx.note_opportunity(hand_off.id, wake.now).await?;
        }
        // Only a mail has words of the lead's own.
        let quote = said.words.as_deref().filter(|_| said.via == Via::Mailbox);
        // Who was told that an address is dead, or that somebody complained, is not told again.
        match followed.tell.as_ref().filter(|_| !known) {
            Some(Tell::Owner(words)) => {
                // Who says so themselves knows it.
                if let Some(owner) = owner.as_ref().filter(|owner| said.by.as_ref() != Some(owner)) {
                    let mut words = words.clone();
                    if is_there {
                        words.push_str(staff_mail::is_there(lead, wake.now));
                    }
                    if followed.promises == Promises::Recount || is_there {
                        words = staff_mail::with_deadline(tx, wake, lead, owner, &words).await?;
                    }
                    let key = format!("notice:{id}");
                    staff_mail::notice_quoting(self, tx, wake, lead, owner, &words, quote, &key).await?;
                }
            }
            Some(Tell::Marketing(words)) => {
                let manager = wake.rules.agreement.marketing.manager.clone();
                let key = format!("notice:{id}");
                staff_mail::notice_quoting(self, tx, wake, lead, &manager, words, quote, &key).await?;
            }
            None => {}
        }
        if let Happening::Activity { name } = happening {
            self.leave_if_it_exits(tx, wake, lead).await?;
            recycle::end_rest_if_ready(self, tx, wake, lead).await?;
            let alone = Lead { campaign: None, source: None, ..lead.clone() };
            self.raise_hand(tx, wake, lead, &alone, std::slice::from_ref(name)).await?;
        }
        Ok(())
    }

    /// A rep is away from `now` until the morning of `back` (`None`: is back now).
    ///
    /// # Errors
    /// When the agreement does not know the rep, or the date makes no sense.
    pub async fn rep_away(
        &self,
        rep: &EmailAddress,
        back: Option<Date>,
        now: Timestamp,
    ) -> Result<(), HappenError> {
        let wake = self.wake_at(now);
        let agreement = &wake.rules.agreement;
        let Some((team, _)) = agreement.rep(rep) else {
            return Err(HappenError::UnknownRep { rep: rep.clone(), suggestion: suggestion(agreement, rep) });
        };
        let calendar = hand_off::team_calendar(&wake, team);
        let away = match back {
            // An absence that stands in the agreement is over by their word.
            None => Some((now, now)),
            Some(back) if back <= calendar.local(now).date() => {
                return Err(Refusal::Date { date: back, why: "is not in the future" }.into());
            }
            Some(back) => Some((now, calendar.instant_at(back, Time::midnight()).ok_or(Refusal::NeverOpen)?)),
        };
        let mut tx = self.store.begin().await?;
        tx.set_rep_away(rep, away).await?;
        for team in agreement.teams.values() {
            for one in &team.reps {
                // Who is back may take what nobody could while they, too, were away.
                let may_be_helped =
                    back.is_none() && absence::back_at(&mut tx, &wake, team, one).await?.is_some();
                if one.email == *rep || may_be_helped {
                    tx.move_appointment(&one.email, Purpose::Absence, now).await?;
                }
            }
        }
        let event = NewEvent {
            lead: None,
            occurred_at: now,
            recorded_at: now,
            kind: "rep_away",
            actor: Some(rep.as_str().to_owned()),
            playbook: Some(wake.rules.version.clone()),
            mail: None,
            facts: json!({ "rep": rep.as_str(), "until": back.map(|back| back.to_string()) }),
        };
        tx.append(&[event]).await?;
        tx.look_at_waiting_leads(now).await?;
        tx.commit().await?;
        self.wake_up();
        Ok(())
    }
}

/// Keeps a call that was made although the gate was shut then: reports count them. Nobody is refused, because
/// what happened happened.
async fn note_call_against_gate(
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
    phone: &Calendar,
    said: &Said,
    at: Timestamp,
) -> Result<(), PassError> {
    let rules = &wake.rules.agreement.contact;
    let contacts = ContactHistory::load(tx, std::slice::from_ref(lead), &wake.rules.agreement, at).await?;
    let facts = contacts.facts(lead, &[]);
    let actor = said.by.as_ref();
    // Where we know no number they had one: the hour counts all the same.
    let facts = ContactFacts { has_phone: true, ..facts };
    let why = match may_contact(&facts, rules, phone, Channel::Phone, contact::Purpose::Owner, actor, at) {
        Permission::Yes => return Ok(()),
        Permission::NotBefore { because, .. } => reasons(&because),
        Permission::Never { because } => because.to_string(),
    };
    let event = NewEvent {
        occurred_at: at,
        actor: actor.map(|by| by.as_str().to_owned()),
        ..wake.event(lead.id, "called_against_gate", json!({ "why": why }))
    };
    tx.append(&[event]).await?;
    Ok(())
}

/// What is known of a lead's present hand-off.
async fn hand_off_facts(tx: &mut Tx, lead: &Lead) -> Result<HandOffFacts, StoreError> {
    let since = tx.open_hand_off(lead.id).await?.map(|hand_off| hand_off.at);
    let extended = tx.events_of_kind(lead.id, "extended").await?;
    Ok(HandOffFacts {
        promise_runs: !tx.running_clocks(lead.id).await?.is_empty(),
        extended: since.is_some_and(|since| extended.iter().any(|event| event.occurred_at >= since)),
        ..HandOffFacts::default()
    })
}

/// How often mail to a lead came back for now, within the days that the agreement counts.
async fn strikes(tx: &mut Tx, lead: &Lead, agreement: &Agreement, now: Timestamp) -> Result<i64, StoreError> {
    let since = now - SignedDuration::from_hours(24 * agreement.contact.soft_bounces.days);
    let undone = tx.undone_events(lead.id).await?;
    let is_strike = |event: &Event| {
        event.facts.get("permanent") == Some(&json!(false)) && event.facts.get("full").is_none()
    };
    let bounces = tx.events_of_kind(lead.id, "bounced").await?.into_iter();
    let counted =
        bounces.filter(|event| event.occurred_at > since && is_strike(event) && !undone.contains(&event.id));
    Ok(counted.count() as i64)
}

/// On how many days before today a lead said, without a date, that it is away, and was not heard of since.
async fn absences(tx: &mut Tx, lead: &Lead, hours: &Calendar, now: Timestamp) -> Result<i64, StoreError> {
    let mut days = Vec::new();
    let undone = tx.undone_events(lead.id).await?;
    for event in tx.events_of(lead.id).await?.into_iter().filter(|event| !undone.contains(&event.id)) {
        let reached = event.facts.get("outcome").and_then(Value::as_str) == Some(Outcome::Reached.name());
        match event.kind.as_str() {
            "replied" | "activity" | "contacted" | "meeting" => days.clear(),
            "attempt" if reached => days.clear(),
            "out_of_office" if event.facts.get("until").is_none_or(Value::is_null) => {
                days.push(hours.local(event.occurred_at).date());
            }
            _ => {}
        }
    }
    days.dedup();
    let today = hours.local(now).date();
    Ok(days.into_iter().filter(|day| *day < today).count() as i64)
}

/// Changes the lead as decided, and writes it.
async fn change(wake: &Wake, lead: &mut Lead, followed: &Consequences, tx: &mut Tx) -> Result<(), PassError> {
    let mut events = Vec::new();
    let was_given_up = lead.stage.is_given_up();
    for (stage, why) in &followed.stages {
        events.push(wake.stage(lead, *stage, why));
    }
    if let Some(until) = followed.away_until {
        lead.away_until = Some(until);
    }
    if let Some(at) = followed.follow_up_at {
        lead.follow_up_at = Some(at);
    }
    if was_given_up && !lead.stage.is_given_up() {
        lead.round += 1;
    }
    if lead.stage.is_given_up() && followed.hand_off_ends.is_some() {
        lead.avoid_rep = followed
            .rest
            .as_ref()
            .filter(|rest| rest.next_rep == NextRep::Another)
            .and_then(|_| lead.owner.clone());
        lead.owner = None;
        lead.due_at = None;
    }
    if let Some(rest) = &followed.rest {
        lead.due_at = Some(rest.until);
        lead.next_sequence = rest.sequence.clone();
    }
    if followed.look_at && (lead.stage.is_nurtured() || lead.stage == Stage::New) {
        lead.due_at = Some(wake.now);
    }
    tx.save_lead(lead).await?;
    tx.append(&events).await?;
    Ok(())
}

/// What the log keeps of a happening. `resumes` ends the pause that it begins.
pub(super) fn facts(happening: &Happening, said: &Said, followed: &Consequences, phone: &Calendar) -> Value {
    let mut facts = own_facts(happening, followed, phone);
    if let Some(via) = said.via.name() {
        facts["via"] = json!(via);
    }
    if let Some(read_from) = &said.read_from {
        facts["evidence"] = json!(read_from.evidence);
    }
    facts
}

fn own_facts(happening: &Happening, followed: &Consequences, phone: &Calendar) -> Value {
    match happening {
        Happening::Activity { name } => json!({ "name": name }),
        Happening::Away { until, do_not_call } => {
            let resumes = followed.away_until.and_then(|back| call_after_absence(phone, back));
            json!({
                "until": until.map(|until| until.to_string()),
                "do_not_call": do_not_call,
                "resumes": resumes.map(|resumes| resumes.to_string()),
            })
        }
        Happening::FollowUp { on } => {
            let resumes = followed.follow_up_at.and_then(|at| phone.next_open(at));
            json!({ "on": on.to_string(), "resumes": resumes.map(|resumes| resumes.to_string()) })
        }
        Happening::Bounced(Bounce::Full) => json!({ "permanent": false, "full": true }),
        Happening::Bounced(bounce) => json!({ "permanent": bounce.is_permanent() }),
        Happening::Attempt { channel, outcome } => {
            json!({ "channel": channel.name(), "outcome": outcome.name() })
        }
        Happening::Lost { reason } | Happening::Rejected { reason } | Happening::Recycled { reason } => {
            json!({ "reason": reason })
        }
        Happening::Feedback { objection, argument } => {
            json!({ "objection": objection, "argument": argument })
        }
        Happening::Reassigned { to } => json!({ "to": to.as_str() }),
        Happening::Replied
        | Happening::Complained
        | Happening::Unsubscribed
        | Happening::LeftCompany
        | Happening::Accepted
        | Happening::Contacted
        | Happening::Opportunity
        | Happening::Won
        | Happening::Meeting
        | Happening::WrongPerson
        | Happening::AlreadyCustomer
        | Happening::AlreadyTalking
        | Happening::Reclaimed
        | Happening::Taken
        | Happening::Extended => json!({}),
    }
}

fn suggestion(agreement: &Agreement, rep: &EmailAddress) -> String {
    let known = agreement.teams.values().flat_map(|team| &team.reps).map(|rep| rep.email.as_str());
    nearest(rep.as_str(), known).map(|near| format!("; did you mean {near}?")).unwrap_or_default()
}
