//! What a record changes of a lead that is known already.
//!
//! Touches, answers and activities are not here: they are added, never changed, each once by its
//! fingerprint. A blank never erases anything, and the first source and the first campaign stay.
//!
//! A CRM export is a *level*, not an event: it says every day that Rita owns the lead, also on the day
//! after the agreement's clock took it from Rita. So its owner, status and last activity count only
//! when they differ from what the CRM said the last time ([`CRM_OWNER`] and its
//! like); what it merely repeats changes nothing. A CRM that holds a person twice says two things every
//! day, so what it said is remembered for each of its records.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{CRM_LAST_ACTIVITY, CRM_OWNER, CRM_STATUS, MAX_FIELDS, Origin, is_for_a_crm_to_say};
use crate::domain::email::EmailAddress;
use crate::domain::lead::{Lead, LeadRecord, Profile, Stage};

/// Bytes of the names and values of a lead's other fields, beyond which it gets no new ones.
const MAX_SIZE: usize = 256 * 1024;

/// Whose word goes before what is known of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authority {
    /// A system in which people of ours correct what is known, or the person asked for just that: the newer word wins.
    Crm,
    /// The person, a list, a command line: fills what is missing.
    Form,
}

impl Authority {
    /// What an export of that origin may do. A plain list that names owners or states is a CRM's, too:
    /// the importer knows.
    pub fn of(origin: Origin) -> Authority {
        match origin {
            Origin::HubSpot | Origin::Salesforce | Origin::Mautic => Authority::Crm,
            Origin::Plain => Authority::Form,
        }
    }
}

/// What changes. `None`: that stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Merge {
    /// The whole new profile.
    pub profile: Option<Profile>,
    /// The campaign, of a lead that had none.
    pub campaign: Option<String>,
    /// The first source, of a lead that had none.
    pub source: Option<String>,
    /// New points from the source.
    pub base_score: Option<i64>,
    /// The CRM gave the lead to somebody else.
    pub owner: Option<EmailAddress>,
    /// The CRM moved the lead.
    pub stage: Option<StageChange>,
    /// The CRM saw a human of ours do something since.
    pub last_activity_at: Option<Timestamp>,
}

/// A stage that a CRM says the lead has reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageChange {
    /// Where to.
    pub to: Stage,
    /// Why it was rejected or lost, if the CRM says.
    pub reason: Option<String>,
}

impl Merge {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        *self == Merge::default()
    }
}

/// What `record` changes of `known`.
pub fn merge(known: &Lead, record: &LeadRecord, authority: Authority) -> Merge {
    let profile = merged_profile(&known.profile, &record.profile, authority);
    let said_anew = |what| {
        let mut said = record.profile.fields.iter().filter(|(name, _)| remembers(name, what));
        said.any(|(name, now)| known.profile.fields.get(name) != Some(now))
    };
    Merge {
        profile: (profile != known.profile).then_some(profile),
        campaign: record.campaign.clone().filter(|_| known.campaign.is_none()),
        source: record.touch.source.clone().filter(|_| known.source.is_none()),
        base_score: record.score.filter(|score| match authority {
            Authority::Crm => *score != known.base_score,
            Authority::Form => known.base_score == 0 && *score != 0,
        }),
        owner: record
            .crm
            .owner
            .clone()
            .filter(|owner| said_anew(CRM_OWNER) && known.owner.as_ref() != Some(owner)),
        stage: record
            .crm
            .stage
            .filter(|stage| said_anew(CRM_STATUS) && may_move(known.stage, *stage))
            .map(|to| StageChange { to, reason: record.crm.reason.clone() }),
        last_activity_at: record.crm.last_activity_at.filter(|_| said_anew(CRM_LAST_ACTIVITY)),
    }
}

