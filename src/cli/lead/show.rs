//! `nurtured lead show` and `nurtured lead list`: leads as people and as programs read them.

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::super::arguments;
use super::super::output::{CliError, line};
use super::super::workplace::Workplace;
use super::unknown;
use crate::domain::agreement::Agreement;
use crate::domain::commitments::business_days;
use crate::domain::contact::Channel;
use crate::domain::email::EmailAddress;
use crate::domain::ids::LeadId;
use crate::domain::lead::{Activity, Answer, Grade, Lead, Stage, Touch};
use crate::domain::sla::{NextAttempt, PromiseKind};
use crate::engine::Engine;
use crate::engine::hours::zone_of;
use crate::store::{LeadFilter, Tx};

/// Leads of a list that are read at once.
const PAGE: i64 = 500;

#[derive(Debug, Args)]
pub(super) struct Show {
    /// The lead's email address
    lead: EmailAddress,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Only leads in this stage: nurturing, handed-off, opportunity …
    #[arg(long, value_parser = arguments::stage)]
    stage: Option<Stage>,
    /// Only leads of this rep
    #[arg(long, value_name = "REP")]
    owner: Option<EmailAddress>,
    /// Only leads of this campaign
    #[arg(long)]
    campaign: Option<String>,
    /// Only leads that are with sales: handed off, and neither given back nor lost
    #[arg(long)]
    with_sales: bool,
    /// At most so many
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..))]
    limit: i64,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// Everything that is known of a lead.
struct Known {
    lead: Lead,
    touches: Vec<Touch>,
    answers: Vec<Answer>,
    activities: Vec<Activity>,
    suppressed: Vec<&'static str>,
    sequence: Option<String>,
    promises: Vec<Running>,
    /// Addresses of records that were merged into it.
    also: Vec<String>,
}

impl Show {
    pub(super) async fn run(self, workplace: Workplace) -> Result<(), CliError> {
        let engine = workplace.engine().await?;
        let mut tx = engine.store().read().await.map_err(CliError::failed)?;
        let lead = tx.person_by_email(&self.lead).await.map_err(CliError::failed)?;
        let mut lead = lead.ok_or_else(|| unknown(&self.lead))?;
        engine
            .as_of(&mut tx, std::slice::from_mut(&mut lead), engine.clock().now())
            .await
            .map_err(CliError::failed)?;
        let mut also = Vec::new();
        for double in tx.doubles_of(lead.id).await.map_err(CliError::failed)? {
            also.extend(tx.leads(&[double]).await.map_err(CliError::failed)?);
        }
        let suppressions = tx.suppressions(&lead.email).await.map_err(CliError::failed)?;
        let enrolment = tx.active_enrolment(lead.id).await.map_err(CliError::failed)?;
        let known = Known {
            touches: tx.touches(lead.id).await.map_err(CliError::failed)?,
            answers: tx.answers(lead.id).await.map_err(CliError::failed)?,
            activities: tx.activities(lead.id).await.map_err(CliError::failed)?,
            suppressed: suppressions.iter().map(|row| row.reason.name()).collect(),
            sequence: enrolment.map(|enrolment| enrolment.sequence),
            promises: promises(&engine, &mut tx, &lead).await?,
            also: also.into_iter().map(|double| double.email.to_string()).collect(),
            lead,
        };
        tx.rollback().await.map_err(CliError::failed)?;
        if self.json {
            return line(&known.to_json().to_string());
        }
        let zone = zone_of(&known.lead, &engine.rules().agreement);
        for words in known.lines(&zone) {
            line(words.trim_end())?;
        }
        Ok(())
    }
}

/// A promise that runs.
struct Running {
    kind: PromiseKind,
    due: Timestamp,
    /// The next attempt that it asks for.
    next: Option<NextAttempt>,
}

async fn promises(engine: &Engine, tx: &mut Tx, lead: &Lead) -> Result<Vec<Running>, CliError> {
    let mut promises = Vec::new();
    for clock in tx.running_clocks(lead.id).await.map_err(CliError::failed)? {
        // One that cannot be counted is told by its deadline.
        let next = engine.next_attempt(tx, lead, &clock).await.unwrap_or_default();
        promises.push(Running { kind: clock.kind, due: clock.deadline_at, next });
    }
    Ok(promises)
}

impl Known {
    fn to_json(&self) -> Value {
        let mut shown = lead_json(&self.lead);
        shown["touches"] = json!(self.touches);
        shown["answers"] = json!(self.answers);
        shown["activities"] = json!(self.activities);
        shown["suppressed"] = json!(self.suppressed);
        shown["also"] = json!(self.also);
        shown["sequence"] = json!(self.sequence);
        let promises = self.promises.iter().map(|promise| {
            json!({
                "promise": promise.kind.name(),
                "due": promise.due.to_string(),
                "next_attempt": promise.next.map(|next| json!({
                    "number": next.number,
                    "due": next.due.to_string(),
                    "not_before": next.from.to_string(),
                    "channel": next.channel.map(Channel::name),
                })),
            })
        });
        shown["promises"] = promises.collect();
        shown
    }

