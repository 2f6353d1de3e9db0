//! What the reader of a staff mail can do about it, and how: by links to our pages where they can be reached,
//! else by answers that carry the same token, and where neither is there by commands.
//!
//! Three buttons and one link to everything else: who gets the mail between two calls sees at once what is
//! wanted.

use serde_json::{Value, json};

use super::words::{display_day, mailto, shell_word};
use crate::domain::contact::Channel;
use crate::domain::email::EmailAddress;
use crate::domain::happening::{Claim, Outcome};
use crate::domain::lead::{Lead, Stage};
use crate::domain::order::Word;
use crate::domain::sla::PromiseKind;
use crate::engine::desk::{Desk, HandOffState};
use crate::engine::{Engine, Wake};
use crate::mail::action::{About, token_about};
use crate::store::HandOff;

/// What the reader of a mail has to do with the lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    /// They are its rep.
    Rep,
    /// They answer for its team.
    Manager,
    /// They were its rep until sales was done with it.
    Former,
    /// It was taken from them, and is theirs again if they say so.
    Loser,
    /// They should know, and that is all.
    Other,
}

/// How a reader's word comes to us.
pub(super) enum Way<'a> {
    /// By a page of ours: its address without the order.
    Page(String),
    /// By an answer to this mailbox, with this token.
    Answer(&'a EmailAddress, String),
    /// By a command.
    Command,
}

/// What the mail wants its reader to say.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted {
    /// Whatever comes next.
    NextStep,
    /// What ends a promise.
    EndOf(PromiseKind),
    /// One of these, of its rep.
    Words(&'static [Word]),
}

/// Adds what the reader can do: `buttons` when there are links or answers, `actions` when there are commands. First
/// comes what is `wanted`.
pub(super) fn offer(
    engine: &Engine,
    wake: &Wake,
    values: &mut Value,
    lead: &Lead,
    hand_off: Option<&HandOff>,
    to: &EmailAddress,
    wanted: Wanted,
) {
    let reader = reader(wake, lead, hand_off, to);
    let way = way_of(engine, wake, reader, hand_off, to);
    let main = match wanted {
        Wanted::Words(words) if reader == Reader::Rep => words,
        Wanted::EndOf(kind) => main_words(reader, lead, Some(kind)),
        Wanted::NextStep | Wanted::Words(_) => main_words(reader, lead, None),
    };
    values["buttons"] = buttons(&way, reader, main, goes_back(lead));
    let has_links = engine.identity.has_pages() || engine.identity.log_address.is_some();
    values["actions"] = if has_links { json!([]) } else { commands(&lead.email, reader) };
}

/// Adds the one thing that whoever lost a lead by `lost` can do about it.
pub(super) fn offer_it_back(
    engine: &Engine,
    wake: &Wake,
    values: &mut Value,
    lead: &EmailAddress,
    lost: &HandOff,
) {
    let way = way_of(engine, wake, Reader::Loser, Some(lost), &lost.rep);
    values["buttons"] = buttons(&way, Reader::Loser, &[Word::Mine], false);
    values["actions"] = match way {
        Way::Command => json!([{
            "label": "It is still mine",
            "command": format!("nurtured lead reclaim {} --as {}", shell_word(lead.as_str()), shell_word(lost.rep.as_str())),
        }]),
        Way::Page(_) | Way::Answer(..) => json!([]),
    };
}

/// Adds what a rep who is away says when they are back earlier, by the right of a hand-off that was theirs.
pub(super) fn offer_return(
    engine: &Engine,
    wake: &Wake,
    values: &mut Value,
    theirs: Option<&HandOff>,
    rep: &EmailAddress,
) {
    let way = way_of(engine, wake, Reader::Loser, theirs, rep);
    let command = json!([{
        "label": Word::Back.label(),
        "command": format!("nurtured rep back {}", shell_word(rep.as_str())),
    }]);
    let (buttons, actions) = match way {
        Way::Command => (json!([]), command),
        way => (json!([button(&way, Word::Back.name(), Word::Back.label(), true)]), json!([])),
    };
    values["buttons"] = buttons;
    values["actions"] = actions;
}

