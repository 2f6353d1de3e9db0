//! What the lead says itself, or its mailbox says for it: that it is away, wants to be called on a day, writes; or that mail
//! to it comes back.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use super::{
    ABSENCE_WITHOUT_DATE_DAYS, Bounce, Circumstances, Consequences, FURTHEST_DATE_DAYS, LONGER_ABSENCE_DAYS,
    Over, Promises, Refusal, Tell, tell_owner,
};
use crate::domain::agreement::Agreement;
use crate::domain::calendar::Calendar;
use crate::domain::contact::{SuppressionReason, start_of_day};
use crate::domain::lead::{Lead, Stage};

/// After so many guesses a person has to look.
const GUESSES: i64 = 2;

/// A dead address gets no more mail. One that cannot be reached just now does, until it has been so too often.
pub(super) fn bounced(lead: &Lead, bounce: Bounce, agreement: &Agreement, strikes: i64) -> Consequences {
    let limit = agreement.contact.soft_bounces;
    let (ends, reason, words) = match bounce {
        Bounce::Full => return Consequences::default(),
        Bounce::Strike if strikes + 1 < limit.count => return Consequences::default(),
        Bounce::Strike => (
            "mail to it keeps coming back",
            SuppressionReason::SoftBounces,
            format!(
                "Mail to this lead came back {} times in {} days: it is taken for dead. Please ask for another address.",
                limit.count, limit.days
            ),
        ),
        Bounce::Permanent => (
            "its address does not exist",
            SuppressionReason::HardBounce,
            "Mail to this lead comes back: the address does not exist. Please ask for another.".to_owned(),
        ),
    };
    Consequences {
        sequence_ends: Some(ends),
        suppress: vec![reason],
        tell: tell_owner(lead, &words),
        ..Consequences::default()
    }
}

/// The mailbox is nobody's any more. Who has the lead looks for its successor; without a rep that is marketing.
pub(super) fn left_company(lead: &Lead) -> Consequences {
    let left = "An automatic answer says that this lead does not work there any more. It gets no more mail.";
    let ask = "If somebody has taken over, please find out who: if not, give it back as the wrong person.";
    Consequences {
        sequence_ends: Some("it has left its company"),
        suppress: vec![SuppressionReason::LeftCompany],
        tell: tell_owner(lead, &format!("{left} {ask}")).or(Some(Tell::Marketing(format!(
            "{left} If somebody has taken over, please put them in its place; if not, nothing more happens to it."
        )))),
        ..Consequences::default()
    }
}

/// A reply needs a human: a lead that nobody owns goes to a rep, one that somebody owns is announced to them.
pub(super) fn replied(lead: &Lead) -> Consequences {
    if lead.stage.sales_has_the_word() {
        return Consequences {
            promises: Promises::Heard,
            over: Over::Absence,
            tell: tell_owner(lead, "This lead has written to us. It waits for your answer."),
            ..Consequences::default()
        };
    }
    Consequences {
        over: Over::AllOfIt,
        sequence_ends: Some("it replied"),
        stages: if lead.stage == Stage::Qualified {
            Vec::new()
        } else {
            vec![(Stage::Qualified, "it replied".to_owned())]
        },
        look_at: true,
        ..Consequences::default()
    }
}

pub(super) fn away(
    lead: &Lead,
    until: Option<Date>,
    do_not_call: bool,
    Circumstances { hours, absent_before, now, .. }: Circumstances<'_>,
) -> Result<Consequences, Refusal> {
    let today = hours.local(now).date();
    let back = match until {
        Some(date) => within_reach(date, today)?,
        None => {
            // An auto-reply on a later day says that the first guess was too short.
            let days = if absent_before == 0 { ABSENCE_WITHOUT_DATE_DAYS } else { LONGER_ABSENCE_DAYS };
            let guess = today.checked_add(days.days()).unwrap_or(Date::MAX);
            // What it once said with a date stays true.
            lead.away_until.map_or(guess, |until| guess.max(hours.local(until).date()))
        }
    };
    let away_until = start_of_day(hours, back).ok_or(Refusal::NeverOpen)?;
    let day = day_from(back, today);
    // A day that lies ahead was told, and is not so any more.
    let before = lead.away_until.filter(|before| *before > now && *before != away_until);
    let before = before.map(|before| day_from(hours.local(before).date(), today));
    let said = match (until, before) {
        (Some(_), Some(before)) => format!("This lead is back on {day}, not on {before}."),
        (Some(_), None) => format!("This lead is away and back on {day}."),
        (None, _) => format!("This lead is away and did not say until when. We take it to be back on {day}."),
    };
    let call = if do_not_call { " It asked not to be called meanwhile." } else { "" };
    let waits = "Your deadline waits for it; please call from the afternoon of its first working day on.";
    // A mail program that answers each mail says the same each time.
    let is_known = lead.away_until == Some(away_until) && !do_not_call;
    let owner = tell_owner(lead, &format!("{said}{call} {waits}")).filter(|_| !is_known);
    let somebody_looks = (until.is_none() && absent_before >= GUESSES).then(|| {
        Tell::Marketing(format!(
            "{said} It said the same on {absent_before} days before. Please find out whether it is still there."
        ))
    });
    Ok(Consequences {
        away_until: Some(away_until),
        promises: Promises::Recount,
        tell: owner.or(somebody_looks),
        ..Consequences::default()
    })
}

pub(super) fn follow_up(
    lead: &Lead,
    on: Date,
    hours: &Calendar,
    now: Timestamp,
) -> Result<Consequences, Refusal> {
    if matches!(lead.stage, Stage::Won | Stage::Disqualified) {
        return Err(Refusal::WrongStage { stage: lead.stage, what: "followed up", hint: "it is closed" });
    }
    let today = hours.local(now).date();
    let at = start_of_day(hours, on).and_then(|at| hours.next_open(at));
    // Tomorrow here may have begun there, and its morning lies ahead all the same.
    let is_this_morning = on == today && at.is_some_and(|at| at > now && hours.local(at).date() == today);
    if !is_this_morning {
        within_reach(on, today)?;
    }
    let at = at.ok_or(Refusal::NeverOpen)?;
    let day = day_from(on, today);
    let before = lead.follow_up_at.filter(|before| *before > now);
    let said = match before.map(|before| day_from(hours.local(before).date(), today)) {
        Some(before) => format!("This lead wants to hear from us on {day}, not on {before}."),
        None => format!("This lead wants to hear from us on {day}."),
    };
    let tell =
        tell_owner(lead, &format!("{said} Your deadline waits for it.")).filter(|_| before != Some(at));
    Ok(Consequences { follow_up_at: Some(at), promises: Promises::Recount, tell, ..Consequences::default() })
}

/// A day as people read it: "Mon 9 Mar", with its year where that is another one than today's.
fn day_from(day: Date, today: Date) -> String {
    day.strftime(if day.year() == today.year() { "%a %-d %b" } else { "%a %-d %b %Y" }).to_string()
}

fn within_reach(date: Date, today: Date) -> Result<Date, Refusal> {
    if date <= today {
        return Err(Refusal::Date { date, why: "is not in the future" });
    }
    if (date - today).get_days() as i64 > FURTHEST_DATE_DAYS {
        return Err(Refusal::Date { date, why: "is more than two years ahead" });
    }
    Ok(date)
}