    /// The lead as a page: who it is, how things stand, what it said and did. What is not known is left out.
    fn lines(&self, zone: &str) -> Vec<String> {
        let Lead { profile, .. } = &self.lead;
        let clock = Clock::new(zone);
        let who: Vec<&str> =
            [profile.title.as_deref(), profile.company.as_deref()].into_iter().flatten().collect();
        let who: Vec<String> =
            profile.full_name().into_iter().chain(who.into_iter().map(str::to_owned)).collect();
        let mut lines = Vec::new();
        if !who.is_empty() {
            lines.push(who.join(", "));
        }
        lines.push(self.lead.email.to_string());
        lines.push(String::new());
        let mut fact = |name: &str, value: Option<String>| {
            lines.extend(value.map(|value| format!("{name:<12}{value}")));
        };
        fact("stage", Some(self.stage(&clock)));
        fact("rep", self.lead.owner.as_ref().map(ToString::to_string));
        let grade = self.lead.grade.map(|grade| format!(", grade {}", grade.name())).unwrap_or_default();
        fact("score", Some(format!("{}{grade}", self.lead.score)));
        fact("campaign", self.lead.campaign.clone());
        fact("sequence", self.sequence.clone());
        fact("source", self.lead.source.clone());
        fact("also", (!self.also.is_empty()).then(|| self.also.join(", ")));
        fact("phone", profile.phone.clone());
        fact("country", profile.country.clone());
        fact("zone", Some(format!("{zone}{}", if profile.zone.is_none() { " (assumed)" } else { "" })));
        fact("language", profile.language.clone());
        fact("away until", self.lead.away_until.map(|at| clock.tell(at)));
        fact("follow up", self.lead.follow_up_at.map(|at| clock.tell(at)));
        let suppressed = (!self.suppressed.is_empty()).then(|| self.suppressed.join(", ").replace('_', " "));
        fact("suppressed", suppressed);
        let dated = |at: Option<Timestamp>, words: String| match at {
            Some(at) => format!("{}  {words}", clock.tell(at)),
            None => words,
        };
        let mut section = |title: &str, rows: Vec<String>| {
            if !rows.is_empty() {
                lines.push(String::new());
                lines.push(title.to_owned());
                lines.extend(rows.into_iter().map(|row| format!("  {row}")));
            }
        };
        let promises = self.promises.iter().flat_map(|promise| {
            let next = promise.next.map(|next| {
                let channel =
                    next.channel.map(|channel| format!(", by {}", channel.name())).unwrap_or_default();
                format!("{}  attempt {}{channel}", clock.tell(next.due), next.number)
            });
            [Some(format!("{}  {}", clock.tell(promise.due), promise.kind.words())), next]
        });
        section("promised to it", promises.flatten().collect());
        let fields = profile.fields.iter().map(|(name, value)| format!("{name}: {value}"));
        section("also known", fields.collect());
        let touches = self.touches.iter().map(|touch| dated(touch.occurred_at, came_by(touch)));
        section("came by", touches.collect());
        let answers = self.answers.iter();
        let answers =
            answers.map(|said| dated(said.occurred_at, format!("{}  {}", said.question, said.answer)));
        section("said", answers.collect());
        let activities = self.activities.iter();
        let activities = activities.map(|did| dated(Some(did.occurred_at), did.name.replace('_', " ")));
        section("did", activities.collect());
        lines
    }

    fn stage(&self, clock: &Clock) -> String {
        let round = if self.lead.round > 1 { format!(", round {}", self.lead.round) } else { String::new() };
        format!(
            "{} since {}{round}",
            self.lead.stage.name().replace('_', " "),
            clock.tell(self.lead.stage_at)
        )
    }
}

/// A touch in one line.
fn came_by(touch: &Touch) -> String {
    let parts = [
        &touch.source,
        &touch.medium,
        &touch.campaign,
        &touch.term,
        &touch.content,
        &touch.ad,
        &touch.landing_page,
        &touch.referrer,
    ];
    let known: Vec<&str> = parts.into_iter().filter_map(|part| part.as_deref()).collect();
    if known.is_empty() { "unknown".to_owned() } else { known.join(" · ") }
}

/// A lead's clock.
struct Clock(TimeZone);

impl Clock {
    fn new(zone: &str) -> Clock {
        Clock(TimeZone::get(zone).unwrap_or(TimeZone::UTC))
    }

    fn tell(&self, at: Timestamp) -> String {
        at.to_zoned(self.0.clone()).strftime("%a %Y-%m-%d %H:%M").to_string()
    }
}

