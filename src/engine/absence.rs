//! A rep who is away loses no lead: whoever stands in gets those that cannot wait for their return.
//!
//! The daemon turns to a rep when an absence begins (planned in the agreement, or announced) and looks at the
//! leads that nobody has tried to reach. One whose promise falls due before the rep is back goes at once to the
//! team's backup, or to another rep who is there with room; the others stay, and so does every lead that was
//! tried: whoever has spoken to somebody is asked first. The absent rep is told in one mail to leave them alone.
//! Nobody who is away is given a lead, so two who stand in for each other cannot pass it to and fro.

use jiff::Timestamp;
use serde_json::json;

use super::duty::Duty;
use super::facts::Behaviour;
use super::hand_off;
use super::pass::{PassError, PassReport};
use super::{Engine, Wake, sla, staff_mail};
use crate::domain::absence::next_absence;
use crate::domain::agreement::{Rep, Team};
use crate::domain::email::EmailAddress;
use crate::domain::escalation::{Purpose, next_morning};
use crate::domain::ids::LeadId;
use crate::domain::lead::Lead;
use crate::domain::routing::{Turn, absence};
use crate::domain::sla::PromiseKind;
use crate::domain::sla::once::AWAY;
use crate::store::{HandOff, StoreError, Tx};

/// Reps turned to in one transaction: one, whose leads are locked meanwhile.
const REPS: i64 = 1;

/// Why a lead stays with a rep who is away.
const NOBODY_THERE: &str = "Nobody else is there with room, so the lead waits for its rep.";

pub(super) async fn run(engine: &Engine, wake: &Wake) -> Result<PassReport, PassError> {
    let mut report = PassReport::default();
    if !engine.has(Duty::Absences, wake.now).await? {
        return Ok(report);
    }
    let turn = wake.turn();
    loop {
        let mut tx = engine.store.begin().await?;
        let due = tx.appointments_due(Purpose::Absence, wake.now, REPS).await?;
        if due.is_empty() || engine.is_stopping() {
            tx.rollback().await?;
            return Ok(report);
        }
        for (rep, _) in &due {
            report = report.and(look_at(engine, &mut tx, wake, rep).await?);
        }
        tx.commit().await?;
        if turn.is_over() {
            return Ok(report);
        }
    }
}

/// Looks at one rep, moves what cannot wait for them, and says when to look again.
async fn look_at(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    email: &EmailAddress,
) -> Result<PassReport, PassError> {
    let Some((team, rep)) = wake.rules.agreement.rep(email) else {
        tx.cancel_appointment(email, Purpose::Absence).await?;
        return Ok(PassReport::default());
    };
    let calendar = hand_off::team_calendar(wake, team);
    let mut stay = 0;
    let mut report = PassReport { done: 1, ..PassReport::default() };
    if let Some(back) = back_at(tx, wake, team, rep).await? {
        let cannot_wait: Vec<LeadId> = tx
            .untried_leads_of(email)
            .await?
            .into_iter()
            .filter_map(|(lead, _, due)| (due < back).then_some(lead))
            .collect();
        let leads = if cannot_wait.is_empty() { Vec::new() } else { tx.lock_leads(&cannot_wait).await? };
        let mut moved = Vec::new();
        for mut lead in leads {
            match give_away(engine, tx, wake, &mut lead, rep, back).await? {
                Given::Away(name) => moved.push((lead, name)),
                Given::Kept => stay += 1,
                Given::Gone => {}
            }
        }
        if !moved.is_empty() {
            staff_mail::write_away(engine, tx, wake, email, back, &moved).await?;
        }
        report.done += moved.len() as u64;
        report.put_off += stay;
    }
    // Somebody may be there tomorrow who is not today.
    let tomorrow = (stay > 0).then(|| next_morning(calendar, wake.now)).flatten();
    match tomorrow.into_iter().chain(next_absence(rep, calendar, wake.now)).min() {
        Some(at) => tx.move_appointment(email, Purpose::Absence, at).await?,
        None => tx.cancel_appointment(email, Purpose::Absence).await?,
    }
    Ok(report)
}

/// When an absent rep is back; `None` for one who is there.
pub(super) async fn back_at(
    tx: &mut Tx,
    wake: &Wake,
    team: &Team,
    rep: &Rep,
) -> Result<Option<Timestamp>, StoreError> {
    let state = tx.rep_state(&rep.email).await?;
    let turn = Turn { away: state.away, ..Turn::default() };
    Ok(absence(rep, &turn, hand_off::team_calendar(wake, team), wake.now))
}

