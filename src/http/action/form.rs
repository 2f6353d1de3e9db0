//! The page before the click: the lead, who has it, and a button for each thing that can be done.
//!
//! Buttons are big and far apart, because thumbs are; what is rare is folded away. A form has its own fields, so
//! that the return key in one cannot press a button of another.

use std::fmt::Write as _;

use jiff::ToSpan;
use jiff::civil::Date;

use super::mending;
use crate::domain::agreement::{AfterReason, Reason};
use crate::domain::happening::Claim;
use crate::domain::lead::Stage;
use crate::domain::order::Word;
use crate::engine::desk::{Colleague, Desk, HandOffState};
use crate::http::page::escaped;

/// What the page is about.
pub fn title(desk: &Desk, word: Option<Word>) -> String {
    match word {
        Some(Word::Back) if desk.back.is_some() => return Word::Back.label().to_owned(),
        Some(Word::Back) => return "You are not away".to_owned(),
        Some(Word::Away) => return Word::Away.label().to_owned(),
        Some(word @ (Word::Uphold | Word::Overturn)) if desk.part.may_answer => {
            return format!("{}: {}", word.label(), display(desk));
        }
        _ => {}
    }
    match word.filter(|_| desk.part.hand_off == HandOffState::Open) {
        Some(word) if is_plain(word) => format!("{}: {}", word.label(), display(desk)),
        _ => display(desk),
    }
}

/// The page below its title, as HTML.
pub fn body(desk: &Desk, colleagues: &[Colleague], token: &str, word: Option<Word>) -> String {
    let back = format!("<p><a class=\"more\" href=\"../{token}\">Everything else you can do</a></p>");
    // Whoever is away or back says so by any link of theirs, however old the lead.
    if matches!(word, Some(Word::Away | Word::Back)) {
        return format!("{}{back}{}", own_absence(desk), footer(desk));
    }
    let mut html = lead(desk);
    if desk.part.is_marketing || desk.part.may_answer {
        html.push_str(&whose(desk));
        match mending::body(desk, word) {
            nothing if nothing.is_empty() => html.push_str("<p>There is nothing for you to do.</p>"),
            task => html.push_str(&task),
        }
        if word.is_some() {
            html.push_str(&back);
        }
        html.push_str(&footer(desk));
        return html;
    }
    match desk.part.hand_off {
        HandOffState::Open => {}
        HandOffState::Over if desk.part.is_rep => {
            let _ = write!(html, "{}{}", whose(desk), feedback(desk));
            html.push_str(&footer(desk));
            return html;
        }
        HandOffState::Past if desk.part.claim == Claim::Good => {
            let _ = write!(html, "{}{}{}", whose(desk), claim(desk), footer(desk));
            return html;
        }
        HandOffState::Over | HandOffState::Past => {
            let is_theirs = desk.lead.owner.as_ref() == Some(&desk.person);
            let words = if is_theirs {
                "This link is an earlier mail's: please use the newest one about this lead."
            } else {
                "There is nothing for you to do."
            };
            let _ = write!(html, "{}<p>{words}</p>", whose(desk));
            html.push_str(&footer(desk));
            return html;
        }
    }
    html.push_str(&whose(desk));
    match word {
        Some(word) => {
            html.push_str(&one(desk, colleagues, word));
            html.push_str(&back);
        }
        None => html.push_str(&all(desk, colleagues)),
    }
    html.push_str(&footer(desk));
    html
}

/// "Jane Doe, Acme", or the address when no name is known.
pub fn display(desk: &Desk) -> String {
    let profile = &desk.lead.profile;
    let name = profile.full_name().unwrap_or_else(|| desk.lead.email.as_str().to_owned());
    profile.company.as_ref().map_or(name.clone(), |company| format!("{name}, {company}"))
}

/// Who has the lead, as a sentence.
pub fn whose(desk: &Desk) -> String {
    let words = match &desk.owner {
        Some(_) if desk.lead.owner.as_ref() == Some(&desk.person) => match desk.lead.stage {
            Stage::HandedOff => "It is yours, and you have not said yet whether you take it.".to_owned(),
            stage => format!("It is yours: {}.", stage.name().replace('_', " ")),
        },
        Some(owner) => {
            format!("<b>{} has it</b>: {}.", escaped(owner), desk.lead.stage.name().replace('_', " "))
        }
        None => format!("Nobody in sales has it: {}.", desk.lead.stage.name().replace('_', " ")),
    };
    let promise = desk.promise.as_ref();
    let promise = promise
        .map_or(String::new(), |promise| format!(" <b>{} {}.</b>", capital(&promise.what), promise.by));
    format!("<p>{words}{promise}</p>\n")
}

