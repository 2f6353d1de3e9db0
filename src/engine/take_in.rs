//! A record comes in, from a file, a command or a scenario: a new lead, or news of one that is known.
//!
//! A CRM works beside us: what it says of owner, status and activity is taken over. So a lead that a rep
//! works there is that rep's here, without a promise that nobody made.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::facts::Behaviour;
use super::happen::Said;
use super::pass::PassError;
use super::{Engine, Wake, hand_off, is_there, recycle, sla, staff_mail};
use crate::domain::agreement::{AfterReason, Agreement, Reason};
use crate::domain::condition::Facts;
use crate::domain::contact::SuppressionReason;
use crate::domain::email::EmailAddress;
use crate::domain::happening::{Circumstances, HandOffFacts, Happening, Over, Promises, consequences};
use crate::domain::ids::LeadId;
use crate::domain::intake::merge::{Authority, StageChange, merge, merge_double};
use crate::domain::intake::{DO_NOT_CALL, OPTED_OUT_OF_EMAIL};
use crate::domain::lead::{Lead, LeadRecord, Stage};
use crate::domain::order::Word;
use crate::domain::scoring;
use crate::domain::sla::PromiseKind;
use crate::domain::sla::course::{Course, course};
use crate::store::{NewHandOff, SlaClock, Tx};

/// Who asked to be contacted longer ago than this does not ask any more: an export brings last year's forms.
const REQUESTS_FADE_AFTER: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How a hand-off ends whose lead the CRM gave to another rep.
const ELSEWHERE: &str = "the CRM gave it to somebody else";

/// How often a batch is tried that another importer of the same leads got in the way of.
const TRIES: usize = 5;

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakenIn {
    /// The lead was not known.
    New,
    /// Something of it was.
    Updated,
    /// Everything was known.
    Unchanged,
    /// The person had their data erased: nothing is kept.
    Erased,
}

impl Engine {
    /// Takes in a batch of records, in their order and in one transaction.
    ///
    /// # Errors
    /// When the store fails; then none of them is taken in.
    pub async fn take_in(
        &self,
        records: &[LeadRecord],
        authority: Authority,
        now: Timestamp,
    ) -> Result<Vec<TakenIn>, PassError> {
        let (tx, outcomes) = self.take_in_batch(records, authority, now).await?;
        tx.commit().await?;
        self.wake_up();
        Ok(outcomes)
    }

