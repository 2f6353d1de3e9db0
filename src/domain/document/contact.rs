//! When and how often a lead may be contacted, in words.

use super::{Block, Section, hours};
use crate::domain::agreement::{Agreement, MailCap};
use crate::domain::commitments::counted;

pub(super) fn rules(agreement: &Agreement) -> Section {
    let contact = &agreement.contact;
    let caps: Vec<String> = contact.max_emails.iter().map(cap).collect();
    let mut points = vec![
        format!("Mail reaches a lead {}, in the lead's own time.", hours::hours(contact.window.as_str())),
        format!("It is called {}, in its own time.", hours::hours(contact.phone_window.as_str())),
        "Nobody is contacted on a public holiday where they live, while they are away, or before a day that they named."
            .to_owned(),
        format!("It gets at most {}; a rep's mails count too.", super::and(&caps)),
    ];
    if let Some(people) = contact.per_company {
        points.push(format!("On one day at most {} of one company get mail.", people_words(people)));
    }
    points.push(
        "Whoever unsubscribes gets no more marketing mail, whoever complains no mail at all, and whoever asks not to be \
         called is not called any more: for good."
            .to_owned(),
    );
    points.push(format!(
        "An address that does not exist gets no more mail; nor does one from which {} came back for now within {} days.",
        counted(contact.soft_bounces.count, "mail"),
        contact.soft_bounces.days
    ));
    if !contact.excluded_domains.is_empty() {
        points.push(format!("Nobody is written to at {}.", super::and(&contact.excluded_domains)));
    }
    points.push("What a lead asked for is sent at once, at any hour.".to_owned());
    points.push(format!(
        "When {} have left on one day, all mail to leads stops until somebody has looked.",
        counted(contact.daily_brake, "mail")
    ));
    Section { title: "How leads are contacted".to_owned(), blocks: vec![Block::List(points)] }
}

fn cap(cap: &MailCap) -> String {
    match cap.days {
        1 => format!("{} a day", counted(cap.count, "mail")),
        days => format!("{} in {days} days", cap.count),
    }
}

fn people_words(count: i64) -> String {
    if count == 1 { "one person".to_owned() } else { format!("{count} people") }
}