/// The same in one line of a list.
pub(super) fn offer_it_back_in_line(
    engine: &Engine,
    wake: &Wake,
    lost: &HandOff,
) -> Option<(&'static str, String)> {
    match way_of(engine, wake, Reader::Loser, Some(lost), &lost.rep) {
        Way::Command => None,
        way => Some(("You did call? It is still yours", link(&way, Word::Mine.name()))),
    }
}

/// What the reader can do in one line of a list: what it is called, and the link; `None` when there is no way.
pub(super) fn offer_in_line(
    engine: &Engine,
    wake: &Wake,
    lead: &Lead,
    hand_off: Option<&HandOff>,
    to: &EmailAddress,
) -> Option<(&'static str, String)> {
    let reader = reader(wake, lead, hand_off, to);
    in_line(way_of(engine, wake, reader, hand_off, to), reader)
}

fn in_line(way: Way<'_>, reader: Reader) -> Option<(&'static str, String)> {
    let label = match reader {
        Reader::Rep => "Log it, or give it back",
        Reader::Manager => "Give it to somebody else, or take it",
        Reader::Former | Reader::Loser | Reader::Other => return None,
    };
    match way {
        Way::Page(page) => Some((label, page)),
        Way::Answer(..) => Some(("Send me what I can answer", link(&way, HELP))),
        Way::Command => None,
    }
}

/// What `to` has to do with the lead.
fn reader(wake: &Wake, lead: &Lead, hand_off: Option<&HandOff>, to: &EmailAddress) -> Reader {
    // Of a hand-off that is over nothing is left but to tell what was heard.
    let is_open = hand_off.is_some_and(|hand_off| hand_off.ended_at.is_none());
    if is_open && lead.owner.as_ref() == Some(to) {
        Reader::Rep
    } else if is_open && wake.rules.agreement.answers_for_team(to) && lead.owner.is_some() {
        Reader::Manager
    } else if !is_open && hand_off.is_some_and(|last| last.rep == *to) {
        Reader::Former
    } else {
        Reader::Other
    }
}

fn way_of<'a>(
    engine: &'a Engine,
    wake: &Wake,
    reader: Reader,
    hand_off: Option<&HandOff>,
    to: &EmailAddress,
) -> Way<'a> {
    match (hand_off, reader) {
        (None, _) | (_, Reader::Other) => Way::Command,
        (Some(hand_off), _) => way(engine, wake, About::HandOff(hand_off.id), to),
    }
}

/// Everything that can be said by an answer, for whoever asks.
pub(super) fn answers(wake: &Wake, log_address: &EmailAddress, token: &str, desk: &Desk) -> Value {
    let part = desk.part;
    let agreement = &wake.rules.agreement;
    let way = Way::Answer(log_address, token.to_owned());
    let mut all: Vec<Value> = Vec::new();
    // Where the agreement has a reason of that name, it is an answer already.
    let is_a_reason = |word: Word| word == Word::WrongPerson && agreement.reasons.contains_key(word.name());
    let is_left_out = |word: &Word| matches!(word, Word::Heard | Word::Convinced) || is_a_reason(*word);
    for word in Word::ALL.iter().copied().filter(|word| !is_left_out(word)) {
        let allowed = match word {
            Word::Mine => part.claim == Claim::Good,
            Word::Back => desk.back.is_some(),
            Word::Away => part.can_be_away,
            Word::Uphold | Word::Overturn => part.may_answer,
            Word::Correct => part.works,
            Word::Replace | Word::Drop => part.mends,
            Word::DuplicateOf => part.mends || part.is_rep,
            Word::Dispute => part.may_dispute,
            _ if part.hand_off != HandOffState::Open => false,
            word if word.is_for_managers() => part.is_manager,
            _ => part.is_rep,
        };
        let names: Vec<(String, String)> = match word {
            _ if !allowed => Vec::new(),
            Word::Reject | Word::Recycle => agreement
                .reasons
                .values()
                .filter(|reason| reason.for_rejected)
                .map(|reason| (format!("{} {}", word.name(), reason.name), format!(": {}", reason.label)))
                .collect(),
            Word::Lost => agreement
                .reasons
                .values()
                .filter(|reason| reason.for_lost)
                .map(|reason| (format!("{} {}", word.name(), reason.name), format!(": {}", reason.label)))
                .collect(),
            Word::Give => {
                let reps = agreement.teams.values().flat_map(|team| &team.reps);
                reps.map(|rep| (format!("{} {}", word.name(), rep.email), format!(" {}", rep.name))).collect()
            }
            Word::Later | Word::Away | Word::LeadAway => {
                let day = wake.now.to_zoned(jiff::tz::TimeZone::UTC).date();
                let day = day.saturating_add(jiff::ToSpan::days(7));
                let when = if word == Word::Later { ": on" } else { " until" };
                let more = format!("{when} {} (or write another day)", display_day(day));
                vec![(format!("{} {day}", word.name()), more)]
            }
            Word::Correct | Word::Replace | Word::DuplicateOf => vec![(to_fill_in(word), FILL_IN.to_owned())],
            _ => vec![(word.name().to_owned(), String::new())],
        };
        for (order, more) in names {
            all.push(button(&way, &order, &format!("{}{more}", word.label()), false));
        }
    }
    Value::Array(all)
}

