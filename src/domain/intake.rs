//! Taking in: from texts as a form, an export or a command line gives them to a checked [`LeadRecord`].
//!
//! Only a missing or impossible email address keeps a lead out. Anything else that cannot be read is
//! left out, kept verbatim among the fields where a person can see it, and told as a [`Warning`].
//! [`merge::merge`] decides what a record changes of a lead that is known already; the fingerprints
//! ([`Touch::fingerprint`] and its like) let the store keep every touch once.

mod dates;
mod fingerprint;
pub mod form;
mod language;
pub mod merge;
mod owners;
mod raw;
mod status;
pub mod text;
mod warning;

use std::collections::BTreeMap;

use jiff::Timestamp;

pub use self::owners::Owners;
use self::owners::bare_address;
pub use self::raw::{Origin, RawLead};
use self::text::{MAX_BLOCK, MAX_LINE, MAX_URL};
pub use self::warning::{Rejection, Warning, WarningKind};
use super::email::EmailAddress;
use super::lead::{Activity, Answer, CrmState, LeadRecord, Profile, Touch};
use super::spelling::folded;
use super::{country, phone, zone};

/// Other fields of one lead that are kept. A CRM with every property exported has a few hundred.
/// What the constants below name is kept beyond that: who said no must not be forgotten for a full row.
pub const MAX_FIELDS: usize = 500;
/// Answers of one record that are kept.
pub const MAX_ANSWERS: usize = 200;
/// Activities of one record that are kept.
pub const MAX_ACTIVITIES: usize = 200;

/// Where [`normalise`] keeps the CRM's owner as written, so that [`merge::merge`] sees it change. `#` and
/// the CRM's own number of the record follow, where it is known: a CRM can hold a person twice.
pub const CRM_OWNER: &str = "crm_owner";
/// Where [`normalise`] keeps the CRM's status as written.
pub const CRM_STATUS: &str = "crm_status";
/// Where [`normalise`] keeps the time of the CRM's last activity.
pub const CRM_LAST_ACTIVITY: &str = "crm_last_activity";

/// The field that says `true` when the source knows that the person wants no marketing mail. Whoever
/// stores the record suppresses the address.
pub const OPTED_OUT_OF_EMAIL: &str = "opted_out_of_email";
/// The field that says `true` when the source knows that the person must not be called.
pub const DO_NOT_CALL: &str = "do_not_call";

/// Whether a field of that name says what only a CRM may: who owns the lead, or that somebody wants to hear nothing.
/// A stranger's form must not, however the name is written: it is cleaned first, as [`normalise`] cleans it.
pub fn is_for_a_crm_to_say(name: &str) -> bool {
    let Some(cleaned) = text::line(name, MAX_LINE) else { return false };
    let name = cleaned.text.split_whitespace().collect::<String>().to_ascii_lowercase();
    let stem = name.split('#').next().unwrap_or_default();
    [CRM_OWNER, CRM_STATUS, CRM_LAST_ACTIVITY, OPTED_OUT_OF_EMAIL, DO_NOT_CALL, "crm"].contains(&stem)
}

