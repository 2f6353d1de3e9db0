//! Which export a file is, and what its columns mean, judged by the headers alone.
//!
//! Headers are compared folded (`First Name`, `first_name` and `FirstName` are one), without a
//! parenthesis about zones (`Create Date (GMT)`) and without Salesforce's `__c`. Known are the labels
//! and the internal names of HubSpot's contact properties, Salesforce's lead fields and Mautic's contact
//! fields, and what lists from elsewhere are headed with.
//!
//! When several columns claim one meaning, the first in the order of the table that is not blank in a
//! row has it, and the others are kept as fields. A column that nothing claims is an answer when its
//! header asks something (`?`, `survey…`, `question…`, `q_…`, `q1`), and a field otherwise. Nothing is dropped.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Serialize;

use super::headers::{ACTIVITIES, MAUTIC, SIGNS, VALUES};
use crate::domain::intake::merge::Authority;
use crate::domain::intake::{Origin, RawLead};
use crate::domain::spelling::folded;

/// A single value of a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the field of RawLead with that name")]
pub enum Value {
    RecordId,
    Email,
    FirstName,
    LastName,
    FullName,
    Company,
    Title,
    Phone,
    Country,
    Zone,
    Language,
    Campaign,
    Score,
    CreatedAt,
    TouchedAt,
    Source,
    #[serde(rename = "source_detail_1")]
    SourceDetail1,
    #[serde(rename = "source_detail_2")]
    SourceDetail2,
    Medium,
    UtmCampaign,
    Term,
    Content,
    Ad,
    LandingPage,
    Referrer,
    Owner,
    Status,
    Lifecycle,
    Converted,
    Reason,
    LastActivityAt,
    OptedOutOfEmail,
    DoNotCall,
}

/// What a column means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    /// A value of the lead.
    Value(Value),
    /// The time at which the person did what is named here.
    ActivityOf(&'static str),
    /// The name of something the person did; its time is in the column that means [`Meaning::ActivityTime`].
    ActivityName,
    /// When the person did it.
    ActivityTime,
    /// What the person answered to the header.
    Answer,
    /// Kept under its header.
    Field,
    /// Written by an earlier import beside a rejected row.
    Ignored,
}

/// A column of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its header; `column 7` when it has none, `Notes (2)` when it is the second of that name.
    pub header: String,
    /// What it means.
    pub meaning: Meaning,
}

/// The header row, understood.
#[derive(Clone, Debug)]
pub struct Columns {
    /// Which export it is.
    pub origin: Origin,
    /// In the order of the file.
    pub columns: Vec<Column>,
    /// Positions, the column with the better claim before one with a worse on the same value.
    order: Vec<usize>,
}

/// The weight of a header that nobody else has, and of two that others may have.
const ENOUGH: usize = 2;

/// Folded header → value and rank of its claim.
static VALUE_OF_HEADER: LazyLock<HashMap<&'static str, (Value, usize)>> = LazyLock::new(|| {
    VALUES
        .iter()
        .flat_map(|(value, headers)| {
            headers.split(' ').enumerate().map(|(rank, header)| (header, (*value, rank)))
        })
        .collect()
});

impl Columns {
    /// Understands a header row.
    pub fn recognise(header: &[String]) -> Columns {
        let keys: Vec<String> = header.iter().map(|text| key(text)).collect();
        let origin = origin(header, &keys);
        let mut times: HashMap<&str, usize> = HashMap::new();
        let mut columns = Vec::with_capacity(header.len());
        let mut claims = Vec::with_capacity(header.len());
        for (index, (text, key)) in header.iter().zip(&keys).enumerate() {
            let (meaning, rank) = meaning(origin, text, key);
            let seen = times.entry(text.trim()).or_default();
            *seen += 1;
            columns.push(Column { header: column_name(text.trim(), index, *seen), meaning });
            claims.push(rank);
        }
        let mut order: Vec<usize> = (0..columns.len()).collect();
        order.sort_by_key(|&index| claims[index]);
        Columns { origin, columns, order }
    }

    /// Whether some column holds the address.
    pub fn has_email(&self) -> bool {
        self.columns.iter().any(|column| column.meaning == Meaning::Value(Value::Email))
    }

