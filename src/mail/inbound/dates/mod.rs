//! On which day somebody is back, or wants to be talked to again, as a text says it.
//!
//! English, German, French, Spanish, Italian, Dutch, Portuguese and Swedish, and what of their neighbours is spelled
//! alike. The day on which the mail was written is "now": nothing here reads a clock.
//!
//! What is not said is not invented. A date counts only if the words around it say what it is for; one that has passed,
//! or lies further ahead than people are away, does not count. Where day and month cannot be told apart, the later day
//! is taken: who comes too late has only lost time, who comes too early has broken into a holiday.

mod role;
mod span;
mod tokens;
mod vocabulary;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

use role::{Role, role, says_away};
use span::{Grain, Order, Span, spans};

pub(super) use span::working_day;
use tokens::{Token, normal, tokens};

/// Longer absences are believed only of those who say that they are on leave.
const MOST_AHEAD: i32 = 185;

/// Longer ones of nobody.
const MOST_LEAVE_AHEAD: i32 = 800;

/// So much of a text is read: what people write about their absence stands at its top.
const MOST_READ: usize = 4_000;

/// A day that somebody named, and how it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The day.
    pub date: Date,
    /// The words that name it, in lower case.
    pub words: String,
    /// Another day that the words may mean.
    pub otherwise: Option<Date>,
    /// The words say that somebody is back then, and not only that they are away.
    pub is_return: bool,
}

/// What is known of a text beside its words.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    /// The day on which it was written, by its writer's clock.
    pub on: Date,
    /// Its writer's distance from UTC in seconds, as far as the mail says.
    pub offset: Option<i32>,
}

/// The first day on which the writer of an out-of-office reply is back, if it says so.
pub fn returns_on(text: &str, written: Written) -> Option<Named> {
    let normal = normal(beginning(text));
    let tokens = tokens(&normal);
    let spans = spans(&tokens, written.on, order(&tokens, written));
    let is_leave = is_leave(&tokens);
    let mut best: Option<(u8, Named)> = None;
    for (index, span) in spans.iter().enumerate() {
        let Some((rank, date)) = back(&tokens, &spans, index, written.on) else { continue };
        let ahead = (date - written.on).get_days();
        if ahead < 1 || ahead > if is_leave { MOST_LEAVE_AHEAD } else { MOST_AHEAD } {
            continue;
        }
        // Of several days away the last one counts, of several returns the first.
        let is_later = |known: u8, named: &Named| rank == known && rank == 40 && date > named.date;
        if best.as_ref().is_none_or(|(known, named)| rank > *known || is_later(*known, named)) {
            let otherwise = span.otherwise.filter(|other| *other > written.on);
            best =
                Some((rank, Named { date, words: words(&tokens, span), otherwise, is_return: rank >= 90 }));
        }
    }
    best.map(|(_, named)| named)
}

