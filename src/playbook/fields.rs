//! The small languages inside the playbook's texts: "60 days", "2 per 7 days", "75%", names, zones.
//!
//! Each function reads one text or says what is wrong with it; none knows where the text stands. What
//! calendars and waits understand, they decide themselves: this is the one place that asks them.

use jiff::SignedDuration;
use jiff::civil::{Date, Time};

use crate::domain::agreement::{MailCap, Reentry, Role, Target};
use crate::domain::calendar::{Calendar, Holidays, Hours};
use crate::domain::capacity::Per;
use crate::domain::commitments::Period;
use crate::domain::condition::ConditionError;
use crate::domain::email::EmailAddress;
use crate::domain::sla::{LevelAt, PromiseKind};
use crate::domain::span::{self, Span, SpanError};
use crate::domain::wait::Wait;
use crate::problem::nearest;

pub use crate::toml_reader::Refusal;

impl From<ConditionError> for Refusal {
    fn from(error: ConditionError) -> Refusal {
        Refusal { message: error.message, hint: error.hint.unwrap_or_default(), span: Some(error.span) }
    }
}

/// Longer names make unreadable tables.
const MAX_NAME: usize = 40;

/// A name that others refer to: `[a-z0-9-]+`, and a letter or digit at both ends.
pub fn name(text: &str) -> Result<String, Refusal> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let fits = !text.is_empty()
        && text.len() <= MAX_NAME
        && text.chars().all(allowed)
        && !text.starts_with('-')
        && !text.ends_with('-');
    if !fits {
        let hint = format!("names have small letters, digits and `-`, at most {MAX_NAME}: `first-contact`");
        return Err(Refusal::new(format!("`{text}` cannot be a name"), hint));
    }
    if RESERVED.contains(&text) {
        return Err(Refusal::new(format!("the name `{text}` has a meaning of its own"), "choose another"));
    }
    Ok(text.to_owned())
}

/// What `to = "never"` and the like mean is fixed; a thing of that name could not be told apart.
const RESERVED: [&str; 4] = ["never", "none", "marketing", "staff"];

/// An activity's name, as exports and forms write them.
pub fn activity(text: &str) -> Result<String, Refusal> {
    if text.trim().is_empty() || text.trim() != text || text.len() > 100 {
        return Err(Refusal::new(
            "an activity needs a name",
            "write it as your site reports it: `pricing_page`",
        ));
    }
    Ok(text.to_owned())
}

/// An email address.
pub fn email(text: &str) -> Result<EmailAddress, Refusal> {
    text.parse::<EmailAddress>().ok().filter(|address| !address.domain().is_empty()).ok_or_else(|| {
        Refusal::new(format!("`{text}` is not an email address"), "write `name@company.example`")
    })
}

/// A domain on its own.
pub fn domain(text: &str) -> Result<String, Refusal> {
    let label = |label: &str| {
        !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-') && !label.starts_with('-')
    };
    if text.contains('.') && text.split('.').all(label) {
        Ok(text.to_lowercase())
    } else {
        Err(Refusal::new(
            format!("`{text}` is no domain"),
            "write what stands behind the @: `competitor.example`",
        ))
    }
}

/// An IANA zone's name.
pub fn zone(text: &str) -> Result<String, Refusal> {
    if let Ok(zone) = jiff::tz::TimeZone::get(text) {
        // Found in any case; kept in the usual one.
        return Ok(zone.iana_name().unwrap_or(text).to_owned());
    }
    let names: Vec<String> = jiff::tz::db().available().map(|name| name.as_str().to_owned()).collect();
    let city = |name: &str| name.rsplit('/').next().unwrap_or_default().to_lowercase();
    let wanted = text.to_lowercase().replace(' ', "_");
    let suggestion = names
        .iter()
        .find(|name| city(name) == wanted)
        .map(String::as_str)
        .or_else(|| nearest(text, names.iter().map(String::as_str)));
    let hint = suggestion.map_or_else(
        || "zones are named after cities: `Europe/Berlin`, `America/New_York`".to_owned(),
        |name| format!("did you mean `{name}`?"),
    );
    Err(Refusal::new(format!("there is no time zone `{text}`"), hint))
}

/// Opening hours.
pub fn hours(text: &str) -> Result<Hours, Refusal> {
    Hours::parse(text).map_err(|error| Refusal {
        hint: error.hint.unwrap_or_else(|| "hours look like `Mo-Fr 09:00-12:00,13:00-17:00`".to_owned()),
        message: error.message,
        span: error.span,
    })
}

