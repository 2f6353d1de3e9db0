//! The headers that are known, folded as [`super::columns`] compares them: HubSpot's contact properties by
//! label and by internal name, Salesforce's lead fields by label and by API name, Mautic's contact fields
//! by alias and by label, and the usual headers of lists in English, German, French, Spanish, Italian.

use super::columns::{Meaning, Value};
use crate::domain::intake::Origin;

/// Headers of values, folded, with a space between, the better claim first.
pub const VALUES: &[(Value, &str)] = &[
    (Value::RecordId, "recordid hsobjectid contactid leadid id"),
    (
        Value::Email,
        "email emailaddress primaryemail workemail businessemail companyemail mail emailadresse \
         mailadresse contactemail leademail courriel adressemail adresseemail correo \
         correoelectronico indirizzoemail personalemail",
    ),
    (Value::FirstName, "firstname givenname forename vorname prenom nombre voornaam imie"),
    (
        Value::LastName,
        "lastname surname familyname nachname familienname nom apellido apellidos cognome achternaam \
         nazwisko",
    ),
    (Value::FullName, "fullname name contactname leadname nomcomplet nombrecompleto"),
    (
        Value::Company,
        "company companyname companyaccount organisation organization organizationname accountname \
         account employer associatedcompany primaryassociatedcompany associatedcompanyprimary \
         primarycompany firma firmenname unternehmen entreprise societe empresa azienda bedrijf",
    ),
    (Value::Title, "jobtitle position title role jobposition funktion berufsbezeichnung poste cargo"),
    (
        Value::Phone,
        "phone phonenumber telephone telefon telefonnummer workphone businessphone tel mobile \
         mobilephone mobilephonenumber mobilenumber cellphone handy mobil telefono",
    ),
    (
        Value::Country,
        "country countrycode countryregion countryregioncode hscountryregioncode countrytextonly \
         mailingcountry land pays pais paese ipcountrycode hsipcountrycode ipcountry",
    ),
    (Value::Zone, "timezone hstimezone zone tz zeitzone timezonesidkey iptimezone hsiptimezone"),
    (
        Value::Language,
        "language preferredlanguage hslanguage preferredlocale locale lang sprache langue idioma",
    ),
    (
        Value::Campaign,
        "campaign campaignname primarycampaign primarycampaignsource campaignid kampagne campagne \
         campana",
    ),
    (Value::Score, "score leadscore hubspotscore points punkte"),
    (
        Value::CreatedAt,
        "createdate createddate createdat created createdtime dateadded datecreated dateidentified \
         erstelltam",
    ),
    (
        Value::TouchedAt,
        "timefirstseen hsanalyticsfirsttimestamp submittedat submissiondate submittedon touchedat \
         conversiondate timestamp occurredat",
    ),
    (
        Value::Source,
        "utmsource source leadsource originalsource originalsourcetype originaltrafficsource \
         hsanalyticssource quelle herkunft origine fuente",
    ),
    (
        Value::SourceDetail1,
        "originalsourcedrilldown1 originaltrafficsourcedrilldown1 originalsourcedata1 \
         hsanalyticssourcedata1",
    ),
    (
        Value::SourceDetail2,
        "originalsourcedrilldown2 originaltrafficsourcedrilldown2 originalsourcedata2 \
         hsanalyticssourcedata2",
    ),
    (Value::Medium, "utmmedium medium"),
    (Value::UtmCampaign, "utmcampaign firsttouchconvertingcampaign hsanalyticsfirsttouchconvertingcampaign"),
    (Value::Term, "utmterm term keyword searchterm"),
    (Value::Content, "utmcontent content"),
    (Value::Ad, "ad adname adtext adheadline adcreative creative adcontext anzeige"),
    (Value::LandingPage, "landingpage landingpageurl firstpageseen hsanalyticsfirsturl entrypage pageurl"),
    (
        Value::Referrer,
        "referrer referer firstreferringsite hsanalyticsfirstreferrer referringsite httpreferrer",
    ),
    (
        Value::Owner,
        "owneremail leadowneremail contactowneremail owner contactowner leadowner hubspotowner \
         ownername ownerusername assignedto salesrep rep accountowner besitzer zustandig \
         hubspotownerid ownerid",
    ),
    (Value::Status, "leadstatus hsleadstatus status stage leadstage contactstatus"),
    (Value::Lifecycle, "lifecyclestage lifecycle"),
    (Value::Converted, "isconverted converted"),
    (
        Value::Reason,
        "rejectionreason unqualifiedreason disqualificationreason disqualifiedreason lostreason \
         closedlostreason lossreason reason ablehnungsgrund",
    ),
    (
        Value::LastActivityAt,
        "lastcontacted noteslastcontacted lastactivitydate lastactivity noteslastupdated \
         lastactivityat",
    ),
    (
        Value::OptedOutOfEmail,
        "emailoptout hasoptedoutofemail unsubscribedfromallemail hsemailoptout optedoutofemail \
         unsubscribed abgemeldet",
    ),
    (Value::DoNotCall, "donotcall dnc"),
];

/// Headers of times at which a person did something, and what it was.
pub const ACTIVITIES: &[(&str, Meaning)] = &[
    ("timelastseen", Meaning::ActivityOf("site_visit")),
    ("hsanalyticslasttimestamp", Meaning::ActivityOf("site_visit")),
    ("lastmarketingemailopendate", Meaning::ActivityOf("email_opened")),
    ("hsemaillastopendate", Meaning::ActivityOf("email_opened")),
    ("lastmarketingemailclickdate", Meaning::ActivityOf("email_clicked")),
    ("hsemaillastclickdate", Meaning::ActivityOf("email_clicked")),
    ("recentconversion", Meaning::ActivityName),
    ("recentconversioneventname", Meaning::ActivityName),
    ("recentconversiondate", Meaning::ActivityTime),
    ("activity", Meaning::ActivityName),
    ("activityname", Meaning::ActivityName),
    ("activityat", Meaning::ActivityTime),
    ("activitydate", Meaning::ActivityTime),
    ("rejectedline", Meaning::Ignored),
    ("rejectedreason", Meaning::Ignored),
];

/// Mautic uses some words otherwise: its `title` is the salutation, and `last_active` is when the
/// contact, not a rep, was last seen.
pub const MAUTIC: &[(&str, Meaning)] = &[
    ("title", Meaning::Field),
    ("lastactive", Meaning::ActivityOf("site_visit")),
    ("datelastactive", Meaning::ActivityOf("site_visit")),
];

/// Headers by which an export is known: those that nobody else has, and those that only go with them.
pub const SIGNS: &[(Origin, &str, &str)] = &[
    (
        Origin::HubSpot,
        "contactowner hubspotownerid hubspotowner lifecyclestage hsleadstatus hsobjectid \
         marketingcontactstatus associatedcompany hubspotscore hsanalyticssource originalsource \
         originalsourcedrilldown1",
        "recordid leadstatus createdate",
    ),
    (
        Origin::Salesforce,
        "leadowner leadowneremail companyaccount isconverted hasoptedoutofemail emailoptout \
         isunreadbyowner",
        "leadid ownerid leadsource leadstatus createddate lastactivity",
    ),
    (
        Origin::Mautic,
        "preferredlocale attributiondate lastactive datelastactive dateidentified ownerusername",
        "points position",
    ),
];
