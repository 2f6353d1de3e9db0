//! What somebody wrote themselves, without what they quote and without their signature.

/// The longest text that is kept of what a person wrote, in characters.
const MOST_TEXT: usize = 4_000;

/// How many lines an attribution may be broken into.
const ATTRIBUTION_LINES: usize = 3;

/// What stands above the mail that is quoted, and between its lines, without the signature.
pub fn own_words(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let mut own = String::new();
    for (at, line) in lines.iter().enumerate() {
        let line = line.trim_start_matches('\u{feff}');
        if line == "--" || begins_quote(&lines[at..]) {
            break;
        }
        if line.starts_with('>') || is_of_a_phone(line) {
            continue;
        }
        if own.len() > 4 * MOST_TEXT {
            break;
        }
        own.push_str(line);
        own.push('\n');
    }
    own.trim().chars().filter(|c| !c.is_control() || *c == '\n').take(MOST_TEXT).collect()
}

/// "Sent from my iPhone": the phone says so.
fn is_of_a_phone(line: &str) -> bool {
    const STARTS: [&str; 16] = [
        "sent from my",
        "sent from mail for",
        "sent from outlook",
        "get outlook for",
        "von meinem",
        "gesendet von meinem",
        "gesendet mit",
        "envoyé de mon",
        "envoyé depuis",
        "enviado desde mi",
        "enviado do meu",
        "inviato da",
        "verzonden vanaf",
        "verstuurd vanaf",
        "skickat från",
        "sent via",
    ];
    let lower = line.trim().to_lowercase();
    lower.len() < 60 && STARTS.iter().any(|start| lower.starts_with(start))
}

/// Whether mail programs begin what they quote with such lines.
fn begins_quote(lines: &[&str]) -> bool {
    let line = lines[0].trim();
    if line.starts_with("________________") {
        return true;
    }
    if line.starts_with("-----") || line.starts_with("---- ") {
        let lower = line.to_lowercase();
        const ORIGINALS: [&str; 14] = [
            "original message",
            "original appointment",
            "ursprüngliche nachricht",
            "message d'origine",
            "message original",
            "mensaje original",
            "messaggio originale",
            "oorspronkelijk bericht",
            "mensagem original",
            "ursprungligt meddelande",
            "forwarded message",
            "weitergeleitete nachricht",
            "message transféré",
            "originalnachricht",
        ];
        return ORIGINALS.iter().any(|original| lower.contains(original));
    }
    is_attribution(lines) || is_header_block(lines)
}

/// "On Tue, 3 Mar 2026 at 10:00, Ours <a@b.example> wrote:", in one line or in several.
fn is_attribution(lines: &[&str]) -> bool {
    const STARTS: [&str; 17] = [
        "On ", "Am ", "Le ", "El ", "Il ", "Op ", "Em ", "Den ", "A ", "W dniu ", "Dne ", "På ", "Vào ",
        "Mon, ", "Den ", "Von ", "From ",
    ];
    const ENDS: [&str; 13] = [
        "wrote:",
        "schrieb:",
        "écrit :",
        "écrit:",
        "escribió:",
        "scritto:",
        "schreef:",
        "escreveu:",
        "skrev:",
        "napisał(a):",
        "geschrieben:",
        "ha scritto:",
        "writes:",
    ];
    let first = lines[0].trim();
    let begins = STARTS.iter().any(|start| first.starts_with(start))
        || first.starts_with(|c: char| c.is_ascii_digit());
    let mut joined = String::new();
    for line in lines.iter().take(ATTRIBUTION_LINES) {
        if line.trim().is_empty() {
            break;
        }
        joined.push_str(line.trim());
        let ends = ENDS.iter().any(|end| joined.ends_with(end));
        let names_address = joined.ends_with(':') && joined.contains('@');
        // "Am 3.3.2026 schrieb a@b.example:" ends with the address.
        if begins
            && joined.len() < 400
            && (names_address || (ends && joined.chars().any(|c| c.is_ascii_digit())))
        {
            return true;
        }
        joined.push(' ');
    }
    false
}

/// "From: … / Sent: … / To: …", as Outlook puts it above what it quotes.
fn is_header_block(lines: &[&str]) -> bool {
    const FROM: [&str; 8] = ["from:", "von:", "de :", "de:", "da:", "van:", "från:", "*from:*"];
    const NEXT: [&str; 32] = [
        "subject:",
        "betreff:",
        "objet :",
        "objet:",
        "asunto:",
        "oggetto:",
        "onderwerp:",
        "assunto:",
        "ämne:",
        "cc:",
        "sent:",
        "to:",
        "date:",
        "gesendet:",
        "an:",
        "datum:",
        "envoyé :",
        "envoyé:",
        "à :",
        "à:",
        "enviado:",
        "enviado el:",
        "para:",
        "inviato:",
        "a:",
        "verzonden:",
        "aan:",
        "enviada:",
        "skickat:",
        "till:",
        "*sent:*",
        "enviada em:",
    ];
    let starts = |line: &str, list: &[&str]| {
        let lower = line.trim().to_lowercase();
        list.iter().any(|start| lower.starts_with(start))
    };
    starts(lines[0], &FROM) && lines.iter().skip(1).take(4).filter(|line| starts(line, &NEXT)).count() >= 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_and_signed_is_not_what_somebody_says() {
        for (text, own) in [
            ("not now\n\n> accept\n", "not now"),
            ("not now\nOn Tue, 3 Mar 2026, Ours <a@b.example> wrote:\naccept", "not now"),
            ("not now\nOn Tue, 3 Mar 2026 at 10:00, A Long Name\n<a@b.example> wrote:\n\naccept", "not now"),
            ("Ja.\n\nAm 3.3.2026 schrieb a@b.example:\n> x", "Ja."),
            ("Oui.\n\nLe 3 mars 2026 à 10:00, Nous a écrit :\nx", "Oui."),
            ("one\n-----Original Message-----\ntwo", "one"),
            ("one\n\nVon: Wir <a@b.example>\nGesendet: Dienstag, 3. März 2026\nAn: Sie\n\ntwo", "one"),
            ("From: Friday\nTo: Monday\nBack: Tuesday", "From: Friday\nTo: Monday\nBack: Tuesday"),
            ("> question?\nyes\n> another?\nno", "yes\nno"),
            ("> all of it", ""),
            ("On time:\nyes", "On time:\nyes"),
            ("yes\n-- \nRobin", "yes"),
            ("", ""),
        ] {
            assert_eq!(own_words(text), own, "{text}");
        }
        assert_eq!(own_words(&"ä".repeat(9_000)).chars().count(), MOST_TEXT);
    }
}
