//! Leads: taken in, looked at, listed.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::operation::{Answer, Asked, Operation, Words, operation};
use super::problem::{Kind, Problem};
use super::wire::{Email, Line, Nothing, PageSize, WireReason, WireStage};
use super::{Site, store_failed};
use crate::domain::access::Scope;
use crate::domain::ids::LeadId;
use crate::domain::intake::RawLead;
use crate::domain::lead::{Activity, Grade, Lead, Touch};
use crate::engine::arrival::{Arrival, ArrivalError};
use crate::engine::pass::PassError;
use crate::engine::take_in::TakenIn;
use crate::store::{LeadFilter, StoreError, Tx};

pub fn operations() -> Vec<Operation> {
    vec![
        operation(
            Words {
                method: "POST",
                path: "/leads",
                scope: Scope::LeadsWrite,
                id: "takeIn",
                summary: "Take in a lead, or what is new of one that is known",
                description: "The address says who it is. What is known and not said again stays. The engine looks at \
                              the lead at once: who asks to be contacted is with a rep within seconds. What cannot be \
                              read (a country, a phone number) is kept as it is and told as a warning.",
                answers: &[(201, "It was not known"), (200, "It was known")],
                problems: &[Kind::Erased],
            },
            take_in,
        ),
        operation(
            Words {
                method: "GET",
                path: "/leads",
                scope: Scope::LeadsRead,
                id: "listLeads",
                summary: "List leads, page by page",
                description: "In the order in which they came in. A page that is not the last has a `next`, which is \
                              the `cursor` of the page behind it.",
                answers: &[(200, "A page of leads")],
                problems: &[],
            },
            list,
        ),
        operation(
            Words {
                method: "GET",
                path: "/leads/{email}",
                scope: Scope::LeadsRead,
                id: "showLead",
                summary: "Everything that is known of a lead",
                description: "Its history with reasons is at `/leads/{email}/why`.",
                answers: &[(200, "The lead")],
                problems: &[Kind::UnknownLead],
            },
            show,
        ),
    ]
}

/// A lead, by its address.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfLead {
    /// The lead's email address.
    pub email: Email,
}

/// A lead as a form or a CRM knows it.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NewLead {
    /// The email address: who it is.
    #[schemars(required)]
    email: Option<Email>,
    /// Given name.
    first_name: Option<String>,
    /// Family name.
    last_name: Option<String>,
    /// The company's name.
    company: Option<String>,
    /// Job title.
    title: Option<String>,
    /// Phone number, best with the country's code.
    phone: Option<String>,
    /// Code or name of the country.
    country: Option<String>,
    /// IANA time zone; without it the country's.
    zone: Option<String>,
    /// Code or name of the language.
    language: Option<String>,
    /// The agreement's campaign; without it the first that matches.
    campaign: Option<String>,
    /// Where it came from (`utm_source`).
    source: Option<String>,
    /// By which kind of way (`utm_medium`).
    medium: Option<String>,
    /// What the ad's side calls its campaign (`utm_campaign`).
    utm_campaign: Option<String>,
    /// What was searched for (`utm_term`).
    term: Option<String>,
    /// Which ad (`utm_content`).
    content: Option<String>,
    /// What the ad said or promised.
    ad: Option<String>,
    /// The page it arrived on.
    landing_page: Option<String>,
    /// The page it came from.
    referrer: Option<String>,
    /// When it came; without it, now.
    occurred_at: Option<Timestamp>,
    /// Points that the source gives it.
    #[schemars(range(min = -1_000_000, max = 1_000_000))]
    score: Option<i64>,
    /// It wants no marketing mail.
    opted_out_of_email: bool,
    /// It must not be called.
    do_not_call: bool,
    /// What it answered.
    #[schemars(length(max = 200))]
    answers: Vec<NewAnswer>,
    /// What it did.
    #[schemars(length(max = 200))]
    activities: Vec<NewActivity>,
    /// Any other field, by name.
    fields: BTreeMap<String, String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Answer")]