    /// What [`take_in`](Engine::take_in) would say, without doing it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn would_take_in(
        &self,
        records: &[LeadRecord],
        authority: Authority,
        now: Timestamp,
    ) -> Result<Vec<TakenIn>, PassError> {
        let (tx, outcomes) = self.take_in_batch(records, authority, now).await?;
        tx.rollback().await?;
        Ok(outcomes)
    }

    /// A batch, neither committed nor rolled back. Two that bring the same new leads in another order may wait for
    /// each other; the database gives one of them up, which then finds the leads known.
    async fn take_in_batch(
        &self,
        records: &[LeadRecord],
        authority: Authority,
        now: Timestamp,
    ) -> Result<(Tx, Vec<TakenIn>), PassError> {
        let mut tries = 1;
        loop {
            match self.try_batch(records, authority, now).await {
                Err(PassError::Store(error)) if error.lost_a_race() && tries < TRIES => tries += 1,
                result => return result,
            }
        }
    }

    async fn try_batch(
        &self,
        records: &[LeadRecord],
        authority: Authority,
        now: Timestamp,
    ) -> Result<(Tx, Vec<TakenIn>), PassError> {
        let mut tx = self.store.begin().await?;
        let outcomes = self.take_in_within(&mut tx, records, authority, now).await?;
        Ok((tx, outcomes))
    }

    /// The same in a transaction that goes on.
    pub(super) async fn take_in_within(
        &self,
        tx: &mut Tx,
        records: &[LeadRecord],
        authority: Authority,
        now: Timestamp,
    ) -> Result<Vec<TakenIn>, PassError> {
        let wake = self.wake_at(now);
        let emails: Vec<&EmailAddress> = records.iter().map(|record| &record.email).collect();
        tx.lock_persons_by_email(&emails).await?;
        let hashes: Vec<String> = emails.iter().map(|email| self.erased_hash(email)).collect();
        let erased = tx.erased_among(&hashes).await?;
        // In the order of the addresses, not of the file: two importers of the same new leads would else wait for
        // each other in a circle. What is said twice of one address keeps its order.
        let mut order: Vec<usize> = (0..records.len()).collect();
        order.sort_by_key(|index| &records[*index].email);
        let mut outcomes = vec![TakenIn::Unchanged; records.len()];
        for index in order {
            if erased.contains(&hashes[index]) {
                outcomes[index] = TakenIn::Erased;
                continue;
            }
            outcomes[index] = self.take_in_one(tx, &wake, &records[index], authority).await?;
        }
        Ok(outcomes)
    }

    pub(super) async fn take_in_one(
        &self,
        tx: &mut Tx,
        wake: &Wake,
        record: &LeadRecord,
        authority: Authority,
    ) -> Result<TakenIn, PassError> {
        let lead = new_lead(record, wake.now);
        if let Some(id) = tx.insert_lead(&lead).await? {
            let mut lead = Lead { id, ..lead };
            let facts = json!({ "source": record.touch.source, "campaign": record.campaign });
            tx.append(&[wake.event(id, "taken_in", facts)]).await?;
            remember(tx, id, record, wake.now).await?;
            honour_refusals(tx, wake, &lead, record).await?;
            if let Some(stage) = record.crm.stage {
                let change = StageChange { to: stage, reason: record.crm.reason.clone() };
                self.follow_crm(tx, wake, &mut lead, record.crm.owner.as_ref(), &change).await?;
            }
            return Ok(TakenIn::New);
        }
        let Some(mut lead) = tx.lock_person_by_email(&record.email).await? else {
            // Inserted and gone again between two statements: nothing removes leads.
            return Ok(TakenIn::Unchanged);
        };
        let news = remember(tx, lead.id, record, wake.now).await?;
        if news.touches > 0 {
            let facts = json!({ "source": record.touch.source, "campaign": record.campaign });
            tx.append(&[wake.event(lead.id, "touch", facts)]).await?;
        }
        let is_double = record.email != lead.email;
        let merged = if is_double { merge_double(&lead, record) } else { merge(&lead, record, authority) };
        let changed = !merged.is_empty();
        if let Some(profile) = merged.profile {
            lead.profile = profile;
        }
        lead.campaign = lead.campaign.or(merged.campaign);
        lead.source = lead.source.or(merged.source);
        if let Some(score) = merged.base_score {
            lead.base_score = score;
        }
        if (changed || news.any()) && lead.stage.is_nurtured() {
            lead.due_at = Some(wake.now);
        }
        tx.save_lead(&lead).await?;
        if honour_refusals(tx, wake, &lead, record).await? {
            recycle::count_attempts(self, tx, wake, &mut lead, wake.now).await?;
        }
        if let Some(change) = &merged.stage {
            self.follow_crm(tx, wake, &mut lead, merged.owner.as_ref().or(record.crm.owner.as_ref()), change)
                .await?;
        } else if let Some(owner) = &merged.owner {
            self.change_owner(tx, wake, &mut lead, owner).await?;
        }
        if let Some(at) = merged.last_activity_at {
            seen_by_crm(tx, wake, &lead, at).await?;
            if lead.stage == Stage::Contacted {
                self.talked(tx, wake, &lead).await?;
            }
        }
        if changed || news.any() {
            self.leave_if_it_exits(tx, wake, &lead).await?;
            recycle::end_rest_if_ready(self, tx, wake, &mut lead).await?;
        }
        let is_fresh =
            |at: Option<Timestamp>| at.is_none_or(|at| wake.now.duration_since(at) <= REQUESTS_FADE_AFTER);
        if news.any() && is_fresh(record.touch.occurred_at) {
            let mut alone = new_lead(record, wake.now);
            if news.touches == 0 {
                (alone.campaign, alone.source) = (None, None);
            }
            self.raise_hand(tx, wake, &mut lead, &alone, &news.activities).await?;
        }
        Ok(if changed || news.any() { TakenIn::Updated } else { TakenIn::Unchanged })
    }

    /// A CRM says that a rep has got further with a lead than we know, or has given it back.
    async fn follow_crm(
        &self,
        tx: &mut Tx,
        wake: &Wake,
        lead: &mut Lead,
        owner: Option<&EmailAddress>,
        change: &StageChange,
    ) -> Result<(), PassError> {
        let agreement = &wake.rules.agreement;
        let reason = match change.to {
            Stage::Lost => given_reason(agreement, change, |reason| reason.for_lost),
            Stage::Rejected | Stage::Disqualified => {
                given_reason(agreement, change, |reason| reason.for_rejected)
            }
            _ => CrmReason::Named(String::new()),
        };
        let (reason, words) = match reason {
            CrmReason::Named(reason) => (reason, "as the CRM says".to_owned()),
            // Our rep has it, and can say why.
            CrmReason::Missing(_) if lead.stage.sales_has_the_word() => {
                return self.ask_for_reason(tx, wake, lead, change.to).await;
            }
            // It was over before we heard of the lead, and nobody can be asked.
            CrmReason::Missing(Some(reason)) => {
                let words = format!("as the CRM says, without a reason that we know: taken for `{reason}`");
                (reason, words)
            }
            CrmReason::Missing(None) => return Ok(()),
        };
        if !lead.stage.sales_has_the_word() {
            let Some(owner) = owner.or(lead.owner.as_ref()).cloned().or_else(|| answers_for(wake, lead))
            else {
                return Ok(());
            };
            self.hand_over_quietly(tx, wake, lead, &owner).await?;
        }
        let happening = match change.to {
            Stage::Accepted => Happening::Accepted,
            Stage::Contacted => Happening::Contacted,
            Stage::Opportunity => Happening::Opportunity,
            Stage::Won => Happening::Won,
            Stage::Lost => Happening::Lost { reason },
            Stage::Rejected | Stage::Disqualified => Happening::Rejected { reason },
            Stage::New | Stage::Nurturing | Stage::Qualified | Stage::HandedOff | Stage::Resting => {
                return Ok(());
            }
        };
        let hours = self.hours.mail(lead, agreement, None);
        // A CRM may say what our stages do not allow (rejected after an opportunity); then ours stands.
        let circumstances = Circumstances {
            agreement,
            hours: &hours,
            absent_before: 0,
            strikes: 0,
            hand_off: HandOffFacts::default(),
            now: wake.now,
        };
        if let Ok(mut followed) = consequences(lead, &happening, None, circumstances) {
            // A status that somebody edited moves the stage; it is no call and no mail. After one it says that
            // they talked.
            let is_status = followed.promises == Promises::ContactMade;
            if is_status {
                followed.promises = Promises::Accepted;
            }
            let said = Said { words: Some(words), ..Said::default() };
            self.follow(tx, wake, lead, &happening, &said, &followed).await?;
            if is_status && lead.stage == Stage::Contacted {
                self.talked(tx, wake, lead).await?;
            }
        }
        Ok(())
    }

    /// What came of a talk is owed, if there is evidence that somebody turned to the lead.
    async fn talked(&self, tx: &mut Tx, wake: &Wake, lead: &Lead) -> Result<(), PassError> {
        let Some(open) = tx.open_hand_off(lead.id).await? else { return Ok(()) };
        let is_evidence = |clock: &SlaClock| {
            clock.hand_off == open.id
                && clock.kind == PromiseKind::FirstContact
                && matches!(clock.state.as_str(), "met" | "late")
        };
        if !tx.clocks_of(lead.id).await?.iter().any(is_evidence) {
            return Ok(());
        }
        let owed = Course { start: vec![PromiseKind::Disposition], ..Course::default() };
        sla::start_what_starts(self, tx, wake, lead, &open, &owed).await
    }

    /// A lead is given back with a reason or not at all: the rep who has it is asked for it, once for each hand-off,
    /// and until they say it the lead stays theirs.
    async fn ask_for_reason(
        &self,
        tx: &mut Tx,
        wake: &Wake,
        lead: &Lead,
        stage: Stage,
    ) -> Result<(), PassError> {
        let (Some(open), Some(owner)) = (tx.open_hand_off(lead.id).await?, lead.owner.clone()) else {
            return Ok(());
        };
        tx.append(&[wake.event(lead.id, "reason_missing", json!({ "stage": stage.name() }))]).await?;
        let word = if stage == Stage::Lost { "lost" } else { "rejected" };
        let words = format!(
            "The CRM says that this lead is {word}, but not why. It stays yours until you give it back with a \
             reason: the reason decides when it returns."
        );
        let answers: &[Word] = if stage == Stage::Lost { &[Word::Lost] } else { &[Word::Reject] };
        let key = format!("reason:{}", open.id);
        staff_mail::question(self, tx, wake, lead, &owner, &words, &key, answers).await
    }

    /// A lead becomes a rep's as the CRM says: no promise begins, because nobody made one.
    async fn hand_over_quietly(
        &self,
        tx: &mut Tx,
        wake: &Wake,
        lead: &mut Lead,
        owner: &EmailAddress,
    ) -> Result<(), PassError> {
        self.end_sequence(tx, wake, lead.id, "a rep works it in the CRM").await?;
        let agreement = &wake.rules.agreement;
        let campaign = hand_off::campaign_of(wake, lead);
        let team = agreement.rep(owner).map(|(team, _)| team.name.clone());
        let event = wake.stage(lead, Stage::HandedOff, &format!("the CRM says that it is {owner}'s"));
        lead.owner = Some(owner.clone());
        lead.due_at = None;
        tx.save_lead(lead).await?;
        let new = NewHandOff {
            lead: lead.id,
            rep: owner.clone(),
            team: team.or(campaign.map(|campaign| campaign.team.clone())).unwrap_or_default(),
            policy: campaign.map(|campaign| campaign.policy.clone()).unwrap_or_default(),
            campaign: campaign.map(|campaign| campaign.name.clone()).unwrap_or_default(),
            at: wake.now,
        };
        tx.insert_hand_off(&new).await?;
        let assigned = json!({ "to": owner.as_str(), "why": "the CRM says so" });
        tx.append(&[wake.event(lead.id, "assigned", assigned), event]).await?;
        recycle::came_back(self, tx, wake, lead).await
    }

    /// The CRM gave a lead to another rep. One that nobody works yet is remembered as theirs: it goes to them
    /// when it is ready.
    async fn change_owner(
        &self,
        tx: &mut Tx,
        wake: &Wake,
        lead: &mut Lead,
        owner: &EmailAddress,
    ) -> Result<(), PassError> {
        if !lead.stage.sales_has_the_word() {
            lead.owner = Some(owner.clone());
            tx.save_lead(lead).await?;
            return Ok(());
        }
        let Some(before) = tx.open_hand_off(lead.id).await? else {
            return Ok(());
        };
        sla::close_all(tx, wake, lead.id, ELSEWHERE).await?;
        hand_off::end(tx, wake, &before, ELSEWHERE).await?;
        let new = NewHandOff {
            lead: lead.id,
            rep: owner.clone(),
            team: before.team,
            policy: before.policy,
            campaign: before.campaign,
            at: wake.now,
        };
        tx.insert_hand_off(&new).await?;
        // Whoever has it now has not tried to reach it.
        let stays = recycle::Stays { why: ELSEWHERE, owed_under: None, at_once: false };
        stays.note(self, tx, wake, lead).await?;
        lead.owner = Some(owner.clone());
        tx.save_lead(lead).await?;
        let facts = json!({ "to": owner.as_str(), "why": "the CRM says so" });
        tx.append(&[wake.event(lead.id, "assigned", facts)]).await?;
        Ok(())
    }

    /// Whoever asks for contact is heard at once, in whatever sequence or rest they are.
    ///
    /// `alone` is the lead as if nothing but the news of it were known, `activities` what it has just done.
    pub(super) async fn raise_hand(
        &self,
        tx: &mut Tx,
        wake: &Wake,
        lead: &mut Lead,
        alone: &Lead,
        activities: &[String],
    ) -> Result<(), PassError> {
        let mut counts = BTreeMap::new();
        for name in activities {
            *counts.entry(name.clone()).or_insert(0) += 1;
        }
        let news = Facts { activities: &counts, touches: 1, ..Facts::of(alone, wake.now) };
        let nothing = Lead { campaign: None, source: None, ..alone.clone() };
        let nothing = Facts::of(&nothing, wake.now);
        // A condition that cannot be told of the news alone raises no hand; the passes look at the whole lead.
        let Ok(Some(campaign)) = scoring::raised_hand(&wake.rules.agreement, &news, &nothing) else {
            return Ok(());
        };
        let is_there = is_there::note(self, tx, wake, lead, Over::AllOfIt).await?;
        if lead.stage.sales_has_the_word() || lead.stage == Stage::Disqualified {
            let open = tx.open_hand_off(lead.id).await?;
            let stays =
                recycle::Stays { why: "it asked to be contacted", owed_under: open.as_ref(), at_once: true };
            stays.note(self, tx, wake, lead).await?;
            tx.save_lead(lead).await?;
            if is_there {
                sla::recount(tx, wake, lead).await?;
            }
            return self.tell_of_raised_hand(tx, wake, lead, is_there).await;
        }
        let heard = lead.stage == Stage::Qualified && lead.campaign.as_ref() == Some(&campaign.name);
        if heard || lead.stage == Stage::New {
            if is_there && heard {
                lead.due_at = Some(wake.now);
                tx.save_lead(lead).await?;
            }
            return Ok(());
        }
        self.end_sequence(tx, wake, lead.id, "it asked to be contacted").await?;
        lead.campaign = Some(campaign.name.clone());
        lead.due_at = Some(wake.now);
        let mut events = Vec::new();
        if lead.stage.is_given_up() {
            lead.round += 1;
            lead.next_sequence = None;
            events.push(wake.stage(lead, Stage::Nurturing, "it asked to be contacted"));
            recycle::came_back(self, tx, wake, lead).await?;
        }
        tx.save_lead(lead).await?;
        tx.append(&events).await?;
        if let Some(sequence) = &campaign.sequence {
            let behaviour = Behaviour::load(tx, std::slice::from_ref(lead), wake.now).await?;
            self.enrol(tx, wake, lead, &behaviour, sequence, "it asked to be contacted").await?;
        }
        Ok(())
    }

    /// A lead that a rep works, or that was given up, asked to be contacted: nothing begins anew, but
    /// somebody hears of it, once a day.
    async fn tell_of_raised_hand(
        &self,
        tx: &mut Tx,
        wake: &Wake,
        lead: &Lead,
        is_there: bool,
    ) -> Result<(), PassError> {
        let to = lead.owner.clone().unwrap_or_else(|| wake.rules.agreement.marketing.manager.clone());
        let day = self.hours.mail(lead, &wake.rules.agreement, None).local(wake.now).date();
        let key = format!("raised-hand:{}:{day}", lead.id);
        let mut words = "This lead asks to be contacted.".to_owned();
        if is_there {
            words.push_str(staff_mail::is_there(lead, wake.now));
            words = staff_mail::with_deadline(tx, wake, lead, &to, &words).await?;
        }
        staff_mail::notice(self, tx, wake, lead, &to, &words, &key).await
    }
}

