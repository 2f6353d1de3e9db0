//! Business time against an independent count.
//!
//! The count knows nothing of openings, segments or transitions: it walks through UTC minute by minute,
//! asks what the wall clock shows, and looks whether that lies in the hours. Around every kind of clock
//! change there is (an hour, half an hour, two hours, at midnight, a whole date) calendars, deadlines
//! and pauses have to agree with it to the second. Then come published examples, and properties.

use std::sync::LazyLock;

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use nurtured::domain::calendar::{Calendar, Counted, Holidays, Hours, Reckoning, deadline, elapsed};
use proptest::prelude::*;

/// Hours as data, so that the count need not read them: days of the week from Monday, and minutes of the
/// day; beyond 24 × 60 they belong to the night that follows.
struct Schedule {
    text: &'static str,
    spans: &'static [(std::ops::RangeInclusive<i8>, i32, i32)],
}

const SCHEDULES: &[Schedule] = &[
    Schedule { text: "Mo-Fr 09:00-17:00", spans: &[(1..=5, 540, 1020)] },
    Schedule { text: "Mo-Sa 09:00-12:00,13:00-18:30", spans: &[(1..=6, 540, 720), (1..=6, 780, 1110)] },
    Schedule { text: "Sa-Su 01:00-05:00", spans: &[(6..=7, 60, 300)] },
    Schedule { text: "24/7", spans: &[(1..=7, 0, 1440)] },
    Schedule { text: "Mo-Su 22:00-02:30", spans: &[(1..=7, 1320, 1590)] },
    Schedule { text: "Mo-Su 00:00-00:45,23:15-24:00", spans: &[(1..=7, 0, 45), (1..=7, 1395, 1440)] },
    // A night belongs to the date on which it begins, whatever is said of the next one.
    Schedule {
        text: "Mo-Th 18:00-02:00; Fr-Sa 18:00-04:00; Su 12:00-20:00",
        spans: &[(1..=4, 1080, 1560), (5..=6, 1080, 1680), (7..=7, 720, 1200)],
    },
    Schedule {
        text: "Su 10:00-12:00; Fr-Sa 22:00-02:15; Mo 03:00-04:00",
        spans: &[(7..=7, 600, 720), (5..=6, 1320, 1575), (1..=1, 180, 240)],
    },
    Schedule {
        text: "Mo-Tu 08:00-12:00, Th 20:00-28:00, Sa-Su 02:15-02:45",
        spans: &[(1..=2, 480, 720), (4..=4, 1200, 1680), (6..=7, 135, 165)],
    },
];

/// Zones, each with instants near which its clocks change, or do not.
const CHANGES: &[(&str, &[&str])] = &[
    ("Europe/Berlin", &["2026-03-29", "2026-10-25"]),
    ("America/New_York", &["2026-03-08", "2026-11-01"]),
    ("Australia/Lord_Howe", &["2026-04-05", "2026-10-04"]),
    ("America/Sao_Paulo", &["2018-02-18", "2018-11-04"]),
    ("Atlantic/Azores", &["2026-03-29", "2026-10-25"]),
    ("Africa/Casablanca", &["2026-02-15", "2026-03-22"]),
    ("Antarctica/Troll", &["2026-03-29", "2026-10-25"]),
    ("Pacific/Apia", &["2011-12-30", "2012-04-01"]),
    ("America/St_Johns", &["2006-04-02", "2006-10-29"]),
    ("America/Havana", &["2026-03-08", "2026-11-01"]),
    ("Asia/Beirut", &["2026-03-29", "2026-10-25"]),
    ("Asia/Pyongyang", &["2015-08-15", "2018-05-05"]),
    ("Pacific/Chatham", &["2026-04-05", "2026-09-27"]),
    ("Asia/Kolkata", &["2026-03-29"]),
];

/// Minutes on either side of a change.
const REACH: i64 = 5 * 24 * 60;

/// A small generator, so that a failure can be repeated (xorshift64*, Vigna 2016).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: i64) -> i64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let roll = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        (roll % bound.unsigned_abs()) as i64
    }
}

/// What the wall clock shows in each minute from `start` on.
fn wall_clock(zone: &TimeZone, start: Timestamp) -> Vec<(Date, i32)> {
    (0..2 * REACH)
        .map(|minute| {
            let shown = zone.to_datetime(start + SignedDuration::from_mins(minute));
            (shown.date(), i32::from(shown.hour()) * 60 + i32::from(shown.minute()))
        })
        .collect()
}

