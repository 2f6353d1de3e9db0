//! What a CRM's status means in the words of the agreement, where it clearly means one stage.
//!
//! "New", "Open", "Qualified" and "Marketing qualified lead" are left out on purpose: they say that
//! nothing has happened yet, or what the CRM thinks of the lead, and whether a lead is ready is decided
//! by the agreement. A rep's try to reach the lead means that the rep took it.

use super::Origin;
use crate::domain::lead::Stage;
use crate::domain::spelling::folded;

/// The stage and, where the status says so, the reason by its built-in name.
pub type Meaning = (Stage, Option<&'static str>);

/// HubSpot `hs_lead_status`, by value and by label (both fold to the same).
const HUBSPOT_LEAD_STATUS: &[(&str, Meaning)] = &[
    ("inprogress", (Stage::Accepted, None)),
    ("attemptedtocontact", (Stage::Accepted, None)),
    ("connected", (Stage::Contacted, None)),
    ("opendeal", (Stage::Opportunity, None)),
    ("unqualified", (Stage::Rejected, Some("bad-fit"))),
    ("badtiming", (Stage::Rejected, Some("not-ready"))),
];

/// HubSpot `lifecyclestage`.
const HUBSPOT_LIFECYCLE: &[(&str, Meaning)] = &[
    ("opportunity", (Stage::Opportunity, None)),
    ("customer", (Stage::Won, None)),
    ("evangelist", (Stage::Won, None)),
];

/// Salesforce lead `Status`: the values of a new organisation and those that most add.
const SALESFORCE_STATUS: &[(&str, Meaning)] = &[
    ("working", (Stage::Accepted, None)),
    ("workingcontacted", (Stage::Contacted, None)),
    ("contacted", (Stage::Contacted, None)),
    ("closedconverted", (Stage::Opportunity, None)),
    ("converted", (Stage::Opportunity, None)),
    ("closednotconverted", (Stage::Rejected, None)),
    ("unqualified", (Stage::Rejected, Some("bad-fit"))),
];

/// What the columns of one row say together.
///
/// A customer is a customer whatever else is written; then the lead status, which reps set by hand;
/// then the life cycle, which HubSpot moves by itself.
pub fn meaning(
    origin: Origin,
    status: Option<&str>,
    lifecycle: Option<&str>,
    converted: bool,
) -> Option<Meaning> {
    let by_lifecycle = lifecycle.and_then(|text| find(HUBSPOT_LIFECYCLE, text));
    if let Some((Stage::Won, _)) = by_lifecycle {
        return by_lifecycle;
    }
    if converted {
        return Some((Stage::Opportunity, None));
    }
    status.and_then(|text| of_status(origin, text)).or(by_lifecycle)
}

fn of_status(origin: Origin, text: &str) -> Option<Meaning> {
    match origin {
        Origin::HubSpot => find(HUBSPOT_LEAD_STATUS, text),
        Origin::Salesforce => find(SALESFORCE_STATUS, text),
        Origin::Mautic | Origin::Plain => own_name(text)
            .or_else(|| find(HUBSPOT_LEAD_STATUS, text))
            .or_else(|| find(SALESFORCE_STATUS, text)),
    }
}

/// A stage by its own name, in any case and with any separator.
fn own_name(text: &str) -> Option<Meaning> {
    let folded = folded(text);
    let stage = Stage::ALL.into_iter().find(|stage| stage.name().replace('_', "") == folded)?;
    (stage != Stage::New).then_some((stage, None))
}

fn find(table: &[(&str, Meaning)], text: &str) -> Option<Meaning> {
    let folded = folded(text);
    table.iter().find(|(name, _)| *name == folded).map(|(_, meaning)| *meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_means_a_stage_only_where_it_clearly_does() {
        use Origin::*;
        for (origin, status, expected) in [
            (HubSpot, "NEW", None),
            (HubSpot, "OPEN", None),
            (HubSpot, "IN_PROGRESS", Some(Stage::Accepted)),
            (HubSpot, "In Progress", Some(Stage::Accepted)),
            (HubSpot, "OPEN_DEAL", Some(Stage::Opportunity)),
            (HubSpot, "UNQUALIFIED", Some(Stage::Rejected)),
            (HubSpot, "ATTEMPTED_TO_CONTACT", Some(Stage::Accepted)),
            (HubSpot, "CONNECTED", Some(Stage::Contacted)),
            (HubSpot, "BAD_TIMING", Some(Stage::Rejected)),
            (Salesforce, "Open - Not Contacted", None),
            (Salesforce, "Working - Contacted", Some(Stage::Contacted)),
            (Salesforce, "Closed - Converted", Some(Stage::Opportunity)),
            (Salesforce, "Closed - Not Converted", Some(Stage::Rejected)),
            (Salesforce, "Nurturing", None),
            (Plain, "handed off", Some(Stage::HandedOff)),
            (Plain, "new", None),
            (Plain, "Working - Contacted", Some(Stage::Contacted)),
            (Mautic, "whatever they call it", None),
        ] {
            let stage = meaning(origin, Some(status), None, false).map(|(stage, _)| stage);
            assert_eq!(stage, expected, "{origin:?} {status}");
        }
    }

    #[test]
    fn a_customer_stays_one_and_the_reps_word_goes_before_the_life_cycle() {
        let stage = |status, lifecycle| meaning(Origin::HubSpot, status, lifecycle, false);
        assert_eq!(stage(Some("UNQUALIFIED"), Some("customer")), Some((Stage::Won, None)));
        assert_eq!(
            stage(Some("BAD_TIMING"), Some("opportunity")),
            Some((Stage::Rejected, Some("not-ready")))
        );
        assert_eq!(stage(Some("OPEN"), Some("Opportunity")), Some((Stage::Opportunity, None)));
        assert_eq!(stage(None, Some("marketingqualifiedlead")), None);
    }
}
