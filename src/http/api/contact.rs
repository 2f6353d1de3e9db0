//! Whether somebody may be contacted, and why what happened did.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::leads::{Cursor, OfLead, pass_failed, unknown};
use super::operation::{Answer, Asked, Operation, Words, operation};
use super::problem::{Kind, Problem};
use super::wire::{Email, Nothing, PageSize, WireChannel};
use super::{Site, store_failed};
use crate::domain::access::Scope;
use crate::domain::contact::Permission;
use crate::domain::ids::EventId;
use crate::engine::coming::Coming;
use crate::engine::happen::HappenError;
use crate::engine::hours::zone_of;
use crate::engine::{simulate, why};
use crate::store::StoreError;

pub fn operations() -> Vec<Operation> {
    vec![
        operation(
            Words {
                method: "GET",
                path: "/leads/{email}/may-contact",
                scope: Scope::ContactRead,
                id: "mayContact",
                summary: "Whether a lead may be contacted now, and if not, until when and why",
                description: "Ask before a rep dials. The answer is the one that the daemon itself goes by: holidays \
                              and hours where the lead lives, absences, what it asked for, suppressions, and whose \
                              lead it is.",
                answers: &[(200, "The answer")],
                problems: &[Kind::UnknownLead],
            },
            may_contact,
        ),
        operation(
            Words {
                method: "GET",
                path: "/leads/{email}/why",
                scope: Scope::LeadsRead,
                id: "why",
                summary: "What happened to a lead and why, and what comes next",
                description: "In the order of the log, page by page. `words` is for people, `kind` and `facts` are for \
                              programs.",
                answers: &[(200, "A page of the history")],
                problems: &[Kind::UnknownLead],
            },
            history,
        ),
    ]
}

/// What is asked.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct By {
    /// How.
    channel: WireChannel,
    /// The rep who asks; without it: for a sequence (email), or for whoever owns the lead (phone).
    #[serde(rename = "as")]
    rep: Option<Email>,
}

/// The gate's answer.
#[derive(Serialize, JsonSchema)]
struct Permitted {
    /// Whether it may be contacted now.
    answer: Word,
    /// The first instant at which nothing that is known stands against it.
    not_before: Option<Timestamp>,
    /// What stands against it.
    because: Vec<String>,
    /// For whom it was taken to be asked: `nurture`, `owner`, `other_rep`.
    purpose: String,
    /// Where the lead lives.
    zone: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Word {
    /// Now.
    Yes,
    /// Not before `not_before`.
    NotBefore,
    /// Not as things stand.
    Never,
}

async fn may_contact(site: Site, asked: Asked<OfLead, By, Nothing>) -> Result<Answer<Permitted>, Problem> {
    let email = asked.path.email.0;
    let By { channel, rep } = asked.query;
    let rep = rep.map(|rep| rep.0);
    let answer = match site.engine.may_contact(&email, channel.0, rep.as_ref(), site.now()).await {
        Ok(answer) => answer,
        Err(HappenError::UnknownLead(_)) => return Err(unknown()),
        Err(HappenError::Failed(error)) => return Err(pass_failed(&error)),
        Err(refused) => return Err(Problem::new(Kind::Refused, refused.to_string())),
    };
    let (word, not_before, because) = match answer.permission {
        Permission::Yes => (Word::Yes, None, Vec::new()),
        Permission::NotBefore { at, because } => {
            (Word::NotBefore, Some(at), because.iter().map(ToString::to_string).collect())
        }
        Permission::Never { because } => (Word::Never, None, vec![because.to_string()]),
    };
    let zone = answer.zone.iana_name().map(str::to_owned);
    let purpose = answer.purpose.name().to_owned();
    Ok(Answer(200, Permitted { answer: word, not_before, because, purpose, zone }))
}

/// Which page of the history.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Page {
    /// At most so many entries.
    #[serde(default)]
    limit: PageSize,
    /// The `next` of the page before.
    cursor: Option<Cursor>,
}

/// A page of a lead's history.
#[derive(Serialize, JsonSchema)]
struct History {
    /// What happened.
    entries: Vec<Entry>,
    /// What comes next, as things stand; the same on every page.
    coming: Vec<Planned>,
    /// The `cursor` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Something that happened.
#[derive(Serialize, JsonSchema)]
struct Entry {
    /// When.
    at: Timestamp,
    /// What: `stage`, `mail`, `assigned`, `accepted` …
    kind: String,
    /// As a sentence, times in the lead's zone; absent for what only machines care about.
    words: Option<String>,
    /// By whose hand; absent: the daemon's.
    by: Option<String>,
    /// What else the log holds.
    facts: serde_json::Map<String, serde_json::Value>,
    /// What somebody said about it.
    note: Option<String>,
}

/// Something that is planned.
#[derive(Serialize, JsonSchema)]
struct Planned {
    /// When; absent: that depends on somebody. What is past is done at the daemon's next look, or somebody is late.
    at: Option<Timestamp>,
    /// What: `mail`, `step` (of its sequence), `promise`, `attempt`, `stage`.
    kind: &'static str,
    /// The same in words.
    words: String,
}

async fn history(site: Site, asked: Asked<OfLead, Page, Nothing>) -> Result<Answer<History>, Problem> {
    let email = asked.path.email.0;
    let Page { limit, cursor } = asked.query;
    let look = async {
        let mut tx = site.engine.store().read().await?;
        let Some(lead) = tx.person_by_email(&email).await? else { return Ok(None) };
        let after = EventId(cursor.map_or(0, |cursor| cursor.0));
        let mut events = Vec::new();
        for event in tx.events_of_person_after(lead.id, after, limit.0 + 1).await? {
            events.push(simulate::line(&mut tx, event).await?);
        }
        let coming = site.engine.coming(&mut tx, &lead, site.now()).await?;
        let texts = why::notes(&mut tx, lead.id).await?;
        tx.rollback().await?;
        Ok(Some((lead, events, texts, coming)))
    };
    let found = look.await.map_err(|error: StoreError| store_failed(&error))?;
    let (lead, mut events, mut texts, coming) = found.ok_or_else(unknown)?;
    let zone = zone_of(&lead, &site.engine.rules().agreement);
    let zone = jiff::tz::TimeZone::get(&zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let told = |at: Timestamp| at.to_zoned(zone.clone()).strftime("%a %Y-%m-%d %H:%M %Z").to_string();
    let more = events.len() as i64 > limit.0;
    events.truncate(usize::try_from(limit.0).unwrap_or(usize::MAX));
    let next = events.last().filter(|_| more).map(|last| Cursor(last.event.id.0).text());
    let entries = events
        .into_iter()
        .map(|line| Entry {
            at: line.at,
            words: why::sentence(&line, told),
            by: line.event.actor.clone(),
            note: texts.remove(&line.event.id),
            facts: line.facts.as_object().cloned().unwrap_or_default(),
            kind: line.kind,
        })
        .collect();
    let planned = |next: Coming| Planned { at: next.at, kind: next.kind, words: next.words };
    let coming = coming.into_iter().map(planned).collect();
    Ok(Answer(200, History { entries, coming, next }))
}
