//! A lead as it comes, before anything of it is checked.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What kind of system a record comes from: it decides what a status means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// A HubSpot contact export.
    HubSpot,
    /// A Salesforce lead report or data export.
    Salesforce,
    /// A Mautic contact export.
    Mautic,
    /// A form, a list, a command line.
    #[default]
    Plain,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Origin::HubSpot => "HubSpot",
            Origin::Salesforce => "Salesforce",
            Origin::Mautic => "Mautic",
            Origin::Plain => "plain",
        })
    }
}

/// A lead as somebody wrote it down. Blank texts count as absent.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct RawLead {
    /// Decides what `status` means.
    pub origin: Origin,
    /// The source's own number of the record.
    pub record_id: Option<String>,
    /// `jane@firm.example`, also `Jane Doe <jane@firm.example>` and `mailto:jane@firm.example`.
    pub email: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Both, as `Jane Doe` or `Doe, Jane`; used for what the two above leave open.
    pub full_name: Option<String>,
    /// The company's name.
    pub company: Option<String>,
    /// Job title.
    pub title: Option<String>,
    /// With or without country prefix.
    pub phone: Option<String>,
    /// Code or name, see [`country::code`](crate::domain::country::code).
    pub country: Option<String>,
    /// See [`zone::name`](crate::domain::zone::name).
    pub zone: Option<String>,
    /// `de`, `de_CH`, `German`.
    pub language: Option<String>,
    /// The agreement's campaign.
    pub campaign: Option<String>,
    /// A whole number; a fraction is cut off.
    pub score: Option<String>,
    /// When the lead was created at its source.
    pub created_at: Option<String>,
    /// When the touch happened; the creation stands in for it.
    pub touched_at: Option<String>,
    /// `utm_source`, or the export's lead source.
    pub source: Option<String>,
    /// HubSpot's "Original Source Drill-Down 1".
    pub source_detail_1: Option<String>,
    /// HubSpot's "Original Source Drill-Down 2".
    pub source_detail_2: Option<String>,
    /// `utm_medium`.
    pub medium: Option<String>,
    /// `utm_campaign`; the campaign stands in for it.
    pub utm_campaign: Option<String>,
    /// `utm_term`.
    pub term: Option<String>,
    /// `utm_content`.
    pub content: Option<String>,
    /// What the ad said or promised.
    pub ad: Option<String>,
    /// The page the person arrived on.
    pub landing_page: Option<String>,
    /// The page the person came from.
    pub referrer: Option<String>,
    /// The rep: an address, `Jane Doe (jane@ours.example)`, or a name that [`Owners`](super::Owners) knows.
    pub owner: Option<String>,
    /// The CRM's status.
    pub status: Option<String>,
    /// HubSpot's life-cycle stage.
    pub lifecycle: Option<String>,
    /// Salesforce's "Converted": `1`, `true`, `yes`.
    pub converted: Option<String>,
    /// Why it was rejected or lost.
    pub reason: Option<String>,
    /// When a human of ours last did something with the lead.
    pub last_activity_at: Option<String>,
    /// The person wants no marketing mail: `1`, `true`, `yes`.
    pub opted_out_of_email: Option<String>,
    /// The person must not be called: `1`, `true`, `yes`.
    pub do_not_call: Option<String>,
    /// Name and time of what the person did.
    pub activities: Vec<(String, String)>,
    /// Question and answer.
    pub answers: Vec<(String, String)>,
    /// Everything else, under the name it had.
    pub fields: Vec<(String, String)>,
}
