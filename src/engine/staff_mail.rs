//! Mail to reps, managers and marketing: planned when it is decided, and rendered then, so that the same
//! bytes are sent however often it takes.

use jiff::{Timestamp, Zoned};
use serde_json::{Value, json};

use super::context::{campaign, person};
use super::facts::{Behaviour, ContactHistory};
use super::hand_off::{Given, team_calendar};
use super::hours::zone_of;
use super::pass::PassError;
use super::sla::Told;
use super::{Engine, Wake};
use crate::domain::agreement::{Role, Team};
use crate::domain::calendar::{Calendar, Reckoning};
use crate::domain::contact::{Channel, Permission, Purpose, may_contact, reasons};
use crate::domain::email::EmailAddress;
use crate::domain::ids::{HandOffId, SlaClockId};
use crate::domain::lead::{Activity, Answer, Lead, Touch};
use crate::domain::mail::{Audience, MailClass, MailState};
use crate::domain::sla::{LevelTerms, Standing, Terms};
use crate::mail::message::{Correspondent, Letter, compose};
use crate::mail::token;
use crate::store::{Event, NewMail, Tx};

/// The frame of mails to staff.
const STAFF_LAYOUT: &str = "staff";

/// What a lead did is shown this far back: more is a list, not a picture.
const BEHAVIOUR_SHOWN: usize = 10;

