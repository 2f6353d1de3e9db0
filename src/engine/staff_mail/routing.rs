//! Mail about what comes before a hand-off: a campaign is new, a team is full, marketing has to find something out.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::actions::{Way, link, to_fill_in, way};
use super::{Plan, name_of, plan, words};
use crate::domain::agreement::{Campaign, Rep, Team};
use crate::domain::email::EmailAddress;
use crate::domain::ids::LeadId;
use crate::domain::lead::{Grade, Lead};
use crate::domain::mail::MailClass;
use crate::domain::order::Word;
use crate::domain::routing::Turn;
use crate::engine::hand_off::team_calendar;
use crate::engine::pass::PassError;
use crate::engine::{Engine, Wake};
use crate::mail::action::About;
use crate::store::{IncompleteLead, Tx};

/// So many leads stand in one mail about what is missing; the rest are counted.
const SHOWN: usize = 50;

/// Nobody of a team is there with room, and leads wait.
pub(in crate::engine) struct TeamIsFull<'a> {
    /// Which.
    pub team: &'a Team,
    /// Somebody of it is full: otherwise all are away.
    pub is_full: bool,
    /// Its reps, their turns, and until when each is away.
    pub reps: Vec<(&'a Rep, &'a Turn, Option<Timestamp>)>,
    /// How many leads wait, by campaign.
    pub waiting: Vec<(String, i64)>,
    /// Since when the first of them has been ready.
    pub since: Option<Timestamp>,
}

/// Tells a manager that leads wait for a team.
pub(in crate::engine) async fn team_is_full(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    told: &TeamIsFull<'_>,
    to: &EmailAddress,
    unique_key: &str,
) -> Result<(), PassError> {
    let calendar = team_calendar(wake, told.team);
    let waiting: i64 = told.waiting.iter().map(|(_, count)| count).sum();
    let reps: Vec<Value> = told
        .reps
        .iter()
        .map(|(rep, turn, away)| {
            let away = away.map(|until| {
                let until = calendar.local(until);
                let is_midnight = until.time() == jiff::civil::Time::midnight();
                if is_midnight { words::display_day(until.date()) } else { words::day_and_time(&until) }
            });
            json!({ "name": rep.name, "words": standing(rep, turn, away.as_deref()) })
        })
        .collect();
    let campaigns: Vec<String> =
        told.waiting.iter().map(|(campaign, count)| format!("{campaign}: {count}")).collect();
    let values = json!({
        "to_name": name_of(wake, to),
        "team": {
            "name": told.team.name,
            "waiting": waiting,
            "since": told.since.map(|since| words::day_and_time(&calendar.local(since))),
            "open": told.reps.iter().map(|(_, turn, _)| turn.open_leads).sum::<i64>(),
            "capacity": told.reps.iter().map(|(rep, _, _)| rep.capacity).sum::<i64>(),
            "reps": reps,
            "campaigns": campaigns,
            "is_reader_s": *to == told.team.manager,
            "full": told.is_full,
        },
    });
    let plan_of_notice = Plan {
        class: MailClass::Notice,
        template: "team-full",
        to,
        unique_key: unique_key.to_owned(),
        level: None,
        values,
    };
    plan(engine, tx, wake, None, plan_of_notice).await
}

/// "30 of 30 open, 12 of 12 new this week".
fn standing(rep: &Rep, turn: &Turn, away: Option<&str>) -> String {
    let mut words = format!("{} of {} open", turn.open_leads, rep.capacity);
    if let Some(most) = rep.new_per_week {
        words.push_str(&format!(", {} of {most} new this week", turn.new_this_week));
    }
    if let Some(until) = away {
        words.push_str(&format!(", away until {until}"));
    }
    words
}