/// How `to` says something about a hand-off or a lead.
pub(super) fn way<'a>(engine: &'a Engine, wake: &Wake, about: About, to: &EmailAddress) -> Way<'a> {
    let identity = &engine.identity;
    let token = || token_about(&engine.keys.action, about, to, wake.now);
    if identity.has_pages() {
        return Way::Page(format!("{}/a/{}", identity.public_url, token()));
    }
    identity.log_address.as_ref().map_or(Way::Command, |log| Way::Answer(log, token()))
}

/// What is most likely wanted of the reader: what ends the promise that is asked for, else the next step.
fn main_words(reader: Reader, lead: &Lead, asked: Option<PromiseKind>) -> &'static [Word] {
    match (reader, asked) {
        (Reader::Manager, _) => &[Word::Give, Word::Take, Word::Extend],
        (Reader::Former, _) | (Reader::Rep, Some(PromiseKind::Feedback)) => &[Word::Heard],
        (Reader::Loser, _) => &[Word::Mine],
        (Reader::Other, _) => &[],
        (Reader::Rep, Some(PromiseKind::Disposition)) => &[Word::Opportunity, Word::Reject, Word::Later],
        (Reader::Rep, Some(PromiseKind::Quiet)) => &[Word::Reached, Word::Later, Word::Lost],
        // Who has no number cannot have called.
        (Reader::Rep, _) if lead.profile.phone.is_none() => {
            if is_to_take(lead) {
                &[Word::Accept, Word::Emailed, Word::Met]
            } else {
                &[Word::Emailed, Word::Met]
            }
        }
        (Reader::Rep, _) if is_to_take(lead) => &[Word::Accept, Word::NoAnswer, Word::Reached],
        (Reader::Rep, _) => &[Word::NoAnswer, Word::Reached, Word::Met],
    }
}

/// Whether its rep has to say that it stays with them.
fn is_to_take(lead: &Lead) -> bool {
    lead.stage == Stage::HandedOff || goes_back(lead)
}

/// Whether it goes back by itself, unless its rep keeps it.
fn goes_back(lead: &Lead) -> bool {
    lead.stage == Stage::Accepted && lead.due_at.is_some()
}

/// Whether more has to be said with it than an answer from a list of links can hold.
fn needs_more(word: Word) -> bool {
    matches!(word, Word::Give | Word::Reject | Word::Lost | Word::Later)
}

