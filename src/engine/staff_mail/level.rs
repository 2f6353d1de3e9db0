//! A level of a promise was reached: who is told, and what the mail to each says.

use serde_json::{Value, json};

use super::actions::Wanted;
use super::promise::{self, Promised, Reader};
use super::{
    Plan, actions, current_hand_off, dispute, history, name_of, owner, values_for, working_hours,
    wrong_number,
};
use crate::domain::agreement::{Role, Team};
use crate::domain::commitments::counted;
use crate::domain::email::EmailAddress;
use crate::domain::escalation::Matter;
use crate::domain::ids::SlaClockId;
use crate::domain::lead::Lead;
use crate::domain::mail::MailClass;
use crate::domain::sla::PromiseKind;
use crate::engine::facts::ContactHistory;
use crate::engine::pass::PassError;
use crate::engine::sla::{self, Told};
use crate::engine::{Engine, Wake, digest};
use crate::store::Tx;

/// A level was reached: tells whom it says, and, when the lead was taken away, the rep who had it.
pub(in crate::engine) async fn level(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    contacts: &ContactHistory,
    lead: &Lead,
    clock: SlaClockId,
    told: &Told<'_>,
) -> Result<(), PassError> {
    let agreement = &wake.rules.agreement;
    let Some(team) = agreement.teams.get(&told.hand_off.team).or_else(|| agreement.teams.values().next())
    else {
        return Ok(());
    };
    let broken = told.standing.deadline.at <= wake.now;
    let (class, template) =
        if broken { (MailClass::Escalation, "escalation") } else { (MailClass::Warning, "warning") };
    let current = current_hand_off(tx, lead).await?;
    let rep = &told.hand_off.rep;
    let rep_name = name_of(wake, rep);
    let events = tx.events_of(lead.id).await?;
    let mut to_tell = recipients(&told.tell, team, rep);
    let nobody = to_tell.is_empty() && !told.tell.is_empty();
    if nobody {
        to_tell.push(fallback(engine, wake, team));
    }
    let raised_hand =
        agreement.campaign(&told.hand_off.campaign).is_some_and(|campaign| campaign.raised_hand);
    let urgent =
        agreement.escalation.urgent.contains(&told.hand_off.policy) && told.kind.cannot_wait(raised_hand);
    let quiet_since = match told.kind {
        PromiseKind::Quiet => sla::last_word(tx, lead, clock).await?.unwrap_or(wake.now),
        _ => wake.now,
    };
    let is_wrong = sla::is_somebody_else_s(tx, lead).await?;
    // Who has the lead now is told so, and why, by the hand-off.
    let has_it = told.next_owner.as_ref().map(|next| &next.email);
    for to in to_tell.into_iter().filter(|to| Some(to) != has_it) {
        // Each reads it by their own clock.
        let calendar = working_hours(wake, &to);
        let mut values = values_for(engine, wake, contacts, lead, &to);
        if is_wrong {
            wrong_number(&mut values);
        }
        let has_phone = lead.profile.phone.is_some() && !is_wrong;
        let reader = Reader { to: &to, rep, rep_name: &rep_name, team, has_phone };
        // The promise of a rep who lost the lead is over.
        let ahead = told.next_owner.is_none().then_some(&told.ahead[..]);
        let promised = Promised {
            kind: told.kind,
            terms: told.terms,
            standing: told.standing,
            paid: told.paid.as_deref(),
        };
        values["promise"] = promise::promise(calendar, promised, &reader, ahead, told.late, wake.now);
        let first = promise::first_cost(&told.ahead, told.standing.deadline.at, wake.now);
        if let (Some(first), Some(Value::Array(otherwise))) = (first, values["promise"].get_mut("otherwise"))
        {
            // It stands above everything else.
            if first < otherwise.len() {
                otherwise.remove(first);
            }
        }
        values["promise"]["over"] = json!(told.terms.over_at(told.level));
        values["owner"] = owner(wake, rep, &to);
        values["history"] = history::history(wake, calendar, &events, told.hand_off.at);
        actions::offer(engine, wake, &mut values, lead, current.as_ref(), &to, Wanted::EndOf(told.kind));
        if told.next_owner.is_some() && to == *rep {
            actions::offer_it_back(engine, wake, &mut values, &lead.email, told.hand_off);
        }
        if told.kind == PromiseKind::Dispute {
            values["dispute"] = dispute::about(tx, wake, lead, told.hand_off).await?;
            dispute::offer(engine, wake, &mut values, &lead.email, team, told.hand_off, &to);
        }
        if let Some(next) = &told.next_owner {
            values["next_owner"] = json!(next.name);
            values["note"] = json!(format!("The lead now belongs to {}.", next.name));
        }
        if let Some(why) = told.stays {
            values["note"] = json!(why);
        }
        if nobody {
            let whom = told.tell.iter().map(|role| role.name()).collect::<Vec<_>>().join(" and ");
            values["note"] = json!(format!("You are told because team {} has no {whom} to tell.", team.name));
        }
        if told.kind == PromiseKind::Quiet {
            let days = calendar.local(wake.now).date() - calendar.local(quiet_since).date();
            let note = format!(
                "Nothing was heard of this opportunity for {}. How does it stand?",
                counted(i64::from(days.get_days()), "day")
            );
            values["note"] = json!(note);
            let again = told.terms.target_words();
            values["zone"] = Value::Null;
            values["unless"] = json!(format!("If you say nothing, you are asked again in {again}."));
        }
        let (class, template) = match &told.next_owner {
            Some(_) if to == *rep => (MailClass::Notice, "reassigned"),
            _ if told.kind == PromiseKind::Quiet => (MailClass::Notice, "notice"),
            None if told.kind == PromiseKind::Dispute => (class, "dispute"),
            _ => (class, template),
        };
        let level = told.level.name.clone();
        let unique_key = format!("level:{clock}:{level}:{to}");
        let weight = Matter { own: to == *rep, urgent, found_late: told.late.is_some() };
        let plan = Plan { class, template, to: &to, unique_key, level: Some(level), values };
        digest::note(tx, wake, lead, Some(clock), plan, weight).await?;
    }
    Ok(())
}

/// Who is told what would reach nobody: whom `[escalation]` names, else the operator, else the manager. That is found by `nurtured check`; but a promise keeps the roles with
/// which it began, and the director may have left since.
fn fallback(engine: &Engine, wake: &Wake, team: &Team) -> EmailAddress {
    let named = wake.rules.agreement.escalation.fallback.as_ref();
    named.or(engine.identity.operator.as_ref()).unwrap_or(&team.manager).clone()
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