struct NewAnswer {
    /// What was asked.
    question: String,
    /// What was answered.
    answer: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PastActivity")]
struct NewActivity {
    /// As scoring rules call it.
    name: String,
    /// When.
    at: Timestamp,
}

impl NewLead {
    fn into_raw(self, now: Timestamp) -> Result<RawLead, Problem> {
        let email = self
            .email
            .ok_or_else(|| Problem::invalid("email", "`email` is missing: a lead is known by it"))?;
        if self.score.is_some_and(|score| !(-1_000_000..=1_000_000).contains(&score)) {
            return Err(Problem::invalid("score", "write a number from -1000000 to 1000000"));
        }
        if self.answers.len() > 200 || self.activities.len() > 200 {
            return Err(Problem::invalid("", "send at most 200 answers and 200 activities at once"));
        }
        let yes = |said: bool| said.then(|| "true".to_owned());
        Ok(RawLead {
            email: Some(email.0.to_string()),
            first_name: self.first_name,
            last_name: self.last_name,
            company: self.company,
            title: self.title,
            phone: self.phone,
            country: self.country,
            zone: self.zone,
            language: self.language,
            campaign: self.campaign,
            source: self.source,
            medium: self.medium,
            utm_campaign: self.utm_campaign,
            term: self.term,
            content: self.content,
            ad: self.ad,
            landing_page: self.landing_page,
            referrer: self.referrer,
            touched_at: Some(self.occurred_at.unwrap_or(now).min(now).to_string()),
            score: self.score.map(|score| score.to_string()),
            opted_out_of_email: yes(self.opted_out_of_email),
            do_not_call: yes(self.do_not_call),
            answers: self.answers.into_iter().map(|said| (said.question, said.answer)).collect(),
            activities: self.activities.into_iter().map(|did| (did.name, did.at.to_string())).collect(),
            fields: self.fields.into_iter().collect(),
            ..RawLead::default()
        })
    }
}

/// What became of a lead that was sent.
#[derive(Serialize, JsonSchema)]
struct Taken {
    /// What it meant.
    outcome: Outcome,
    /// What could not be read and is kept as it was written.
    warnings: Vec<String>,
    /// The lead as it is now.
    lead: LeadView,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    /// It was not known.
    New,
    /// Something of it was.
    Updated,
    /// Everything was known.
    Unchanged,
}

async fn take_in(site: Site, asked: Asked<Nothing, Nothing, NewLead>) -> Result<Answer<Taken>, Problem> {
    let now = site.now();
    let arrival = site.engine.arrives(asked.body.into_raw(now)?, now).await;
    let Arrival { taken, lead, warnings, .. } = arrival.map_err(|error| not_arrived(&error))?;
    let (status, outcome) = match taken {
        TakenIn::New => (201, Outcome::New),
        TakenIn::Updated => (200, Outcome::Updated),
        TakenIn::Unchanged => (200, Outcome::Unchanged),
        TakenIn::Erased => {
            let detail =
                "nothing of them is kept; lift the suppression `erased` when they ask to be known again";
            return Err(Problem::new(Kind::Erased, detail));
        }
    };
    let lead = lead.ok_or_else(|| Problem::new(Kind::UnknownLead, "it was erased at this moment"))?;
    let warnings = warnings.iter().map(ToString::to_string).collect();
    Ok(Answer(status, Taken { outcome, warnings, lead: LeadView::of(&lead) }))
}

/// What a lead that did not come in is to a client.
pub fn not_arrived(error: &ArrivalError) -> Problem {
    match error {
        ArrivalError::Rejected(why) => Problem::invalid("email", why.to_string()),
        ArrivalError::Failed(error) => pass_failed(error),
    }
}

/// What a failed pass is to a client.
pub fn pass_failed(error: &PassError) -> Problem {
    match error {
        PassError::Store(error) => store_failed(error),
        error => Problem::failed("the engine", error),
    }
}

/// Nobody knows that lead. Its address is not repeated: answers are kept for a day, and the person may just have been
/// erased.
pub fn unknown() -> Problem {
    Problem::new(Kind::UnknownLead, "no lead has that address")
}

/// Which leads are listed.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Which {
    /// Only leads in this stage.
    stage: Option<WireStage>,
    /// Only leads of this rep.
    owner: Option<Email>,
    /// Only leads of this campaign.
    campaign: Option<Line>,
    /// At most so many.
    #[serde(default)]
    limit: PageSize,
    /// The `next` of the page before.
    cursor: Option<Cursor>,
}