/// Which minutes are open, by looking at each.
fn count(wall: &[(Date, i32)], schedule: &Schedule, holiday: Option<Date>) -> Vec<bool> {
    wall.iter()
        .map(|(day, minute)| {
            let today = day.weekday().to_monday_one_offset();
            let yesterday = day.weekday().previous().to_monday_one_offset();
            Some(*day) != holiday
                && schedule.spans.iter().any(|(days, opens, closes)| {
                    (days.contains(&today) && (*opens..*closes).contains(minute))
                        || (days.contains(&yesterday) && (*opens..*closes).contains(&(minute + 1440)))
                })
        })
        .collect()
}

/// Open seconds from one second to another.
fn seconds(open: &[bool], from: i64, to: i64) -> i64 {
    (from.div_euclid(60)..=to.div_euclid(60))
        .filter(|minute| open.get(*minute as usize).copied().unwrap_or(false))
        .map(|minute| (to.min((minute + 1) * 60) - from.max(minute * 60)).max(0))
        .sum()
}

/// The second at which `target` open seconds have passed since `from`.
fn due(open: &[bool], from: i64, target: i64) -> Option<i64> {
    let mut left = target;
    for minute in from / 60..open.len() as i64 {
        let begins = from.max(minute * 60);
        let length = (minute + 1) * 60 - begins;
        if !open[minute as usize] {
            continue;
        }
        if left <= length {
            return Some(begins + left);
        }
        left -= length;
    }
    None
}

