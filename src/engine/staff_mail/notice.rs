//! Something that somebody should know about a lead: what happened, what is wanted of them, and what happens if they do
//! nothing.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::actions::{self, Wanted};
use super::promise::{self, Reader};
use super::words::{day_and_time, headline, sentence};
use super::{Plan, calendar_of, current_hand_off, lead_values, name_of, owner, plan, working_hours};
use crate::domain::email::EmailAddress;
use crate::domain::escalation::Matter;
use crate::domain::ids::SlaClockId;
use crate::domain::lead::{Lead, Stage};
use crate::domain::mail::MailClass;
use crate::domain::order::Word;
use crate::domain::sla::Terms;
use crate::engine::desk::{Desk, HandOffState};
use crate::engine::pass::PassError;
use crate::engine::{Engine, Wake, digest};
use crate::store::{HandOff, SlaClock, Tx};

/// Something somebody should know about a lead that is not theirs, at once or in their next digest; `false` when
/// they were told before. With the promise of `clock` it is settled.
#[expect(clippy::too_many_arguments, reason = "a notice, and the promise that it is about")]
pub(in crate::engine) async fn matter(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
    clock: Option<SlaClockId>,
    to: &EmailAddress,
    words: &str,
    unique_key: &str,
) -> Result<bool, PassError> {
    let plan = notice_plan(engine, tx, wake, lead, to, words, unique_key, Wanted::NextStep).await?;
    let own = lead.owner.as_ref() == Some(to);
    digest::note(tx, wake, lead, clock, plan, Matter { own, urgent: false, found_late: false }).await
}

/// Something somebody should know about a lead.
pub(in crate::engine) async fn notice(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
    to: &EmailAddress,
    words: &str,
    unique_key: &str,
) -> Result<(), PassError> {
    let plan_of_notice = notice_plan(engine, tx, wake, lead, to, words, unique_key, Wanted::NextStep).await?;
    plan(engine, tx, wake, Some(lead), plan_of_notice).await
}

/// What a rep reads who was told that a lead is away, or wants to hear from us later, when that is over: a sentence with a
/// blank before it.
pub(in crate::engine) fn is_there(lead: &Lead, now: Timestamp) -> &'static str {
    match lead.follow_up_at {
        Some(at) if at > now => " It is not away any more; the day that it named to hear from us stands.",
        _ => " It is there, whatever it said before: your deadline runs.",
    }
}

/// What a notice says whose subject has to name the deadline that moved: "This lead is back on Mon 9 Mar; first contact
/// is due Mon 9 Mar 14:30. …". As it is where nothing is owed.
pub(in crate::engine) async fn with_deadline(
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
    to: &EmailAddress,
    words: &str,
) -> Result<String, PassError> {
    let clocks = tx.running_clocks(lead.id).await?.into_iter();
    let waits = clocks.filter(|clock| clock.kind.is_paused_with_the_lead() && clock.deadline_at > wake.now);
    let Some(clock) = waits.min_by_key(|clock| clock.deadline_at) else { return Ok(words.to_owned()) };
    let first = headline(words);
    let rest = words.strip_prefix(first).unwrap_or_default();
    let by = day_and_time(&working_hours(wake, to).local(clock.deadline_at));
    Ok(format!("{first}; {} {} {by}{rest}", clock.kind.words(), clock.kind.is_due(false)))
}

/// The same where something is asked that these words answer.
#[expect(clippy::too_many_arguments, reason = "a notice, and what is wanted of its reader")]
pub(in crate::engine) async fn question(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
    to: &EmailAddress,
    words: &str,
    unique_key: &str,
    answers: &'static [Word],
) -> Result<(), PassError> {
    let wanted = Wanted::Words(answers);
    let plan_of_notice = notice_plan(engine, tx, wake, lead, to, words, unique_key, wanted).await?;
    plan(engine, tx, wake, Some(lead), plan_of_notice).await
}

#[expect(clippy::too_many_arguments, reason = "a notice, and what is wanted of its reader")]
pub(super) async fn notice_plan<'a>(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
    to: &'a EmailAddress,
    words: &str,
    unique_key: &str,
    wanted: Wanted,
) -> Result<Plan<'a>, PassError> {
    let mut values = lead_values(engine, tx, wake, lead, to).await?;
    values["note"] = json!(words);
    values["owner"] = lead.owner.as_ref().map_or(Value::Null, |rep| owner(wake, rep, to));
    let unless = unless_somebody_acts(tx, wake, lead, to, words).await?;
    if ![words, &unless].into_iter().any(tells_a_time) {
        values["zone"] = Value::Null;
    }
    values["unless"] = json!(Some(unless).filter(|unless| !unless.is_empty()));
    if is_somebody_else_s(wake, lead, to) {
        // Whoever is told not to call is not invited to.
        values["lead"]["phone"] = Value::Null;
        values["lead"]["phone_url"] = Value::Null;
    }
    let current = current_hand_off(tx, lead).await?;
    actions::offer(engine, wake, &mut values, lead, current.as_ref(), to, wanted);
    let unique_key = unique_key.to_owned();
    Ok(Plan { class: MailClass::Notice, template: "notice", to, unique_key, level: None, values })
}

