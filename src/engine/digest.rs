//! Telling staff what came up: at once, in a digest, or all of a standstill in one mail.
//!
//! Whoever decides that somebody has to be told something ([`note`]) writes that down in its own transaction;
//! this pass, later in the same wake, sees all that came up for one reader and asks
//! [`Escalation::tell`](crate::domain::escalation::Escalation::tell) in which mail each goes. Telling is one
//! transaction with the mail's outbox row, so nothing is told twice and nothing is lost.
//!
//! What was settled while it waited for a digest (somebody called, the lead was given back) is no news to act
//! on: it comes in a line at the end, and a digest of nothing else is not sent.

mod standing;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::duty::Duty;
use super::pass::{PassError, PassReport};
use super::staff_mail::{self, About, Line, Plan};
use super::{Engine, Wake, call_list};
use crate::domain::contact::day_number;
use crate::domain::email::EmailAddress;
use crate::domain::escalation::{self, Telling};
use crate::domain::ids::{LeadId, MatterId, OutboxId, SlaClockId};
use crate::domain::lead::Lead;
use crate::domain::sla::PromiseKind;
use crate::store::{Matter, NewEvent, NewMatter, SlaClock, StoreError, Tx};

use call_list::Listed;
use standing::Open;

/// So many readers are told in one transaction.
const DUE: i64 = 20;

/// Matters that go into one digest. Whoever has more gets another one.
const MOST: i64 = 5_000;

/// While promises are still being assessed, what they bring up is waited for at most so long: one mail about
/// all is better than two.
const GATHER: SignedDuration = SignedDuration::from_secs(60);

/// Notes that somebody has to be told something, once; `false` when it was noted before.
pub(super) async fn note(
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
    clock: Option<SlaClockId>,
    plan: Plan<'_>,
    weight: escalation::Matter,
) -> Result<bool, PassError> {
    let matter = NewMatter {
        recipient: plan.to.clone(),
        lead: lead.id,
        clock,
        unique_key: plan.unique_key,
        class: plan.class,
        template: plan.template.to_owned(),
        level: plan.level,
        body: plan.values.to_string(),
        weight,
        noted_at: wake.now,
    };
    Ok(tx.insert_matter(&matter).await?)
}

pub(super) async fn run(engine: &Engine, wake: &Wake) -> Result<PassReport, PassError> {
    // Whoever gets a list of calls now reads of those leads there, and not in a digest beside it.
    let has_matters = engine.has(Duty::Matters, wake.now).await?;
    if has_matters && is_gathering(engine, wake).await? {
        return Ok(PassReport::default());
    }
    let (lists, listed) = call_list::run(engine, wake).await?;
    if !has_matters {
        return Ok(lists);
    }
    Ok(lists.and(tell_readers(engine, wake, &listed).await?))
}

async fn tell_readers(engine: &Engine, wake: &Wake, listed: &Listed) -> Result<PassReport, PassError> {
    let mut report = PassReport::default();
    let turn = wake.turn();
    loop {
        let mut tx = engine.store.begin().await?;
        tx.lock_telling().await?;
        let readers = tx.recipients_due(wake.now, DUE).await?;
        if readers.is_empty() || engine.is_stopping() {
            tx.rollback().await?;
            return Ok(report);
        }
        let mut round = PassReport::default();
        for reader in &readers {
            round = round.and(tell(engine, &mut tx, wake, reader, listed.get(reader)).await?);
        }
        tx.commit().await?;
        report = report.and(round);
        // A round that moved nothing would move nothing again.
        if turn.is_over() || round == PassReport::default() {
            return Ok(report);
        }
    }
}

/// Whether more is about to come up.
async fn is_gathering(engine: &Engine, wake: &Wake) -> Result<bool, StoreError> {
    if !engine.has(Duty::Sla, wake.now).await? {
        return Ok(false);
    }
    let mut tx = engine.store.read().await?;
    let longest = tx.next_matter_due().await?;
    tx.rollback().await?;
    let waited = longest.map_or(0, |due| wake.now.as_millisecond() - due);
    Ok(SignedDuration::from_millis(waited) < GATHER)
}

