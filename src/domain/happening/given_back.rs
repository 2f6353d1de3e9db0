//! Sales gives a lead back: the reason, which the agreement must know, decides what comes next. It rests and
//! begins another round, ends here, or waits for marketing.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use super::{Consequences, Promises, Refusal, Rest, Tell, wrong_stage};
use crate::domain::agreement::{AfterReason, Agreement, Reason};
use crate::domain::calendar::Calendar;
use crate::domain::contact::start_of_day;
use crate::domain::lead::{Lead, Stage};
use crate::problem::nearest;

pub(super) fn lost(
    lead: &Lead,
    reason: &str,
    agreement: &Agreement,
    hours: &Calendar,
    now: Timestamp,
) -> Result<Consequences, Refusal> {
    let reason = known_reason(agreement, reason, "lost", |reason| reason.for_lost)?;
    match lead.stage {
        Stage::HandedOff | Stage::Accepted | Stage::Contacted | Stage::Opportunity => {
            given_back(lead, Stage::Lost, reason, hours, now)
        }
        _ => Err(wrong_stage(lead, "lost")),
    }
}

pub(super) fn rejected(
    lead: &Lead,
    reason: &str,
    agreement: &Agreement,
    hours: &Calendar,
    now: Timestamp,
) -> Result<Consequences, Refusal> {
    let reason = known_reason(agreement, reason, "rejected", |reason| reason.for_rejected)?;
    match lead.stage {
        Stage::HandedOff | Stage::Accepted | Stage::Contacted => {
            given_back(lead, Stage::Rejected, reason, hours, now)
        }
        Stage::Opportunity => Err(Refusal::WrongStage {
            stage: lead.stage,
            what: "rejected",
            hint: "an opportunity is won or lost; say lost, with a reason",
        }),
        _ => Err(wrong_stage(lead, "rejected")),
    }
}

/// The agreement's reason for a lead that is not the person to talk to; marketing looks for the right one
/// where it has none.
const WRONG_PERSON: &str = "wrong-person";

pub(super) fn wrong_person(
    lead: &Lead,
    agreement: &Agreement,
    hours: &Calendar,
    now: Timestamp,
) -> Result<Consequences, Refusal> {
    if agreement.reasons.get(WRONG_PERSON).is_some_and(|reason| reason.for_rejected) {
        return rejected(lead, WRONG_PERSON, agreement, hours, now);
    }
    let reason = Reason {
        name: WRONG_PERSON.to_owned(),
        label: "Wrong person".to_owned(),
        for_rejected: true,
        for_lost: false,
        then: AfterReason::Marketing,
        after_attempts: None,
    };
    match lead.stage {
        Stage::HandedOff | Stage::Accepted | Stage::Contacted => {
            given_back(lead, Stage::Rejected, &reason, hours, now)
        }
        _ => Err(wrong_stage(lead, "the wrong person")),
    }
}

/// A customer is no lead: nobody nurtures it, and no promise to it is broken.
pub(super) fn already_customer(lead: &Lead) -> Result<Consequences, Refusal> {
    if !matches!(lead.stage, Stage::HandedOff | Stage::Accepted | Stage::Contacted | Stage::Opportunity) {
        return Err(wrong_stage(lead, "a customer already"));
    }
    let why = "is a customer already";
    Ok(Consequences {
        stages: vec![
            (Stage::Rejected, why.to_owned()),
            (Stage::Disqualified, "customers are no leads".to_owned()),
        ],
        promises: Promises::Close,
        hand_off_ends: Some(why.to_owned()),
        tell: Some(Tell::Marketing(
            "Sales says that this lead is a customer already. It is not nurtured any more. If that \
             goes for its whole company, have its domain excluded in the agreement."
                .to_owned(),
        )),
        ..Consequences::default()
    })
}

/// What follows for a lead that turns out to be another one's double, from `reason`, wherever it is: sales gives it
/// back if it has it.
pub fn double(lead: &Lead, reason: &Reason) -> Consequences {
    let mut stages = Vec::new();
    if lead.stage.is_open_with_rep() {
        stages.push((Stage::Rejected, reason.name.clone()));
    }
    if lead.stage != Stage::Disqualified {
        stages.push((Stage::Disqualified, "the lead whose double it is goes on".to_owned()));
    }
    Consequences {
        stages,
        sequence_ends: Some("it is a double"),
        promises: Promises::Close,
        hand_off_ends: lead.stage.is_open_with_rep().then(|| format!("rejected: {}", reason.name)),
        ..Consequences::default()
    }
}

/// Sales gives a lead back: the reason decides what comes next.
pub(super) fn given_back(
    lead: &Lead,
    stage: Stage,
    reason: &Reason,
    hours: &Calendar,
    now: Timestamp,
) -> Result<Consequences, Refusal> {
    let mut given_back = Consequences {
        stages: vec![(stage, reason.name.clone())],
        promises: Promises::Close,
        hand_off_ends: Some(format!("{stage}: {}", reason.name)),
        ..Consequences::default()
    };
    match &reason.then {
        AfterReason::Never => {
            given_back.stages.push((Stage::Disqualified, format!("`{}` ends it", reason.name)));
        }
        AfterReason::Marketing => {
            given_back.marketing_looks = Some(reason.name.clone());
        }
        AfterReason::Merge => {
            given_back.stages.push((Stage::Disqualified, "the lead whose double it is goes on".to_owned()));
            given_back.marketing_looks = Some(reason.name.clone());
        }
        AfterReason::Rest { days, sequence, rounds, afterwards, next_rep } => {
            let (sequence, why) = if lead.round < *rounds {
                (sequence.clone(), format!("round {} of {rounds} begins after the rest", lead.round + 1))
            } else if let Some(afterwards) = afterwards {
                (Some(afterwards.clone()), format!("{}; `{afterwards}` follows", through(*rounds)))
            } else {
                given_back.stages.push((Stage::Disqualified, through(*rounds)));
                return Ok(given_back);
            };
            let last = hours.local(now).date().checked_add((*days).days()).unwrap_or(Date::MAX);
            let until =
                start_of_day(hours, last).and_then(|at| hours.next_open(at)).ok_or(Refusal::NeverOpen)?;
            let until_day = hours.local(until).date();
            given_back.stages.push((Stage::Resting, format!("rests until {until_day}; {why}")));
            given_back.rest = Some(Rest { until, sequence, next_rep: *next_rep });
        }
    }
    Ok(given_back)
}

/// "all 3 rounds are through".
fn through(rounds: i64) -> String {
    if rounds == 1 {
        "its only round is through".to_owned()
    } else {
        format!("all {rounds} rounds are through")
    }
}

pub(super) fn known_reason<'a>(
    agreement: &'a Agreement,
    name: &str,
    what: &'static str,
    allowed: impl Fn(&Reason) -> bool,
) -> Result<&'a Reason, Refusal> {
    if let Some(reason) = agreement.reasons.get(name).filter(|reason| allowed(reason)) {
        return Ok(reason);
    }
    let known: Vec<&str> = agreement
        .reasons
        .values()
        .filter(|reason| allowed(reason))
        .map(|reason| reason.name.as_str())
        .collect();
    let suggestion = nearest(name, known.iter().copied())
        .map_or_else(|| ".".to_owned(), |near| format!("; did you mean `{near}`?"));
    let known = known.join(", ");
    Err(match name.trim() {
        "" => Refusal::NoReason { what, known },
        name => Refusal::UnknownReason { reason: name.to_owned(), what, suggestion, known },
    })
}