/// Checks and normalises one lead.
pub fn normalise(
    raw: RawLead,
    owners: &Owners,
    now: Timestamp,
) -> Result<(LeadRecord, Vec<Warning>), Rejection> {
    let email = address(raw.email.as_deref())?;
    let mut fields = Fields::default();
    let mut check = Check { warnings: Vec::new(), now };
    for (name, value) in raw.fields {
        check.keep(&mut fields, &name, &value);
    }
    for (name, said) in [(OPTED_OUT_OF_EMAIL, raw.opted_out_of_email), (DO_NOT_CALL, raw.do_not_call)] {
        if said.is_some_and(|text| says_yes(&text)) {
            fields.insert(name.to_owned(), "true".to_owned());
        }
    }
    let (first_name, last_name) = check.names(raw.first_name, raw.last_name, raw.full_name);
    let zone = check.known(&mut fields, WarningKind::Zone, "zone", raw.zone, zone::name);
    let country = check.known(&mut fields, WarningKind::Country, "country", raw.country, |text| {
        country::code(text).map(str::to_owned)
    });
    let language = check.known(&mut fields, WarningKind::Language, "language", raw.language, language::code);
    let region = country.as_deref().or_else(|| country::of_zone(zone.as_deref()?));
    let phone = check.phone(&mut fields, raw.phone, region);
    let campaign = check.line("campaign", raw.campaign, MAX_LINE);
    let created_at = check.time("created_at", raw.created_at);
    let mut touch = Touch {
        occurred_at: check.time("touched_at", raw.touched_at).or(created_at),
        source: check.line("source", raw.source, MAX_LINE),
        medium: check.line("medium", raw.medium, MAX_LINE),
        campaign: check.line("utm_campaign", raw.utm_campaign, MAX_LINE).or_else(|| campaign.clone()),
        term: check.line("term", raw.term, MAX_LINE),
        content: check.line("content", raw.content, MAX_LINE),
        ad: check.line("ad", raw.ad, MAX_URL),
        landing_page: check.line("landing_page", raw.landing_page, MAX_URL),
        referrer: check.line("referrer", raw.referrer, MAX_URL),
    };
    let details = [
        check.line("source_detail_1", raw.source_detail_1, MAX_LINE),
        check.line("source_detail_2", raw.source_detail_2, MAX_LINE),
    ];
    fill_from_details(&mut touch, details);
    let crm = check.crm(
        &mut fields,
        owners,
        CrmTexts {
            origin: raw.origin,
            record_id: raw.record_id,
            owner: raw.owner,
            status: raw.status,
            lifecycle: raw.lifecycle,
            converted: raw.converted,
            reason: raw.reason,
            last_activity_at: raw.last_activity_at,
        },
    );
    let record = LeadRecord {
        email,
        profile: Profile {
            first_name,
            last_name,
            company: check.line("company", raw.company, MAX_LINE),
            title: check.line("title", raw.title, MAX_LINE),
            phone,
            country,
            zone,
            language,
            fields,
        },
        campaign,
        score: check.score(raw.score),
        created_at,
        touch,
        answers: check.answers(raw.answers),
        activities: check.activities(raw.activities),
        crm,
    };
    Ok((record, check.warnings))
}

type Fields = BTreeMap<String, String>;

/// The columns of a CRM that say who works the lead and how far they are.
struct CrmTexts {
    origin: Origin,
    record_id: Option<String>,
    owner: Option<String>,
    status: Option<String>,
    lifecycle: Option<String>,
    converted: Option<String>,
    reason: Option<String>,
    last_activity_at: Option<String>,
}

/// Collects what could not be read.
struct Check {
    warnings: Vec<Warning>,
    now: Timestamp,
}

impl Check {
    fn warn(&mut self, kind: WarningKind, field: &str, text: &str) {
        self.warnings.push(Warning { kind, field: field.to_owned(), text: text.to_owned() });
    }

    fn line(&mut self, field: &str, text: Option<String>, max: usize) -> Option<String> {
        self.cleaned(field, text::line(&text?, max)?)
    }

    fn cleaned(&mut self, field: &str, cleaned: text::Cleaned) -> Option<String> {
        if cleaned.cut {
            self.warn(WarningKind::Cut, field, &cleaned.text);
        }
        Some(cleaned.text)
    }

    /// Adds a field under its name, unless the lead has too many.
    fn keep(&mut self, fields: &mut Fields, name: &str, value: &str) {
        let (Some(name), Some(value)) = (text::line(name, MAX_LINE), text::block(value, MAX_BLOCK)) else {
            return;
        };
        if fields.len() >= MAX_FIELDS {
            if self.warnings.iter().all(|warning| warning.kind != WarningKind::TooMany) {
                self.warn(WarningKind::TooMany, &name.text, "");
            }
        } else if let Some(value) = self.cleaned(&name.text, value) {
            fields.insert(name.text, value);
        }
    }

    /// A text that must be in a table; otherwise it stays among the fields as it was written.
    fn known(
        &mut self,
        fields: &mut Fields,
        kind: WarningKind,
        field: &str,
        text: Option<String>,
        find: impl Fn(&str) -> Option<String>,
    ) -> Option<String> {
        let text = self.line(field, text, MAX_LINE)?;
        let found = find(&text);
        if found.is_none() {
            self.warn(kind, field, &text);
            self.keep(fields, field, &text);
        }
        found
    }

    fn phone(&mut self, fields: &mut Fields, text: Option<String>, region: Option<&str>) -> Option<String> {
        let text = self.line("phone", text, MAX_LINE)?;
        match phone::parse(&text, region) {
            Ok(phone) => {
                if let Some(extension) = phone.extension {
                    self.keep(fields, "phone_extension", &extension);
                }
                Some(phone.e164)
            }
            Err(_) => {
                self.warn(WarningKind::Phone, "phone", &text);
                self.keep(fields, "phone", &text);
                None
            }
        }
    }