/// Where a page begins. What is in it is nobody's business but ours.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub struct Cursor(pub i64);

impl Cursor {
    const MARK: &'static str = "after:";

    /// As it is given out.
    pub fn text(self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}{}", Cursor::MARK, self.0))
    }
}

impl TryFrom<String> for Cursor {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Cursor, &'static str> {
        let decoded = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let after = decoded.as_deref().and_then(|text| text.strip_prefix(Cursor::MARK)?.parse().ok());
        after.map(Cursor).ok_or("take the `next` of the page before as it is")
    }
}

impl JsonSchema for Cursor {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Cursor".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string" })
    }
}

/// A page of leads.
#[derive(Serialize, JsonSchema)]
struct LeadPage {
    /// The leads.
    leads: Vec<LeadView>,
    /// The `cursor` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

async fn list(site: Site, asked: Asked<Nothing, Which, Nothing>) -> Result<Answer<LeadPage>, Problem> {
    let Which { stage, owner, campaign, limit, cursor } = asked.query;
    let filter = LeadFilter {
        stage: stage.map(|stage| stage.0),
        owner: owner.map(|owner| owner.0),
        campaign: campaign.map(Line::text),
        with_sales: false,
        after: cursor.map(|cursor| LeadId(cursor.0)),
    };
    let look = async {
        let mut tx = site.engine.store().read().await?;
        // One more than is shown, to know whether there are more.
        let leads = tx.list_leads(&filter, limit.0 + 1).await?;
        tx.rollback().await?;
        Ok(leads)
    };
    let mut leads = look.await.map_err(|error: StoreError| store_failed(&error))?;
    let more = leads.len() as i64 > limit.0;
    leads.truncate(usize::try_from(limit.0).unwrap_or(usize::MAX));
    let next = leads.last().filter(|_| more).map(|last| Cursor(last.id.0).text());
    Ok(Answer(200, LeadPage { leads: leads.iter().map(LeadView::of).collect(), next }))
}

async fn show(site: Site, asked: Asked<OfLead, Nothing, Nothing>) -> Result<Answer<LeadInFull>, Problem> {
    let email = asked.path.email.0;
    let look = async {
        let mut tx = site.engine.store().read().await?;
        let found = match tx.person_by_email(&email).await? {
            Some(lead) => Some(LeadInFull::load(&mut tx, &lead).await?),
            None => None,
        };
        tx.rollback().await?;
        Ok(found)
    };
    let found = look.await.map_err(|error: StoreError| store_failed(&error))?;
    found.map(|lead| Answer(200, lead)).ok_or_else(unknown)
}

/// A lead as programs see it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Lead")]
pub struct LeadView {
    /// Its number, which stays even when its data is erased.
    id: i64,
    /// Its address.
    email: String,
    /// Given name.
    first_name: Option<String>,
    /// Family name.
    last_name: Option<String>,
    /// The company's name.
    company: Option<String>,
    /// Job title.
    title: Option<String>,
    /// Phone number in E.164 form.
    phone: Option<String>,
    /// ISO 3166-1 alpha-2.
    country: Option<String>,
    /// IANA time zone.
    zone: Option<String>,
    /// ISO 639-1.
    language: Option<String>,
    /// Everything else that a form or an export knew.
    fields: BTreeMap<String, String>,
    /// The agreement's campaign, once it is chosen.
    campaign: Option<String>,
    /// Where it first came from.
    source: Option<String>,
    /// How far it has come.
    stage: WireStage,
    /// Since when.
    stage_since: Timestamp,
    /// Its points when it was last looked at.
    score: i64,
    /// How well it fits, from A to D.
    grade: Option<String>,
    /// The one rep who has it.
    owner: Option<String>,
    /// How often it has been nurtured from the start.
    round: i64,
    /// It is away until then.
    away_until: Option<Timestamp>,
    /// It asked to hear from us then.
    follow_up_at: Option<Timestamp>,
    /// When it came in.
    created_at: Timestamp,
}

impl LeadView {
    /// A lead as programs see it.
    pub fn of(lead: &Lead) -> LeadView {
        let profile = lead.profile.clone();
        LeadView {
            id: lead.id.0,
            email: lead.email.to_string(),
            first_name: profile.first_name,
            last_name: profile.last_name,
            company: profile.company,
            title: profile.title,
            phone: profile.phone,
            country: profile.country,
            zone: profile.zone,
            language: profile.language,
            fields: profile.fields,
            campaign: lead.campaign.clone(),
            source: lead.source.clone(),
            stage: WireStage(lead.stage),
            stage_since: lead.stage_at,
            score: lead.score,
            grade: lead.grade.map(|grade| Grade::name(grade).to_owned()),
            owner: lead.owner.as_ref().map(ToString::to_string),
            round: lead.round,
            away_until: lead.away_until,
            follow_up_at: lead.follow_up_at,
            created_at: lead.created_at,
        }
    }
}

/// A lead with everything it came by, said and did.
#[derive(Serialize, JsonSchema)]
struct LeadInFull {
    #[serde(flatten)]
    lead: LeadView,
    /// Where it came from, each time.
    touches: Vec<TouchView>,
    /// What it answered.
    answers: Vec<AnswerView>,
    /// What it did.
    activities: Vec<ActivityView>,
    /// Why it must not be contacted.
    suppressions: Vec<WireReason>,
    /// The sequence it is in.
    sequence: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Touch")]
struct TouchView {
    at: Option<Timestamp>,
    source: Option<String>,
    medium: Option<String>,
    campaign: Option<String>,
    term: Option<String>,
    content: Option<String>,
    ad: Option<String>,
    landing_page: Option<String>,
    referrer: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "GivenAnswer")]
struct AnswerView {
    at: Option<Timestamp>,
    question: String,
    answer: String,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Activity")]
struct ActivityView {
    at: Timestamp,
    name: String,
}

impl LeadInFull {
    async fn load(tx: &mut Tx, lead: &Lead) -> Result<LeadInFull, StoreError> {
        let touch = |touch: Touch| TouchView {
            at: touch.occurred_at,
            source: touch.source,
            medium: touch.medium,
            campaign: touch.campaign,
            term: touch.term,
            content: touch.content,
            ad: touch.ad,
            landing_page: touch.landing_page,
            referrer: touch.referrer,
        };
        let answers = tx.answers(lead.id).await?.into_iter();
        let activities = tx.activities(lead.id).await?.into_iter();
        Ok(LeadInFull {
            lead: LeadView::of(lead),
            touches: tx.touches(lead.id).await?.into_iter().map(touch).collect(),
            answers: answers
                .map(|said| AnswerView { at: said.occurred_at, question: said.question, answer: said.answer })
                .collect(),
            activities: activities
                .map(|Activity { name, occurred_at }| ActivityView { at: occurred_at, name })
                .collect(),
            suppressions: tx
                .suppressions(&lead.email)
                .await?
                .into_iter()
                .map(|row| WireReason(row.reason))
                .collect(),
            sequence: tx.active_enrolment(lead.id).await?.map(|enrolment| enrolment.sequence),
        })
    }
}