    /// How many columns mean something beyond their header.
    pub fn recognised(&self) -> usize {
        self.columns.iter().filter(|column| column.meaning != Meaning::Field).count()
    }

    /// Whose word goes before what is known: a CRM's, also when a plain list says who works the leads.
    pub fn authority(&self) -> Authority {
        let crm = [Value::Owner, Value::Status, Value::Lifecycle, Value::LastActivityAt];
        if self.columns.iter().any(|column| crm.iter().any(|value| column.meaning == Meaning::Value(*value)))
        {
            return Authority::Crm;
        }
        Authority::of(self.origin)
    }

    /// The lead that a row describes; `cells` in the order of the columns.
    pub fn raw_lead(&self, mut cells: Vec<String>) -> RawLead {
        let mut raw = RawLead { origin: self.origin, ..RawLead::default() };
        let (mut activity_name, mut activity_time) = (None, None);
        for &index in &self.order {
            let (Some(column), Some(cell)) = (self.columns.get(index), cells.get_mut(index)) else {
                continue;
            };
            let cell = std::mem::take(cell);
            if cell.trim().is_empty() {
                continue;
            }
            match &column.meaning {
                Meaning::Value(value) => match place(&mut raw, *value) {
                    taken @ None => {
                        // These serve another value and have no place of their own in the lead.
                        if matches!(value, Value::RecordId | Value::SourceDetail1 | Value::SourceDetail2) {
                            *taken = Some(cell.clone());
                            raw.fields.push((column.header.clone(), cell));
                        } else {
                            *taken = Some(cell);
                        }
                    }
                    Some(same) if *same == cell => {}
                    Some(_) => raw.fields.push((column.header.clone(), cell)),
                },
                Meaning::ActivityOf(name) => raw.activities.push(((*name).to_owned(), cell)),
                Meaning::ActivityName => activity_name = activity_name.or(Some(cell)),
                Meaning::ActivityTime => activity_time = activity_time.or(Some(cell)),
                Meaning::Answer => raw.answers.push((column.header.clone(), cell)),
                Meaning::Field => raw.fields.push((column.header.clone(), cell)),
                Meaning::Ignored => {}
            }
        }
        match (activity_name, activity_time) {
            (Some(name), Some(time)) => raw.activities.push((name, time)),
            // Without a time there is nothing to score, but nothing is dropped either.
            (Some(name), None) => raw.fields.push(("activity".to_owned(), name)),
            (None, Some(time)) => raw.fields.push(("activity_at".to_owned(), time)),
            (None, None) => {}
        }
        raw
    }
}

/// Which export has these headers.
fn origin(header: &[String], keys: &[String]) -> Origin {
    let mut best = (Origin::Plain, ENOUGH - 1);
    for (origin, own, shared) in SIGNS {
        let count = |signs: &str| signs.split(' ').filter(|sign| keys.iter().any(|key| key == sign)).count();
        let own_form = header.iter().any(|text| match origin {
            Origin::HubSpot => text.trim().starts_with("hs_"),
            Origin::Salesforce => text.trim().ends_with("__c"),
            Origin::Mautic | Origin::Plain => false,
        });
        let weight = ENOUGH * (count(own) + usize::from(own_form)) + count(shared);
        if weight > best.1 {
            best = (*origin, weight);
        }
    }
    best.0
}

/// What a column means and the rank of its claim; 0 where it competes with none.
fn meaning(origin: Origin, text: &str, key: &str) -> (Meaning, usize) {
    let of = |table: &[(&str, Meaning)]| {
        table.iter().find(|(header, _)| *header == key).map(|(_, meaning)| (meaning.clone(), 0))
    };
    let special = match origin {
        Origin::Mautic => of(MAUTIC),
        // In a list from anywhere it may be the number of the row, which is another tomorrow.
        Origin::Plain if key == "id" => Some((Meaning::Field, 0)),
        Origin::Plain | Origin::HubSpot | Origin::Salesforce => None,
    };
    special
        .or_else(|| of(ACTIVITIES))
        .or_else(|| VALUE_OF_HEADER.get(key).map(|(value, rank)| (Meaning::Value(*value), *rank)))
        .unwrap_or((if is_question(text) { Meaning::Answer } else { Meaning::Field }, 0))
}