/// What was learned, for a hand-off that is over.
pub fn feedback(desk: &Desk) -> String {
    let agreement = &desk.rules.agreement;
    let fields = format!(
        "{}{}{}<button name=\"do\" value=\"heard\">Tell it</button>",
        choice("argument", "What convinced them?", &agreement.arguments),
        choice("objection", "What spoke against it?", &agreement.objections),
        words("In their words, or yours"),
    );
    format!("<h2>What did you hear?</h2>{}", form(desk, &fields))
}

/// A lead that was taken away, for the rep who lost it.
fn claim(desk: &Desk) -> String {
    let owner = desk.owner.as_deref().unwrap_or("Whoever has it");
    let owner = escaped(owner);
    form(
        desk,
        &format!(
            "<p>It was taken from you because no attempt was logged. You did call, or write? Then it is yours again, \
             and {owner} is told to stop. Your deadline stays as it was: log what you did next. As soon as {owner} \
             tries to reach it, it stays there.</p>{}",
            button(Word::Mine)
        ),
    )
}

/// How long the link works.
pub fn footer(desk: &Desk) -> String {
    format!(
        "<p class=\"small\">For {}. Whoever has this link can do this in your name: do not forward it. It works until \
         {}.</p>",
        escaped(desk.person.as_str()),
        desk.last_day.strftime("%-d %B %Y")
    )
}

fn lead(desk: &Desk) -> String {
    let profile = &desk.lead.profile;
    let known = [&profile.title, &profile.country];
    let known: Vec<String> = known.into_iter().flatten().map(|text| escaped(text)).collect();
    let mut html = String::new();
    if !known.is_empty() {
        let _ = writeln!(html, "<p>{}</p>", known.join(", "));
    }
    if works_it(desk) {
        let _ = writeln!(html, "<p>May I call now? <b>{}</b></p>", escaped(&desk.call));
    }
    html.push_str(&reach(desk));
    html
}

/// Whether they are the rep who has the lead by this hand-off.
fn works_it(desk: &Desk) -> bool {
    desk.part.is_rep && desk.part.hand_off == HandOffState::Open
}

/// How to reach the lead: a button to call it for the rep, when it may be called; nobody should call by a slip of the
/// thumb.
pub fn reach(desk: &Desk) -> String {
    let link = |big: bool, address: &str, words: &str, text: &str| {
        let (class, words) = if big { ("act", words) } else { ("more", "") };
        format!("<div><a class=\"{class}\" href=\"{address}\">{words}{text}</a></div>\n")
    };
    let mut html = String::new();
    if let Some(phone) = &desk.lead.profile.phone {
        let phone = escaped(phone);
        let address = format!("tel:{}", phone.replace(' ', ""));
        html.push_str(&link(works_it(desk) && desk.may_call, &address, "Call ", &phone));
    }
    let email = escaped(desk.lead.email.as_str());
    html.push_str(&link(works_it(desk), &format!("mailto:{email}"), "Write to ", &email));
    html
}

/// Everything that can be done, the frequent first.
fn all(desk: &Desk, colleagues: &[Colleague]) -> String {
    let mut html = String::new();
    if desk.part.is_rep {
        if desk.lead.stage == Stage::HandedOff {
            html.push_str(&form(desk, &button(Word::Accept)));
        } else if desk.lead.stage == Stage::Accepted && desk.lead.due_at.is_some() {
            // It goes back by itself, unless somebody says otherwise.
            html.push_str(&form(desk, &order(Word::Accept.name(), "I keep it")));
        }
        let tried =
            [Word::NoAnswer, Word::Reached, Word::LeftMessage, Word::WrongNumber, Word::Emailed, Word::Met];
        let buttons: String = tried.into_iter().map(button).collect();
        let _ = write!(
            html,
            "<h2>I tried to reach them</h2>{}",
            form(desk, &format!("{}{buttons}", words("A note")))
        );
        html.push_str(&folded("Not now", &later(desk)));
        html.push_str(&folded("Give it back", &give_back(desk)));
        html.push_str(&folded("A deal", &deal(desk)));
        html.push_str(&folded("I am away", &own_absence(desk)));
    }
    if desk.part.is_manager {
        html.push_str("<h2>For the manager</h2>");
        html.push_str(&form(desk, &format!("{}{}", button(Word::Take), button(Word::Extend))));
        html.push_str(&folded("Give it to somebody else", &colleagues_of(desk, colleagues)));
        html.push_str(&folded("Give it back to marketing", &reasons(desk, Word::Recycle)));
    }
    html
}