/// Why a CRM says that a lead was given back.
enum CrmReason {
    /// A reason of the agreement.
    Named(String),
    /// None that the agreement knows; the gentlest it has, for those whom nobody can be asked about.
    Missing(Option<String>),
}

fn given_reason(agreement: &Agreement, change: &StageChange, allowed: fn(&Reason) -> bool) -> CrmReason {
    let named = change.reason.as_ref().and_then(|name| agreement.reasons.get(name));
    if let Some(named) = named.filter(|reason| allowed(reason)) {
        return CrmReason::Named(named.name.clone());
    }
    let rests = |reason: &&Reason| allowed(reason) && matches!(reason.then, AfterReason::Rest { .. });
    let not_ready = agreement.reasons.get("not-ready").filter(rests);
    let gentlest = not_ready.or_else(|| agreement.reasons.values().find(rests));
    CrmReason::Missing(gentlest.map(|reason| reason.name.clone()))
}

/// Who answers for a lead that a CRM has with nobody: the manager of the team to which it would go. A rep who never
/// had it would be counted for it, and get it again in its next round.
fn answers_for(wake: &Wake, lead: &Lead) -> Option<EmailAddress> {
    let teams = &wake.rules.agreement.teams;
    let own = hand_off::campaign_of(wake, lead).and_then(|campaign| teams.get(&campaign.team));
    own.or_else(|| teams.values().next()).map(|team| team.manager.clone())
}