impl List {
    pub(super) async fn run(self, workplace: Workplace) -> Result<(), CliError> {
        let engine = workplace.engine().await?;
        let (rules, now) = (engine.rules(), engine.clock().now());
        let mut filter = LeadFilter {
            stage: self.stage,
            owner: self.owner,
            campaign: self.campaign,
            with_sales: self.with_sales,
            after: None,
        };
        let mut left = self.limit;
        loop {
            let mut tx = engine.store().read().await.map_err(CliError::failed)?;
            // One more than is shown, to know whether there are more.
            let mut page = tx.list_leads(&filter, PAGE.min(left + 1)).await.map_err(CliError::failed)?;
            engine.as_of(&mut tx, &mut page, engine.clock().now()).await.map_err(CliError::failed)?;
            tx.rollback().await.map_err(CliError::failed)?;
            let more = page.len() as i64 > left;
            page.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            for lead in &page {
                let time = InStage::of(lead, &rules.agreement, now);
                if !self.json {
                    line(&row(lead, &time))?;
                    continue;
                }
                let mut shown = lead_json(lead);
                shown["days_in_stage"] = json!(time.days);
                shown["business_days_in_stage"] = json!(time.business_days);
                line(&shown.to_string())?;
            }
            let shown = page.last().map(|lead| lead.id.0);
            if more && !self.json {
                eprintln!("nurtured: there are more; --limit shows more of them");
            }
            let (Some(last), false) = (shown, more) else {
                if self.limit == left && shown.is_none() && !self.json {
                    eprintln!("nurtured: no lead is like that");
                }
                return Ok(());
            };
            filter.after = Some(LeadId(last));
            left -= page.len() as i64;
        }
    }
}

/// How long a lead has been at its stage.
struct InStage {
    /// Days of the calendar that have passed.
    days: i64,
    /// Those of them on which its team works; the day on which it came to the stage is the first.
    business_days: Option<i64>,
}

impl InStage {
    fn of(lead: &Lead, agreement: &Agreement, now: Timestamp) -> InStage {
        let campaign = lead.campaign.as_deref().and_then(|name| agreement.campaign(name));
        let owner = lead.owner.as_ref().and_then(|owner| agreement.rep(owner)).map(|(team, _)| team);
        let team = owner.or_else(|| agreement.teams.get(&campaign?.team));
        let calendar = match team {
            Some(team) => agreement.calendars.get(&team.calendar),
            None => agreement.marketing_calendar(),
        };
        let Some(calendar) = calendar else {
            return InStage { days: now.duration_since(lead.stage_at).as_hours() / 24, business_days: None };
        };
        let (since, today) = (calendar.local(lead.stage_at).date(), calendar.local(now).date());
        let days = i64::from((today - since).get_days()).max(0);
        InStage { days, business_days: Some(business_days(calendar, since, today)) }
    }

    fn words(&self) -> String {
        match self.business_days {
            Some(open) if open != self.days => format!("{} d, {open} open", self.days),
            _ => format!("{} d", self.days),
        }
    }
}

fn row(lead: &Lead, time: &InStage) -> String {
    let owner = lead.owner.as_ref().map(EmailAddress::as_str).unwrap_or_default();
    let name = lead.profile.full_name().unwrap_or_default();
    let stage = lead.stage.name().replace('_', " ");
    format!("{:<36} {stage:<12} {:<15} {name:<24} {owner}", lead.email, time.words()).trim_end().to_owned()
}

/// A lead as `--json` shows it.
pub(super) fn lead_json(lead: &Lead) -> Value {
    json!({
        "email": lead.email.as_str(),
        "first_name": lead.profile.first_name,
        "last_name": lead.profile.last_name,
        "company": lead.profile.company,
        "title": lead.profile.title,
        "phone": lead.profile.phone,
        "country": lead.profile.country,
        "zone": lead.profile.zone,
        "language": lead.profile.language,
        "fields": lead.profile.fields,
        "campaign": lead.campaign,
        "source": lead.source,
        "stage": lead.stage.name(),
        "stage_since": lead.stage_at.to_string(),
        "score": lead.score,
        "grade": lead.grade.map(Grade::name),
        "owner": lead.owner.as_ref().map(EmailAddress::as_str),
        "round": lead.round,
        "away_until": lead.away_until.map(|at| at.to_string()),
        "follow_up_at": lead.follow_up_at.map(|at| at.to_string()),
        "created_at": lead.created_at.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weekend_counts_as_days_and_not_as_business_days() {
        let words = |days, business_days| InStage { days, business_days }.words();
        assert_eq!(words(4, Some(2)), "4 d, 2 open");
        assert_eq!(words(1, Some(1)), "1 d");
        assert_eq!(words(0, Some(0)), "0 d");
        assert_eq!(words(9, None), "9 d");
    }
}
