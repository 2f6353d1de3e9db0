//! Pages about a lead that sales gave back, or that lacks something: marketing corrects it, names the right person or
//! the other lead, gives it up or disagrees; the manager decides who is right.

use std::fmt::Write as _;

use super::form::{button, folded, form, order, words, words_needed};
use crate::domain::lead::Profile;
use crate::domain::order::Word;
use crate::domain::required::Known;
use crate::engine::answer;
use crate::engine::desk::Desk;
use crate::engine::mending::Mending;
use crate::http::page::escaped;

/// Everything of it that waits for whoever has the token; with `word` only that.
pub fn body(desk: &Desk, word: Option<Word>) -> String {
    let mut html = String::new();
    let wanted = |one: Word| word.is_none_or(|word| word == one);
    if let Some(sides) = &desk.task.dispute {
        let rep = desk.hand_off.as_ref().map(|hand_off| desk.called(&hand_off.rep)).unwrap_or_default();
        said(&mut html, &format!("{rep} gave it back: {}.", sides.reason), sides.said.as_deref());
        said(&mut html, &format!("{} disagrees.", sides.by), sides.why.as_deref());
        if wanted(Word::Overturn) {
            html.push_str(&overturn(desk));
        }
        if wanted(Word::Uphold) {
            let fields = format!("{}{}", words("Why, for marketing"), button(Word::Uphold));
            html.push_str(&form(desk, &fields));
        }
    }
    if let Some(mending) = &desk.task.mend {
        said(&mut html, &mending.what, mending.said.as_deref());
    }
    if desk.part.works {
        html.push_str(&work(desk, desk.task.mend.as_ref(), word));
    }
    if desk.part.may_dispute && wanted(Word::Dispute) {
        let fields = format!(
            "<p>The lead stays given back until the manager has decided. It is disputed once.</p>{}{}",
            words_needed("Why was it wrong to give it back?"),
            button(Word::Dispute)
        );
        html.push_str(&unless_only(word, "Sales is wrong about this lead", &form(desk, &fields)));
    }
    html
}

fn said(html: &mut String, what: &str, words: Option<&str>) {
    let _ = write!(html, "<p><b>{}</b>", escaped(what));
    if let Some(words) = words {
        let _ = write!(html, " “{}”", escaped(words));
    }
    html.push_str("</p>\n");
}

fn overturn(desk: &Desk) -> String {
    let reps = desk.rules.agreement.teams.values().flat_map(|team| &team.reps);
    let options: String = reps
        .map(|rep| {
            format!("<option value=\"{}\">{}</option>", escaped(rep.email.as_str()), escaped(&rep.name))
        })
        .collect();
    let fields = format!(
        "<label>Who gets it<select name=\"to\"><option value=\"\">whoever's turn it is by its reason</option>{options}\
         </select></label>{}{}",
        words("Why, for both"),
        button(Word::Overturn)
    );
    form(desk, &fields)
}

fn work(desk: &Desk, mending: Option<&Mending>, word: Option<Word>) -> String {
    let mut html = String::new();
    let wanted = |one: Word| word.is_none_or(|word| word == one);
    let merges = mending.is_some_and(|mending| mending.merges);
    let correct = |html: &mut String| {
        if wanted(Word::Correct) {
            html.push_str(&correction(desk, mending.is_some()));
        }
    };
    let duplicate = duplicate_of(desk);
    if mending.is_none() {
        correct(&mut html);
        return html;
    }
    if merges {
        if wanted(Word::DuplicateOf) {
            html.push_str(&duplicate);
        }
    } else {
        correct(&mut html);
        if wanted(Word::Replace) {
            let fields = format!(
                "<p>They come in as a lead of the same company, and its rep gets them at once. This one ends.</p>{}{}",
                address("new", "Their address"),
                button(Word::Replace)
            );
            html.push_str(&unless_only(word, Word::Replace.label(), &form(desk, &fields)));
        }
        if wanted(Word::DuplicateOf) {
            html.push_str(&unless_only(word, Word::DuplicateOf.label(), &duplicate));
        }
    }
    if wanted(Word::Drop) {
        let fields = format!("<p>It ends here, for good.</p>{}{}", words("Why"), button(Word::Drop));
        html.push_str(&unless_only(word, Word::Drop.label(), &form(desk, &fields)));
    }
    html
}

/// The form that makes two records one.
pub fn duplicate_of(desk: &Desk) -> String {
    let fields = format!(
        "<p>Both become one: the other goes on with everything that is known of this one.</p>{}{}",
        address("of", "The other lead's address"),
        order(Word::DuplicateOf.name(), "They are one")
    );
    form(desk, &fields)
}

/// Every field with what is known, and what is missing first. What is left as it was is not sent on.
fn correction(desk: &Desk, goes_back: bool) -> String {
    let profile = &desk.lead.profile;
    let missing = desk.task.missing.iter().map(|known| (known.name(), asked(known), String::new()));
    let email = ("email".to_owned(), "Address".to_owned(), desk.lead.email.to_string());
    let known = fields(profile)
        .into_iter()
        .map(|(name, label, value)| (name.to_owned(), label.to_owned(), value.clone().unwrap_or_default()));
    let is_missing = |name: &str| desk.task.missing.iter().any(|known| known.name() == name);
    let rest = [email].into_iter().chain(known).filter(|(name, _, _)| !is_missing(name));
    let inputs: String =
        missing.chain(rest).map(|(name, label, value)| field(&name, &label, &value)).collect();
    let then = if goes_back {
        "What you have corrected goes to its rep again at once."
    } else {
        "As soon as everything is known, it goes to sales by itself."
    };
    form(desk, &format!("<p>{then}</p>{inputs}{}", button(Word::Correct)))
}

fn fields(profile: &Profile) -> [(&'static str, &'static str, &Option<String>); 6] {
    [
        ("phone", "Phone", &profile.phone),
        ("country", "Country (like DE)", &profile.country),
        ("first_name", "First name", &profile.first_name),
        ("last_name", "Last name", &profile.last_name),
        ("company", "Company", &profile.company),
        ("title", "Job title", &profile.title),
    ]
}

fn asked(known: &Known) -> String {
    match known {
        Known::Answer(question) => answer::words(question).to_owned(),
        known => {
            let words = known.to_string();
            let mut letters = words.chars();
            letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
        }
    }
}

/// A field, and beside it what it was.
fn field(name: &str, label: &str, value: &str) -> String {
    let (name, label, value) = (escaped(name), escaped(label), escaped(value));
    let kind = match name.as_str() {
        "email" => "email",
        "phone" => "tel",
        _ => "text",
    };
    format!(
        "<label>{label}<input type=\"{kind}\" name=\"is:{name}\" value=\"{value}\" maxlength=\"500\"></label>\
         <input type=\"hidden\" name=\"was:{name}\" value=\"{value}\">\n"
    )
}

fn address(name: &str, label: &str) -> String {
    format!("<label>{label}<input type=\"email\" name=\"{name}\" required></label>\n")
}

/// Folded away, unless it is all that the page is about.
fn unless_only(word: Option<Word>, title: &str, html: &str) -> String {
    if word.is_some() { html.to_owned() } else { folded(title, html) }
}