    fn names(
        &mut self,
        first: Option<String>,
        last: Option<String>,
        full: Option<String>,
    ) -> (Option<String>, Option<String>) {
        let first = self.line("first_name", first, MAX_LINE);
        let last = self.line("last_name", last, MAX_LINE);
        let full = self.line("full_name", full, MAX_LINE).filter(|_| first.is_none() && last.is_none());
        let Some(full) = full else {
            return (first, last);
        };
        let (first, last) = match full.split_once(", ") {
            Some((last, first)) => (first, last),
            None => full.split_once(' ').unwrap_or((&full, "")),
        };
        (Some(first.to_owned()), Some(last.to_owned()).filter(|last| !last.is_empty()))
    }

    fn time(&mut self, field: &str, text: Option<String>) -> Option<Timestamp> {
        let text = text::line(&text?, MAX_LINE)?.text;
        let Some(moment) = dates::parse(&text, self.now) else {
            self.warn(WarningKind::Time, field, &text);
            return None;
        };
        if moment.ambiguous {
            self.warn(WarningKind::AmbiguousDate, field, &text);
        }
        Some(moment.at)
    }

    fn score(&mut self, text: Option<String>) -> Option<i64> {
        let text = self.line("score", text, MAX_LINE)?;
        let whole = text.split_once(['.', ',']).map_or(text.as_str(), |(whole, _)| whole);
        let score = whole.parse().ok();
        if score.is_none() {
            self.warn(WarningKind::Score, "score", &text);
        }
        score
    }

    fn crm(&mut self, fields: &mut Fields, owners: &Owners, texts: CrmTexts) -> CrmState {
        let mut state = CrmState::default();
        let record_id = self.line("record_id", texts.record_id, MAX_LINE);
        let remembered = |name: &str| match &record_id {
            Some(id) => format!("{name}#{id}"),
            None => name.to_owned(),
        };
        if let Some(owner) = self.line("owner", texts.owner, MAX_LINE) {
            state.owner = owners.find(&owner);
            if state.owner.is_none() {
                self.warn(WarningKind::Owner, "owner", &owner);
            }
            fields.insert(remembered(CRM_OWNER), owner);
        }
        let status = self.line("status", texts.status, MAX_LINE);
        let lifecycle = self.line("lifecycle", texts.lifecycle, MAX_LINE);
        let converted = texts.converted.is_some_and(|text| says_yes(&text));
        let reason = self.line("reason", texts.reason, MAX_LINE);
        let meaning = status::meaning(texts.origin, status.as_deref(), lifecycle.as_deref(), converted);
        state.stage = meaning.map(|(stage, _)| stage);
        state.reason = reason
            .as_deref()
            .and_then(reason_name)
            .or_else(|| meaning.and_then(|(_, reason)| reason.map(str::to_owned)));
        let written: Vec<&str> = [status.as_deref(), lifecycle.as_deref(), converted.then_some("converted")]
            .into_iter()
            .chain([reason.as_deref()])
            .flatten()
            .collect();
        if !written.is_empty() {
            fields.insert(remembered(CRM_STATUS), written.join(" / "));
        }
        state.last_activity_at = self.time("last_activity_at", texts.last_activity_at);
        if let Some(at) = state.last_activity_at {
            fields.insert(remembered(CRM_LAST_ACTIVITY), at.to_string());
        }
        state
    }

    fn answers(&mut self, raw: Vec<(String, String)>) -> Vec<Answer> {
        let mut answers = Vec::new();
        for (question, answer) in raw {
            let question = text::line(&question, MAX_LINE).map(|cleaned| cleaned.text);
            let (Some(question), Some(answer)) = (question, text::block(&answer, MAX_BLOCK)) else {
                continue;
            };
            if answers.len() >= MAX_ANSWERS {
                self.warn(WarningKind::TooMany, &question, "");
                break;
            }
            if let Some(answer) = self.cleaned(&question, answer) {
                answers.push(Answer { question, answer, occurred_at: None });
            }
        }
        answers
    }

    fn activities(&mut self, raw: Vec<(String, String)>) -> Vec<Activity> {
        let mut activities = Vec::new();
        for (name, time) in raw {
            let Some(name) = text::line(&name, MAX_LINE).and_then(|name| rule_name(&name.text)) else {
                continue;
            };
            if activities.len() >= MAX_ACTIVITIES {
                self.warn(WarningKind::TooMany, &name, "");
                break;
            }
            if let Some(occurred_at) = self.time(&name, Some(time)) {
                activities.push(Activity { name, occurred_at });
            }
        }
        activities
    }
}

/// A ticked box, as exports write it.
fn says_yes(text: &str) -> bool {
    ["1", "true", "yes", "y", "x", "ja", "oui", "si"].contains(&folded(text).as_str())
}

