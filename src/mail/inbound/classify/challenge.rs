//! Machines that hold a mail until its sender proves to be a person. Nothing here follows their links: a person may.

use super::automatic::is_answer;
use super::facts::{Facts, first_of};
use super::{Class, Classified};

/// What says that a mail is held.
const HELD: [&str; 55] = [
    "human",
    "robot",
    "real person",
    "junk mail",
    "spam",
    "pending queue",
    "is being held",
    "on hold",
    "quarantine",
    "not been delivered yet",
    "has not received your message yet",
    "unconfirmed",
    "isn't known here",
    "not on my list",
    "challenge",
    "approved sender",
    "guest list",
    "whitelist",
    "boxbe",
    "bluebottle",
    "mailblocks",
    "ein mensch",
    "kein roboter",
    "zurückgehalten",
    "spamschutz",
    "en attente",
    "pas un robot",
    "antispam",
    "no es un robot",
    "en espera",
    "in attesa",
    "un robot",
    "geen robot",
    "in de wacht",
    "não é um robô",
    "pendente",
    "inte en robot",
    "väntar på",
    "spamfilter",
    "verification",
    "to be delivered",
    "released",
    "freigabe",
    "freizugeben",
    "indésirables",
    "authentif",
    "approved senders",
    "waiting room",
    "strangers have to",
    "prove you're a person",
    "first time you write",
    "writing to me for the first time",
    "auf freigabe",
    "bekannter absender",
    "this is a robot",
];

/// What asks for the proof.
const PROVE: [&str; 51] = [
    "authentifier",
    "recopiez",
    "hit reply",
    "approve yourself",
    "antworten sie auf diese nachricht",
    "répondez à ce",
    "responda a este",
    "rispondi a questo",
    "beantwoord dit",
    "svara på detta",
    "typing the",
    "opening this page",
    "answer one question",
    "click the link",
    "click below",
    "click on the link",
    "click here to",
    "follow the link",
    "follow this link",
    "verify that you",
    "verify your",
    "verify yourself",
    "verify you",
    "confirm that you",
    "confirm you are",
    "confirm your message",
    "confirmation cookie",
    "reply to this message",
    "reply to this mail",
    "type the code",
    "to release your message",
    "to have your message",
    "solve the",
    "prove that",
    "prove you",
    "one-time",
    "one time verification",
    "bestätigen sie",
    "mit einem klick",
    "confirmez",
    "cliquez",
    "confirme que",
    "haga clic",
    "pulse",
    "conferma di",
    "confermi",
    "fare clic",
    "bevestig",
    "klik",
    "bekräfta",
    "clique",
];

/// Services that do nothing else.
const SERVICES: [&str; 5] = ["boxbe", "spamarrest", "bluebottle", "mailblocks", "earthlink spamblocker"];

/// What asks for an answer in place of a link.
const REPLY: [&str; 8] = [
    "reply to this",
    "hit reply",
    "antworten sie auf diese",
    "répondez à ce",
    "responda a este",
    "rispondi a questo",
    "beantwoord dit",
    "svara på detta",
];

pub(super) fn classify(facts: &Facts<'_>) -> Option<Classified> {
    let is_answer = is_answer(&facts.subject)
        && !facts.has("Auto-Submitted")
        && !facts.has_null_sender()
        && !facts.subject.contains("verif");
    let top: String = facts.own_lower.chars().take(1_500).collect();
    let held = first_of(&top, &HELD)
        .or_else(|| first_of(&facts.subject, &HELD))
        .or_else(|| first_of(&facts.from, &SERVICES))?;
    let prove = first_of(&top, &PROVE)?;
    let has_link = facts.text.contains("http://")
        || facts.text.contains("https://")
        || REPLY.iter().any(|how| top.contains(how))
        || prove == "confirmation cookie";
    // A person writes of spam and of links as well, but not of how to get through to themselves.
    let is_machine = facts.has("Auto-Submitted")
        || facts.has_null_sender()
        || !facts.has("In-Reply-To")
        || first_of(&facts.from, &["no-reply", "noreply", "antispam", "verif"]).is_some();
    let is_about_delivery =
        ["message", "mail", "nachricht", "messag", "correo", "bericht", "meddelande", "mensagem"]
            .iter()
            .any(|word| top.contains(word));
    if is_answer || !has_link || !is_machine || !is_about_delivery || facts.own.contains("\n> ") {
        return None;
    }
    Some(Classified::new(Class::Challenge, vec![format!("says “{held}” and “{prove}”")]))
}
