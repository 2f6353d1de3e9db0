//! Mail to reps, managers and marketing: planned when it is decided, and rendered then, so that the same
//! bytes are sent however often it takes.

mod actions;
mod bundles;
mod came_in;
mod counted;
mod dispute;
mod earlier;
mod erased;
mod figures;
mod history;
mod level;
pub(super) mod marketing;
mod notice;
mod partner;
mod post;
mod promise;
mod routing;
mod words;
mod work_list;

pub(super) use bundles::{About, Call, Line, write_away, write_call_list, write_digest};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::context::{campaign, person};
use super::facts::{Behaviour, ContactHistory};
use super::hand_off::{Given, team_calendar};
use super::hours::zone_of;
use super::pass::PassError;
use super::recycle::Overturned;
use super::sla::Begun;
use super::{Engine, Wake, sla, turn_over};
use crate::domain::agreement::Team;
use crate::domain::calendar::Calendar;
use crate::domain::contact::{Channel, Purpose, may_contact};
use crate::domain::email::EmailAddress;
use crate::domain::happening::Claim;
use crate::domain::ids::HandOffId;
use crate::domain::lead::{Grade, Lead};
use crate::domain::mail::MailClass;
use crate::domain::routing::Share;
use crate::domain::sla::{PromiseKind, Terms};
use crate::store::{HandOff, Tx};

pub(super) use actions::HELP;
pub(super) use routing::{
    CampaignMail, CampaignNews, TeamIsFull, campaign_news, campaign_news_key, incomplete_leads, team_is_full,
};

use actions::Wanted;
pub(super) use came_in::{Asked, ask_whose, notice_quoting};
pub(super) use dispute::{Sides, dispute, sides};
pub(super) use erased::{bundle_names, erased, instead_of_bundle};
pub(super) use figures::{Figures, report};
pub(super) use level::level;
pub(super) use notice::{answer, is_there, matter, notice, question, with_deadline};
use post::plan;
pub(super) use post::{Plan, put};
use promise::{Promised, Reader};
pub(super) use words::{call, day_and_time, display_day, sentence};
pub(super) use work_list::{why_given_back, work_list};

/// How far back leads are counted that were like the one that is handed off.
const A_YEAR: SignedDuration = SignedDuration::from_hours(365 * 24);

/// What a lead wrote is quoted for as long as it can still be answered.
const WROTE_LATELY: SignedDuration = SignedDuration::from_hours(14 * 24);

/// The ready lead with all its context, to its rep.
#[expect(clippy::too_many_arguments, reason = "everything that is known of the lead goes into this mail")]
pub(super) async fn hand_off(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    behaviour: &Behaviour,
    lead: &Lead,
    given: &Given<'_>,
    id: HandOffId,
    promised: &[(PromiseKind, Terms, Begun)],
    overturned: Option<&Overturned>,
) -> Result<(), PassError> {
    let calendar = team_calendar(wake, given.team);
    let mut values = lead_values(engine, tx, wake, lead, &given.rep.email).await?;
    values["touches"] = words::touches(calendar, &tx.touches(lead.id).await?);
    values["answers"] = words::answers(behaviour.answers(lead.id));
    values["behaviour"] =
        words::behaviour(calendar, &tx.recent_activities(lead.id, words::BEHAVIOUR_SHOWN as i64).await?);
    values["wrote"] = wrote(tx, wake, lead).await?;
    values["earlier"] = earlier::earlier(tx, wake, lead, &given.rep.email).await?;
    let mut reasons = why_ready(tx, wake, lead, given).await?;
    if let Some(overturned) = overturned {
        let whose = match overturned.rep == given.rep.email {
            true => "Your rejection".to_owned(),
            false => format!("The rejection by {}", name_of(wake, &overturned.rep)),
        };
        reasons.insert(0, format!("{whose} was overturned.{}", overturned.words));
    }
    values["reasons"] = json!(reasons);
    // Whoever gets it from a colleague is told what was tried.
    let hand_offs = tx.hand_offs_of(lead.id).await?;
    if let Some(before) =
        hand_offs.iter().rev().find(|hand_off| hand_off.id != id && hand_off.ended_at == Some(wake.now))
    {
        values["history"] = history::history(wake, calendar, &tx.events_of(lead.id).await?, before.at);
    }
    let reader = Reader {
        to: &given.rep.email,
        rep: &given.rep.email,
        rep_name: &given.rep.name,
        team: given.team,
        has_phone: lead.profile.phone.is_some(),
    };
    let mut others = Vec::new();
    for (kind, terms, begun) in promised {
        let one = Promised { kind: *kind, terms, standing: &begun.standing, paid: None };
        if *kind == PromiseKind::FirstContact {
            values["promise"] = promise::promise(calendar, one, &reader, Some(&begun.ahead), None, wake.now);
        } else {
            others.push(promise::also_promised(calendar, one));
        }
    }
    values["also_promised"] = json!(others);
    values["owner"] = owner(wake, &given.rep.email, &given.rep.email);
    let current = current_hand_off(tx, lead).await?;
    let next = Wanted::NextStep;
    actions::offer(engine, wake, &mut values, lead, current.as_ref(), &given.rep.email, next);
    plan(
        engine,
        tx,
        wake,
        Some(lead),
        Plan {
            class: MailClass::HandOff,
            template: "hand-off",
            to: &given.rep.email,
            unique_key: format!("hand-off:{id}"),
            level: None,
            values,
        },
    )
    .await
}