/// One thing that can be done, and what belongs to it.
fn one(desk: &Desk, colleagues: &[Colleague], word: Word) -> String {
    let allowed = if word.is_for_managers() { desk.part.is_manager } else { desk.part.is_rep };
    if !allowed && !word.is_about_what_was_given_back() {
        return "<p>This is not yours to say.</p>".to_owned();
    }
    match word {
        Word::Reject | Word::Lost | Word::WrongPerson | Word::Customer | Word::Talking => give_back(desk),
        Word::Later | Word::LeadAway => later(desk),
        Word::Won | Word::Opportunity => deal(desk),
        Word::Give => colleagues_of(desk, colleagues),
        Word::Recycle => reasons(desk, Word::Recycle),
        Word::Heard | Word::Convinced => feedback(desk),
        Word::Mine => "<p>It is there already.</p>".to_owned(),
        Word::DuplicateOf => mending::duplicate_of(desk),
        word if word.is_about_what_was_given_back() => "<p>Nothing of that waits for you.</p>".to_owned(),
        word => {
            let note =
                if word == Word::Accept || word.is_for_managers() { String::new() } else { words("A note") };
            form(desk, &format!("{note}<p>{}</p>{}", what_it_does(word), button(word)))
        }
    }
}

/// What a click does, as a sentence.
fn what_it_does(word: Word) -> &'static str {
    match word {
        Word::Accept => "You say that you will look after this lead. Nothing is sent to it.",
        Word::Take => "It is yours then, with the full time to reach it; whoever had it is told to stop.",
        Word::Extend => "Its rep gets the full time once more, counted from now. This can be done once.",
        _ => "It is noted for this lead, and counts as an attempt to reach it. Nothing is sent to it.",
    }
}

/// Whether an order needs nothing beside its button.
fn is_plain(word: Word) -> bool {
    matches!(
        word,
        Word::Accept
            | Word::Reached
            | Word::NoAnswer
            | Word::LeftMessage
            | Word::WrongNumber
            | Word::Emailed
            | Word::Met
            | Word::Mine
            | Word::Take
            | Word::Extend
    )
}

fn later(desk: &Desk) -> String {
    let today = desk.today;
    let choices = [
        ("in a week", today.saturating_add(7.days())),
        ("in two weeks", today.saturating_add(14.days())),
        ("in a month", today.saturating_add(1.month())),
        ("in three months", today.saturating_add(3.months())),
    ];
    let buttons: String = choices
        .into_iter()
        .map(|(words, day)| order(&format!("later {day}"), &format!("{words}, {}", day_of(day))))
        .collect();
    let wants = format!(
        "<p>It wants to hear from us. Until then nobody writes or calls, and your time stands still.</p>{buttons}"
    );
    let wants_on = format!("{}{}", day("On another day", today, true), order("later", "On that day"));
    let away = format!(
        "<p>They are away until their first day back:</p>{}{}",
        day("First day back (without it, a week)", today, false),
        order("lead-away", "They are away")
    );
    format!("{}{}{}", form(desk, &wants), form(desk, &wants_on), form(desk, &away))
}

fn give_back(desk: &Desk) -> String {
    let objection = choice("objection", "What speaks against it?", &desk.rules.agreement.objections);
    let mut html = String::new();
    let mut buttons = String::new();
    if matches!(desk.lead.stage, Stage::HandedOff | Stage::Accepted | Stage::Contacted) {
        buttons.push_str(&reason_buttons(desk, Word::Reject, |reason| reason.for_rejected));
        let fields = format!("{objection}{}<p>Why do you give it back?</p>{buttons}", words("A note"));
        html.push_str(&form(desk, &fields));
        // Where the agreement has a reason of that name, it has its button already.
        let has_reason = desk.rules.agreement.reasons.contains_key(Word::WrongPerson.name());
        let others = [Word::WrongPerson, Word::Customer, Word::Talking];
        let others = others.into_iter().filter(|word| !(has_reason && *word == Word::WrongPerson));
        let others: String = others.map(button).collect();
        html.push_str(&form(desk, &format!("<p>Or:</p>{others}")));
        if desk.rules.agreement.reasons.values().any(|reason| reason.then == AfterReason::Merge) {
            html.push_str("<p>Or it is a duplicate, and you know of which lead:</p>");
            html.push_str(&mending::duplicate_of(desk));
        }
    } else {
        html.push_str(&lost(desk));
        html.push_str(&form(desk, &button(Word::Customer)));
    }
    html
}