/// What a record of a double changes of the lead that it was merged into. Its CRM speaks of a row that ended: of the
/// person it only knows what they did and said, and what is not known of them otherwise.
pub fn merge_double(known: &Lead, record: &LeadRecord) -> Merge {
    let mut new = record.profile.clone();
    let says =
        |field: &str| [CRM_OWNER, CRM_STATUS, CRM_LAST_ACTIVITY].iter().any(|what| remembers(field, what));
    new.fields.retain(|field, _| !says(field));
    let profile = merged_profile(&known.profile, &new, Authority::Form);
    Merge {
        profile: (profile != known.profile).then_some(profile),
        campaign: record.campaign.clone().filter(|_| known.campaign.is_none()),
        source: record.touch.source.clone().filter(|_| known.source.is_none()),
        ..Merge::default()
    }
}

/// Whether a field holds what a CRM said last of `what`, for any of its records.
fn remembers(field: &str, what: &str) -> bool {
    field.strip_prefix(what).is_some_and(|rest| rest.is_empty() || rest.starts_with('#'))
}

/// Whether a CRM's status may move a lead from one stage to another.
///
/// Forward on the way to a customer; out of it by a rejection or loss while somebody works it; and
/// back from rest only when somebody got further with it than we know. It never undoes a won deal, and
/// never rejects what is resting already.
fn may_move(from: Stage, to: Stage) -> bool {
    let (Some(from), to) = (progress(from), progress(to)) else {
        // Resting, ended or given back: only a human's progress brings it back.
        return progress(to) >= progress(Stage::Accepted);
    };
    match to {
        Some(to) => to > from,
        None => from < WON,
    }
}

/// The step of [`Stage::Won`].
const WON: usize = 7;

/// Steps on the way to a customer, from 0; `None` off the way.
fn progress(stage: Stage) -> Option<usize> {
    match stage {
        Stage::New => Some(0),
        Stage::Nurturing => Some(1),
        Stage::Qualified => Some(2),
        Stage::HandedOff => Some(3),
        Stage::Accepted => Some(4),
        Stage::Contacted => Some(5),
        Stage::Opportunity => Some(6),
        Stage::Won => Some(WON),
        Stage::Lost | Stage::Rejected | Stage::Resting | Stage::Disqualified => None,
    }
}

fn merged_profile(known: &Profile, new: &Profile, authority: Authority) -> Profile {
    let pick = |known: &Option<String>, new: &Option<String>| {
        match authority {
            Authority::Crm => new.as_ref().or(known.as_ref()),
            Authority::Form => known.as_ref().or(new.as_ref()),
        }
        .cloned()
    };
    Profile {
        first_name: pick(&known.first_name, &new.first_name),
        last_name: pick(&known.last_name, &new.last_name),
        company: pick(&known.company, &new.company),
        title: pick(&known.title, &new.title),
        phone: pick(&known.phone, &new.phone),
        country: pick(&known.country, &new.country),
        zone: pick(&known.zone, &new.zone),
        language: pick(&known.language, &new.language),
        fields: merged_fields(&known.fields, &new.fields, authority),
    }
}