fn buttons(way: &Way<'_>, reader: Reader, main: &[Word], keeps: bool) -> Value {
    if reader == Reader::Other {
        return json!([]);
    }
    let mut buttons: Vec<Value> = Vec::new();
    match way {
        Way::Command => return json!([]),
        Way::Page(page) => {
            for word in main.iter().copied() {
                let label = match word {
                    Word::Give => "Give it to somebody else",
                    Word::Heard => "Tell what you heard",
                    Word::Accept if keeps => "I keep it",
                    word => word.label(),
                };
                buttons.push(button(way, word.name(), label, true));
            }
            let more = match reader {
                Reader::Rep => "Not now, give it back, I am away, and everything else",
                Reader::Former | Reader::Loser => return Value::Array(buttons),
                Reader::Manager | Reader::Other => "Give it back, and everything else",
            };
            buttons.push(json!({ "label": more, "link": page, "main": false }));
        }
        Way::Answer(..) => {
            // An answer cannot choose among colleagues, reasons or days: the list of all answers names them.
            for word in main.iter().copied().filter(|word| !needs_more(*word)) {
                let label = if word == Word::Accept && keeps { "I keep it" } else { word.label() };
                buttons.push(button(way, word.name(), label, true));
            }
            if reader != Reader::Loser {
                buttons.push(button(way, HELP, "Send me everything else that I can answer", false));
            }
        }
    }
    Value::Array(buttons)
}

/// An order of which the sender has to write the rest.
pub(super) fn to_fill_in(word: Word) -> String {
    let rest = match word {
        Word::Correct => "phone +00 000 000000",
        _ => "somebody@company.example",
    };
    format!("{} {rest}", word.name())
}

/// Said of such an order.
pub(super) const FILL_IN: &str = " (write it into the subject)";

/// What asks for the list of all answers.
pub(in crate::engine) const HELP: &str = "help";

pub(super) fn button(way: &Way<'_>, order: &str, label: &str, main: bool) -> Value {
    json!({ "label": label, "link": link(way, order), "main": main })
}

pub(super) fn link(way: &Way<'_>, order: &str) -> String {
    match way {
        Way::Page(page) => format!("{page}/{order}"),
        Way::Answer(log, token) => {
            let subject = format!("{order} [{token}]");
            let subject =
                subject.replace('%', "%25").replace(' ', "%20").replace('&', "%26").replace('+', "%2B");
            format!("{}?subject={}", mailto(log), subject.replace('[', "%5B").replace(']', "%5D"))
        }
        Way::Command => String::new(),
    }
}

