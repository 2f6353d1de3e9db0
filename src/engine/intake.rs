//! Leads that have just come in: which campaign they belong to, how they fit, and their first sequence.

use serde_json::json;

use super::duty::Duty;
use super::enrol::Entered;
use super::facts::Behaviour;
use super::pass::{PassError, PassReport};
use super::{Engine, Wake, staff_mail};
use crate::domain::lead::{Lead, Stage};
use crate::domain::scoring;
use crate::store::Tx;

/// Leads looked at in one transaction. Each takes a handful of statements, so a batch stays well under 50 ms
/// on SQLite and does not keep a rep's click waiting.
const BATCH: i64 = 100;

pub(super) async fn run(engine: &Engine, wake: &Wake) -> Result<PassReport, PassError> {
    if !engine.has(Duty::Intake, wake.now).await? {
        return Ok(PassReport::default());
    }
    let turn = wake.turn();
    let mut report = PassReport::default();
    loop {
        let mut tx = engine.store.begin().await?;
        let leads = tx.lock_leads_due(Stage::New, wake.now, BATCH).await?;
        if leads.is_empty() || engine.is_stopping() {
            tx.rollback().await?;
            return Ok(report);
        }
        let behaviour = Behaviour::load(&mut tx, &leads, wake.now).await?;
        for lead in leads {
            report = report.and(receive(engine, &mut tx, wake, &behaviour, lead).await?);
        }
        tx.commit().await?;
        if turn.is_over() {
            return Ok(report);
        }
    }
}

async fn receive(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    behaviour: &Behaviour,
    mut lead: Lead,
) -> Result<PassReport, PassError> {
    let agreement = &wake.rules.agreement;
    let chosen = scoring::campaign(agreement, &behaviour.facts(&lead, wake.now)).cloned();
    let campaign = match chosen {
        Ok(campaign) => campaign,
        Err(error) => {
            lead.due_at = None;
            tx.save_lead(&lead).await?;
            let why = format!("its campaign cannot be told: {error}");
            tx.append(&[wake.event(lead.id, "parked", json!({ "why": why }))]).await?;
            staff_mail::cannot_be_told(engine, tx, wake, &lead, &why).await?;
            return Ok(PassReport { parked: 1, ..PassReport::default() });
        }
    };
    lead.campaign = Some(campaign.name.clone());
    let event = wake.stage(&mut lead, Stage::Nurturing, &format!("campaign `{}`", campaign.name));
    // The hand-off pass of this wake looks whether it is ready already.
    lead.due_at = Some(wake.now);
    tx.save_lead(&lead).await?;
    tx.append(&[event]).await?;
    if let Some(sequence) = &campaign.sequence {
        let why = format!("campaign `{}`", campaign.name);
        if let Entered::No(why) = engine.enrol(tx, wake, &lead, behaviour, sequence, &why).await? {
            tx.append(&[wake.event(lead.id, "not_enrolled", json!({ "sequence": sequence, "why": why }))])
                .await?;
        }
    }
    Ok(PassReport { done: 1, ..PassReport::default() })
}