/// How well a date says when somebody is back, and that day.
fn back(tokens: &[Token<'_>], spans: &[Span], index: usize, sent: Date) -> Option<(u8, Date)> {
    let span = &spans[index];
    let after = |date: Date| date.tomorrow().ok().map(working_day);
    let away = says_away(tokens, span);
    match role(tokens, spans, index) {
        Role::Return => {
            let date = match span.grain {
                Grain::Count => working_day(span.last),
                Grain::Week | Grain::Month => working_day(span.first),
                Grain::Day | Grain::Weekday => span.first,
            };
            Some((100, date))
        }
        Role::ReturnAfter => Some((90, after(span.last)?)),
        Role::Until { is_inclusive } => {
            let date = match span.grain {
                // "Until September" ends with August, "through September" with September; "until next week" with this one.
                Grain::Month if !is_inclusive && span.first.day() == 1 && span.last.day() > 27 => {
                    working_day(span.first)
                }
                Grain::Week
                    if !is_inclusive
                        && span.first > sent
                        && span.first.weekday() == Weekday::Monday
                        && (span.last - span.first).get_days() == 6 =>
                {
                    span.first
                }
                Grain::Count => working_day(span.last),
                // "Until 3 pm today" is no absence.
                _ if span.last == sent => return None,
                _ => after(span.last)?,
            };
            Some((if away { 80 } else { 50 }, date))
        }
        Role::Away if is_open(tokens, span) => None,
        Role::Away => match span.grain {
            // "From the 19th on, for a week" begins with the 19th.
            Grain::Count => {
                let begins = spans[..index]
                    .last()
                    .filter(|start| role(tokens, spans, index - 1) == Role::Start && start.first > sent);
                let waited = begins.map_or(0, |start| (start.first - sent).get_days());
                Some((60, working_day(span.last.checked_add(i64::from(waited).days()).ok()?)))
            }
            // Of today's name is today.
            Grain::Weekday if (span.first - sent).get_days() == 7 => Some((40, after(sent)?)),
            _ => Some((40, after(span.last)?)),
        },
        Role::Start | Role::Other => None,
    }
}

/// "Today and maybe longer" ends nowhere.
fn is_open(tokens: &[Token<'_>], span: &Span) -> bool {
    let (begin, end) = role::sentence(tokens, span);
    let open = [
        "maybe",
        "perhaps",
        "longer",
        "länger",
        "unknown",
        "unbekannt",
        "vielleicht",
        "foreseeable",
        "unbestimmte",
        "plus",
        "indefinitely",
    ];
    tokens[begin..end].iter().any(|token| open.contains(&token.text))
}

/// The day on which somebody who answered wants to hear from us again, if they say so.
pub fn follow_up_on(text: &str, written: Written) -> Option<Named> {
    let normal = normal(beginning(text));
    let tokens = tokens(&normal);
    let spans = spans(&tokens, written.on, order(&tokens, written));
    let is_short = tokens.iter().filter(|token| token.is_word()).count() <= MOST_OF_A_SHORT_ANSWER;
    let found: Vec<Named> =
        (0..spans.len()).filter_map(|index| wished(&tokens, &spans, index, written, false)).collect();
    if let Some(named) = found.into_iter().next() {
        return Some(named);
    }
    // "Works for me. Friday at ten?" names one day and asks for nothing in words.
    let mut named = (0..spans.len()).filter_map(|index| wished(&tokens, &spans, index, written, true));
    named.next().filter(|_| is_short && spans.len() == 1)
}

/// An answer of so few words is about its one date.
const MOST_OF_A_SHORT_ANSWER: usize = 14;

fn wished(
    tokens: &[Token<'_>],
    spans: &[Span],
    index: usize,
    written: Written,
    is_alone: bool,
) -> Option<Named> {
    let span = &spans[index];
    let (begin, end) = role::sentence(tokens, span);
    let from = index.checked_sub(1).map_or(begin, |before| spans[before].to.max(begin));
    let to = spans.get(index + 1).map_or(end, |after| after.from.min(end));
    let (before, after) = (&tokens[from..span.from], &tokens[span.to..to]);
    let role = role(tokens, spans, index);
    let is_away = role == Role::Away
        || (role == Role::Start && !wish(before) && !wish(after))
        || (matches!(role, Role::Until { .. }) && says_away(tokens, span));
    let last = before.iter().rev().find(|token| {
        token.is_word() && !["the", "dem", "den", "le", "la", "el", "de", "l"].contains(&token.text)
    });
    let is_after = last.is_some_and(|word| {
        ["after", "nach", "après", "dopo", "después", "efter", "depois", "na", "past", "tras"]
            .contains(&word.text)
    });
    let asks = wish(before)
        || (wish(after) && !is_away)
        || (is_alone
            && matches!(role, Role::Other | Role::ReturnAfter)
            && (is_after || matches!(span.grain, Grain::Day | Grain::Weekday)));
    let is_refused = before.iter().rev().take(3).any(|token| {
        ["can't", "cant", "cannot", "not", "nicht", "pas", "no", "non", "niet", "inte"].contains(&token.text)
    }) && !wish(before);
    let is_deadline = is_refused
        || last.is_some_and(|word| {
            ["by", "before", "vor", "avant", "antes", "prima", "voor", "since", "seit"].contains(&word.text)
        });
    if !asks || (is_away && !matches!(role, Role::Away)) || is_deadline || is_past(&tokens[begin..span.from])
    {
        return None;
    }
    let is_end =
        span.last == span.last.last_of_month() && span.first.day() > 15 && span.grain == Grain::Month;
    // "Once a month" is no time from now on.
    let is_count_ahead = last.is_some_and(|word| {
        ["in", "en", "dans", "tra", "fra", "om", "over", "em", "dentro", "nach", "after", "for", "next"]
            .contains(&word.text)
    }) || after.iter().take(2).any(|word| word.text == "from");
    if span.grain == Grain::Count && !is_count_ahead {
        return None;
    }
    let date = match span.grain {
        Grain::Count => working_day(span.last),
        _ if is_after || matches!(role, Role::Until { .. }) => working_day(span.last.tomorrow().ok()?),
        _ if is_end => span.last,
        // "In the new year" is its first working day.
        Grain::Month if span.first == span.last => {
            working_day(if span.first.day() == 1 && span.first.month() == 1 {
                span.first.tomorrow().ok()?
            } else {
                span.first
            })
        }
        _ => span.first,
    };
    let ahead = (date - written.on).get_days();
    (1..=MOST_LEAVE_AHEAD).contains(&ahead).then(|| Named {
        date,
        words: words(tokens, span),
        otherwise: span.otherwise,
        is_return: false,
    })
}

/// Whether these words ask for a talk, at some time.
fn wish(words: &[Token<'_>]) -> bool {
    const TALK: [&str; 117] = [
        "contact",
        "call",
        "ring",
        "reach",
        "talk",
        "speak",
        "chat",
        "touch",
        "ping",
        "try",
        "write",
        "email",
        "check",
        "follow",
        "circle",
        "connect",
        "reconnect",
        "discuss",
        "revisit",
        "again",
        "meet",
        "schedule",
        "better",
        "wait",
        "gehen",
        "ginge",
        "klappt",
        "reden",
        "besser",
        "parliamo",
        "mieux",
        "mejor",
        "works",
        "suggest",
        "propose",
        "hold",
        "lets",
        "let's",
        "set",
        "melden",
        "anrufen",
        "rufen",
        "sprechen",
        "schreiben",
        "kontaktieren",
        "kontakt",
        "telefonieren",
        "nochmal",
        "wieder",
        "vorschlag",
        "passt",
        "passen",
        "meld",
        "ruf",
        "recontacter",
        "recontactez",
        "rappeler",
        "rappelez",
        "rappelle",
        "appeler",
        "appelez",
        "contacter",
        "contactez",
        "reparler",
        "reparlons",
        "écrivez",
        "convient",
        "llámame",
        "llámeme",
        "llamar",
        "llame",
        "contactar",
        "contacte",
        "escríbame",
        "escribirme",
        "hablar",
        "hablamos",
        "contáctame",
        "contattarmi",
        "contattatemi",
        "ricontattarmi",
        "richiamarmi",
        "richiami",
        "risentirci",
        "risentiamo",
        "sentirci",
        "sentiamoci",
        "chiamare",
        "bellen",
        "bel",
        "belt",
        "terugbellen",
        "contacteren",
        "ligue",
        "contatar",
        "contate",
        "contactar-me",
        "falamos",
        "falar",
        "hör",
        "ringa",
        "återkom",
        "kontakta",
        "prata",
        "höras",
        "hörs",
        "relancez",
        "relancer",
        "chama",
        "retomar",
        "retomamos",
        "riparliamo",
        "hear",
        "chase",
        "remind",
        "recuérdemelo",
        "zu",
    ];
    words.iter().any(|token| {
        let parts = [
            token.text,
            token.text.split(['-', '\'']).next().unwrap_or_default(),
            token.text.rsplit(['-', '\'']).next().unwrap_or_default(),
        ];
        parts.iter().any(|part| TALK.contains(part))
    }) || words.windows(2).any(|pair| {
        matches!(
            (pair[0].text, pair[1].text),
            ("get" | "come", "back")
                | ("neem", "contact")
                | ("torne", "a")
                | ("how" | "what", "about")
                | ("we" | "you", "do")
                | ("ask", "me")
                | ("komm", "auf")
        )
    })
}

fn is_past(words: &[Token<'_>]) -> bool {
    words.iter().any(|token| {
        [
            "answered", "took", "left", "was", "were", "gone", "called", "wrote", "spoke", "talked", "met",
            "since", "last", "seit", "letzten", "letzte", "hier",
        ]
        .contains(&token.text)
    })
}

fn beginning(text: &str) -> &str {
    let mut end = text.len().min(MOST_READ);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn words(tokens: &[Token<'_>], span: &Span) -> String {
    let mut words = String::new();
    for token in &tokens[span.from..span.to] {
        if token.gap != tokens::Gap::None && !words.is_empty() {
            words.push(' ');
        }
        words.push_str(token.text);
    }
    words
}

/// Leave is longer than a holiday.
fn is_leave(tokens: &[Token<'_>]) -> bool {
    const LEAVE: [&str; 27] = [
        "excedencia",
        "maternity",
        "paternity",
        "parental",
        "sabbatical",
        "elternzeit",
        "mutterschutz",
        "sabbatjahr",
        "maternité",
        "paternité",
        "parental",
        "sabbatique",
        "maternidad",
        "paternidad",
        "maternità",
        "paternità",
        "aspettativa",
        "zwangerschapsverlof",
        "ouderschapsverlof",
        "maternidade",
        "paternidade",
        "föräldraledig",
        "mammaledig",
        "pappaledig",
        "tjänstledig",
        "bevallingsverlof",
        "sabático",
    ];
    tokens.iter().any(|token| LEAVE.contains(&token.text))
}

/// In which order this text writes the numbers of a date, as far as it shows.
fn order(tokens: &[Token<'_>], written: Written) -> Order {
    let mut order = Order::Unknown;
    for at in 0..tokens.len().saturating_sub(2) {
        let (Some(first), Some(second)) = (tokens[at].number, tokens[at + 2].number) else { continue };
        if !tokens[at + 1].is("/")
            || tokens[at + 1].gap != tokens::Gap::None
            || tokens[at + 2].gap != tokens::Gap::None
        {
            continue;
        }
        match (first, second) {
            (13..=31, 1..=12) => return Order::DayFirst,
            (1..=12, 13..=31) => return Order::MonthFirst,
            (1..=12, 1..=12) => order = Order::Unknown,
            _ => {}
        }
    }
    if !is_english(tokens) {
        return Order::DayFirst;
    }
    match written.offset {
        // The Americas, where English is mostly that of the United States; Brazil and Argentina lie at -3.
        Some(offset) if (-10 * 3600..=-4 * 3600).contains(&offset) => order = Order::MonthFirst,
        // Europe, Africa, Asia and Australia; UTC says nothing, because servers write it.
        Some(offset) if offset > 0 => order = Order::DayFirst,
        _ => {}
    }
    order
}

fn is_english(tokens: &[Token<'_>]) -> bool {
    const ENGLISH: [&str; 18] = [
        "the", "and", "will", "be", "with", "from", "until", "of", "my", "am", "on", "you", "please", "for",
        "out", "return", "back", "away",
    ];
    const OTHER: [&str; 44] = [
        "ich", "bin", "und", "der", "bis", "je", "suis", "et", "du", "jusqu'au", "el", "hasta", "estoy",
        "estaré", "del", "sono", "fino", "il", "sarò", "ik", "ben", "tot", "het", "estou", "até", "não",
        "estarei", "jag", "är", "till", "och", "nicht", "im", "au", "le", "que", "dal", "van", "en", "de",
        "por", "med", "zurück", "abwesend",
    ];
    let count = |list: &[&str]| tokens.iter().filter(|token| list.contains(&token.text)).count();
    count(&ENGLISH) >= count(&OTHER)
}
