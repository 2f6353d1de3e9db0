//! The one gate: whether a lead may be contacted, how, by whom, and if not, until when and why.
//!
//! Nobody else decides this: not a pass, not a command, not a page. The daemon asks before it plans a
//! mail and again in the transaction that sends it; a rep asks before she dials; both get one answer from
//! [`may_contact`].
//!
//! | what | email: sequence | email: asked for | email: rep | phone: rep |
//! |---|---|---|---|---|
//! | suppression ([`SuppressionReason::forbids`]) | ✓ | ✓ | ✓ | ✓ |
//! | excluded domain | never | never | owner only | owner only |
//! | sales has the word | never | | | |
//! | somebody else's lead, or nobody's yet | | | never | never |
//! | away until … | second working morning | | ✓ | first working afternoon |
//! | asked to hear from us on … | ✓ | | ✓ | ✓ |
//! | hours and holidays of the lead | ✓ | | | ✓ |
//! | mails in so many days, people of a company | ✓ | | | |

use std::fmt;

use jiff::civil::{Date, Time};
use jiff::{Timestamp, ToSpan};

use super::agreement::{ContactRules, MailCap};
use super::calendar::Calendar;
use super::email::EmailAddress;
use super::lead::Stage;
use super::names::names;

names! {
    /// How a lead is contacted.
    Channel, "channel" {
        /// By mail.
        Email = "email",
        /// By phone.
        Phone = "phone",
    }
}

names! {
    /// What for, and by whom.
    Purpose, "purpose" {
        /// A step of a sequence.
        Nurture = "nurture",
        /// A mail the lead asked for, such as the confirmation of its form.
        Requested = "requested",
        /// The rep who owns the lead.
        Owner = "owner",
        /// Any other rep.
        OtherRep = "other_rep",
    }
}

names! {
    /// Why an address must not be contacted.
    SuppressionReason, "suppression reason" {
        /// The address does not exist.
        HardBounce = "hard_bounce",
        /// Mail to it came back again and again.
        SoftBounces = "soft_bounces",
        /// The person wants no marketing mail.
        Unsubscribed = "unsubscribed",
        /// The person called our mail spam.
        Complaint = "complaint",
        /// The person does not work there any more.
        LeftCompany = "left_company",
        /// The person does not want to be called.
        DoNotCall = "do_not_call",
        /// The person wants nothing from us.
        DoNotContact = "do_not_contact",
        /// The person had their data erased.
        Erased = "erased",
    }
}

impl SuppressionReason {
    /// Whether it forbids this.
    pub fn forbids(self, channel: Channel, purpose: Purpose) -> bool {
        match self {
            SuppressionReason::HardBounce
            | SuppressionReason::SoftBounces
            | SuppressionReason::Complaint
            | SuppressionReason::LeftCompany => channel == Channel::Email,
            SuppressionReason::Unsubscribed => channel == Channel::Email && purpose == Purpose::Nurture,
            SuppressionReason::DoNotCall => channel == Channel::Phone,
            SuppressionReason::DoNotContact | SuppressionReason::Erased => true,
        }
    }

    /// As a sentence about the person.
    pub fn label(self) -> &'static str {
        match self {
            SuppressionReason::HardBounce => "the address does not exist",
            SuppressionReason::SoftBounces => "mail to it keeps coming back",
            SuppressionReason::Unsubscribed => "unsubscribed from marketing mail",
            SuppressionReason::Complaint => "complained about our mail",
            SuppressionReason::LeftCompany => "does not work there any more",
            SuppressionReason::DoNotCall => "asked not to be called",
            SuppressionReason::DoNotContact => "asked not to be contacted",
            SuppressionReason::Erased => "had their data erased",
        }
    }
}

/// What the gate has to know of a lead.
#[derive(Clone, Debug)]
pub struct ContactFacts<'a> {
    /// The lead's address.
    pub email: &'a EmailAddress,
    /// How far it has come.
    pub stage: Stage,
    /// The rep who owns it.
    pub owner: Option<&'a EmailAddress>,
    /// Whether it has a phone number.
    pub has_phone: bool,
    /// It is back then; the instant at which its first day back begins.
    pub away_until: Option<Timestamp>,
    /// It asked to hear from us then.
    pub follow_up_at: Option<Timestamp>,
    /// A mail that may be its own waits for a person's word, until then at most.
    pub unclear_until: Option<Timestamp>,
    /// Why it must not be contacted.
    pub suppressions: &'a [SuppressionReason],
    /// The local dates (days since 1970-01-01) of the mails it had, from us and from reps.
    pub mail_dates: &'a [i64],
    /// On which dates how many *other* people of its company get nurture mail.
    pub company_days: &'a [(i64, i64)],
}

/// What the gate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Now.
    Yes,
    /// Not before then.
    NotBefore {
        /// The first instant at which nothing that is known stands against it.
        at: Timestamp,
        /// What stands against it until then, in the order in which it was found.
        because: Vec<Obstacle>,
    },
    /// Not as things stand.
    Never {
        /// Why.
        because: Obstacle,
    },
}