/// What the lead wrote last, when that is why it is handed off, or not long ago.
async fn wrote(tx: &mut Tx, wake: &Wake, lead: &Lead) -> Result<Value, PassError> {
    let since = wake.now.saturating_sub(WROTE_LATELY).unwrap_or(Timestamp::MIN);
    let undone = tx.undone_events(lead.id).await?;
    let replies = tx.events_of_kind(lead.id, "replied").await?;
    let last = replies.iter().rfind(|event| event.occurred_at >= since && !undone.contains(&event.id));
    let text = match last {
        Some(last) => tx.event_text(last.id).await?,
        None => None,
    };
    Ok(came_in::quoted(text.as_deref().unwrap_or_default()))
}

/// The hand-off that a lead is in, or the last one it was in: what a mail's reader can do is bound to it.
async fn current_hand_off(tx: &mut Tx, lead: &Lead) -> Result<Option<HandOff>, PassError> {
    match tx.open_hand_off(lead.id).await? {
        Some(open) => Ok(Some(open)),
        None => Ok(tx.hand_offs_of(lead.id).await?.pop()),
    }
}

/// Something only the operator can mend.
pub(super) async fn operator(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    words: &str,
    unique_key: &str,
) -> Result<(), PassError> {
    let Some(to) = &engine.identity.operator else {
        return Ok(());
    };
    let values = json!({ "to_name": name_of(wake, to), "note": words });
    let unique_key = unique_key.to_owned();
    let plan_of_notice =
        Plan { class: MailClass::Notice, template: "operator", to, unique_key, level: None, values };
    plan(engine, tx, wake, None, plan_of_notice).await
}

/// A lead waits for a person, because something cannot be told of it: the operator hears of each cause once.
pub(super) async fn cannot_be_told(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
    why: &str,
) -> Result<(), PassError> {
    let words = format!(
        "a lead waits for a person, because {why}. Others may wait for the same. What it is about you see with \
         nurtured why {}.",
        words::shell_word(lead.email.as_str())
    );
    let Some(to) = &engine.identity.operator else {
        return Ok(());
    };
    let values = json!({ "to_name": name_of(wake, to), "note": words });
    let unique_key = format!("cannot-be-told:{}:{why}", wake.rules.version);
    let class = MailClass::Notice;
    let plan_of_notice = Plan { class, template: "operator", to, unique_key, level: None, values };
    plan(engine, tx, wake, Some(lead), plan_of_notice).await
}