fn calendar(zone: &str, hours: &str, holidays: &[Date]) -> Calendar {
    Calendar::new(zone, Hours::parse(hours).unwrap(), holidays.iter().copied().collect()).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn calendars_agree_with_a_count_of_minutes_around_every_kind_of_clock_change() {
    let mut dice = Dice(20_260_302);
    let mut cases = 0;
    for (name, changes) in CHANGES {
        let zone = TimeZone::get(name).unwrap();
        for change in *changes {
            let change: Date = change.parse().unwrap();
            let start = at(&format!("{change}T00:00:00Z")) - SignedDuration::from_mins(REACH);
            let instant = |second: i64| start + SignedDuration::from_secs(second);
            let wall = wall_clock(&zone, start);
            for schedule in SCHEDULES {
                let holiday = (dice.below(2) == 0).then(|| change + (dice.below(5) - 2).days());
                let open = count(&wall, schedule, holiday);
                let calendar = calendar(name, schedule.text, holiday.as_slice());
                let case = format!("{name} {change} {} {holiday:?}", schedule.text);

                let mut pieces = calendar.intervals(start, instant(120 * REACH)).peekable();
                for (minute, open) in open.iter().enumerate() {
                    let now = instant(60 * minute as i64);
                    while pieces.next_if(|(_, closes)| *closes <= now).is_some() {}
                    let inside = pieces.peek().is_some_and(|(opens, _)| *opens <= now);
                    assert_eq!(inside, *open, "{case}: {now}");
                }

                for _ in 0..25 {
                    let (from, to) = (dice.below(120 * REACH), dice.below(120 * REACH));
                    assert_eq!(
                        calendar.open_between(instant(from), instant(to)).as_secs(),
                        if from < to { seconds(&open, from, to) } else { 0 },
                        "{case}: {} to {}",
                        instant(from),
                        instant(to)
                    );
                    assert_eq!(calendar.is_open(instant(from)), open[from as usize / 60], "{case}");
                    let opens = due(&open, from, 1).map(|second| instant(second - 1));
                    if opens.is_some() {
                        assert_eq!(calendar.next_open(instant(from)), opens, "{case}");
                    }
                    let target = 1 + dice.below(16 * 3600);
                    if let Some(expected) = due(&open, from, target) {
                        let target = SignedDuration::from_secs(target);
                        let found = deadline(&[&calendar], instant(from), &[], target).unwrap();
                        assert_eq!(found.at, instant(expected), "{case}: {} + {target:#}", instant(from));
                    }
                    cases += 1;
                }
            }
        }
    }
    assert!(cases > 4000, "{cases}");
}

#[test]
fn two_calendars_and_pauses_agree_with_a_count_of_minutes() {
    let mut dice = Dice(7);
    let mut reached = 0;
    for (index, (team_zone, changes)) in CHANGES.iter().enumerate() {
        let (lead_zone, _) = CHANGES[(index + 5) % CHANGES.len()];
        let start = at(&format!("{}T00:00:00Z", changes[0])) - SignedDuration::from_mins(REACH);
        let instant = |second: i64| start + SignedDuration::from_secs(second);
        let team_wall = wall_clock(&TimeZone::get(team_zone).unwrap(), start);
        let lead_wall = wall_clock(&TimeZone::get(lead_zone).unwrap(), start);
        for team_hours in &SCHEDULES[..4] {
            for lead_hours in &SCHEDULES[1..5] {
                let team = calendar(team_zone, team_hours.text, &[]);
                let lead = calendar(lead_zone, lead_hours.text, &[]);
                let pauses: Vec<(i64, i64)> =
                    (0..dice.below(4)).map(|_| (dice.below(2 * REACH), dice.below(2 * REACH))).collect();
                let (team_open, lead_open) =
                    (count(&team_wall, team_hours, None), count(&lead_wall, lead_hours, None));
                let open: Vec<bool> = (0..2 * REACH)
                    .map(|minute| {
                        team_open[minute as usize]
                            && lead_open[minute as usize]
                            && !pauses.iter().any(|(from, to)| (*from..*to).contains(&minute))
                    })
                    .collect();
                let pauses: Vec<_> =
                    pauses.iter().map(|(from, to)| (instant(60 * from), instant(60 * to))).collect();
                for _ in 0..6 {
                    let (from, to) = (dice.below(60 * REACH), dice.below(120 * REACH));
                    let case = format!(
                        "{team_zone} {} and {lead_zone} {} from {}, pauses {pauses:?}",
                        team_hours.text,
                        lead_hours.text,
                        instant(from)
                    );
                    assert_eq!(
                        elapsed(&[&team, &lead], instant(from), instant(to), &pauses).as_secs(),
                        if from < to { seconds(&open, from, to) } else { 0 },
                        "{case} to {}",
                        instant(to)
                    );
                    let target = 1 + dice.below(12 * 3600);
                    if let Some(expected) = due(&open, from, target) {
                        let target = SignedDuration::from_secs(target);
                        let found = deadline(&[&team, &lead], instant(from), &pauses, target).unwrap();
                        assert_eq!(found.at, instant(expected), "{case} + {target:#}");
                        reached += 1;
                    }
                }
            }
        }
    }
    assert!(reached > 600, "{reached}");
}

#[test]
fn published_examples_come_out_as_published() {
    let (one, two) = ([date(2016, 11, 11)], [date(2016, 11, 11), date(2016, 11, 13)]);
    for (source, hours, holidays, start, target, at_local) in [
        ("LeadAngel", "Mo-Fr 10:00-18:00", &[][..], "2026-03-04T15:00", 10, "2026-03-05T17:00"),
        ("LeadAngel", "Mo-Fr 10:00-18:00", &[], "2026-03-04T20:00", 10, "2026-03-06T12:00"),
        ("Chatwoot PR 13392", "Mo-Fr 09:00-17:00", &[], "2026-03-06T16:30", 1, "2026-03-09T09:30"),
        ("Chatwoot PR 13392", "Mo-Fr 09:00-17:00", &[], "2026-03-04T07:00", 2, "2026-03-04T11:00"),
        ("osTicket PR 4807", "Mo-Fr 08:00-18:00", &[], "2026-03-06T17:00", 4, "2026-03-09T11:00"),
        // The last second of a day is used up: closing time.
        ("Zammad 390", "Mo-Su 09:00-21:00", &one, "2016-11-09T23:00", 48, "2016-11-14T21:00"),
        ("Zammad 390", "Mo-Su 09:00-21:00", &two, "2016-11-09T23:00", 48, "2016-11-15T21:00"),
        // Frappe CRM keeps the time of day over closed days; the right answer is the opening.
        ("Frappe, mended", "Mo-Fr 09:00-17:00", &[], "2026-03-07T18:00", 1, "2026-03-09T10:00"),
        ("pandas, mended", "Mo-Fr 09:00-17:00", &[], "2026-03-02T09:00", 8, "2026-03-02T17:00"),
        ("pandas, mended", "Mo-Fr 09:00-17:00", &[], "2026-03-06T17:00", 8, "2026-03-09T17:00"),
    ] {
        let calendar = calendar("Europe/Berlin", hours, holidays);
        let local = |text: &str| {
            let shown: jiff::civil::DateTime = text.parse().unwrap();
            calendar.instant_at(shown.date(), shown.time()).unwrap()
        };
        let found = deadline(&[&calendar], local(start), &[], SignedDuration::from_hours(target)).unwrap();
        assert_eq!(found.at, local(at_local), "{source}: {start} + {target} h");
    }
}

/// Calendars for the properties: a plain one, one with nights, one with country holidays, one far away.
static CALENDARS: LazyLock<Vec<Calendar>> = LazyLock::new(|| {
    let germany = Holidays::of_country("DE").unwrap();
    vec![
        calendar("Europe/Berlin", "Mo-Fr 09:00-17:00", &[]),
        calendar("Antarctica/Troll", "Mo-Su 22:00-12:00", &[date(2026, 10, 25)]),
        Calendar::new("Europe/Berlin", Hours::parse("Mo-Fr 08:00-12:00,13:00-17:00").unwrap(), germany)
            .unwrap(),
        calendar("Australia/Lord_Howe", "Mo-Su 01:30-20:00; PH 10:00-12:00", &[date(2026, 4, 5)]),
    ]
});

/// One or two of them.
fn calendars() -> impl Strategy<Value = Vec<&'static Calendar>> {
    prop::collection::vec((0..CALENDARS.len()).prop_map(|index| &CALENDARS[index]), 1..=2)
}

