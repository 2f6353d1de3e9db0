//! Somebody asks, in their own words, for no more mail.

use super::facts::{Facts, first_of};
use super::phrases::{UNSUBSCRIBE, UNSUBSCRIBE_ALONE, UNSUBSCRIBE_STEMS};
use super::{Class, Classified};

/// Longer texts say other things as well, and are for a person to read.
const MOST_WORDS: usize = 90;

pub(super) fn classify(facts: &Facts<'_>) -> Option<Classified> {
    let words: Vec<&str> = facts
        .own_lower
        .split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '-')
        .filter(|word| !word.is_empty())
        .collect();
    if words.len() > MOST_WORDS {
        return None;
    }
    let text = format!(" {} ", words.join(" "));
    let found = first_of(&text, &UNSUBSCRIBE)
        .map(str::trim)
        .or_else(|| {
            let polite = [
                "please", "bitte", "thanks", "thank", "you", "danke", "merci", "gracias", "grazie",
                "bedankt", "obrigado", "obrigada", "tack", "stp", "svp", "me", "hi", "hello", "hallo", "hej",
            ];
            let rest: Vec<&str> = words.iter().copied().filter(|word| !polite.contains(word)).collect();
            rest.first()
                .filter(|_| rest.len() <= 3)
                .and_then(|word| UNSUBSCRIBE_ALONE.iter().copied().find(|known| known == word))
        })
        .or_else(|| leaves(&words))
        .or_else(|| {
            // In a few words with no question the verb is enough.
            let stem = UNSUBSCRIBE_STEMS
                .iter()
                .copied()
                .find(|stem| words.iter().any(|word| word.starts_with(stem)))?;
            let about = ["rate", "link", "button", "feature", "quote", "footer", "liste"];
            (words.len() <= 18 && !facts.own.contains('?') && !words.iter().any(|word| about.contains(word)))
                .then_some(stem)
        })
        .or_else(|| {
            let subject = facts.subject.trim_matches(|c: char| !c.is_alphanumeric());
            UNSUBSCRIBE_ALONE.iter().copied().find(|known| *known == subject).filter(|_| words.len() < 12)
        })?;
    // "Can our fitters unsubscribe from the reminders?" is a question about a product.
    let asks = facts.own.contains('?')
        && !["me", "mich", "mij", "moi", "mig", "mi"].iter().any(|own| words.contains(own))
        && !words.iter().any(|word| word.ends_with("me") && word.len() > 4);
    if asks {
        return None;
    }
    let does_not = [
        "n't want to unsubscribe",
        "not want to unsubscribe",
        "not unsubscribe",
        "nicht abmelden",
        "pas me désabonner",
        "n't take me off",
        "not take me off",
        "n't remove me",
        "not remove me",
    ];
    if first_of(&text, &does_not).is_some() {
        return None;
    }
    let asks_how = facts.own.contains('?')
        && ["how do i", "how can i", "how to", "wie kann ich", "comment "]
            .iter()
            .any(|start| facts.own_lower.contains(start))
        && !text.contains(" me ");
    if asks_how && words.len() > 12 {
        return None;
    }
    Some(Classified::new(Class::Unsubscribe, vec![format!("says: {found}")]))
}

/// Who asks to be taken off a list, or for no more of it: the two words near each other.
fn leaves(words: &[&str]) -> Option<&'static str> {
    const REMOVE: [&str; 44] = [
        "remove",
        "take",
        "delete",
        "erase",
        "strike",
        "drop",
        "streichen",
        "löschen",
        "entfernen",
        "nehmen",
        "nehmt",
        "nimm",
        "löschung",
        "retirer",
        "retirez",
        "supprimer",
        "supprimez",
        "enlever",
        "enlevez",
        "effacer",
        "effacez",
        "borrar",
        "borren",
        "eliminar",
        "eliminen",
        "quitar",
        "quítenme",
        "tirar",
        "tirem",
        "remover",
        "removam",
        "excluir",
        "apagar",
        "togliere",
        "togliete",
        "toglietemi",
        "cancellarmi",
        "cancellatemi",
        "rimuovere",
        "verwijder",
        "verwijderen",
        "schrap",
        "haal",
        "stryk",
    ];
    const LIST: [&str; 37] = [
        "list",
        "lists",
        "mailing",
        "mailings",
        "database",
        "verteiler",
        "liste",
        "listes",
        "adressliste",
        "lista",
        "listas",
        "mailinglist",
        "mailingliste",
        "elenco",
        "lijst",
        "bestand",
        "utskick",
        "sändlista",
        "listan",
        "newsletter",
        "coordonnées",
        "datos",
        "dati",
        "dados",
        "daten",
        "adresse",
        "address",
        "dirección",
        "indirizzo",
        "endereço",
        "adres",
        "adress",
        "gegevens",
        "whatever",
        "hold",
        "register",
        "diffusion",
    ];
    const STOP: [&str; 27] = [
        "stop",
        "cease",
        "no",
        "further",
        "aufhören",
        "keine",
        "unterlassen",
        "arrêtez",
        "arrêter",
        "cessez",
        "plus",
        "dejar",
        "dejen",
        "más",
        "parem",
        "parar",
        "smettete",
        "smettere",
        "non",
        "basta",
        "stoppen",
        "ophouden",
        "geen",
        "sluta",
        "inga",
        "mais",
        "quit",
    ];
    const MAIL: [&str; 36] = [
        "emails",
        "mails",
        "mail",
        "mailings",
        "messages",
        "these",
        "e-mails",
        "nachrichten",
        "werbung",
        "courriels",
        "publicités",
        "publicité",
        "courriel",
        "correos",
        "correo",
        "mensajes",
        "publicidad",
        "mensagens",
        "emailing",
        "messaggi",
        "pubblicità",
        "berichten",
        "reclame",
        "mejl",
        "reklam",
        "utskick",
        "sending",
        "spamming",
        "spam",
        "enviarme",
        "enviar",
        "inviarmi",
        "sturen",
        "skicka",
        "envoyer",
        "solicitations",
    ];
    const LAW: [&str; 8] =
        ["dsgvo", "gdpr", "rgpd", "avg", "lgpd", "werbezwecken", "widerspreche", "werbewiderspruch"];
    const SELF: [&str; 26] = [
        "me", "my", "us", "our", "mich", "mir", "meine", "meiner", "uns", "moi", "mes", "mon", "m", "mis",
        "mi", "nos", "mij", "mijn", "mig", "min", "meus", "meu", "mio", "miei", "this", "mes",
    ];
    let at = |list: &[&str]| {
        words.iter().enumerate().filter(|(_, word)| list.contains(word)).map(|(at, _)| at).collect::<Vec<_>>()
    };
    let near = |one: &[usize], other: &[usize], most: usize| {
        one.iter().any(|a| other.iter().any(|b| a.abs_diff(*b) <= most))
    };
    let is_own = words.iter().any(|word| {
        SELF.contains(word) || word.ends_with("arme") || word.ends_with("armi") || word.ends_with("me")
    });
    if words.len() > 40 {
        return None;
    }
    if near(&at(&REMOVE), &at(&LIST), 7) && is_own {
        return Some("be taken off the list");
    }
    if near(&at(&STOP), &at(&MAIL), 3) && words.len() <= 25 {
        return Some("no more mails");
    }
    (!at(&LAW).is_empty()
        && near(
            &at(&[
                "widerspreche",
                "object",
                "oppose",
                "werbezwecken",
                "löschung",
                "erase",
                "delete",
                "werbewiderspruch",
            ]),
            &at(&LAW),
            14,
        ))
    .then_some("an objection to advertising")
}