/// What every staff mail about a lead says of it.
async fn lead_values(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
    to: &EmailAddress,
) -> Result<Value, PassError> {
    let agreement = &wake.rules.agreement;
    let contacts = ContactHistory::load(tx, std::slice::from_ref(lead), agreement, wake.now).await?;
    let mut values = values_for(engine, wake, &contacts, lead, to);
    if sla::is_somebody_else_s(tx, lead).await? {
        wrong_number(&mut values);
    }
    Ok(values)
}

/// A number at which somebody else answers is offered to nobody.
fn wrong_number(values: &mut Value) {
    let number = values["lead"]["phone"].take();
    values["lead"]["phone_url"] = Value::Null;
    let number = number.as_str().unwrap_or_default();
    let words = format!("No: {number} is the wrong number. Write, and ask for another one.");
    values["call"] = json!({ "now": false, "words": words });
}

/// The same when it is known how often the lead was contacted.
fn values_for(
    engine: &Engine,
    wake: &Wake,
    contacts: &ContactHistory,
    lead: &Lead,
    to: &EmailAddress,
) -> Value {
    let agreement = &wake.rules.agreement;
    let phone = engine.hours.phone(lead, agreement);
    let facts = contacts.facts(lead, &[]);
    let owner = lead.owner.as_ref();
    let permission =
        may_contact(&facts, &agreement.contact, &phone, Channel::Phone, Purpose::Owner, owner, wake.now);
    let mut person = person(lead);
    let zone = zone_of(lead, agreement);
    let extra = json!({
        "display": words::display(lead),
        "phone": lead.profile.phone,
        "phone_url": lead.profile.phone.as_ref().map(|phone| format!("tel:{phone}")),
        "email_url": words::mailto(&lead.email),
        "local_time": format!("{} in {zone}", words::short(&phone.local(wake.now))),
        "score": lead.score,
        "grade": lead.grade.map(Grade::name),
        "stage": lead.stage.name().replace('_', " "),
        "round": lead.round,
    });
    if let (Value::Object(person), Value::Object(extra)) = (&mut person, extra) {
        person.extend(extra);
    }
    json!({
        "to_name": name_of(wake, to),
        "lead": person,
        "campaign": campaign(lead.campaign.as_deref().and_then(|name| agreement.campaign(name))),
        "call": words::call(&permission, &phone, calendar_of(wake, to), wake.now),
    })
}

/// What every staff mail says of a lead, for a list of several.
pub(super) async fn about(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
    to: &EmailAddress,
) -> Result<Value, PassError> {
    let mut values = lead_values(engine, tx, wake, lead, to).await?;
    if let Some(shares) = shares_with(wake, to) {
        partner::withhold(&mut values, shares);
    }
    Ok(values)
}

/// What somebody can do about a lead by one link in a list of several: what it is called, and the link.
pub(super) async fn act_in_line(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
    to: &EmailAddress,
) -> Result<Option<(&'static str, String)>, PassError> {
    if turn_over::claim(tx, lead, Some(to)).await? == Claim::Good {
        let hand_offs = tx.hand_offs_of(lead.id).await?;
        let lost = hand_offs.iter().rev().find(|one| one.rep == *to);
        return Ok(lost.and_then(|lost| actions::offer_it_back_in_line(engine, wake, lost)));
    }
    let hand_off = current_hand_off(tx, lead).await?;
    Ok(actions::offer_in_line(engine, wake, lead, hand_off.as_ref(), to))
}

/// A lead as a list of several tells it to `to`: of a partner's lead what is shared.
pub(super) fn as_told(wake: &Wake, lead: Lead, to: &EmailAddress) -> Lead {
    match shares_with(wake, to) {
        Some(shares) => Lead { profile: partner::shared(lead.profile, shares), ..lead },
        None => lead,
    }
}

/// What somebody is told of their leads; `None`: everything.
fn shares_with<'a>(wake: &'a Wake, to: &EmailAddress) -> Option<&'a [Share]> {
    wake.rules.agreement.rep(to).and_then(|(team, _)| team.shares.as_deref())
}

