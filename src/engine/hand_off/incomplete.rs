//! Leads that are ready but for something that sales has to know: marketing's list, told once a day.

use jiff::Timestamp;
use jiff::civil::Time;
use serde_json::json;

use super::{campaign_of, team_calendar};
use crate::domain::agreement::Campaign;
use crate::domain::ids::LeadId;
use crate::domain::lead::Lead;
use crate::engine::pass::{PassError, PassReport};
use crate::engine::{Engine, Wake, staff_mail};
use crate::store::column::millis;
use crate::store::{RoutingDuty, Tx};

/// Puts a lead on the list, with what is missing.
pub(super) async fn put_on_list(
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
    campaign: &Campaign,
    missing: &[String],
) -> Result<(), PassError> {
    if tx.lead_is_incomplete(lead.id, &campaign.name, missing, wake.now).await? {
        let facts = json!({ "campaign": campaign.name, "missing": missing });
        tx.append(&[wake.event(lead.id, "incomplete", facts)]).await?;
        if let Some(at) = next_morning(wake, campaign) {
            tx.look_at_routing(RoutingDuty::Incomplete, at).await?;
        }
    }
    Ok(())
}

/// When marketing hears of what comes onto the list now: when the office opens next, and not a second time on
/// one day.
fn next_morning(wake: &Wake, campaign: &Campaign) -> Option<Timestamp> {
    let calendar = team_calendar(wake, wake.rules.agreement.teams.get(&campaign.team)?);
    let today = calendar.local(wake.now).date();
    let opened_today = calendar
        .instant_at(today, Time::midnight())
        .and_then(|midnight| calendar.next_open(midnight))
        .is_some_and(|opening| opening <= wake.now);
    let from =
        if opened_today { calendar.instant_at(today.tomorrow().ok()?, Time::midnight())? } else { wake.now };
    calendar.next_open(from)
}

/// Tells marketing of what is new on the list, when it is time.
pub(super) async fn tell(engine: &Engine, wake: &Wake) -> Result<PassReport, PassError> {
    let mut tx = engine.store.begin().await?;
    let due = tx.next_routing_due(RoutingDuty::Incomplete).await?;
    if due.is_none_or(|due| due > millis(wake.now)) {
        tx.rollback().await?;
        return Ok(PassReport::default());
    }
    // Two daemons at once would tell half of it each.
    tx.lock_routing().await?;
    tx.plan_routing(RoutingDuty::Incomplete, None).await?;
    let new = tx.tell_incomplete_leads(wake.now).await?;
    if !new.is_empty() {
        let ids: Vec<LeadId> = new.iter().map(|incomplete| incomplete.lead).collect();
        let leads = tx.leads(&ids).await?;
        let all = tx.count_incomplete_leads().await?;
        staff_mail::incomplete_leads(engine, &mut tx, wake, &new, &leads, all).await?;
    }
    tx.commit().await?;
    Ok(PassReport { done: 1, ..PassReport::default() })
}

/// Whether the lead's campaign requires what is not known of it: those words.
pub(super) fn missing(wake: &Wake, lead: &Lead, behaviour: &crate::engine::facts::Behaviour) -> Vec<String> {
    let required = campaign_of(wake, lead).map_or(&[][..], |campaign| &campaign.required);
    crate::domain::required::missing(required, lead, behaviour.answers(lead.id))
}