fn lost(desk: &Desk) -> String {
    let objection = choice("objection", "What spoke against it?", &desk.rules.agreement.objections);
    let buttons = reason_buttons(desk, Word::Lost, |reason| reason.for_lost);
    form(desk, &format!("{objection}{}<p>Why is it lost?</p>{buttons}", words("A note")))
}

fn deal(desk: &Desk) -> String {
    let mut html = String::new();
    if desk.lead.stage != Stage::Opportunity {
        html.push_str(&form(desk, &button(Word::Opportunity)));
    }
    let argument = choice("argument", "What convinced them?", &desk.rules.agreement.arguments);
    html.push_str(&form(desk, &format!("{argument}{}{}", words("In their words"), button(Word::Won))));
    if matches!(desk.lead.stage, Stage::Contacted | Stage::Opportunity) {
        html.push_str(&lost(desk));
    }
    html
}

fn reasons(desk: &Desk, word: Word) -> String {
    let buttons = reason_buttons(desk, word, |reason| reason.for_rejected);
    form(desk, &format!("{}<p>Why?</p>{buttons}", words("A note")))
}

fn reason_buttons(desk: &Desk, word: Word, allowed: impl Fn(&Reason) -> bool) -> String {
    let reasons = desk.rules.agreement.reasons.values().filter(|reason| allowed(reason));
    reasons.map(|reason| order(&format!("{} {}", word.name(), reason.name), &reason.label)).collect()
}

fn colleagues_of(desk: &Desk, colleagues: &[Colleague]) -> String {
    if colleagues.is_empty() {
        return "<p>There is nobody else.</p>".to_owned();
    }
    let buttons: String = colleagues
        .iter()
        .map(|colleague| {
            let away =
                colleague.away_until.as_ref().map_or(String::new(), |back| format!(", away until {back}"));
            let label = format!(
                "{} ({} of {} leads{away})",
                colleague.name, colleague.open_leads, colleague.capacity
            );
            order(&format!("give {}", colleague.email), &label)
        })
        .collect();
    let words_first = words("A note for them");
    form(desk, &format!("{words_first}<p>Whoever gets it has the full time to reach it.</p>{buttons}"))
}

fn own_absence(desk: &Desk) -> String {
    if !desk.part.can_be_away {
        return "<p>Only a rep of the agreement can be away.</p>".to_owned();
    }
    let back = desk.back.map_or(String::new(), |back| {
        let back = day_of(back);
        let words =
            format!("<p>You are away until your first day back, <b>{back}</b>.</p>{}", button(Word::Back));
        form(desk, &words)
    });
    let fields = format!(
        "<p>You get no new leads until your first day back.</p>{}{}",
        day("First day back", desk.today, true),
        order("away", "I am away"),
    );
    format!("{back}{}", form(desk, &fields))
}

pub fn form(desk: &Desk, fields: &str) -> String {
    format!(
        "<form method=\"post\"><input type=\"hidden\" name=\"seen\" value=\"{}\">{fields}</form>\n",
        desk.seen
    )
}

pub fn folded(title: &str, html: &str) -> String {
    format!("<details><summary>{title}</summary>{html}</details>\n")
}

pub fn button(word: Word) -> String {
    order(word.name(), word.label())
}

pub fn order(value: &str, label: &str) -> String {
    format!("<button name=\"do\" value=\"{}\">{}</button>\n", escaped(value), escaped(label))
}

pub fn words(label: &str) -> String {
    format!(
        "<label>{label} (not needed)<textarea name=\"words\" rows=\"2\" maxlength=\"4000\"></textarea></label>\n"
    )
}

/// The same where nothing is decided without it.
pub fn words_needed(label: &str) -> String {
    format!(
        "<label>{label}<textarea name=\"words\" rows=\"3\" maxlength=\"4000\" required></textarea></label>\n"
    )
}

fn day(label: &str, today: Date, required: bool) -> String {
    let tomorrow = today.tomorrow().unwrap_or(today);
    let required = if required { " required" } else { "" };
    format!("<label>{label}<input type=\"date\" name=\"day\" min=\"{tomorrow}\"{required}></label>\n")
}

fn choice(name: &str, label: &str, choices: &std::collections::BTreeMap<String, String>) -> String {
    if choices.is_empty() {
        return String::new();
    }
    let options: String = choices
        .iter()
        .map(|(name, label)| format!("<option value=\"{}\">{}</option>", escaped(name), escaped(label)))
        .collect();
    format!(
        "<label>{label} (not needed)<select name=\"{name}\"><option value=\"\">–</option>{options}</select></label>\n"
    )
}

fn day_of(day: Date) -> String {
    day.strftime("%a %-d %b").to_string()
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}