/// Tells one reader what is to be told now, and puts off the rest.
async fn tell(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    reader: &EmailAddress,
    listed: Option<&(OutboxId, BTreeSet<LeadId>)>,
) -> Result<PassReport, PassError> {
    let (waiting, fresh): (Vec<Matter>, Vec<Matter>) =
        tx.untold(reader, MOST).await?.into_iter().partition(|matter| matter.waits);
    let calendar = staff_mail::working_hours(wake, reader);
    let today = day_number(calendar.local(wake.now).date());
    let told_today = tx.matters_counted_on(reader, today).await?;
    let weights: Vec<escalation::Matter> = fresh.iter().map(|matter| matter.what.weight).collect();
    let tellings = wake.rules.agreement.escalation.tell(&weights, told_today, calendar, wake.now);
    let digest_is_due =
        waiting.iter().any(|matter| matter.due_at <= wake.now) || tellings.contains(&Telling::Together);
    let mut report = PassReport::default();
    let mut later: BTreeMap<Timestamp, Vec<&Matter>> = BTreeMap::new();
    let mut together: Vec<&Matter> = if digest_is_due { waiting.iter().collect() } else { Vec::new() };
    let mut in_list: Vec<&Matter> = Vec::new();
    for (matter, telling) in fresh.iter().zip(tellings) {
        match telling {
            Telling::AtOnce { counts } => {
                let mail = alone(engine, tx, wake, &matter.what).await?;
                tx.matter_told(matter.id, mail, counts.then_some(today)).await?;
                report.done += 1;
            }
            Telling::Together if is_listed(tx, &matter.what, listed).await? => in_list.push(matter),
            Telling::InDigest(at) if !digest_is_due => later.entry(at).or_default().push(matter),
            Telling::InDigest(_) | Telling::Together => together.push(matter),
        }
    }
    for (until, matters) in later {
        report.put_off += matters.len() as u64;
        put_off(tx, wake, reader, &matters, until, told_today).await?;
    }
    if let (Some((list, _)), false) = (listed, in_list.is_empty()) {
        report.done += in_list.len() as u64;
        told_in(tx, wake, reader, &in_list, *list).await?;
    }
    // The latest about a lead is told, so they stand in the order in which they came up.
    together.sort_by_key(|matter| matter.id);
    if !together.is_empty() {
        report.done += together.len() as u64;
        in_one_mail(engine, tx, wake, reader, &together).await?;
    }
    Ok(report)
}

/// Whether a list of calls says what a matter would: that the reader's own lead waits for a call.
async fn is_listed(
    tx: &mut Tx,
    what: &NewMatter,
    listed: Option<&(OutboxId, BTreeSet<LeadId>)>,
) -> Result<bool, StoreError> {
    let on_list = listed.is_some_and(|(_, leads)| leads.contains(&what.lead));
    let (true, true, Some(id)) = (what.weight.own, on_list, what.clock) else {
        return Ok(false);
    };
    // An attempt says yes, too.
    let kinds = [PromiseKind::Accept, PromiseKind::FirstContact, PromiseKind::Attempts];
    let clocks = tx.running_clocks(what.lead).await?;
    Ok(clocks.iter().any(|clock| clock.id == id && kinds.contains(&clock.kind)))
}

/// These matters stand in a mail of several.
async fn told_in(
    tx: &mut Tx,
    wake: &Wake,
    reader: &EmailAddress,
    matters: &[&Matter],
    mail: OutboxId,
) -> Result<(), PassError> {
    let ids: Vec<MatterId> = matters.iter().map(|matter| matter.id).collect();
    tx.matters_told_in(&ids, mail).await?;
    in_digest(tx, wake, reader, matters).await
}

/// Says in the log that these matters were told in one mail.
async fn in_digest(
    tx: &mut Tx,
    wake: &Wake,
    reader: &EmailAddress,
    matters: &[&Matter],
) -> Result<(), PassError> {
    let events: Vec<NewEvent> = matters
        .iter()
        .map(|matter| {
            let facts = json!({ "to": reader.as_str(), "level": matter.what.level });
            wake.event(matter.what.lead, "in_digest", facts)
        })
        .collect();
    tx.append(&events).await?;
    Ok(())
}

/// A matter in a mail of its own, as it was written when it came up.
async fn alone(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    matter: &NewMatter,
) -> Result<Option<OutboxId>, PassError> {
    let plan = Plan {
        class: matter.class,
        template: &matter.template,
        to: &matter.recipient,
        unique_key: matter.unique_key.clone(),
        level: matter.level.clone(),
        values: body(matter),
    };
    staff_mail::put(engine, tx, wake, Some(matter.lead), plan).await
}

fn body(matter: &NewMatter) -> Value {
    serde_json::from_str(&matter.body).unwrap_or_default()
}

async fn put_off(
    tx: &mut Tx,
    wake: &Wake,
    reader: &EmailAddress,
    matters: &[&Matter],
    until: Timestamp,
    told_today: i64,
) -> Result<(), PassError> {
    let ids: Vec<MatterId> = matters.iter().map(|matter| matter.id).collect();
    tx.put_off_matters(&ids, until).await?;
    let most = wake.rules.agreement.escalation.mails_at_once;
    let why = match told_today {
        _ if matters.iter().all(|matter| matter.what.weight.found_late) => "it was found late".to_owned(),
        _ => format!("{most} mails a day go at once"),
    };
    let events: Vec<NewEvent> = matters
        .iter()
        .map(|matter| {
            let facts = json!({
                "to": reader.as_str(),
                "level": matter.what.level,
                "until": until.to_string(),
                "why": why,
            });
            wake.event(matter.what.lead, "told_later", facts)
        })
        .collect();
    tx.append(&events).await?;
    Ok(())
}

