//! Countries: the ISO 3166-1 alpha-2 code behind what people write, and the time they live by.
//!
//! A form says "Germany", "Deutschland", "DEU" or "de"; they are one country. What no table knows is
//! no country: a guess would choose the wrong holidays. Which zone stands for a country with several
//! is decided by `country_zones.tsv`: the one where most of its people live.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::spelling::folded;

/// Names beside the ISO ones. The file says where they come from.
const NAMES: &str = include_str!("country_names.tsv");
/// Countries and their zones. The file says where they come from.
const ZONES: &str = include_str!("country_zones.tsv");

/// Folded name → code.
static CODE_OF_NAME: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    rows(NAMES).flat_map(|(code, names)| names.split('|').map(move |name| (folded(name), code))).collect()
});

/// Code → zone where most people live: the first line of a country counts.
static ZONE_OF_CODE: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
    let mut zones = HashMap::new();
    for (code, zone) in rows(ZONES) {
        zones.entry(code).or_insert(zone);
    }
    zones
});

/// Zone → code.
static CODE_OF_ZONE: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
    let mut codes = HashMap::new();
    for (code, zone) in rows(ZONES) {
        codes.entry(zone).or_insert(code);
    }
    codes
});

/// The alpha-2 code, upper case, of a country named in any of the ways the tables know: alpha-2,
/// alpha-3, the English name, common names in other languages.
///
/// ```
/// assert_eq!(nurtured::domain::country::code("Deutschland"), Some("DE"));
/// assert_eq!(nurtured::domain::country::code("Atlantis"), None);
/// ```
pub fn code(text: &str) -> Option<&'static str> {
    let name = folded(text);
    code_of_folded(&name).or_else(|| code_of_folded(name.strip_prefix("the")?))
}

fn code_of_folded(name: &str) -> Option<&'static str> {
    if let Some(code) = CODE_OF_NAME.get(name) {
        return Some(code);
    }
    let iso = match name.len() {
        0 | 1 => return None,
        2 => celes::Country::from_alpha2(name),
        3 => celes::Country::from_alpha3(name),
        _ => celes::Country::from_name(name)
            .or_else(|_| celes::Country::from_alias(name))
            .or_else(|_| celes::Country::from_name(format!("the{name}"))),
    };
    iso.ok().map(|country| country.alpha2)
}

/// The IANA zone where most people of the country live; `code` as [`code`] gives it.
pub fn default_zone(code: &str) -> Option<&'static str> {
    ZONE_OF_CODE.get(code).copied()
}

/// The country of an IANA zone in the spelling of the zone database; `None` for `Etc/UTC` and old names.
pub fn of_zone(zone: &str) -> Option<&'static str> {
    CODE_OF_ZONE.get(zone).copied()
}

/// The lines of a table that are no comments: what stands before and behind the tab.
fn rows(table: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    table.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('\t'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_country_is_known_by_code_and_by_name_in_several_languages() {
        for (text, expected) in [
            ("DE", "DE"),
            ("de", "DE"),
            (" deu ", "DE"),
            ("Germany", "DE"),
            ("DEUTSCHLAND", "DE"),
            ("Allemagne", "DE"),
            ("UK", "GB"),
            ("U.K.", "GB"),
            ("United Kingdom", "GB"),
            ("England", "GB"),
            ("USA", "US"),
            ("U.S.", "US"),
            ("United States of America", "US"),
            ("The United States", "US"),
            ("États-Unis", "US"),
            ("etats unis", "US"),
            ("Österreich", "AT"),
            ("Oesterreich", "AT"),
            ("Czech Republic", "CZ"),
            ("Czechia", "CZ"),
            ("Côte d’Ivoire", "CI"),
            ("Korea, Republic of", "KR"),
            ("South Korea", "KR"),
            ("Samoa", "WS"),
            ("American Samoa", "AS"),
            ("Niger", "NE"),
            ("Nigeria", "NG"),
            ("The Netherlands", "NL"),
            ("Russian Federation", "RU"),
            ("Taiwan", "TW"),
            ("Kosovo", "XK"),
            ("日本", "JP"),
        ] {
            assert_eq!(code(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_no_table_knows_is_no_country() {
        for text in ["", " ", "-", "Atlantis", "EU", "Europe", "D", "ZZ", "XXX", "1"] {
            assert_eq!(code(text), None, "{text}");
        }
    }

    #[test]
    fn a_country_with_several_zones_has_the_one_where_most_people_live() {
        for (country, zone) in [
            ("US", "America/New_York"),
            ("AU", "Australia/Sydney"),
            ("BR", "America/Sao_Paulo"),
            ("RU", "Europe/Moscow"),
            ("CA", "America/Toronto"),
            ("MX", "America/Mexico_City"),
            ("ES", "Europe/Madrid"),
            ("PT", "Europe/Lisbon"),
            ("ID", "Asia/Jakarta"),
            ("UA", "Europe/Kyiv"),
            ("KZ", "Asia/Almaty"),
            ("CN", "Asia/Shanghai"),
            ("DE", "Europe/Berlin"),
        ] {
            assert_eq!(default_zone(country), Some(zone), "{country}");
        }
        assert_eq!(of_zone("America/Los_Angeles"), Some("US"));
        assert_eq!(of_zone("Etc/UTC"), None);
    }

    #[test]
    fn every_name_in_the_table_is_found_and_means_one_country() {
        for (expected, names) in rows(NAMES) {
            for name in names.split('|') {
                assert_eq!(code(name), Some(expected), "{name}");
            }
        }
    }

    #[test]
    fn every_iso_country_has_a_zone_or_nobody_lives_there() {
        let without: Vec<_> = celes::Country::get_countries()
            .into_iter()
            .filter(|country| default_zone(country.alpha2).is_none())
            .map(|country| country.alpha2)
            .collect();
        // Bouvet Island, Heard Island and McDonald Islands.
        assert_eq!(without, ["BV", "HM"]);
    }

    proptest! {
        #[test]
        fn any_text_gives_a_code_of_two_capitals_or_none(text in ".{0,30}") {
            if let Some(code) = code(&text) {
                prop_assert!(code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()));
            }
        }
    }
}
