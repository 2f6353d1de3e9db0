//! Whether somebody asks not to be rung.
//!
//! Read clause by clause: a word of telephones beside one that says no ("weder per Mail noch telefonisch erreichbar"), or
//! one of emergencies beside one that says only. "Please do not hesitate to call" says the opposite and is no such clause,
//! and neither is what a colleague's number is given for.

const PHONE: [&str; 66] = [
    "phone",
    "telephone",
    "call",
    "calls",
    "calling",
    "ring",
    "ringing",
    "mobile",
    "telefonisch",
    "telefon",
    "telefonischer",
    "anruf",
    "anrufe",
    "anrufen",
    "rufen",
    "handy",
    "téléphone",
    "telephone",
    "téléphonique",
    "appel",
    "appels",
    "appeler",
    "appelez",
    "m'appeler",
    "m'appelez",
    "téléphoner",
    "téléphoniquement",
    "llamadas",
    "llamada",
    "llamar",
    "llame",
    "llames",
    "llamen",
    "teléfono",
    "telefónicamente",
    "telefono",
    "telefonare",
    "telefonarmi",
    "telefonate",
    "telefonicamente",
    "chiamate",
    "chiamare",
    "chiamarmi",
    "telefoon",
    "bellen",
    "bel",
    "telefone",
    "ligar",
    "ligue",
    "chamadas",
    "telefonemas",
    "telefonema",
    "samtal",
    "ringa",
    "telefonen",
    "mobilen",
    "mobiltelefon",
    "cellulare",
    "gsm",
    "natel",
    "telephoned",
    "phoned",
    "combox",
    "móvil",
    "telemóvel",
    "celular",
];

const NO: [&str; 52] = [
    "not",
    "no",
    "never",
    "cannot",
    "can't",
    "don't",
    "won't",
    "isn't",
    "without",
    "nicht",
    "keine",
    "kein",
    "keinen",
    "weder",
    "noch",
    "pas",
    "aucun",
    "aucune",
    "jamais",
    "ni",
    "ne",
    "non",
    "nessun",
    "nessuna",
    "niente",
    "niet",
    "geen",
    "não",
    "nem",
    "sem",
    "inte",
    "inga",
    "ej",
    "ingen",
    "off",
    "refrain",
    "avoid",
    "abzusehen",
    "verzichten",
    "unreachable",
    "injoignable",
    "ohne",
    "sin",
    "rather",
    "aus",
    "coupé",
    "éteint",
    "spento",
    "apagado",
    "desligado",
    "uit",
    "unattended",
];

const EMERGENCY: [&str; 22] = [
    "emergency",
    "emergencies",
    "notfall",
    "notfälle",
    "notfällen",
    "notfalls",
    "urgence",
    "urgences",
    "emergencia",
    "emergencias",
    "urgencia",
    "urgencias",
    "emergenza",
    "emergenze",
    "nood",
    "noodgeval",
    "noodgevallen",
    "emergência",
    "emergências",
    "nödfall",
    "urgente",
    "nödsituation",
];

const ONLY: [&str; 20] = [
    "only",
    "nur",
    "ausschließlich",
    "ausschliesslich",
    "uniquement",
    "seulement",
    "exclusivement",
    "que",
    "solo",
    "sólo",
    "solamente",
    "únicamente",
    "soltanto",
    "alleen",
    "uitsluitend",
    "apenas",
    "só",
    "somente",
    "endast",
    "bara",
];

/// With one of these a clause says something else.
const OTHERWISE: [&str; 27] = [
    "hesitate",
    "zögern",
    "hésitez",
    "hésiter",
    "dude",
    "duden",
    "esiti",
    "esitare",
    "aarzel",
    "aarzelen",
    "hesite",
    "hesitar",
    "tveka",
    "if",
    "colleague",
    "kollege",
    "kollegin",
    "collègue",
    "colega",
    "collega",
    "kollega",
    "invoice",
    "wait",
    "urgent",
    "dringend",
    "urgentes",
    "back",
];

/// How far apart the two words may stand.
const NEAR: usize = 6;

/// The clause that asks not to ring, in lower case.
pub(super) fn asks_not_to_ring(text: &str) -> Option<String> {
    text.split(['.', '!', '?', ';', ',', '(', ')', ':']).find_map(|clause| {
        let words: Vec<&str> = clause
            .split(|c: char| !(c.is_alphanumeric() || c == '\''))
            .map(without_article)
            .filter(|word| !word.is_empty())
            .collect();
        let at = |list: &[&str]| {
            words
                .iter()
                .enumerate()
                .filter(|(_, word)| list.contains(word))
                .map(|(at, _)| at)
                .collect::<Vec<_>>()
        };
        let near =
            |one: &[usize], other: &[usize]| one.iter().any(|a| other.iter().any(|b| a.abs_diff(*b) <= NEAR));
        let phones = at(&PHONE);
        let refrains = clause.contains("von anrufen") || clause.contains("text only");
        let says_no = refrains || near(&phones, &at(&NO)) && at(&OTHERWISE).is_empty();
        let (only, emergency) = (at(&ONLY), at(&EMERGENCY));
        let only_then = only
            .iter()
            .any(|only| emergency.iter().any(|emergency| emergency > only && emergency - only <= 4))
            && words.len() < 20;
        (says_no || only_then).then(|| clause.trim().chars().take(120).collect())
    })
}

/// "D'urgence" without what is joined to it.
fn without_article(word: &str) -> &str {
    word.split_once('\'').filter(|(article, _)| article.len() == 1).map_or(word, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::asks_not_to_ring;

    #[test]
    fn who_asks_not_to_be_rung_is_understood() {
        for text in [
            "please do not call me.",
            "i don't take calls on leave.",
            "my phone is off, so please don't ring.",
            "telefonisch bin ich nur in notfällen zu erreichen.",
            "bis zum 12.03. weder per mail noch telefonisch erreichbar.",
            "ik ben telefonisch niet bereikbaar.",
            "no atiendo llamadas.",
            "jag går inte att nå på telefon.",
            "vi chiedo di non telefonarmi.",
            "je n'aurai pas accès à mon téléphone.",
            "anrufe bitte ausschließlich im notfall.",
        ] {
            assert!(asks_not_to_ring(text).is_some(), "{text}");
        }
        for text in [
            "please do not hesitate to call.",
            "i am not in the office. call +49 30 901820.",
            "for urgent matters call my colleague.",
            "phone: +44 20 7946 0958",
            "zögern sie nicht, anzurufen.",
            "",
        ] {
            assert!(asks_not_to_ring(text).is_none(), "{text}");
        }
    }
}