/// A country of whose public holidays something is known, and those holidays added to `holidays`.
pub fn holiday_country(text: &str, holidays: &mut Holidays) -> Result<(), Refusal> {
    holidays.add_country(text).map_err(|error| {
        let upper = text.to_uppercase();
        let hint = if upper != text && Holidays::none().add_country(&upper).is_ok() {
            format!("did you mean `{upper}`?")
        } else {
            "write a two-letter code such as `DE`; list other dates in `extra_holidays`".to_owned()
        };
        Refusal::new(error.to_string(), hint)
    })
}

/// The dates of an iCalendar file, added to `holidays`.
pub fn holiday_file(text: &str, holidays: &mut Holidays) -> Result<(), Refusal> {
    let hint = "export it with all-day events, or list the dates in `extra_holidays`";
    match holidays.add_ics(text) {
        Ok(0) => Err(Refusal::new("the calendar file holds no all-day event", hint)),
        Ok(_) => Ok(()),
        Err(error) => Err(Refusal::new(error.to_string(), hint)),
    }
}

/// A working calendar of parts that were read before; refused when it never opens.
pub fn calendar(zone: &str, hours: Hours, holidays: Holidays) -> Result<Calendar, Refusal> {
    Calendar::new(zone, hours, holidays).map_err(|error| {
        let hint = error.hint().unwrap_or_else(|| "open on some day".to_owned());
        Refusal::new(error.to_string(), hint)
    })
}

/// How long a step waits.
pub fn wait(text: &str) -> Result<Wait, Refusal> {
    Wait::parse(text).map_err(|error| {
        Refusal::new(
            error.to_string(),
            "write `2 hours`, `3 days`, `3 business days` or `next business day 09:30`",
        )
    })
}

/// A date: `2026-12-24`.
pub fn date(text: &str) -> Result<Date, Refusal> {
    text.parse().map_err(|_| Refusal::new(format!("`{text}` is no date"), "write `2026-12-24`"))
}

/// A time of day: `09:00`.
pub fn time_of_day(text: &str) -> Result<Time, Refusal> {
    let refused = || Refusal::new(format!("`{text}` is no time of day"), "write `09:00`");
    let (hour, minute) = text.split_once(':').ok_or_else(refused)?;
    let number = |digits: &str| {
        (digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| digits.parse().ok())?
    };
    let (hour, minute) = number(hour).zip(number(minute)).ok_or_else(refused)?;
    Time::new(hour, minute, 0, 0).map_err(|_| refused())
}

/// One date, or the first and last of several: `2026-07-06 to 2026-07-24`.
pub fn date_range(text: &str) -> Result<(Date, Date), Refusal> {
    let (first, last) = text.split_once(" to ").unwrap_or((text, text));
    let range = (date(first.trim())?, date(last.trim())?);
    if range.1 < range.0 {
        return Err(Refusal::new(format!("`{text}` ends before it begins"), "write the earlier date first"));
    }
    Ok(range)
}

/// A length of plain time that is not nothing: `90 minutes`, `2 hours`, `3 days`.
pub fn duration(text: &str) -> Result<SignedDuration, Refusal> {
    let hint = "write `2 hours` or `3 days`";
    let span: Span = text.parse().map_err(|error: SpanError| Refusal::new(error.to_string(), hint))?;
    if !span.duration().is_positive() {
        return Err(Refusal::new(format!("`{text}` is no time at all"), hint));
    }
    Ok(span.duration())
}

/// A number of whole days that is not nothing: `60 days`, `2 weeks`.
pub fn days(text: &str) -> Result<i64, Refusal> {
    const DAY: i64 = 24 * 3600;
    match duration(text)?.as_secs() {
        seconds if seconds % DAY == 0 => Ok(seconds / DAY),
        _ => Err(Refusal::new(format!("`{text}` is no number of days"), "write `60 days` or `2 weeks`")),
    }
}

/// What sales promises: `8 business hours`, `2 business days`.
pub fn target(text: &str) -> Result<Target, Refusal> {
    let hint = "write `8 business hours`, `30 business minutes` or `2 business days`";
    span::parse_target(text).map_err(|error| Refusal::new(error.to_string(), hint))
}

/// A number of business days: `10 business days`.
pub fn business_days(text: &str) -> Result<i64, Refusal> {
    match target(text)? {
        Target::BusinessDays(days) => Ok(days),
        _ => Err(Refusal::new(format!("`{text}` is no number of business days"), "write `10 business days`")),
    }
}

/// What a level watches over, among what a policy may promise.
pub fn promise(text: &str) -> Result<PromiseKind, Refusal> {
    let known: Vec<(&str, PromiseKind)> = PromiseKind::OF_A_POLICY.map(|kind| (kind.name(), kind)).to_vec();
    one_of("promise", text, &known)
}