/// Whether a header asks something.
fn is_question(text: &str) -> bool {
    let lower = text.trim().to_lowercase();
    let numbered = lower
        .strip_prefix('q')
        .is_some_and(|rest| rest.starts_with(|c: char| c == '_' || c.is_ascii_digit()));
    lower.contains('?')
        || numbered
        || ["survey", "question", "answer", "umfrage", "frage"].iter().any(|word| lower.starts_with(word))
}

/// The header as the tables have it.
fn key(text: &str) -> String {
    let text = text.trim();
    let text = text.strip_suffix("__c").unwrap_or(text);
    let without_zone = text
        .strip_suffix(')')
        .and_then(|text| text.rsplit_once('('))
        .filter(|(_, inside)| inside.starts_with("GMT") || inside.starts_with("UTC") || inside.contains('/'))
        .map_or(text, |(before, _)| before);
    folded(without_zone)
}

fn column_name(text: &str, index: usize, times: usize) -> String {
    match (text.is_empty(), times) {
        (true, _) => format!("column {}", index + 1),
        (false, 1) => text.to_owned(),
        (false, times) => format!("{text} ({times})"),
    }
}

fn place(raw: &mut RawLead, value: Value) -> &mut Option<String> {
    match value {
        Value::RecordId => &mut raw.record_id,
        Value::Email => &mut raw.email,
        Value::FirstName => &mut raw.first_name,
        Value::LastName => &mut raw.last_name,
        Value::FullName => &mut raw.full_name,
        Value::Company => &mut raw.company,
        Value::Title => &mut raw.title,
        Value::Phone => &mut raw.phone,
        Value::Country => &mut raw.country,
        Value::Zone => &mut raw.zone,
        Value::Language => &mut raw.language,
        Value::Campaign => &mut raw.campaign,
        Value::Score => &mut raw.score,
        Value::CreatedAt => &mut raw.created_at,
        Value::TouchedAt => &mut raw.touched_at,
        Value::Source => &mut raw.source,
        Value::SourceDetail1 => &mut raw.source_detail_1,
        Value::SourceDetail2 => &mut raw.source_detail_2,
        Value::Medium => &mut raw.medium,
        Value::UtmCampaign => &mut raw.utm_campaign,
        Value::Term => &mut raw.term,
        Value::Content => &mut raw.content,
        Value::Ad => &mut raw.ad,
        Value::LandingPage => &mut raw.landing_page,
        Value::Referrer => &mut raw.referrer,
        Value::Owner => &mut raw.owner,
        Value::Status => &mut raw.status,
        Value::Lifecycle => &mut raw.lifecycle,
        Value::Converted => &mut raw.converted,
        Value::Reason => &mut raw.reason,
        Value::LastActivityAt => &mut raw.last_activity_at,
        Value::OptedOutOfEmail => &mut raw.opted_out_of_email,
        Value::DoNotCall => &mut raw.do_not_call,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(header: &str) -> Columns {
        Columns::recognise(&header.split(',').map(str::to_owned).collect::<Vec<_>>())
    }

    fn lead(header: &str, row: &str) -> RawLead {
        columns(header).raw_lead(row.split(',').map(str::to_owned).collect())
    }

    #[test]
    fn an_export_is_known_by_its_headers() {
        for (header, origin) in [
            ("Record ID,First Name,Last Name,Email,Contact owner,Lead Status,Create Date", Origin::HubSpot),
            ("firstname,lastname,email,hs_lead_status,hubspot_owner_id", Origin::HubSpot),
            ("First Name,Last Name,Company / Account,Email,Lead Source,Lead Owner", Origin::Salesforce),
            ("Id,FirstName,LastName,Company,Email,LeadSource,Status,IsConverted", Origin::Salesforce),
            ("Email,Product_Interest__c", Origin::Salesforce),
            (
                "id,title,firstname,lastname,position,email,points,preferred_locale,last_active",
                Origin::Mautic,
            ),
            ("email,first_name,last_name,company", Origin::Plain),
            ("id,created_time,ad_name,campaign_name,email,full_name,phone_number", Origin::Plain),
            ("E-Mail,Vorname,Nachname,Firma", Origin::Plain),
        ] {
            assert_eq!(columns(header).origin, origin, "{header}");
        }
    }

    #[test]
    fn headers_of_one_meaning_are_one_whatever_their_spelling() {
        for header in ["E-Mail", "email", "Email Address", " EMAIL ", "e_mail", "E-Mail-Adresse", "Email__c"]
        {
            assert!(columns(header).has_email(), "{header}");
        }
        let meaning = |header: &str| columns(header).columns[0].meaning.clone();
        assert_eq!(meaning("Create Date (GMT)"), Meaning::Value(Value::CreatedAt));
        assert_eq!(meaning("Create Date (Europe/Berlin)"), Meaning::Value(Value::CreatedAt));
        assert_eq!(meaning("Prénom"), Meaning::Value(Value::FirstName));
        assert_eq!(meaning("utm_campaign__c"), Meaning::Value(Value::UtmCampaign));
    }

    #[test]
    fn the_better_claim_has_the_value_and_the_other_is_kept() {
        let header = "Mobile Phone Number,Phone Number,Email";
        let both = lead(header, "0171 1,030 2,a@b.example");
        assert_eq!(both.phone.as_deref(), Some("030 2"));
        assert_eq!(both.fields, [("Mobile Phone Number".to_owned(), "0171 1".to_owned())]);
        assert_eq!(lead(header, "0171 1, ,a@b.example").phone.as_deref(), Some("0171 1"));
    }

    #[test]
    fn mautic_means_the_salutation_by_title_and_the_contacts_visit_by_last_active() {
        let raw =
            lead("title,position,email,points,last_active", "Mrs,CEO,a@b.example,12,2026-03-01 10:00:00");
        assert_eq!((raw.title.as_deref(), raw.score.as_deref()), (Some("CEO"), Some("12")));
        assert_eq!(raw.fields, [("title".to_owned(), "Mrs".to_owned())]);
        assert_eq!(raw.activities[0].0, "site_visit");
        assert_eq!(raw.last_activity_at, None);
    }

    #[test]
    fn a_number_identifies_a_record_only_where_a_crm_gave_it() {
        assert_eq!(lead("id,email,status", "7,a@b.example,x").record_id, None);
        assert_eq!(lead("id,email,last_active,points", "7,a@b.example,,").record_id.as_deref(), Some("7"));
        assert_eq!(lead("lead_id,email", "7,a@b.example").record_id.as_deref(), Some("7"));
    }

    #[test]
    fn a_header_that_asks_is_a_question_and_any_other_is_kept_as_a_field() {
        let raw = lead(
            "email,How many seats?,survey_budget,q1,Quarter,Notes,Notes,",
            "a@b.example,20,5k,yes,Q2,x,y,z",
        );
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            raw.answers,
            [pair("How many seats?", "20"), pair("survey_budget", "5k"), pair("q1", "yes")]
        );
        assert_eq!(
            raw.fields,
            [pair("Quarter", "Q2"), pair("Notes", "x"), pair("Notes (2)", "y"), pair("column 8", "z")]
        );
    }

    #[test]
    fn no_two_values_claim_one_header() {
        let headers: usize = VALUES.iter().map(|(_, headers)| headers.split(' ').count()).sum();
        assert_eq!(VALUE_OF_HEADER.len(), headers);
        for (header, _) in VALUE_OF_HEADER.iter() {
            assert_eq!(folded(header), *header);
            assert!(ACTIVITIES.iter().all(|(other, _)| other != header), "{header}");
        }
    }

    #[test]
    fn a_plain_list_that_says_who_works_the_leads_speaks_like_a_crm() {
        assert_eq!(columns("email,company").authority(), Authority::Form);
        assert_eq!(columns("email,owner").authority(), Authority::Crm);
        assert_eq!(columns("email,Contact owner").authority(), Authority::Crm);
    }
}