/// What the reader can do as commands. What came of a call is for the lead's own rep to say.
fn commands(lead: &EmailAddress, reader: Reader) -> Value {
    let lead = shell_word(lead.as_str());
    let history = json!({ "label": "See its whole history", "command": format!("nurtured why {lead}") });
    let called = |outcome: Outcome| {
        let (channel, outcome) = (Channel::Phone.name(), outcome.name());
        format!("nurtured lead attempt {lead} --channel {channel} --outcome {outcome}")
    };
    match reader {
        Reader::Former | Reader::Loser | Reader::Other => json!([history]),
        Reader::Manager => json!([
            history,
            { "label": "Give it to somebody else", "command": format!("nurtured lead reassign {lead} --to REP") },
            { "label": "Give the full time once more", "command": format!("nurtured lead extend {lead}") },
        ]),
        Reader::Rep => json!([
            { "label": "I take it", "command": format!("nurtured lead accept {lead}") },
            { "label": "I called and talked", "command": called(Outcome::Reached) },
            { "label": "I called, no answer", "command": called(Outcome::NoAnswer) },
            { "label": "I give it back", "command": format!("nurtured lead reject {lead} --reason not-ready") },
        ]),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::ids::HandOffId;
    use crate::mail::action::{token, verify};

    fn address(text: &str) -> EmailAddress {
        text.parse().expect("an address")
    }

    fn lead() -> Lead {
        let at = Timestamp::UNIX_EPOCH;
        Lead {
            id: crate::domain::ids::LeadId(1),
            profile: crate::domain::lead::Profile {
                phone: Some("+49 30 901820".to_owned()),
                ..crate::domain::lead::Profile::default()
            },
            stage: Stage::HandedOff,
            owner: Some(address("rep1@ours.example")),
            ..Lead::new(address("jane@acme.example"), at)
        }
    }

    fn labels(buttons: &Value) -> Vec<&str> {
        buttons.as_array().into_iter().flatten().filter_map(|button| button["label"].as_str()).collect()
    }

    #[test]
    fn three_things_are_offered_and_a_way_to_the_rest() {
        let page = Way::Page("https://go.ours.example/a/token".to_owned());
        use PromiseKind::{Accept, Disposition, Quiet};
        for (reader, stage, asked, first) in [
            (Reader::Rep, Stage::HandedOff, None, "I take it"),
            (Reader::Rep, Stage::HandedOff, Some(Accept), "I take it"),
            (Reader::Rep, Stage::Accepted, None, "I called, no answer"),
            (Reader::Rep, Stage::Contacted, Some(Disposition), "There is a deal to win"),
            (Reader::Rep, Stage::Opportunity, Some(Quiet), "I called, we talked"),
            (Reader::Manager, Stage::HandedOff, Some(Accept), "Give it to somebody else"),
        ] {
            let lead = Lead { stage, ..lead() };
            let buttons = buttons(&page, reader, main_words(reader, &lead, asked), false);
            assert_eq!((labels(&buttons).len(), labels(&buttons)[0]), (4, first), "{asked:?}");
            assert_eq!(buttons[3]["link"], "https://go.ours.example/a/token");
        }
        assert_eq!(buttons(&page, Reader::Other, &[], false), json!([]));
        assert_eq!(buttons(&Way::Command, Reader::Rep, &[Word::Accept], false), json!([]));
    }

    #[test]
    fn whoever_has_no_number_is_not_asked_how_the_call_went() {
        let mut lead = lead();
        lead.profile.phone = None;
        for stage in [Stage::HandedOff, Stage::Accepted] {
            let words = main_words(Reader::Rep, &Lead { stage, ..lead.clone() }, None);
            assert!(
                words.contains(&Word::Emailed) && !words.contains(&Word::NoAnswer),
                "{stage:?}: {words:?}"
            );
        }
    }

    #[test]
    fn a_lead_that_goes_back_by_itself_can_be_kept() {
        let lead = Lead { stage: Stage::Accepted, due_at: Some(Timestamp::UNIX_EPOCH), ..lead() };
        let page = Way::Page("https://go.ours.example/a/token".to_owned());
        let offered = buttons(&page, Reader::Rep, main_words(Reader::Rep, &lead, None), goes_back(&lead));
        assert_eq!(labels(&offered)[0], "I keep it");
        assert_eq!(offered[0]["link"], "https://go.ours.example/a/token/accept");
    }

    #[test]
    fn an_answer_carries_the_order_and_the_token_in_its_subject() {
        let log = address("log@ours.example");
        let lead = lead();
        let token = token(b"key", HandOffId(7), &address("rep1@ours.example"), Timestamp::UNIX_EPOCH);
        let way = Way::Answer(&log, token.clone());
        let words = |reader| main_words(reader, &lead, None);
        let offered = buttons(&way, Reader::Rep, words(Reader::Rep), false);
        assert_eq!(offered[0]["link"], format!("mailto:log@ours.example?subject=accept%20%5B{token}%5D"));
        assert!(verify(b"key", &token).is_some());
        assert_eq!(
            labels(&buttons(&way, Reader::Manager, words(Reader::Manager), false))[0],
            "I take it over"
        );
    }

    #[test]
    fn a_line_of_a_list_has_one_link_for_who_can_act() {
        let log = address("log@ours.example");
        let page = || Way::Page("https://go.ours.example/a/token".to_owned());
        for (way, reader, expected) in [
            (page(), Reader::Rep, Some("https://go.ours.example/a/token")),
            (page(), Reader::Manager, Some("https://go.ours.example/a/token")),
            (page(), Reader::Former, None),
            (page(), Reader::Other, None),
            (
                Way::Answer(&log, "token".to_owned()),
                Reader::Rep,
                Some("mailto:log@ours.example?subject=help%20%5Btoken%5D"),
            ),
            (Way::Command, Reader::Rep, None),
        ] {
            let link = in_line(way, reader).map(|(_, link)| link);
            assert_eq!(link.as_deref(), expected, "{reader:?}");
        }
    }

    #[test]
    fn commands_are_the_last_resort_and_an_address_stays_one_word_of_them() {
        let commands = commands(&address("a`b`@x.example"), Reader::Rep);
        assert_eq!(commands[0]["command"], "nurtured lead accept 'a`b`@x.example'");
    }
}