/// An instant of 2026, to the nanosecond.
fn instants() -> impl Strategy<Value = Timestamp> {
    (0..365 * 86_400_i64, 0..1_000_000_000_i32)
        .prop_map(|(second, nanosecond)| Timestamp::new(1_767_225_600 + second, nanosecond).unwrap())
}

fn targets() -> impl Strategy<Value = SignedDuration> {
    (1..40 * 3600_i64, 0..1_000_000_000_i32).prop_map(|(s, ns)| SignedDuration::new(s, ns))
}

fn pauses() -> impl Strategy<Value = Vec<(Timestamp, Timestamp)>> {
    prop::collection::vec(
        (instants(), 0..20 * 86_400_i64).prop_map(|(from, s)| (from, from + SignedDuration::from_secs(s))),
        0..4,
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn elapsed_time_adds_up(
        calendars in calendars(), mut at in [instants(), instants(), instants()], pauses in pauses(),
    ) {
        at.sort();
        let [a, b, c] = at;
        prop_assert_eq!(
            elapsed(&calendars, a, b, &pauses) + elapsed(&calendars, b, c, &pauses),
            elapsed(&calendars, a, c, &pauses)
        );
    }

    #[test]
    fn exactly_the_target_has_elapsed_at_the_deadline_and_less_before(
        calendars in calendars(), start in instants(), target in targets(), pauses in pauses(),
    ) {
        let found = deadline(&calendars, start, &pauses, target).unwrap();
        let before = found.at - SignedDuration::from_nanos(1);
        prop_assert_eq!(elapsed(&calendars, start, found.at, &pauses), target);
        prop_assert_eq!(elapsed(&calendars, start, before, &pauses), target - SignedDuration::from_nanos(1));
    }

    #[test]
    fn the_account_covers_all_time_to_the_deadline_and_counts_the_target(
        calendars in calendars(), start in instants(), target in targets(), pauses in pauses(),
    ) {
        let found = deadline(&calendars, start, &pauses, target).unwrap();
        let mut until = start;
        for (index, piece) in found.counted.iter().enumerate() {
            prop_assert_eq!(piece.from, until);
            prop_assert!(piece.from < piece.to);
            prop_assert!(index == 0 || found.counted[index - 1].why != piece.why);
            let counted = elapsed(&calendars, piece.from, piece.to, &pauses);
            let open = elapsed(&calendars, piece.from, piece.to, &[]);
            match piece.why {
                Reckoning::Open => prop_assert_eq!(counted, piece.length()),
                Reckoning::Paused => prop_assert!(counted.is_zero() && open == piece.length()),
                Reckoning::Closed | Reckoning::Holiday(_) => prop_assert!(open.is_zero()),
                Reckoning::Unreachable => prop_assert!(false, "a deadline alone waits for nobody"),
            }
            until = piece.to;
        }
        prop_assert_eq!(until, found.at);
        let counted: SignedDuration =
            found.counted.iter().filter(|piece| piece.counts()).map(Counted::length).sum();
        prop_assert_eq!(counted, target);
    }

    #[test]
    fn a_later_start_or_a_longer_target_is_never_due_earlier(
        calendars in calendars(), mut starts in [instants(), instants()], mut targets in [targets(), targets()],
        pauses in pauses(),
    ) {
        starts.sort();
        targets.sort();
        let due = |start, target| deadline(&calendars, start, &pauses, target).unwrap().at;
        prop_assert!(due(starts[0], targets[0]) <= due(starts[1], targets[0]));
        prop_assert!(due(starts[0], targets[0]) < due(starts[0], targets[1]) || targets[0] == targets[1]);
    }

    #[test]
    fn a_pause_takes_away_exactly_its_open_part(
        calendars in calendars(), mut at in [instants(), instants(), instants(), instants()],
    ) {
        at.sort();
        let [start, from, to, end] = at;
        prop_assert_eq!(
            elapsed(&calendars, start, end, &[(from, to)]),
            elapsed(&calendars, start, end, &[]) - elapsed(&calendars, from, to, &[])
        );
    }

    #[test]
    fn a_calendar_is_open_at_its_next_opening_and_closed_until_then(
        index in 0..CALENDARS.len(), from in instants(),
    ) {
        let calendar = &CALENDARS[index];
        let opens = calendar.next_open(from).unwrap();
        prop_assert!(calendar.is_open(opens));
        prop_assert!(calendar.open_between(from, opens).is_zero());
    }
}