/// `2 per 7 days`, `1 per day`.
pub fn mail_cap(text: &str) -> Result<MailCap, Refusal> {
    let refused = || Refusal::new(format!("`{text}` is no cap"), "write `1 per day` or `2 per 7 days`");
    let (count, window) = text.split_once(" per ").ok_or_else(refused)?;
    let count: i64 = count.trim().parse().map_err(|_| refused())?;
    let days = match window.trim() {
        "day" => 1,
        "week" => 7,
        window => days(window).map_err(|_| refused())?,
    };
    if !(1..=100).contains(&count) || days > 366 {
        return Err(Refusal::new(
            format!("`{text}` makes no sense as a cap"),
            "allow 1 to 100 mails in 1 to 366 days; to send nothing at all, empty the sequences",
        ));
    }
    Ok(MailCap { count, days })
}

/// A share of something, `70%`, from nothing to all.
pub fn share(text: &str) -> Result<i64, Refusal> {
    text.trim()
        .strip_suffix('%')
        .and_then(|number| number.trim().parse().ok())
        .filter(|percent| (0..=100).contains(percent))
        .ok_or_else(|| Refusal::new(format!("`{text}` is no share"), "write `70%`, from 0% to 100%"))
}

/// How long a commitment is counted together.
pub fn period(text: &str) -> Result<Period, Refusal> {
    one_of("period", text, &Period::ALL)
}

/// What a campaign is expected to bring: `120 per month`.
pub fn volume(text: &str) -> Result<(i64, Per), Refusal> {
    let refused = || {
        Refusal::new(format!("`{text}` is no volume"), "write `120 per month`, or per day, week or quarter")
    };
    let (count, per) = text.split_once(" per ").ok_or_else(refused)?;
    let count =
        count.trim().parse().ok().filter(|count| (1..=1_000_000).contains(count)).ok_or_else(refused)?;
    let per = match per.trim() {
        "day" => Per::Day,
        per => Per::Period(per.parse().map_err(|_| refused())?),
    };
    Ok((count, per))
}

/// `75%`.
pub fn percent(text: &str) -> Result<i64, Refusal> {
    text.trim()
        .strip_suffix('%')
        .and_then(|number| number.trim().parse().ok())
        .filter(|percent| (1..=1000).contains(percent))
        .ok_or_else(|| {
            Refusal::new(format!("`{text}` is no share of the target"), "write `75%`, from 1% to 1000%")
        })
}

/// Where a level is reached on the way to its target: `75%`, or a time in the target's own unit, `2 hours`,
/// `1 business day`.
pub fn level_at(text: &str, target: Option<Target>) -> Result<LevelAt, Refusal> {
    if text.trim_end().ends_with('%') {
        return percent(text).map(LevelAt::Percent);
    }
    let hint = "write a share of the target, `75%`, or a time after the start, `2 hours` or `1 business day`";
    let time = span::parse_level_time(text, target).map_err(|error| Refusal::new(error.to_string(), hint))?;
    let is_too_long = match time {
        Target::Time(time) => time.as_hours() > 2_000,
        Target::BusinessDays(days) => days > 260,
        Target::Days(days) => days > 366,
    };
    if is_too_long {
        let message = format!("`{text}` is longer than a year of work");
        return Err(Refusal::new(message, "tell people while it can still be mended"));
    }
    let at = LevelAt::Time(time);
    match target {
        Some(target) if at.place(target).is_none() => {
            let unit = match target {
                Target::Time(_) => "business hours",
                Target::BusinessDays(_) => "business days",
                Target::Days(_) => "days",
            };
            Err(Refusal::new(
                format!("`{text}` cannot be compared with the target of {target}"),
                format!("count it in {unit} as the target is, or write a share of the target: `150%`"),
            ))
        }
        _ => Ok(at),
    }
}

/// Somebody who is told.
pub fn role(text: &str) -> Result<Role, Refusal> {
    one_of(
        "role",
        text,
        &[
            ("owner", Role::Owner),
            ("manager", Role::Manager),
            ("backup", Role::Backup),
            ("director", Role::Director),
        ],
    )
}

/// Whether a sequence may be gone through again.
pub fn reentry(text: &str) -> Result<Reentry, Refusal> {
    one_of(
        "re-entry rule",
        text,
        &[("never", Reentry::Never), ("each-round", Reentry::EachRound), ("always", Reentry::Always)],
    )
}

/// One word of a closed set.
pub fn one_of<T: Copy>(what: &str, text: &str, known: &[(&str, T)]) -> Result<T, Refusal> {
    if let Some((_, value)) = known.iter().find(|(name, _)| *name == text) {
        return Ok(*value);
    }
    let names = known.iter().map(|(name, _)| *name);
    let hint = nearest(text, names.clone()).map_or_else(
        || format!("known are {}", names.collect::<Vec<_>>().join(", ")),
        |name| format!("did you mean `{name}`?"),
    );
    Err(Refusal::new(format!("`{text}` is no {what}"), hint))
}
