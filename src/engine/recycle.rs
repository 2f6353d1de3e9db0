//! Leads whose rest is over begin a new round.

use serde_json::json;

use super::duty::Duty;
use super::enrol::Entered;
use super::facts::Behaviour;
use super::hand_off::campaign_of;
use super::pass::{PassError, PassReport};
use super::{Engine, Wake};
use crate::domain::lead::{Lead, Stage};
use crate::store::Tx;

/// Leads looked at in one transaction.
const BATCH: i64 = 100;

pub(super) async fn run(engine: &Engine, wake: &Wake) -> Result<PassReport, PassError> {
    if !engine.has(Duty::Recycle, wake.now).await? {
        return Ok(PassReport::default());
    }
    let turn = wake.turn();
    let mut report = PassReport::default();
    loop {
        let mut tx = engine.store.begin().await?;
        let leads = tx.lock_leads_due(Stage::Resting, wake.now, BATCH).await?;
        if leads.is_empty() || engine.is_stopping() {
            tx.rollback().await?;
            return Ok(report);
        }
        let behaviour = Behaviour::load(&mut tx, &leads).await?;
        for lead in leads {
            begin_round(engine, &mut tx, wake, &behaviour, lead).await?;
            report.done += 1;
        }
        tx.commit().await?;
        if turn.is_over() {
            return Ok(report);
        }
    }
}

/// The lead is nurtured again. What made it ready before does not make it ready again: it is looked at when
/// it does something new.
async fn begin_round(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    behaviour: &Behaviour,
    mut lead: Lead,
) -> Result<(), PassError> {
    lead.round += 1;
    lead.due_at = None;
    let sequence = lead
        .next_sequence
        .take()
        .or_else(|| campaign_of(wake, &lead).and_then(|campaign| campaign.sequence.clone()));
    let why = format!("rested; round {} begins", lead.round);
    let event = wake.stage(&mut lead, Stage::Nurturing, &why);
    tx.save_lead(&lead).await?;
    tx.append(&[event]).await?;
    if let Some(sequence) = sequence {
        let why = format!("round {}", lead.round);
        if let Entered::No(why) = engine.enrol(tx, wake, &lead, behaviour, &sequence, &why).await? {
            let facts = json!({ "sequence": sequence, "why": why });
            tx.append(&[wake.event(lead.id, "not_enrolled", facts)]).await?;
        }
    }
    Ok(())
}
