//! Time zones: the IANA name behind what exports write.
//!
//! Known are IANA names in any case, Windows names (Outlook, Dynamics), the forms of Salesforce
//! (`(GMT+01:00) Central European Standard Time (Europe/Berlin)`) and HubSpot (`europe_slash_berlin`).
//! A bare offset is no zone: it does not say when the clocks change.
//! Names are checked against the zone database compiled in, not the machine's, so that one record is
//! the same lead on every machine.

use std::collections::HashMap;
use std::sync::LazyLock;

use jiff::tz::TimeZoneDatabase;

/// Windows names. The file says where they come from.
const WINDOWS: &str = include_str!("windows_zones.tsv");
/// Longer than any zone's name.
const MAX_NAME: usize = 100;

static DATABASE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// Windows name in lower case → IANA name.
static WINDOWS_ZONES: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    WINDOWS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('\t'))
        .map(|(windows, iana)| (windows.to_lowercase(), iana))
        .collect()
});

/// The IANA name of a zone, in the database's spelling.
///
/// ```
/// let zone = nurtured::domain::zone::name("europe_slash_berlin");
/// assert_eq!(zone.as_deref(), Some("Europe/Berlin"));
/// ```
pub fn name(text: &str) -> Option<String> {
    let text = text.trim();
    if text.is_empty() || text.len() > MAX_NAME {
        return None;
    }
    iana(text)
        .or_else(|| windows(text))
        .or_else(|| iana(in_last_parentheses(text)?))
        .or_else(|| windows(behind_first_parentheses(text)?))
        .or_else(|| iana(&of_hubspot(text)?))
}

/// The database's spelling of a name it knows.
fn iana(text: &str) -> Option<String> {
    // Database entries that are no place's time.
    if ["Factory", "Etc/Unknown", "localtime", "posixrules"].iter().any(|no| no.eq_ignore_ascii_case(text)) {
        return None;
    }
    DATABASE.get(&text.replace(' ', "_")).ok()?.iana_name().map(str::to_owned)
}

fn windows(text: &str) -> Option<String> {
    WINDOWS_ZONES.get(&text.to_lowercase()).map(|&iana| iana.to_owned())
}

/// `Europe/Berlin` of `(GMT+01:00) Central European Standard Time (Europe/Berlin)`.
fn in_last_parentheses(text: &str) -> Option<&str> {
    text.strip_suffix(')')?.rsplit_once('(').map(|(_, inside)| inside.trim())
}

/// `W. Europe Standard Time` of `(UTC+01:00) W. Europe Standard Time`.
fn behind_first_parentheses(text: &str) -> Option<&str> {
    text.strip_prefix('(')?.split_once(')').map(|(_, behind)| behind.trim())
}

/// HubSpot writes the signs of a name as words.
fn of_hubspot(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    text.contains("_slash_").then(|| {
        text.replace("_slash_", "/").replace("_hyphen_", "-").replace("_dash_", "-").replace("_plus_", "+")
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_zone_is_known_in_every_form_that_exports_use() {
        for (text, zone) in [
            ("Europe/Berlin", "Europe/Berlin"),
            (" europe/berlin ", "Europe/Berlin"),
            ("America/New York", "America/New_York"),
            ("UTC", "UTC"),
            ("(GMT+01:00) Central European Standard Time (Europe/Berlin)", "Europe/Berlin"),
            ("(GMT-08:00) Pacific Standard Time (America/Los_Angeles)", "America/Los_Angeles"),
            ("W. Europe Standard Time", "Europe/Berlin"),
            ("(UTC+01:00) W. Europe Standard Time", "Europe/Berlin"),
            ("Central Standard Time (Mexico)", "America/Mexico_City"),
            ("europe_slash_berlin", "Europe/Berlin"),
            ("america_slash_new_york", "America/New_York"),
            ("america_slash_argentina_slash_buenos_aires", "America/Argentina/Buenos_Aires"),
            ("america_slash_port_hyphen_au_hyphen_prince", "America/Port-au-Prince"),
        ] {
            assert_eq!(name(text).as_deref(), Some(zone), "{text}");
        }
    }

    #[test]
    fn an_offset_and_a_made_up_name_are_no_zone() {
        for text in ["", "+01:00", "GMT+1", "Europe/Atlantis", "Factory", "(GMT+01:00)", "()", "_slash_"] {
            assert_eq!(name(text), None, "{text}");
        }
    }

    #[test]
    fn every_zone_of_the_tables_is_in_the_database() {
        for (windows, iana_name) in WINDOWS_ZONES.iter() {
            assert!(iana(iana_name).is_some(), "{windows}");
        }
        let countries = include_str!("country_zones.tsv").lines().filter(|line| !line.starts_with('#'));
        for zone in countries.filter_map(|line| line.split_once('\t')).map(|(_, zone)| zone) {
            assert_eq!(iana(zone).as_deref(), Some(zone));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_zone_or_none_and_a_zone_names_itself(text in ".{0,40}") {
            if let Some(zone) = name(&text) {
                prop_assert_eq!(name(&zone), Some(zone));
            }
        }
    }
}