fn new_lead(record: &LeadRecord, now: Timestamp) -> Lead {
    Lead {
        profile: record.profile.clone(),
        campaign: record.campaign.clone(),
        source: record.touch.source.clone(),
        base_score: record.score.unwrap_or(0),
        score: record.score.unwrap_or(0),
        owner: record.crm.owner.clone(),
        due_at: Some(now),
        // A creation that lies ahead is a slip of the source's clock.
        created_at: record.created_at.unwrap_or(now).min(now),
        ..Lead::new(record.email.clone(), now)
    }
}

/// How much of a record was not known.
#[derive(Default)]
struct News {
    touches: usize,
    answers: usize,
    activities: Vec<String>,
}

impl News {
    fn any(&self) -> bool {
        self.touches + self.answers + self.activities.len() > 0
    }
}

/// Keeps touch, answers and activities, each once.
async fn remember(tx: &mut Tx, lead: LeadId, record: &LeadRecord, now: Timestamp) -> Result<News, PassError> {
    let mut news = News::default();
    if !record.touch.is_empty() || record.touch.occurred_at.is_some() {
        let new = tx.insert_touch(lead, &record.touch, &record.touch.fingerprint(), now).await?;
        news.touches += usize::from(new);
    }
    for answer in &record.answers {
        news.answers += usize::from(tx.insert_answer(lead, answer, &answer.fingerprint(), now).await?);
    }
    for activity in &record.activities {
        if tx.insert_activity(lead, activity, &activity.fingerprint(), now).await? {
            news.activities.push(activity.name.clone());
        }
    }
    Ok(news)
}