/// An answer to somebody's mail: what became of it, and everything that they can answer.
pub(in crate::engine) async fn answer(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    desk: &Desk,
    token: &str,
    words: &str,
    unique_key: &str,
) -> Result<(), PassError> {
    let (lead, to) = (&desk.lead, &desk.person);
    let mut values = lead_values(engine, tx, wake, lead, to).await?;
    values["note"] = json!(words);
    values["owner"] = lead.owner.as_ref().map_or(Value::Null, |rep| owner(wake, rep, to));
    actions::offer(engine, wake, &mut values, lead, desk.hand_off.as_ref(), to, Wanted::NextStep);
    let can_answer = desk.part.hand_off == HandOffState::Open || desk.part.has_a_task();
    if let (Some(log), true) = (&engine.identity.log_address, can_answer) {
        values["buttons"] = actions::answers(wake, log, token, desk);
        values["actions"] = json!([]);
    }
    let unique_key = unique_key.to_owned();
    let plan_of_answer =
        Plan { class: MailClass::Notice, template: "notice", to, unique_key, level: None, values };
    plan(engine, tx, wake, Some(lead), plan_of_answer).await
}

/// Whether a rep is told of a lead that another rep has.
fn is_somebody_else_s(wake: &Wake, lead: &Lead, to: &EmailAddress) -> bool {
    let agreement = &wake.rules.agreement;
    lead.owner.as_ref().is_some_and(|owner| owner != to)
        && agreement.rep(to).is_some()
        && !agreement.answers_for_team(to)
}

/// Whether a time of the day stands in the words: "10:30".
fn tells_a_time(words: &str) -> bool {
    words.split_whitespace().any(|word| {
        let digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        let word = word.trim_end_matches(|c: char| c.is_ascii_punctuation());
        word.split_once(':').is_some_and(|(hour, minute)| digits(hour) && digits(minute))
    })
}

/// What happens if nobody acts on a notice, of which it may have `said` enough: what was planned for the lead, or what is promised next and who is told
/// when that is not kept.
async fn unless_somebody_acts(
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
    to: &EmailAddress,
    said: &str,
) -> Result<String, PassError> {
    match lead.stage {
        Stage::Qualified => {
            return Ok(match lead.due_at {
                Some(at) if at > wake.now => {
                    format!("Sales gets it {}.", day_and_time(&working_hours(wake, to).local(at)))
                }
                Some(_) => "Sales gets it now.".to_owned(),
                None => "Sales gets it as soon as a rep has room.".to_owned(),
            });
        }
        // Marketing knows what marketing does.
        Stage::New | Stage::Nurturing if wake.rules.agreement.marketing.manager == *to => {
            return Ok(String::new());
        }
        Stage::New | Stage::Nurturing => return Ok("Marketing goes on with it.".to_owned()),
        _ => {}
    }
    if let Some(owner) = lead.owner.as_ref().filter(|_| is_somebody_else_s(wake, lead, to)) {
        return Ok(format!("If you do nothing, it stays with {}.", name_of(wake, owner)));
    }
    let Some(calendar) = calendar_of(wake, to) else {
        return Ok("If nobody acts, nothing more happens by itself.".to_owned());
    };
    if let Some(at) = lead.due_at.filter(|_| lead.stage == Stage::Accepted) {
        let at = day_and_time(&calendar.local(at));
        // Once is enough.
        let is_said = said.contains(&at);
        return Ok(if is_said {
            String::new()
        } else {
            format!("If nobody acts, the lead goes back by itself: {at}.")
        });
    }
    let clocks = tx.running_clocks(lead.id).await?.into_iter();
    let Some(clock) = clocks.min_by_key(|clock| clock.deadline_at) else {
        return Ok("If nobody acts, nothing more happens by itself.".to_owned());
    };
    let then = match current_hand_off(tx, lead).await? {
        Some(hand_off) => who_is_told(wake, lead, to, &hand_off, &clock),
        None => String::new(),
    };
    let (owed, by) = (clock.kind.owed(), day_and_time(&calendar.local(clock.deadline_at)));
    if clock.deadline_at <= wake.now {
        return Ok(format!("{} was due {by} and is still owed.", sentence(owed)));
    }
    Ok(format!("If nobody acts: {owed} falls due {by}{then}."))
}

/// ", and you and your manager are told", when a promise is not kept in time.
fn who_is_told(wake: &Wake, lead: &Lead, to: &EmailAddress, hand_off: &HandOff, clock: &SlaClock) -> String {
    let terms: Option<Terms> = serde_json::from_str(&clock.terms).ok();
    let team = wake.rules.agreement.teams.get(&hand_off.team);
    let (Some(terms), Some(team)) = (terms, team) else { return String::new() };
    let rep_name = name_of(wake, &hand_off.rep);
    let has_phone = lead.profile.phone.is_some();
    let reader = Reader { to, rep: &hand_off.rep, rep_name: &rep_name, team, has_phone };
    match terms.first_when_broken().map(|level| promise::follows(level, &reader)) {
        Some(follows) if !follows.is_empty() => format!("; then {follows}"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zone_is_told_where_a_time_is() {
        for (words, told) in [
            ("First contact falls due Tue 3 Mar 10:30; then you are told.", true),
            ("It goes back Mon 9 Mar 10:00.", true),
            ("If nobody acts, nothing more happens by itself.", false),
            ("Back on Mon 9 Mar, at 3:1 odds.", false),
        ] {
            assert_eq!(tells_a_time(words), told, "{words}");
        }
    }
}
