//! When two spellings are one word: countries, states of a CRM and headers of columns are written with
//! and without accents, spaces, dashes and capitals, and mean the same.

/// Letters and digits only, lower case, without the accents of European languages.
///
/// ```
/// use nurtured::domain::spelling::folded;
/// assert_eq!(folded("Open - Not Contacted"), folded("OPEN_NOT_CONTACTED"));
/// assert_eq!(folded("Prénom"), "prenom");
/// ```
pub fn folded(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).filter(|c| c.is_alphanumeric()).map(unaccented).collect()
}

fn unaccented(c: char) -> char {
    match c {
        'á' | 'à' | 'â' | 'ä' | 'ã' | 'å' => 'a',
        'ç' | 'č' | 'ć' => 'c',
        'é' | 'è' | 'ê' | 'ë' | 'ę' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ł' => 'l',
        'ñ' => 'n',
        'ó' | 'ò' | 'ô' | 'ö' | 'õ' | 'ø' => 'o',
        'ś' | 'š' => 's',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ý' => 'y',
        other => other,
    }
}