/// What became of a lead of an absent rep.
enum Given {
    /// Whoever is named has it now.
    Away(String),
    /// It stays with the rep, as nobody else can take it.
    Kept,
    /// It was not theirs any more.
    Gone,
}

/// Gives a lead of an absent rep to whoever stands in.
async fn give_away(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: &mut Lead,
    absent: &Rep,
    back: Timestamp,
) -> Result<Given, PassError> {
    let of_rep = |hand_off: &HandOff| hand_off.rep == absent.email;
    let behaviour = Behaviour::load(tx, std::slice::from_ref(lead), wake.now).await?;
    let from = tx.open_hand_off(lead.id).await?.filter(of_rep);
    // What cannot be told is left to a person: the lead stays, and its clocks run on.
    let (Some(from), Ok(Some((campaign, team, policy)))) = (from, hand_off::terms_of(wake, lead, &behaviour))
    else {
        return Ok(Given::Gone);
    };
    let calendar = hand_off::team_calendar(wake, team);
    tx.lock_routing().await?;
    let stand_in = stand_in(tx, wake, team, Some(&absent.email)).await?;
    let other = match stand_in {
        Some(_) => None,
        None => hand_off::another(tx, wake, lead, &from).await?,
    };
    let until = calendar.local(back).strftime("%a %-d %b").to_string();
    let (team, policy) = other.as_ref().map_or((team, policy), |other| (other.team, other.policy));
    let Some(rep) = stand_in.or_else(|| other.as_ref().map(|other| other.rep.clone())) else {
        let words = format!(
            "{} is away until {until}, and nobody else is there with room. This lead cannot wait that long.",
            absent.name
        );
        let key = format!("away:{}:{back}", from.id);
        // Somebody calls, or takes the lead: then the manager need not be told any more.
        let promise = tx
            .running_clocks(lead.id)
            .await?
            .into_iter()
            .find(|clock| clock.kind == PromiseKind::FirstContact);
        let clock = promise.map(|clock| clock.id);
        // The next mornings' looks are no news.
        if staff_mail::matter(engine, tx, wake, lead, clock, &team.manager, &words, &key).await? {
            let facts = json!({ "rep": absent.email.as_str(), "why": NOBODY_THERE });
            tx.append(&[wake.event(lead.id, "not_reassigned", facts)]).await?;
        }
        return Ok(Given::Kept);
    };
    let why = format!("{} is away until {until}", absent.name);
    let given = hand_off::Given { campaign, team, policy, rep: &rep, why: &why, taken: false };
    give_to(engine, tx, wake, lead, &from, &given, AWAY).await?;
    if let Some(other) = other {
        other.took_it(tx).await?;
    }
    Ok(Given::Away(rep.name))
}

/// Ends a hand-off for the reason that is given, and hands the lead to somebody else.
pub(super) async fn give_to(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: &mut Lead,
    from: &HandOff,
    given: &hand_off::Given<'_>,
    ended_why: &str,
) -> Result<(), PassError> {
    sla::close_all(tx, wake, lead.id, ended_why).await?;
    hand_off::end(tx, wake, from, ended_why).await?;
    let behaviour = Behaviour::load(tx, std::slice::from_ref(lead), wake.now).await?;
    hand_off::hand_off(engine, tx, wake, &behaviour, lead, given).await
}

/// Whoever stands in for a team's reps, if they are there and are not `from`, who cannot keep the lead. They
/// take what nobody else does, however many leads they have.
pub(super) async fn stand_in(
    tx: &mut Tx,
    wake: &Wake,
    team: &Team,
    from: Option<&EmailAddress>,
) -> Result<Option<Rep>, PassError> {
    let agreement = &wake.rules.agreement;
    let Some(rep) = agreement.stand_in(team).filter(|rep| Some(&rep.email) != from) else {
        return Ok(None);
    };
    let away = match agreement.rep(&rep.email) {
        Some((own_team, rep)) => back_at(tx, wake, own_team, rep).await?,
        None => None,
    };
    Ok(away.is_none().then_some(rep))
}

/// Looks at every rep for whom the agreement knows an absence: it may have changed.
pub(super) async fn look_at_all(
    tx: &mut Tx,
    agreement: &crate::domain::agreement::Agreement,
    now: Timestamp,
) -> Result<(), crate::store::StoreError> {
    for rep in agreement.teams.values().flat_map(|team| &team.reps).filter(|rep| !rep.away.is_empty()) {
        tx.move_appointment(&rep.email, Purpose::Absence, now).await?;
    }
    Ok(())
}