/// Whoever said no at the source, under whichever of their addresses, is not contacted here; `true` when that is new.
async fn honour_refusals(
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
    record: &LeadRecord,
) -> Result<bool, PassError> {
    let mut new = false;
    let refusals =
        [(OPTED_OUT_OF_EMAIL, SuppressionReason::Unsubscribed), (DO_NOT_CALL, SuppressionReason::DoNotCall)];
    for (field, reason) in refusals {
        let said = [&lead.profile, &record.profile]
            .iter()
            .any(|profile| profile.fields.get(field).is_some_and(|value| value == "true"));
        if said && tx.suppress(&lead.email, reason, Some("as its source says"), wake.now).await? {
            tx.append(&[wake.event(lead.id, "suppressed", json!({ "why": reason.label() }))]).await?;
            new = true;
        }
    }
    Ok(new)
}

/// The CRM saw a human of ours turn to the lead since it was handed off: first contact was made.
async fn seen_by_crm(tx: &mut Tx, wake: &Wake, lead: &Lead, at: Timestamp) -> Result<(), PassError> {
    let Some(hand_off) = tx.open_hand_off(lead.id).await?.filter(|hand_off| at >= hand_off.at) else {
        return Ok(());
    };
    tx.accept_hand_off(hand_off.id, at).await?;
    let course = course(Promises::ContactMade, lead.stage, &[], false, false);
    sla::stop_kinds(tx, wake, lead.id, &course.stop, "an activity in the CRM", at.min(wake.now)).await
}
