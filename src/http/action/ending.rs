//! The page after the click, and the pages of links that lead nowhere: calm, and each says what to do.

use std::fmt::Display;

use axum::http::StatusCode;
use axum::response::Response;

use super::form::{display, feedback, footer, reach, whose};
use crate::domain::happening::Happening;
use crate::domain::order::{Mend, Order, OrderError};
use crate::domain::recycle::Verdict;
use crate::engine::act::{Acted, Noted, Unheeded};
use crate::engine::desk::{Desk, Forbidden, HandOffState, NoDesk};
use crate::http::page::{self, escaped};

/// What became of an order.
pub fn acted(acted: &Acted, orders: &[Order], token: &str, one: bool) -> Response {
    let desk = &acted.desk;
    match &acted.result {
        Ok(noted) => done(desk, *noted, orders, token, one),
        Err(Unheeded::Forbidden(Forbidden::Stale)) => stale(desk),
        Err(Unheeded::Forbidden(Forbidden::Settled)) => settled(desk),
        Err(Unheeded::Forbidden(why)) => {
            let whose = match why {
                Forbidden::ForTheRep => "It is for the lead's rep to say what came of it.",
                Forbidden::ForMarketing => "It is for marketing to mend that.",
                Forbidden::ForTheManager => "It is for the team's manager to decide that.",
                _ => "Only a rep of the agreement can be away.",
            };
            let body = format!("<p>{whose} Nothing was changed.</p>{}", footer(desk));
            page::page(StatusCode::FORBIDDEN, "This is not yours to say", &body)
        }
        Err(Unheeded::Refused(words)) => {
            let body = format!(
                "<p>{}.</p><p>Nothing was changed.</p>{}{}",
                escaped(&sentence(words)),
                whose(desk),
                back(token, one)
            );
            page::page(StatusCode::CONFLICT, "That cannot be so", &body)
        }
    }
}

fn done(desk: &Desk, noted: Noted, orders: &[Order], token: &str, one: bool) -> Response {
    let said: Vec<String> = orders.iter().map(|order| escaped(&told(desk, order))).collect();
    // That somebody is away, or back, is about them and no lead.
    let is_about_them = orders.iter().all(|order| matches!(order, Order::RepAway { .. } | Order::RepBack));
    let mut body = match is_about_them {
        true => format!("<p>{}.</p>\n", sentence(&said.join("; "))),
        false => format!("<p><b>{}</b>: {}.</p>\n", escaped(&display(desk)), said.join("; ")),
    };
    if noted == Noted::Before {
        body.push_str("<p>It is noted once, however often you click.</p>");
    }
    if !is_about_them {
        body.push_str(&whose(desk));
    }
    // Who takes a lead calls it next.
    let has = |what: &Happening| orders.iter().any(|order| matches!(order, Order::Say(said) if said == what));
    if has(&Happening::Accepted) {
        body.push_str(&reach(desk));
    }
    if has(&Happening::Reclaimed) {
        // This link is about the time before.
        body.push_str("<p>A mail with the buttons for what comes next is on its way to you.</p>");
        body.push_str(&footer(desk));
        let title = if noted == Noted::Now { "Yours again" } else { "That was noted before" };
        return page::page(StatusCode::OK, title, &body);
    }
    let has_feedback = orders.iter().any(|order| matches!(order, Order::Say(Happening::Feedback { .. })));
    if desk.part.hand_off == HandOffState::Over && desk.part.is_rep && !has_feedback {
        body.push_str(&feedback(desk));
    } else {
        body.push_str(&back(token, one));
    }
    body.push_str(&footer(desk));
    let title = if noted == Noted::Now { "Noted" } else { "That was noted before" };
    page::page(StatusCode::OK, title, &body)
}

/// Things have changed since the link was sent: nothing is done, and it says who has the lead.
fn stale(desk: &Desk) -> Response {
    let title = match &desk.owner {
        Some(_) if desk.lead.owner.as_ref() == Some(&desk.person) => {
            "There is a newer mail about this lead".to_owned()
        }
        Some(owner) => format!("{owner} has this lead now"),
        None => "Nobody in sales has this lead now".to_owned(),
    };
    let body = format!(
        "<p><b>{}</b></p>{}<p>Nothing was changed. Please do not call or write to it, unless it is yours by a newer \
         mail.</p>{}",
        escaped(&display(desk)),
        whose(desk),
        footer(desk)
    );
    page::page(StatusCode::CONFLICT, &title, &body)
}

/// Somebody did before what was asked for, or it came to nothing: nothing is done, and it says who has the lead.
fn settled(desk: &Desk) -> Response {
    let body = format!(
        "<p><b>{}</b></p>{}<p>Nothing was changed: what you were asked about is settled.</p>{}",
        escaped(&display(desk)),
        whose(desk),
        footer(desk)
    );
    page::page(StatusCode::CONFLICT, "That is settled already", &body)
}