fn merged_fields(
    known: &BTreeMap<String, String>,
    new: &BTreeMap<String, String>,
    authority: Authority,
) -> BTreeMap<String, String> {
    let mut fields = known.clone();
    let mut size: usize = fields.iter().map(|(name, value)| name.len() + value.len()).sum();
    for (name, value) in new {
        // What a CRM said last is remembered whoever brings it, or it would be news every day.
        let remembered = [CRM_OWNER, CRM_STATUS, CRM_LAST_ACTIVITY].iter().any(|what| remembers(name, what));
        let counts = if fields.contains_key(name) {
            authority == Authority::Crm || remembered
        } else {
            // Whoever posts a public form again and again must not fill the store, nor make each look at the lead
            // slow. Who said no is not forgotten for it.
            let has_room = fields.len() < MAX_FIELDS && size + name.len() + value.len() <= MAX_SIZE;
            has_room || is_for_a_crm_to_say(name)
        };
        if counts {
            size += name.len() + value.len();
            fields.insert(name.clone(), value.clone());
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Owners, RawLead, normalise};
    use super::*;
    use crate::domain::ids::LeadId;

    fn now() -> Timestamp {
        "2026-03-10T12:00:00Z".parse().expect("an instant")
    }

    fn record(raw: RawLead) -> LeadRecord {
        let raw = RawLead { email: Some("jane@firm.example".into()), ..raw };
        normalise(raw, &Owners::default(), now()).expect("it has an address").0
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    /// The lead as it is stored when the record is its first.
    fn lead(record: &LeadRecord) -> Lead {
        Lead {
            id: LeadId(1),
            profile: record.profile.clone(),
            campaign: record.campaign.clone(),
            source: record.touch.source.clone(),
            stage: record.crm.stage.unwrap_or(Stage::Nurturing),
            base_score: record.score.unwrap_or(0),
            owner: record.crm.owner.clone(),
            ..Lead::new(record.email.clone(), now())
        }
    }

    fn hubspot(status: &str, owner: &str) -> RawLead {
        RawLead { origin: Origin::HubSpot, status: some(status), owner: some(owner), ..RawLead::default() }
    }

    #[test]
    fn gaps_are_filled_and_only_a_crm_corrects() {
        let known = lead(&record(RawLead { title: some("Buyer"), ..RawLead::default() }));
        let new = record(RawLead { title: some("CEO"), company: some("Firm"), ..RawLead::default() });
        let title = |authority| {
            let profile = merge(&known, &new, authority).profile.expect("the company is new");
            assert_eq!(profile.company, some("Firm"));
            profile.title
        };
        assert_eq!(title(Authority::Form), some("Buyer"));
        assert_eq!(title(Authority::Crm), some("CEO"));
    }

    #[test]
    fn a_blank_never_erases() {
        let known = lead(&record(RawLead {
            title: some("CEO"),
            fields: vec![("note".into(), "likes tea".into())],
            ..hubspot("CONNECTED", "rep1@ours.example")
        }));
        let blank = record(RawLead { origin: Origin::HubSpot, ..RawLead::default() });
        assert!(merge(&known, &blank, Authority::Crm).is_empty());
    }

    #[test]
    fn a_lead_does_not_grow_without_end_and_a_refusal_finds_room() {
        let with = |names: std::ops::Range<usize>| {
            let fields = names.map(|n| (format!("field {n}"), "x".to_owned())).collect();
            record(RawLead { fields, ..RawLead::default() })
        };
        let mut known = lead(&with(0..MAX_FIELDS - 10));
        let more = with(MAX_FIELDS - 20..MAX_FIELDS * 2 - 20);
        known.profile = merge(&known, &more, Authority::Form).profile.expect("ten are new");
        assert_eq!(known.profile.fields.len(), MAX_FIELDS);
        for authority in [Authority::Form, Authority::Crm] {
            assert!(merge(&known, &more, authority).is_empty(), "{authority:?}");
        }
        // A few long texts fill it, too.
        let long = |n: usize| (format!("field {n}"), "x".repeat(8_000));
        let mut known = lead(&record(RawLead::default()));
        for n in 0..60 {
            let more = record(RawLead { fields: vec![long(n)], ..RawLead::default() });
            known.profile = merge(&known, &more, Authority::Form).profile.unwrap_or(known.profile);
        }
        assert_eq!(known.profile.fields.len(), MAX_SIZE / 8_008);
        let refusal = record(RawLead { do_not_call: some("yes"), ..RawLead::default() });
        let profile = merge(&known, &refusal, Authority::Form).profile.expect("it says no");
        assert_eq!(profile.fields["do_not_call"], "true");
    }

    #[test]
    fn the_first_source_and_campaign_stay() {
        let known = lead(&record(RawLead {
            source: some("google"),
            campaign: some("demo-request"),
            ..RawLead::default()
        }));
        let new =
            record(RawLead { source: some("linkedin"), campaign: some("webinar"), ..RawLead::default() });
        let merged = merge(&known, &new, Authority::Crm);
        assert_eq!((merged.source, merged.campaign), (None, None));
        let bare = lead(&record(RawLead::default()));
        let merged = merge(&bare, &new, Authority::Form);
        assert_eq!((merged.source, merged.campaign), (some("linkedin"), some("webinar")));
    }

    #[test]
    fn what_a_crm_repeats_does_not_undo_what_happened_since() {
        let export = record(hubspot("UNQUALIFIED", "rep1@ours.example"));
        let mut known = lead(&export);
        known.owner = "rep2@ours.example".parse().ok();
        known.stage = Stage::Nurturing;
        assert!(merge(&known, &export, Authority::Crm).is_empty());

        let changed = record(hubspot("CONNECTED", "rep3@ours.example"));
        let merged = merge(&known, &changed, Authority::Crm);
        assert_eq!(merged.stage.map(|change| change.to), Some(Stage::Contacted));
        assert_eq!(merged.owner, "rep3@ours.example".parse().ok());
    }

    #[test]
    fn two_records_of_one_person_in_a_crm_do_not_pass_the_lead_to_and_fro() {
        let of = |id, owner| record(RawLead { record_id: some(id), ..hubspot("CONNECTED", owner) });
        let (one, two) = (of("1", "rep1@ours.example"), of("2", "rep2@ours.example"));
        let mut known = lead(&one);
        let first_day = merge(&known, &two, Authority::Crm);
        assert_eq!(first_day.owner, two.crm.owner);
        known.owner = first_day.owner;
        known.profile = first_day.profile.expect("the second record is remembered");
        for record in [&one, &two, &one] {
            assert!(merge(&known, record, Authority::Crm).is_empty());
        }
    }

    #[test]
    fn a_status_moves_a_lead_on_and_brings_it_back_only_by_a_humans_progress() {
        use Stage::*;
        for (from, to, moves) in [
            (Nurturing, Contacted, true),
            (HandedOff, Accepted, true),
            (Contacted, Accepted, false),
            (Contacted, Rejected, true),
            (Opportunity, Won, true),
            (Won, Rejected, false),
            (Won, Opportunity, false),
            (Resting, Rejected, false),
            (Resting, Contacted, true),
            (Disqualified, Opportunity, true),
            (Rejected, Nurturing, false),
            (Lost, Won, true),
        ] {
            assert_eq!(may_move(from, to), moves, "{from} to {to}");
        }
    }

    fn records() -> impl Strategy<Value = LeadRecord> {
        let text = || proptest::option::of("[A-C]{1,2}");
        let state = (text(), proptest::option::of("NEW|CONNECTED|UNQUALIFIED"), text(), text(), text());
        (state, proptest::option::of("rep[12]@ours.example"), proptest::option::of("[0-9]{1,2}")).prop_map(
            |((title, status, company, source, campaign), owner, score)| {
                record(RawLead {
                    origin: Origin::HubSpot,
                    title,
                    status,
                    company,
                    source,
                    campaign,
                    owner,
                    score,
                    ..RawLead::default()
                })
            },
        )
    }

    proptest! {
        #[test]
        fn taking_in_the_same_record_again_changes_nothing(
            first in records(), second in records(), crm in any::<bool>()
        ) {
            let authority = if crm { Authority::Crm } else { Authority::Form };
            let mut known = lead(&first);
            let once = merge(&known, &second, authority);
            known.profile = once.profile.unwrap_or(known.profile);
            known.campaign = once.campaign.or(known.campaign);
            known.source = once.source.or(known.source);
            known.base_score = once.base_score.unwrap_or(known.base_score);
            known.owner = once.owner.or(known.owner);
            known.stage = once.stage.map_or(known.stage, |change| change.to);
            prop_assert!(merge(&known, &second, authority).is_empty());
        }
    }
}