fn address(text: Option<&str>) -> Result<EmailAddress, Rejection> {
    let text = text.and_then(|text| text::line(text, MAX_BLOCK)).ok_or(Rejection::NoEmail)?.text;
    Ok(bare_address(&text).parse()?)
}

/// HubSpot's drill-downs mean something else for each source ("Understand source properties" in its
/// knowledge base). What they fill is not overwritten, and where they mean nothing of ours the column
/// stays among the fields.
fn fill_from_details(touch: &mut Touch, [first, second]: [Option<String>; 2]) {
    let source = folded(touch.source.as_deref().unwrap_or_default());
    let mut fill = |place: fn(&mut Touch) -> &mut Option<String>, value: Option<String>| {
        let place = place(touch);
        if place.is_none() {
            *place = value;
        }
    };
    match source.as_str() {
        "paidsearch" => {
            fill(|touch| &mut touch.campaign, first);
            fill(|touch| &mut touch.term, second);
        }
        "emailmarketing" | "othercampaigns" => {
            fill(|touch| &mut touch.campaign, first);
            fill(|touch| &mut touch.content, second);
        }
        "organicsocial" | "socialmedia" | "paidsocial" => {
            fill(|touch| &mut touch.medium, first);
            fill(|touch| &mut touch.campaign, second);
        }
        "organicsearch" => fill(|touch| &mut touch.term, first),
        "referrals" => fill(|touch| &mut touch.referrer, second.or(first)),
        _ => {}
    }
}

/// A reason as the agreement names reasons: `Not ready (yet)` → `not-ready-yet`.
fn reason_name(text: &str) -> Option<String> {
    joined_words(text, "-")
}

/// An activity as scoring rules name activities: `Pricing Page` → `pricing_page`.
fn rule_name(text: &str) -> Option<String> {
    joined_words(text, "_")
}