/// Several matters in one mail; none when all of them are settled. Afterwards none of them is left to tell.
async fn in_one_mail(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    reader: &EmailAddress,
    matters: &[&Matter],
) -> Result<(), PassError> {
    let mut ids: Vec<LeadId> = matters.iter().map(|matter| matter.what.lead).collect();
    ids.sort_unstable();
    ids.dedup();
    let as_told = |lead: Lead| (lead.id, staff_mail::as_told(wake, lead, reader));
    let leads: BTreeMap<LeadId, Lead> = tx.leads(&ids).await?.into_iter().map(as_told).collect();
    let mut clocks: BTreeMap<LeadId, Vec<SlaClock>> = BTreeMap::new();
    for id in leads.keys() {
        clocks.insert(*id, tx.clocks_of(*id).await?);
    }
    let calendar = staff_mail::working_hours(wake, reader);
    let told = |at: Timestamp| calendar.local(at).strftime("%a %-d %b %H:%M").to_string();
    let judged = standing::judge(matters, &clocks);
    // A lead is told in one line: the latest of what is open about it says most; what is settled is news only of
    // a lead of which nothing is open.
    let (mut lines, mut settled_lines) = (Vec::new(), Vec::new());
    for (id, of_lead) in &judged {
        let Some(lead) = leads.get(id) else { continue };
        match (of_lead.open.last(), of_lead.settled.last()) {
            (Some((matter, open)), _) => {
                lines.push((matter.id, line(lead, &matter.what, *open, wake.now, reader, &told)));
            }
            (None, Some((matter, why))) => {
                settled_lines.push((matter.id, format!("{}: {why}", display(lead))));
            }
            (None, None) => {}
        }
    }
    lines.sort_by_key(|(id, _)| *id);
    settled_lines.sort_by_key(|(id, _)| *id);
    let mut open: Vec<&Matter> =
        judged.values().flat_map(|of_lead| &of_lead.open).map(|(matter, _)| *matter).collect();
    open.sort_by_key(|matter| matter.id);
    if let Some(latest) = open.last().map(|matter| matter.id) {
        let key = format!("digest:{reader}:{latest}");
        let lines = lines.into_iter().map(|(_, line)| line).collect();
        let settled_lines: Vec<String> = settled_lines.into_iter().map(|(_, words)| words).collect();
        let mail = staff_mail::write_digest(engine, tx, wake, reader, lines, &settled_lines, key).await?;
        if let Some(mail) = mail {
            told_in(tx, wake, reader, &open, mail).await?;
        } else {
            // It was parked, where a person finds it; or it is there already.
            let ids: Vec<MatterId> = open.iter().map(|matter| matter.id).collect();
            tx.matters_settled(&ids, wake.now).await?;
            in_digest(tx, wake, reader, &open).await?;
        }
    }
    let mut settled: Vec<&Matter> =
        judged.values().flat_map(|of_lead| &of_lead.settled).map(|(matter, _)| *matter).collect();
    settled.sort_by_key(|matter| matter.id);
    let ids: Vec<MatterId> = settled.iter().map(|matter| matter.id).collect();
    tx.matters_settled(&ids, wake.now).await?;
    let events: Vec<NewEvent> = settled
        .iter()
        .map(|matter| {
            let facts =
                json!({ "to": reader.as_str(), "level": matter.what.level, "why": "settled meanwhile" });
            wake.event(matter.what.lead, "not_told", facts)
        })
        .collect();
    tx.append(&events).await?;
    Ok(())
}

/// An open matter about a lead, as its line in a digest.
fn line<'a>(
    lead: &'a Lead,
    what: &NewMatter,
    open: Open,
    now: Timestamp,
    reader: &EmailAddress,
    told: &dyn Fn(Timestamp) -> String,
) -> Line<'a> {
    Line {
        lead,
        about: match open.due {
            Some(_) if open.taken_away => About::ChangedHands,
            Some((_, due)) => About::Promise(due),
            None => About::Note,
        },
        words: words(what, open, now, told),
        whose: lead.owner.as_ref(),
        lost: what.weight.own && lead.owner.as_ref() != Some(reader),
        found_late: what.weight.found_late,
        act: None,
    }
}

/// A matter in a line. `told` says instants by the reader's clock.
fn words(what: &NewMatter, open: Open, now: Timestamp, told: &dyn Fn(Timestamp) -> String) -> String {
    let body = body(what);
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let note = text("/note").map(|note| format!(" {note}")).unwrap_or_default();
    let Some((kind, due)) = open.due else {
        return note.trim_start().to_owned();
    };
    let promised = text("/promise/what").unwrap_or_else(|| staff_mail::sentence(kind.words()));
    let late = if what.weight.found_late { " Found late." } else { "" };
    if open.taken_away {
        let before = text("/owner/name").unwrap_or_else(|| "the rep".to_owned());
        let was_due = text("/promise/by").unwrap_or_default();
        return format!(
            "{before} made no attempt ({promised}, due {was_due}).{note} It is due {} there.{late}",
            told(due)
        );
    }
    let when = if due <= now { "was due" } else { "is due" };
    format!("{promised} {when} {}.{note}{late}", told(due))
}

fn display(lead: &Lead) -> String {
    lead.profile.full_name().unwrap_or_else(|| lead.email.as_str().to_owned())
}