/// What stands against contacting a lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// It, or its mailbox, said no.
    Suppressed(SuppressionReason),
    /// Its domain is on the agreement's list.
    ExcludedDomain,
    /// A rep is at work with it.
    SalesHasTheWord,
    /// It belongs to that rep.
    OwnedBy(EmailAddress),
    /// It has not been handed to anybody.
    NotHandedOff,
    /// No number is known.
    NoPhone,
    /// Out of office; its first day back.
    Away(Date),
    /// It asked to hear from us on that day.
    FollowUp(Date),
    /// A mail that may be its own waits for a person's word.
    Unclear,
    /// Not at this hour.
    OutsideHours,
    /// That day is a holiday where it lives.
    Holiday(Date),
    /// It has had enough mail.
    MailCap(MailCap),
    /// Its company has had enough mail on that day.
    CompanyCap(i64),
    /// Its hours never open again.
    NeverOpen,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Obstacle::Suppressed(reason) => f.write_str(reason.label()),
            Obstacle::ExcludedDomain => f.write_str("its domain is excluded by the agreement"),
            Obstacle::SalesHasTheWord => f.write_str("sales has the word"),
            Obstacle::OwnedBy(owner) => write!(f, "it belongs to {owner}"),
            Obstacle::NotHandedOff => f.write_str("it has not been handed to anybody"),
            Obstacle::NoPhone => f.write_str("no phone number is known"),
            Obstacle::Away(date) => write!(f, "away, back on {date}"),
            Obstacle::FollowUp(date) => write!(f, "asked to hear from us on {date}"),
            Obstacle::Unclear => f.write_str("a mail that may be its own waits for somebody's word"),
            Obstacle::OutsideHours => f.write_str("outside the lead's hours"),
            Obstacle::Holiday(date) => write!(f, "{date} is a holiday for the lead"),
            Obstacle::MailCap(cap) if cap.days == 1 => {
                write!(f, "it has had {} on that day", mails(cap.count))
            }
            Obstacle::MailCap(cap) => write!(f, "it has had {} in {} days", mails(cap.count), cap.days),
            Obstacle::CompanyCap(people) => {
                write!(f, "{people} people of its company get mail on that day already")
            }
            Obstacle::NeverOpen => f.write_str("its hours never open"),
        }
    }
}

fn mails(count: i64) -> String {
    if count == 1 { "1 mail".to_owned() } else { format!("{count} mails") }
}

/// The words of several obstacles, as one reason.
pub fn reasons(obstacles: &[Obstacle]) -> String {
    obstacles.iter().map(Obstacle::to_string).collect::<Vec<_>>().join("; ")
}

/// Days since 1970-01-01 of a date: how local dates are counted.
pub fn day_number(date: Date) -> i64 {
    i64::from((date - jiff::civil::date(1970, 1, 1)).get_days())
}

/// Rounds of pushing the instant forward before giving up. Each round clears every obstacle once; only
/// caps that keep refusing date after date need more than a few.
const ROUNDS: usize = 400;

/// Whether `lead` may be contacted over `channel` for `purpose` by `actor` (a rep, for the rep purposes)
/// at `now`. `hours` are the lead's own for that channel, in its zone, with its holidays.
pub fn may_contact(
    lead: &ContactFacts<'_>,
    rules: &ContactRules,
    hours: &Calendar,
    channel: Channel,
    purpose: Purpose,
    actor: Option<&EmailAddress>,
    now: Timestamp,
) -> Permission {
    if let Some(because) = forbidden(lead, rules, channel, purpose, actor) {
        return Permission::Never { because };
    }
    if purpose == Purpose::Requested {
        return Permission::Yes;
    }
    let mut at = now;
    let mut because = Vec::new();
    for _ in 0..ROUNDS {
        let Some((later, obstacle)) = hindered(lead, rules, hours, channel, purpose, at) else {
            return if at == now { Permission::Yes } else { Permission::NotBefore { at, because } };
        };
        let Some(later) = later else {
            return Permission::Never { because: Obstacle::NeverOpen };
        };
        at = later;
        if !because.contains(&obstacle) {
            because.push(obstacle);
        }
    }
    Permission::Never { because: Obstacle::NeverOpen }
}

