//! Languages: the ISO 639-1 code behind what people write.

/// ISO 639-1 codes.
const LANGUAGES: &str = "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee \
    el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki \
    kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc \
    oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr \
    ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu";
/// Names that exports write in place of codes.
const LANGUAGE_NAMES: &[(&str, &str)] = &[
    ("czech", "cs"),
    ("danish", "da"),
    ("deutsch", "de"),
    ("dutch", "nl"),
    ("englisch", "en"),
    ("english", "en"),
    ("español", "es"),
    ("finnish", "fi"),
    ("français", "fr"),
    ("french", "fr"),
    ("german", "de"),
    ("italian", "it"),
    ("italiano", "it"),
    ("japanese", "ja"),
    ("nederlands", "nl"),
    ("norwegian", "no"),
    ("polish", "pl"),
    ("portuguese", "pt"),
    ("português", "pt"),
    ("spanish", "es"),
    ("swedish", "sv"),
];

/// The ISO 639-1 code of `de`, `de-CH`, `de_AT`, `German`, `German (Switzerland)`.
pub fn code(text: &str) -> Option<String> {
    let first = text.to_lowercase();
    let first = first.split([' ', '-', '_', '(', ';', ',']).next()?;
    LANGUAGES
        .split_ascii_whitespace()
        .find(|code| *code == first)
        .or_else(|| LANGUAGE_NAMES.iter().find(|(name, _)| *name == first).map(|(_, code)| *code))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_a_code_whatever_was_written() {
        for (text, expected) in
            [("de", "de"), ("de_CH", "de"), ("EN-us", "en"), ("German", "de"), ("German (Austria)", "de")]
        {
            assert_eq!(code(text).as_deref(), Some(expected));
        }
        assert_eq!(code("xx"), None);
    }
}