/// What was sent cannot be read as an order.
pub fn not_understood(desk: &Desk, token: &str, one: bool, error: &OrderError) -> Response {
    let words = match error {
        OrderError::Missing { what, .. } => format!("{} is missing: please choose it", sentence(what)),
        error => sentence(&error.to_string()),
    };
    let words = escaped(&words);
    let body = format!("<p>{words}.</p><p>Nothing was changed.</p>{}{}", back(token, one), footer(desk));
    page::page(StatusCode::BAD_REQUEST, "Something is missing", &body)
}

/// The link leads nowhere.
pub fn no_desk(error: &NoDesk) -> Response {
    match error {
        NoDesk::NotOurs => page::page(
            StatusCode::NOT_FOUND,
            "This link does not work",
            "<p>It may have been cut off on its way, or be meant for another server. Please open it from the mail \
             again. Nothing was changed.</p>",
        ),
        NoDesk::Over(day) => {
            let day = day.strftime("%-d %B %Y");
            let body = format!(
                "<p>It worked until {day}. Please open the newest mail about this lead. Nothing was changed.</p>"
            );
            page::page(StatusCode::GONE, "This link has ended", &body)
        }
        NoDesk::Gone => page::page(
            StatusCode::GONE,
            "This lead is not there any more",
            "<p>Nothing was changed. Please do not call or write to it.</p>",
        ),
        NoDesk::Left => page::page(
            StatusCode::FORBIDDEN,
            "This link is not yours any more",
            "<p>Whoever it was sent to has no part in the agreement now. Nothing was changed.</p>",
        ),
        NoDesk::Failed(error) => {
            tracing::error!("an action page could not be shown: {error}");
            page::out_of_order()
        }
    }
}

/// The store failed: nothing was done.
pub fn failed(desk: &Desk, error: &dyn Display) -> Response {
    tracing::error!(lead = desk.lead.id.0, "lead {} could not be acted on by link: {error}", desk.lead.id);
    page::out_of_order()
}

/// What was ordered, as whoever ordered it would say.
fn told(desk: &Desk, order: &Order) -> String {
    let agreement = &desk.rules.agreement;
    let reason =
        |name: &str| agreement.reasons.get(name).map_or(name.to_owned(), |reason| reason.label.clone());
    let named = |name: &Option<String>, names: &std::collections::BTreeMap<String, String>| {
        name.as_ref().map(|name| names.get(name).cloned().unwrap_or_else(|| name.clone()))
    };
    match order {
        Order::RepBack => "you are back, and get leads again".to_owned(),
        Order::Mend(mend) => match mend {
            Mend::Answer { verdict: Verdict::Overturned, .. } => "sales gets it again".to_owned(),
            Mend::Answer { .. } => "it stays given back, and marketing is told".to_owned(),
            Mend::Correct(values) => {
                let names: Vec<String> = values.iter().map(|(name, _)| name.replace('_', " ")).collect();
                format!("corrected, {}", names.join(", "))
            }
            Mend::Replace(new) => format!("{new} goes on in its place"),
            Mend::DuplicateOf(of) => format!("it is one with {of}, which goes on"),
            Mend::GiveUp => "given up".to_owned(),
            Mend::Dispute => "the manager is asked to decide".to_owned(),
        },
        Order::RepAway { until } => format!("you are away until {}", until.strftime("%a %-d %b")),
        Order::Say(happening) => match happening {
            Happening::Accepted => "it is yours".to_owned(),
            Happening::Attempt { outcome, .. } => format!("tried, {}", outcome.name().replace('_', " ")),
            Happening::Rejected { reason: name } | Happening::Recycled { reason: name } => {
                format!("given back, {}", reason(name))
            }
            Happening::Lost { reason: name } => format!("lost, {}", reason(name)),
            Happening::FollowUp { on } => format!("asked to hear from us on {}", on.strftime("%a %-d %b %Y")),
            Happening::Away { until: Some(until), .. } => {
                format!("away until {}", until.strftime("%a %-d %b %Y"))
            }
            Happening::Away { until: None, .. } => "away".to_owned(),
            Happening::Feedback { objection, argument } => {
                let heard = [named(argument, &agreement.arguments), named(objection, &agreement.objections)];
                let heard: Vec<String> = heard.into_iter().flatten().collect();
                if heard.is_empty() {
                    "thank you".to_owned()
                } else {
                    format!("heard “{}”", heard.join("”, “"))
                }
            }
            Happening::Reassigned { to } => format!("given to {to}"),
            Happening::Reclaimed => "it is yours again".to_owned(),
            Happening::Taken => "you took it over".to_owned(),
            Happening::Extended => "its rep has the full time once more".to_owned(),
            Happening::AlreadyCustomer => "a customer already".to_owned(),
            Happening::AlreadyTalking => "you talk with them already".to_owned(),
            Happening::WrongPerson => "the wrong person".to_owned(),
            Happening::Meeting => "you met".to_owned(),
            Happening::Opportunity => "there is a deal to win".to_owned(),
            other => other.kind().replace('_', " "),
        },
    }
}

fn back(token: &str, one: bool) -> String {
    let way = if one { "../" } else { "" };
    format!("<p><a class=\"more\" href=\"{way}{token}\">What else you can do</a></p>\n")
}

/// With a capital, and without a final stop.
fn sentence(words: &str) -> String {
    let mut chars = words.trim_end_matches('.').chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}