/// What stands against it for as long as nothing changes.
fn forbidden(
    lead: &ContactFacts<'_>,
    rules: &ContactRules,
    channel: Channel,
    purpose: Purpose,
    actor: Option<&EmailAddress>,
) -> Option<Obstacle> {
    if let Some(reason) = lead.suppressions.iter().find(|reason| reason.forbids(channel, purpose)) {
        return Some(Obstacle::Suppressed(*reason));
    }
    let domain = lead.email.domain();
    if purpose != Purpose::Owner && rules.excluded_domains.iter().any(|excluded| covers(excluded, domain)) {
        return Some(Obstacle::ExcludedDomain);
    }
    match purpose {
        Purpose::Nurture if lead.stage.sales_has_the_word() => return Some(Obstacle::SalesHasTheWord),
        // Asked by nobody in particular, the answer is for whoever has the lead.
        Purpose::Owner | Purpose::OtherRep => match (lead.owner, actor) {
            (Some(owner), Some(actor)) if owner != actor => return Some(Obstacle::OwnedBy(owner.clone())),
            (None, Some(_)) => return Some(Obstacle::NotHandedOff),
            (Some(_) | None, _) => {}
        },
        Purpose::Nurture | Purpose::Requested => {}
    }
    (channel == Channel::Phone && !lead.has_phone).then_some(Obstacle::NoPhone)
}

/// Whether an excluded domain is that of the address, or above it.
fn covers(excluded: &str, domain: &str) -> bool {
    domain.strip_suffix(excluded).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The first thing that stands against `at`, and the earliest instant at which it no longer does; no instant
/// when there is none.
fn hindered(
    lead: &ContactFacts<'_>,
    rules: &ContactRules,
    hours: &Calendar,
    channel: Channel,
    purpose: Purpose,
    at: Timestamp,
) -> Option<(Option<Timestamp>, Obstacle)> {
    if let Some(back) = lead.away_until {
        let resume = match channel {
            Channel::Email => mail_after_absence(hours, back),
            Channel::Phone => call_after_absence(hours, back),
        };
        match resume {
            None => return Some((None, Obstacle::NeverOpen)),
            Some(resume) if resume > at => {
                return Some((Some(resume), Obstacle::Away(hours.local(back).date())));
            }
            Some(_) => {}
        }
    }
    if let Some(follow_up) = lead.follow_up_at.filter(|follow_up| *follow_up > at) {
        return Some((Some(follow_up), Obstacle::FollowUp(hours.local(follow_up).date())));
    }
    if channel == Channel::Email && purpose != Purpose::Nurture {
        return None;
    }
    if let Some(unclear) = lead.unclear_until.filter(|unclear| channel == Channel::Email && *unclear > at) {
        return Some((Some(unclear), Obstacle::Unclear));
    }
    if !hours.is_open(at) {
        let today = hours.local(at).date();
        let obstacle =
            if hours.is_closed_by_holiday(today) { Obstacle::Holiday(today) } else { Obstacle::OutsideHours };
        return Some((hours.next_open(at), obstacle));
    }
    if channel == Channel::Phone {
        return None;
    }
    let today = hours.local(at).date();
    let number = day_number(today);
    let cap = rules.max_emails.iter().find(|cap| {
        let had =
            lead.mail_dates.iter().filter(|date| (number - cap.days + 1..=number).contains(date)).count();
        had as i64 >= cap.count
    });
    let next_day = || today.tomorrow().ok().and_then(|day| hours.instant_at(day, Time::midnight()));
    if let Some(cap) = cap {
        return Some((next_day(), Obstacle::MailCap(*cap)));
    }
    let colleagues =
        lead.company_days.iter().find(|(date, _)| *date == number).map_or(0, |(_, people)| *people);
    match rules.per_company {
        Some(most) if colleagues >= most && !lead.mail_dates.contains(&number) => {
            Some((next_day(), Obstacle::CompanyCap(colleagues)))
        }
        _ => None,
    }
}

/// The first instant of the second working morning: the first day back is spent on a full inbox.
pub fn mail_after_absence(hours: &Calendar, back: Timestamp) -> Option<Timestamp> {
    let first_day = first_working_day(hours, back)?;
    let second_day = hours.business_day_after(first_day, 1)?;
    hours.next_open(hours.instant_at(second_day, Time::midnight())?)
}

/// The first instant of the first working afternoon.
pub fn call_after_absence(hours: &Calendar, back: Timestamp) -> Option<Timestamp> {
    let noon = hours.instant_at(first_working_day(hours, back)?, Time::constant(12, 0, 0, 0))?;
    hours.next_open(noon.max(back))
}

fn first_working_day(hours: &Calendar, back: Timestamp) -> Option<Date> {
    Some(hours.local(hours.next_open(back)?).date())
}

/// The instant at which a date begins where the lead lives.
pub fn start_of_day(hours: &Calendar, day: Date) -> Option<Timestamp> {
    hours.instant_at(day, Time::midnight())
}

/// The oldest local date whose mails any cap still counts on `today`, as a day number.
pub fn first_day_that_counts(rules: &ContactRules, today: Date) -> i64 {
    let longest = rules.max_emails.iter().map(|cap| cap.days).max().unwrap_or(1);
    let first = today.checked_sub(i32::try_from(longest).unwrap_or(i32::MAX).days()).unwrap_or(Date::MIN);
    day_number(first)
}

#[cfg(test)]
mod tests;