/// Tells marketing of leads that are ready but for something that is not known; `all` stand on the list.
pub(in crate::engine) async fn incomplete_leads(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    new: &[IncompleteLead],
    leads: &[Lead],
    all: i64,
) -> Result<(), PassError> {
    let to = &wake.rules.agreement.marketing.manager;
    let of = |id: LeadId| leads.iter().find(|lead| lead.id == id);
    let shown: Vec<Value> = new
        .iter()
        .filter_map(|incomplete| Some((incomplete, of(incomplete.lead)?)))
        .take(SHOWN)
        .map(|(incomplete, lead)| {
            let grade = lead.grade.map(|grade| format!(", grade {}", Grade::name(grade))).unwrap_or_default();
            let fill_in = match way(engine, wake, About::Lead(lead.id), to) {
                Way::Page(page) => Some(page),
                way @ Way::Answer(..) => Some(link(&way, &to_fill_in(Word::Correct))),
                Way::Command => None,
            };
            json!({
                "fill_in_url": fill_in,
                "display": words::display(lead),
                "email": lead.profile.full_name().map(|_| lead.email.as_str()),
                "campaign": incomplete.campaign,
                "missing": incomplete.missing.join(", "),
                "score": format!("score {}{grade}", lead.score),
            })
        })
        .collect();
    let values = json!({
        "to_name": name_of(wake, to),
        "incomplete": {
            "new": new.len(),
            "all": all,
            "more": new.len().saturating_sub(SHOWN),
            "by_command": shown.iter().all(|lead| lead["fill_in_url"].is_null()),
            "leads": shown,
        },
    });
    let plan_of_digest = Plan {
        class: MailClass::Digest,
        template: "data-quality",
        to,
        unique_key: format!("incomplete:{}", wake.now),
        level: None,
        values,
    };
    plan(engine, tx, wake, None, plan_of_digest).await
}

/// A campaign that is new, or not as its team knows it.
pub(in crate::engine) struct CampaignNews<'a> {
    /// Which.
    pub campaign: &'a Campaign,
    /// Nothing of it was known.
    pub is_new: bool,
    /// Until when its leads are not written to.
    pub waits_until: Option<Timestamp>,
    /// What they are written.
    pub mails: Vec<CampaignMail>,
}

/// A mail to leads, as their rep reads it.
pub(in crate::engine) struct CampaignMail {
    /// Its subject.
    pub subject: String,
    /// Its text: the paragraphs, and the lines of each.
    pub paragraphs: Vec<Vec<String>>,
}

/// What makes the mail that tells a rep of campaigns at `told_at` unique.
pub(in crate::engine) fn campaign_news_key(told_at: Timestamp, to: &EmailAddress) -> String {
    format!("campaign-news:{told_at}:{to}")
}

/// Tells a rep of campaigns.
pub(in crate::engine) async fn campaign_news(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    to: &EmailAddress,
    news: &[&CampaignNews<'_>],
) -> Result<(), PassError> {
    let calendar = super::calendar_of(wake, to);
    let told = |at: Timestamp| calendar.map(|calendar| words::day_and_time(&calendar.local(at)));
    let campaigns: Vec<Value> = news
        .iter()
        .map(|news| {
            let mails: Vec<Value> = news
                .mails
                .iter()
                .map(|mail| {
                    let paragraphs = mail.paragraphs.iter().map(|lines| json!({ "lines": lines }));
                    json!({ "subject": mail.subject, "paragraphs": paragraphs.collect::<Vec<_>>() })
                })
                .collect();
            json!({
                "name": news.campaign.name,
                "is_new": news.is_new,
                "brief": news.campaign.brief,
                "incentive": news.campaign.incentive,
                "first_send": news.waits_until.and_then(told),
                "mails": mails,
            })
        })
        .collect();
    let headline = match news {
        [one] if one.is_new => format!("Campaign {} is new: this is what its leads read", one.campaign.name),
        [one] => format!("Campaign {} has changed: this is what its leads read", one.campaign.name),
        many => format!("{} campaigns are new or have changed: this is what their leads read", many.len()),
    };
    let plan_of_notice = Plan {
        class: MailClass::Notice,
        template: "campaign-news",
        to,
        unique_key: campaign_news_key(wake.now, to),
        level: None,
        values: json!({ "to_name": name_of(wake, to), "note": headline, "news": campaigns }),
    };
    plan(engine, tx, wake, None, plan_of_notice).await
}