fn joined_words(text: &str, joint: &str) -> Option<String> {
    let words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    (!words.is_empty()).then(|| words.join(joint))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::lead::Stage;

    fn now() -> Timestamp {
        "2026-03-10T12:00:00Z".parse().expect("an instant")
    }

    fn raw(email: &str) -> RawLead {
        RawLead { email: Some(email.into()), ..RawLead::default() }
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    fn taken(raw: RawLead) -> (LeadRecord, Vec<WarningKind>) {
        let (record, warnings) = normalise(raw, &Owners::default(), now()).expect("it has an address");
        (record, warnings.into_iter().map(|warning| warning.kind).collect())
    }

    #[test]
    fn only_a_missing_or_impossible_address_keeps_a_lead_out() {
        let rejected = |raw| normalise(raw, &Owners::default(), now()).map(|_| ());
        assert_eq!(rejected(RawLead::default()), Err(Rejection::NoEmail));
        assert_eq!(rejected(raw(" N/A ")), Err(Rejection::NoEmail));
        assert!(matches!(rejected(raw("jane at firm")), Err(Rejection::BadEmail(_))));
        for text in [
            "jane@firm.example",
            "Jane <JANE@firm.example>",
            "mailto:jane@firm.example",
            "jane@firm.example; ",
        ] {
            assert_eq!(taken(raw(text)).0.email.as_str(), "jane@firm.example", "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_and_kept_where_a_person_sees_it() {
        let (record, warnings) = taken(RawLead {
            phone: some("call me"),
            country: some("Atlantis"),
            zone: some("Mars/Olympus"),
            language: some("Klingon"),
            score: some("high"),
            created_at: some("yesterday"),
            owner: some("Nobody We Know"),
            ..raw("jane@firm.example")
        });
        use WarningKind::*;
        assert_eq!(warnings, [Zone, Country, Language, Phone, Time, Owner, Score]);
        for (field, text) in
            [("phone", "call me"), ("country", "Atlantis"), ("zone", "Mars/Olympus"), ("language", "Klingon")]
        {
            assert_eq!(record.profile.fields.get(field).map(String::as_str), Some(text));
        }
        assert_eq!((record.profile.phone, record.profile.country), (None, None));
    }

    #[test]
    fn a_phone_number_without_prefix_belongs_to_the_leads_country_or_its_zones() {
        for (country, zone) in [(some("Germany"), None), (None, some("europe_slash_berlin"))] {
            let lead = RawLead { phone: some("030 901820"), country, zone, ..raw("jane@firm.example") };
            assert_eq!(taken(lead).0.profile.phone, some("+4930901820"));
        }
    }

    #[test]
    fn a_full_name_fills_in_for_first_and_last() {
        for (full, first, last) in [
            ("Jane Doe", some("Jane"), some("Doe")),
            ("Doe, Jane", some("Jane"), some("Doe")),
            ("Jane van der Berg", some("Jane"), some("van der Berg")),
            ("Jane", some("Jane"), None),
        ] {
            let lead = RawLead { full_name: some(full), ..raw("jane@firm.example") };
            let profile = taken(lead).0.profile;
            assert_eq!((profile.first_name, profile.last_name), (first, last), "{full}");
        }
    }

    #[test]
    fn a_drill_down_means_what_the_source_makes_it_mean() {
        let (record, _) = taken(RawLead {
            source: some("PAID_SEARCH"),
            source_detail_1: some("spring-demo"),
            source_detail_2: some("crm for dentists"),
            ..raw("jane@firm.example")
        });
        assert_eq!(record.touch.campaign, some("spring-demo"));
        assert_eq!(record.touch.term, some("crm for dentists"));
    }

    #[test]
    fn the_crm_state_is_read_and_kept_as_written() {
        let (record, _) = taken(RawLead {
            origin: Origin::HubSpot,
            owner: some("rep1@ours.example"),
            status: some("UNQUALIFIED"),
            reason: some("No Budget"),
            last_activity_at: some("2026-03-01 09:00"),
            ..raw("jane@firm.example")
        });
        assert_eq!((record.crm.stage, record.crm.reason), (Some(Stage::Rejected), some("no-budget")));
        assert_eq!(record.profile.fields[CRM_STATUS], "UNQUALIFIED / No Budget");
        assert_eq!(record.profile.fields[CRM_OWNER], "rep1@ours.example");
        assert_eq!(record.profile.fields[CRM_LAST_ACTIVITY], "2026-03-01T09:00:00Z");
    }

    #[test]
    fn what_only_a_crm_may_say_is_known_however_its_name_is_written() {
        for name in [
            "crm_owner",
            "CRM_Owner#17",
            " do_not_call\u{1}",
            "opted_out_of_email\u{200b}",
            "\u{feff}crm_status",
            "crm_last_activity\u{202e}\u{2060}",
        ] {
            assert!(is_for_a_crm_to_say(name), "{name:?}");
        }
        for name in ["crm_owners", "owner", "seats", "#", ""] {
            assert!(!is_for_a_crm_to_say(name), "{name:?}");
        }
    }

    #[test]
    fn sizes_are_bounded() {
        let (record, warnings) = taken(RawLead {
            company: Some("x".repeat(MAX_LINE + 1)),
            fields: (0..MAX_FIELDS + 10).map(|n| (format!("f{n}"), "v".into())).collect(),
            opted_out_of_email: some("Yes"),
            answers: (0..MAX_ANSWERS + 10).map(|n| (format!("q{n}"), "v".into())).collect(),
            ..raw("jane@firm.example")
        });
        assert_eq!(record.profile.company.map(|company| company.len()), Some(MAX_LINE));
        assert_eq!((record.profile.fields.len(), record.answers.len()), (MAX_FIELDS + 1, MAX_ANSWERS));
        assert_eq!(record.profile.fields[OPTED_OUT_OF_EMAIL], "true");
        assert_eq!(warnings, [WarningKind::TooMany, WarningKind::Cut, WarningKind::TooMany]);
    }

    proptest! {
        #[test]
        fn no_name_that_a_form_may_use_becomes_a_crms(
            name in "[\\x00-\\x20\u{200b}\u{feff}\u{2060}']{0,2}(crm_owner|do_not_call)[\\x00-\\x20#\u{200b}\u{feff}]{0,2}"
        ) {
            let lead = RawLead { fields: vec![(name.clone(), "true".into())], ..raw("jane@firm.example") };
            let kept = taken(lead).0.profile.fields;
            let says = [CRM_OWNER, DO_NOT_CALL].iter().any(|reserved| kept.contains_key(*reserved));
            prop_assert!(!says || is_for_a_crm_to_say(&name));
        }

        #[test]
        fn no_text_in_any_field_makes_it_panic(text in "\\PC{0,40}|.{0,40}") {
            let some = || Some(text.clone());
            let raw = RawLead {
                email: Some("jane@firm.example".into()),
                full_name: some(), phone: some(), country: some(), zone: some(), language: some(),
                score: some(), created_at: some(), owner: some(), status: some(), reason: some(),
                activities: vec![(text.clone(), text.clone())],
                answers: vec![(text.clone(), text.clone())],
                fields: vec![(text.clone(), text.clone())],
                ..RawLead::default()
            };
            prop_assert!(normalise(raw, &Owners::default(), now()).is_ok());
            let _ = normalise(RawLead { email: some(), ..RawLead::default() }, &Owners::default(), now());
        }
    }
}