/// A staff mail about to be planned.
struct Plan<'a> {
    class: MailClass,
    template: &'static str,
    to: &'a EmailAddress,
    /// What makes a second one impossible.
    unique_key: String,
    level: Option<String>,
    values: Value,
}

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
    terms: &Terms,
    standing: &Standing,
) -> Result<(), PassError> {
    let calendar = team_calendar(wake, given.team);
    let mut values = lead_values(engine, tx, wake, lead, &given.rep.email).await?;
    values["touches"] = touches(calendar, &tx.touches(lead.id).await?);
    values["answers"] = answers(behaviour.answers(lead.id));
    values["behaviour"] = what_it_did(calendar, behaviour.activities(lead.id));
    values["reasons"] = json!(why_ready(tx, lead, given).await?);
    values["promise"] = promise(calendar, wake, terms, standing, &[], None);
    values["owner"] = json!({ "name": given.rep.name, "email": given.rep.email.as_str() });
    values["actions"] = dispositions(lead);
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

/// A level was reached: tells whom it says, and, when the lead was taken away, the rep who had it.
pub(super) async fn level(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
    clock: SlaClockId,
    told: &Told<'_>,
) -> Result<(), PassError> {
    let agreement = &wake.rules.agreement;
    let Some(team) = agreement.teams.get(&told.hand_off.team).or_else(|| agreement.teams.values().next())
    else {
        return Ok(());
    };
    let calendar = team_calendar(wake, team);
    let broken = told.standing.deadline.at <= wake.now;
    let (class, template) =
        if broken { (MailClass::Escalation, "escalation") } else { (MailClass::Warning, "warning") };
    let fired = tx.fired_levels(clock).await?;
    for to in recipients(&told.level.tell, team, &told.hand_off.rep) {
        let mut values = lead_values(engine, tx, wake, lead, &to).await?;
        values["promise"] = promise(calendar, wake, told.terms, told.standing, &fired, told.late);
        values["owner"] = owner(wake, &told.hand_off.rep);
        values["history"] = history(calendar, &tx.events_of(lead.id).await?, told.hand_off.at);
        values["actions"] = dispositions(lead);
        if let Some(next) = &told.next_owner {
            values["note"] = json!(format!("The lead now belongs to {}.", next.name));
        }
        let (class, template) = match &told.next_owner {
            Some(_) if to == told.hand_off.rep => (MailClass::Notice, "reassigned"),
            _ => (class, template),
        };
        let level = told.level.name.clone();
        let unique_key = format!("level:{clock}:{level}:{to}");
        plan(
            engine,
            tx,
            wake,
            Some(lead),
            Plan { class, template, to: &to, unique_key, level: Some(level), values },
        )
        .await?;
    }
    Ok(())
}

/// Something somebody should know about a lead.
pub(super) async fn notice(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
    to: &EmailAddress,
    words: &str,
    unique_key: &str,
) -> Result<(), PassError> {
    let mut values = lead_values(engine, tx, wake, lead, to).await?;
    values["note"] = json!(words);
    values["owner"] = lead.owner.as_ref().map_or(Value::Null, |rep| owner(wake, rep));
    values["actions"] = dispositions(lead);
    let unique_key = unique_key.to_owned();
    let plan_of_notice =
        Plan { class: MailClass::Notice, template: "notice", to, unique_key, level: None, values };
    plan(engine, tx, wake, Some(lead), plan_of_notice).await
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

/// Renders a staff mail and puts it into the outbox, unless it is there already.
async fn plan(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: Option<&Lead>,
    plan: Plan<'_>,
) -> Result<(), PassError> {
    let rendered =
        wake.rules.templates.render(&format!("staff/{}", plan.template), STAFF_LAYOUT, &plan.values);
    let mut mail = NewMail {
        audience: Audience::Staff,
        class: plan.class,
        state: MailState::Pending,
        due_at: wake.now,
        lead: lead.map(|lead| lead.id),
        recipient: plan.to.clone(),
        unique_key: plan.unique_key,
        requested: false,
        playbook: wake.rules.version.clone(),
        enrolment: None,
        sequence: None,
        step: None,
        level: plan.level,
        subject: None,
        message: None,
        planned_at: wake.now,
    };
    let rendered = match rendered {
        Ok(rendered) => rendered,
        Err(error) => {
            // The hand-off stands all the same; the mail is kept where a person finds it.
            tracing::error!(mail.template = plan.template, "a mail to staff could not be written: {error}");
            mail.state = MailState::Parked;
            mail.subject = Some(format!("{} could not be written: {error}", plan.template));
            tx.insert_mails(&[mail]).await?;
            return Ok(());
        }
    };
    mail.subject = Some(rendered.subject.clone());
    let Some(id) = tx.insert_mail(&mail).await? else {
        return Ok(());
    };
    let identity = &engine.identity;
    let letter = Letter {
        from: identity.from.clone(),
        reply_to: identity.reply_to.clone(),
        to: Correspondent { name: None, address: plan.to.clone() },
        subject: rendered.subject,
        html: rendered.html,
        text: rendered.text,
        message_id: token::message_id(&engine.keys.mail, id, identity.from.address.domain()),
        date: wake.now,
        unsubscribe: None,
        in_reply_to: None,
        references: Vec::new(),
        auto_generated: matches!(plan.class, MailClass::Digest | MailClass::Report | MailClass::Notice),
        extra: Vec::new(),
    };
    match compose(&letter) {
        Ok(message) => tx.set_mail_message(id, &message).await?,
        Err(error) => {
            tracing::error!(outbox.id = id.0, "a mail to staff could not be composed: {error}");
            tx.settle_mail(id, MailState::Pending, MailState::Parked, &error.to_string(), wake.now).await?;
        }
    }
    Ok(())
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
    let phone = engine.hours.phone(lead, agreement);
    let history = ContactHistory::load(tx, std::slice::from_ref(lead), agreement, wake.now).await?;
    let facts = history.facts(lead, &[]);
    let owner = lead.owner.as_ref();
    let permission =
        may_contact(&facts, &agreement.contact, &phone, Channel::Phone, Purpose::Owner, owner, wake.now);
    let mut person = person(lead);
    let zone = zone_of(lead, agreement);
    let extra = json!({
        "display": display(lead),
        "phone": lead.profile.phone,
        "phone_url": lead.profile.phone.as_ref().map(|phone| format!("tel:{phone}")),
        "email_url": format!("mailto:{}", lead.email),
        "local_time": format!("{} in {zone}", short(&phone.local(wake.now))),
        "score": lead.score,
        "grade": lead.grade.map(|grade| grade.name()),
        "stage": lead.stage.name().replace('_', " "),
        "round": lead.round,
    });
    if let (Value::Object(person), Value::Object(extra)) = (&mut person, extra) {
        person.extend(extra);
    }
    Ok(json!({
        "to_name": name_of(wake, to),
        "lead": person,
        "campaign": campaign(lead.campaign.as_deref().and_then(|name| agreement.campaign(name))),
        "call": call(&permission, &phone),
    }))
}

fn display(lead: &Lead) -> String {
    let name = lead.profile.full_name().unwrap_or_else(|| lead.email.as_str().to_owned());
    match &lead.profile.company {
        Some(company) => format!("{name}, {company}"),
        None => name,
    }
}

fn call(permission: &Permission, phone: &Calendar) -> Value {
    match permission {
        Permission::Yes => json!({ "now": true, "words": "Yes, now." }),
        Permission::NotBefore { at, because } => {
            let at = day_and_time(&phone.local(*at));
            json!({ "now": false, "words": format!("Not before {at}, its time: {}.", reasons(because)) })
        }
        Permission::Never { because } => json!({ "now": false, "words": format!("No: {because}.") }),
    }
}

/// What was promised, until when, how that was counted, and what follows.
fn promise(
    calendar: &Calendar,
    wake: &Wake,
    terms: &Terms,
    standing: &Standing,
    fired: &[String],
    late: Option<Timestamp>,
) -> Value {
    let deadline = &standing.deadline;
    let by = calendar.local(deadline.at);
    let otherwise: Vec<String> =
        terms.levels.iter().filter(|level| !fired.contains(&level.name)).map(what_follows).collect();
    let counted: Vec<Value> = deadline
        .counted
        .iter()
        .map(|piece| {
            let minutes = if piece.why == Reckoning::Open {
                format!("{} min", piece.minutes())
            } else {
                "–".to_owned()
            };
            json!({
                "from": day_and_time(&calendar.local(piece.from)),
                "to": day_and_time(&calendar.local(piece.to)),
                "minutes": minutes,
                "why": piece.why.to_string(),
            })
        })
        .collect();
    let target = crate::domain::agreement::Target(jiff::SignedDuration::from_mins(terms.target_minutes));
    json!({
        "what": format!("first contact within {target}"),
        "since": deadline.counted.first().map(|piece| day_and_time(&calendar.local(piece.from))),
        "by": day_and_time(&by),
        "by_short": short(&by),
        "broken": deadline.at <= wake.now,
        "late": late.map(|fell_due| {
            format!("It fell due {} and was found only now: nobody was looking.", day_and_time(&calendar.local(fell_due)))
        }),
        "otherwise": otherwise,
        "counted": counted,
    })
}

fn what_follows(level: &LevelTerms) -> String {
    let told: Vec<&str> = level
        .tell
        .iter()
        .map(|role| match role {
            Role::Owner => "you",
            Role::Manager => "your manager",
            Role::Backup => "the backup",
            Role::Director => "the director",
        })
        .collect();
    let verb = if told == ["you"] {
        "are reminded"
    } else if told.len() == 1 {
        "is told"
    } else {
        "are told"
    };
    let mut words = format!("At {} % of the time {} {verb}", level.at_percent, told.join(" and "));
    if level.reassign {
        words.push_str(", and somebody else gets the lead if no attempt was made");
    }
    words.push('.');
    words
}

fn recipients(roles: &[Role], team: &Team, owner: &EmailAddress) -> Vec<EmailAddress> {
    let mut recipients = Vec::new();
    for role in roles {
        let who = match role {
            Role::Owner => Some(owner),
            Role::Manager => Some(&team.manager),
            Role::Backup => team.backup.as_ref(),
            Role::Director => team.director.as_ref(),
        };
        recipients.extend(who.cloned());
    }
    recipients.sort();
    recipients.dedup();
    recipients
}

async fn why_ready(tx: &mut Tx, lead: &Lead, given: &Given<'_>) -> Result<Vec<String>, PassError> {
    let mut reasons = Vec::new();
    let qualified = tx
        .events_of_kind(lead.id, "stage")
        .await?
        .into_iter()
        .rev()
        .find(|event| event.facts.get("to").and_then(Value::as_str) == Some("qualified"));
    match qualified.as_ref().and_then(|event| event.facts.get("why")).and_then(Value::as_str) {
        Some("it replied") => reasons.push("It wrote back to one of our mails.".to_owned()),
        Some(_) if given.campaign.raised_hand => reasons.push("It asked to be contacted.".to_owned()),
        Some(_) => {
            let grade = lead.grade.map(|grade| format!(" and grade {}", grade.name())).unwrap_or_default();
            let campaign = &given.campaign.name;
            reasons.push(format!("Score {}{grade}: the hand-off point of campaign {campaign}.", lead.score));
        }
        None => {}
    }
    reasons.push(format!("It goes to you because {}.", given.why));
    if lead.round > 1 {
        reasons.push(format!("It has been with sales before: this is round {}.", lead.round));
    }
    Ok(reasons)
}

fn touches(calendar: &Calendar, touches: &[Touch]) -> Value {
    touches
        .iter()
        .map(|touch| {
            let parts = [&touch.source, &touch.medium, &touch.campaign, &touch.content, &touch.term];
            let words: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
            json!({
                "at": touch.occurred_at.map(|at| day(&calendar.local(at))),
                "words": if words.is_empty() { "unknown".to_owned() } else { words.join(" · ") },
                "ad": touch.ad,
                "landing_page": touch.landing_page,
            })
        })
        .collect()
}

fn answers(answers: &[Answer]) -> Value {
    answers.iter().map(|answer| json!({ "question": answer.question, "answer": answer.answer })).collect()
}

fn what_it_did(calendar: &Calendar, activities: &[Activity]) -> Value {
    activities
        .iter()
        .rev()
        .take(BEHAVIOUR_SHOWN)
        .map(|activity| {
            json!({
                "at": day_and_time(&calendar.local(activity.occurred_at)),
                "words": activity.name.replace('_', " "),
            })
        })
        .collect()
}

/// What happened since a hand-off, as its reader would tell it.
fn history(calendar: &Calendar, events: &[Event], since: Timestamp) -> Value {
    events
        .iter()
        .filter(|event| event.occurred_at >= since)
        .filter_map(|event| {
            let words = super::why::words(event)?;
            Some(json!({ "at": day_and_time(&calendar.local(event.occurred_at)), "words": words }))
        })
        .collect()
}

/// What a rep can do, as commands; the links of action mails take their place when there are any.
fn dispositions(lead: &Lead) -> Value {
    let email = &lead.email;
    json!([
        { "label": "Take it", "command": format!("nurtured lead accept {email}") },
        { "label": "Log a call", "command": format!("nurtured lead attempt {email} --channel phone --outcome reached") },
        { "label": "Give it back", "command": format!("nurtured lead reject {email} --reason not-ready") },
    ])
}

fn owner(wake: &Wake, rep: &EmailAddress) -> Value {
    json!({ "name": name_of(wake, rep), "email": rep.as_str() })
}

/// How staff are addressed: a rep by name, others by the part before the @.
fn name_of(wake: &Wake, email: &EmailAddress) -> String {
    match wake.rules.agreement.rep(email) {
        Some((_, rep)) => rep.name.clone(),
        None => email.as_str().split('@').next().unwrap_or_default().to_owned(),
    }
}

/// "Tue 3 Mar 14:00".
pub(super) fn day_and_time(at: &Zoned) -> String {
    at.strftime("%a %-d %b %H:%M").to_string()
}

/// "Tue 14:00".
fn short(at: &Zoned) -> String {
    at.strftime("%a %H:%M").to_string()
}

/// "Tue 3 Mar 2026".
fn day(at: &Zoned) -> String {
    at.strftime("%a %-d %b %Y").to_string()
}