/// What humans tried since the lead was handed off, the oldest first: "Mon 2 Mar 10:12: by phone, no answer".
pub(super) async fn tried(tx: &mut Tx, lead: &Lead, calendar: &Calendar) -> Result<Vec<String>, PassError> {
    let since = tx.hand_offs_of(lead.id).await?.first().map_or(Timestamp::MIN, |first| first.at);
    let attempts = tx.events_of_kind(lead.id, "attempt").await?.into_iter();
    let told = attempts.filter(|event| event.occurred_at >= since).map(|event| {
        let fact = |name: &str| event.facts.get(name).and_then(Value::as_str).unwrap_or_default();
        let outcome = fact("outcome").replace('_', " ");
        format!(
            "{}: by {}, {outcome}",
            words::day_and_time(&calendar.local(event.occurred_at)),
            fact("channel")
        )
    });
    Ok(told.collect())
}

async fn why_ready(
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
    given: &Given<'_>,
) -> Result<Vec<String>, PassError> {
    let mut reasons = Vec::new();
    let qualified = tx
        .events_of_kind(lead.id, "stage")
        .await?
        .into_iter()
        .rev()
        .find(|event| event.facts.get("to").and_then(Value::as_str) == Some("qualified"));
    match qualified.as_ref().and_then(|event| event.facts.get("why")).and_then(Value::as_str) {
        Some("it replied") => reasons.push("Wrote back to one of our mails.".to_owned()),
        Some(_) if given.campaign.raised_hand => reasons.push("Asked to be contacted.".to_owned()),
        Some(_) => {
            let grade = lead.grade.map(|grade| format!(" and grade {}", grade.name())).unwrap_or_default();
            let campaign = &given.campaign.name;
            reasons.push(format!(
                "Score {}{grade}: past the hand-off point of campaign {campaign}.",
                lead.score
            ));
        }
        None => {}
    }
    reasons.push(format!("Yours because {}.", words::to_them(given.why, &given.rep.name)));
    if let Some(words) = record(tx, wake, lead, given).await? {
        reasons.push(words);
    }
    if lead.round > 1 {
        reasons.push(format!("Has been with sales before: this is round {}.", lead.round));
    }
    Ok(reasons)
}

/// What became of leads like this one in the last year, when there are enough to say something.
async fn record(
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
    given: &Given<'_>,
) -> Result<Option<String>, PassError> {
    let Some(grade) = lead.grade else { return Ok(None) };
    let since = wake.now.saturating_sub(A_YEAR).unwrap_or(Timestamp::MIN);
    let likes = tx.likes(&given.campaign.name, grade, since).await?;
    Ok(words::record(&given.campaign.name, grade, likes))
}

fn owner(wake: &Wake, rep: &EmailAddress, reader: &EmailAddress) -> Value {
    json!({
        "name": name_of(wake, rep),
        "email": rep.as_str(),
        "email_url": words::mailto(rep),
        "is_reader": rep == reader,
    })
}

/// The calendar by which the reader works, if the agreement has a team for them.
fn calendar_of<'a>(wake: &'a Wake, reader: &EmailAddress) -> Option<&'a Calendar> {
    let agreement = &wake.rules.agreement;
    let leads = |team: &&Team| {
        team.manager == *reader
            || [&team.backup, &team.director].into_iter().flatten().any(|known| known == reader)
    };
    let team =
        agreement.rep(reader).map(|(team, _)| team).or_else(|| agreement.teams.values().find(leads))?;
    Some(team_calendar(wake, team))
}

/// The hours by which somebody works: their own, or for want of any those of the first team.
pub(super) fn working_hours<'a>(wake: &'a Wake, reader: &EmailAddress) -> &'a Calendar {
    let first = || wake.rules.agreement.teams.values().next().map(|team| team_calendar(wake, team));
    calendar_of(wake, reader).or_else(first).expect("a campaign names a team; checked at load")
}

/// How staff are called: a rep by name, others by what their address says.
pub(super) fn name_of(wake: &Wake, email: &EmailAddress) -> String {
    match wake.rules.agreement.rep(email) {
        Some((_, rep)) => rep.name.clone(),
        None => email.as_a_name(),
    }
}
