//! A condition in words, for people who have to agree on it and do not read CEL.
//!
//! What has no words here is told as it was written: a sentence that is nearly right would be worse.

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, SourceInfo, operators};

use super::places::{self, path};
use super::{Condition, LANGUAGE};

impl Condition {
    /// The alternatives of which each is enough, in words: "the grade is A and the score is at least 40".
    pub fn alternatives(&self) -> Vec<String> {
        let text = self.text();
        match LANGUAGE.parser().parse_with_source_info(text) {
            Ok((parsed, places)) => {
                let teller = Teller { text, places: &places };
                operands(&parsed, operators::LOGICAL_OR).into_iter().map(|one| teller.told(one)).collect()
            }
            // It was read before.
            Err(_) => vec![text.to_owned()],
        }
    }

    /// The whole condition as one phrase.
    pub fn words(&self) -> String {
        self.alternatives().join(", or ")
    }
}

/// The operands of a chain of one operator, in their order.
fn operands<'e>(node: &'e IdedExpr, operator: &str) -> Vec<&'e IdedExpr> {
    match &node.expr {
        Expr::Call(call) if call.func_name == operator && call.target.is_none() => {
            call.args.iter().flat_map(|arg| operands(arg, operator)).collect()
        }
        _ => vec![node],
    }
}

struct Teller<'a> {
    text: &'a str,
    places: &'a SourceInfo,
}

/// What a comparison is about.
enum Subject {
    /// "the score"
    Named(String),
    /// How often it did something.
    Activity(String),
}

impl Teller<'_> {
    fn told(&self, node: &IdedExpr) -> String {
        self.phrase(node).unwrap_or_else(|| self.as_written(node))
    }

    fn as_written(&self, node: &IdedExpr) -> String {
        let written = self.text.get(places::span(self.text, self.places, node)).unwrap_or(self.text);
        written.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn phrase(&self, node: &IdedExpr) -> Option<String> {
        match &node.expr {
            Expr::Literal(LiteralValue::Boolean(yes)) => {
                Some(if *yes.inner() { "always" } else { "never" }.to_owned())
            }
            Expr::Ident(_) | Expr::Select(_) => match path(node)?[..] {
                ["lead", "owned"] => Some("it belongs to a rep".to_owned()),
                _ => None,
            },
            Expr::Call(call) => self.call(node, call),
            _ => None,
        }
    }

    fn call(&self, node: &IdedExpr, call: &CallExpr) -> Option<String> {
        if let Some(target) = &call.target {
            return method(&subject(target)?, &call.func_name, &call.args);
        }
        match (call.func_name.as_str(), &call.args[..]) {
            (operators::LOGICAL_AND, _) => {
                let parts = operands(node, operators::LOGICAL_AND).into_iter().map(|one| {
                    match operands(one, operators::LOGICAL_OR).len() {
                        1 => self.told(one),
                        _ => format!("either {}", self.told(one)),
                    }
                });
                Some(parts.collect::<Vec<_>>().join(" and "))
            }
            (operators::LOGICAL_OR, _) => {
                let parts = operands(node, operators::LOGICAL_OR).into_iter().map(|one| self.told(one));
                Some(parts.collect::<Vec<_>>().join(" or "))
            }
            (operators::LOGICAL_NOT, [inner]) => Some(match has(inner) {
                Some(name) => format!("{name} is not known"),
                None => format!("not: {}", self.told(inner)),
            }),
            ("has", [of]) => Some(format!("{} is known", named(of)?)),
            (operators::IN, [of, list]) => {
                let Expr::List(list) = &list.expr else { return None };
                let values: Option<Vec<String>> = list.elements.iter().map(value).collect();
                let values = values?;
                let (last, first) = values.split_last()?;
                let listed =
                    if first.is_empty() { last.clone() } else { format!("{} or {last}", first.join(", ")) };
                Some(format!("{} is {listed}", named(of)?))
            }
            (operator, [left, right]) => comparison(&subject(left)?, operator, right),
            _ => None,
        }
    }
}

/// What `has(…)` asks for.
fn has(node: &IdedExpr) -> Option<String> {
    match &node.expr {
        Expr::Call(call) if call.func_name == "has" => named(call.args.first()?),
        _ => None,
    }
}

fn comparison(subject: &Subject, operator: &str, right: &IdedExpr) -> Option<String> {
    if let (Subject::Activity(name), Some(count)) = (subject, integer(right)) {
        return times(name, operator, count);
    }
    let Subject::Named(name) = subject else { return None };
    let value = value(right)?;
    let verb = match operator {
        operators::EQUALS if value.is_empty() => return Some(format!("{name} is not known")),
        operators::NOT_EQUALS if value.is_empty() => return Some(format!("{name} is known")),
        operators::EQUALS => "is",
        operators::NOT_EQUALS => "is not",
        operators::GREATER_EQUALS => "is at least",
        operators::GREATER => "is more than",
        operators::LESS_EQUALS => "is at most",
        operators::LESS => "is less than",
        _ => return None,
    };
    Some(format!("{name} {verb} {value}"))
}

/// How often it did something.
fn times(name: &str, operator: &str, count: i64) -> Option<String> {
    let so_often = |count: i64| match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        more => format!("{more} times"),
    };
    Some(match (operator, count) {
        (operators::EQUALS | operators::LESS_EQUALS, 0) | (operators::LESS, 1) => {
            format!("“{name}” never happened")
        }
        (operators::GREATER, count) => format!("“{name}” happened at least {}", so_often(count + 1)),
        (operators::GREATER_EQUALS, count) => format!("“{name}” happened at least {}", so_often(count)),
        (operators::EQUALS, count) => format!("“{name}” happened exactly {}", so_often(count)),
        (operators::LESS_EQUALS, count) => format!("“{name}” happened at most {}", so_often(count)),
        (operators::LESS, count) => format!("“{name}” happened fewer than {count} times"),
        _ => return None,
    })
}

fn method(subject: &Subject, method: &str, args: &[IdedExpr]) -> Option<String> {
    let (Subject::Named(name), [arg]) = (subject, args) else { return None };
    let text = text(arg)?;
    match method {
        "contains" => Some(format!("{name} contains “{text}”")),
        "startsWith" => Some(format!("{name} begins with “{text}”")),
        "endsWith" => Some(format!("{name} ends with “{text}”")),
        "matches" => Some(match one_of_words(text) {
            Some(words) => format!("{name} has one of the words {}", words.join(", ")),
            None => format!("{name} fits the pattern {text}"),
        }),
        _ => None,
    }
}

/// The words of a pattern that does nothing but list them: `(?i)\b(c[eo]o|head of)\b` has "ceo", "coo", "head of".
fn one_of_words(pattern: &str) -> Option<Vec<String>> {
    let listed = pattern.strip_prefix("(?i)").unwrap_or(pattern);
    let listed = listed.strip_prefix("\\b(")?.strip_suffix(")\\b")?;
    let words = listed.split('|').map(spelled_out).collect::<Option<Vec<_>>>()?;
    Some(words.concat())
}

/// Each spelling of a word with choices of one letter in it; `None` for what is no word.
fn spelled_out(word: &str) -> Option<Vec<String>> {
    let mut all = vec![String::new()];
    let mut letters = word.chars();
    while let Some(letter) = letters.next() {
        let choice: String = match letter {
            '[' => letters.by_ref().take_while(|letter| *letter != ']').collect(),
            letter => letter.into(),
        };
        if choice.is_empty() || choice.contains(NO_LETTERS) || (letter == '[' && choice.contains('-')) {
            return None;
        }
        all = all.iter().flat_map(|begun| choice.chars().map(move |next| format!("{begun}{next}"))).collect();
        if all.len() > SPELLINGS {
            return None;
        }
    }
    Some(all)
}

/// What means something else in a pattern than itself.
const NO_LETTERS: [char; 14] = ['(', ')', '[', ']', '{', '}', '\\', '.', '*', '+', '?', '^', '$', '|'];

/// More ways than so many to write one word are no words to people.
const SPELLINGS: usize = 8;

fn named(node: &IdedExpr) -> Option<String> {
    match subject(node)? {
        Subject::Named(name) => Some(name),
        Subject::Activity(_) => None,
    }
}

fn subject(node: &IdedExpr) -> Option<Subject> {
    if let Expr::Call(call) = &node.expr
        && let (operators::INDEX, [family, member]) = (call.func_name.as_str(), &call.args[..])
    {
        let member = text(member)?;
        return Some(match path(family)?[..] {
            ["lead", "activities"] => Subject::Activity(spaced(member)),
            ["lead", "answers"] => Subject::Named(format!("the answer to “{member}”")),
            ["lead", "fields"] => Subject::Named(format!("“{member}”")),
            _ => return None,
        });
    }
    Some(match path(node)?[..] {
        ["lead", "activities", name] => Subject::Activity(spaced(name)),
        ["lead", "email_domain"] => Subject::Named("the domain of its address".to_owned()),
        ["lead", "touches"] => Subject::Named("the number of times it came to us".to_owned()),
        ["lead", "days_since_created"] => Subject::Named("the number of days since it came in".to_owned()),
        ["lead", "days_in_stage"] => Subject::Named("the number of days at its stage".to_owned()),
        ["lead", "answers" | "fields", name] => Subject::Named(format!("“{name}”")),
        ["lead", name] => Subject::Named(format!("the {}", spaced(name))),
        ["campaign", "name"] => Subject::Named("the campaign".to_owned()),
        ["event", "name"] => Subject::Named("the activity".to_owned()),
        _ => return None,
    })
}

fn text(node: &IdedExpr) -> Option<&str> {
    match &node.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}

fn integer(node: &IdedExpr) -> Option<i64> {
    match &node.expr {
        Expr::Literal(LiteralValue::Int(number)) => Some(*number.inner()),
        _ => None,
    }
}

/// A value that something is compared with; names as people say them, anything else in quotes.
fn value(node: &IdedExpr) -> Option<String> {
    if let Some(number) = integer(node) {
        return Some(number.to_string());
    }
    let text = text(node)?;
    let is_name = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    Some(if is_name { spaced(text) } else { format!("“{text}”") })
}

fn spaced(name: &str) -> String {
    name.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::super::Vars;
    use super::*;

    #[test]
    fn conditions_read_like_sentences() {
        for (condition, words) in [
            ("true", "always"),
            ("lead.score >= 50", "the score is at least 50"),
            (
                "(lead.grade == \"A\" && lead.score >= 40)\n|| lead.score >= 70",
                "the grade is A and the score is at least 40, or the score is at least 70",
            ),
            (
                "lead.grade in [\"B\", \"C\"] && (lead.score > 3 || has(lead.phone))",
                "the grade is B or C and either the score is more than 3 or the phone is known",
            ),
            ("lead.activities.pricing_page >= 2", "“pricing page” happened at least twice"),
            ("lead.activities.demo_request > 0", "“demo request” happened at least once"),
            ("lead.activities[\"demo_request\"] == 0", "“demo request” never happened"),
            ("lead.country == \"DE\" && lead.company != \"\"", "the country is DE and the company is known"),
            ("!has(lead.phone) && !lead.owned", "the phone is not known and not: it belongs to a rep"),
            (
                "lead.title.matches(\"(?i)\\\\b(vp|head of)\\\\b\")",
                "the title has one of the words vp, head of",
            ),
            (
                "lead.title.matches(\"(?i)\\\\b(chief|c[eio]o|head of)\\\\b\")",
                "the title has one of the words chief, ceo, cio, coo, head of",
            ),
            ("lead.title.matches(\"^C.O$\")", "the title fits the pattern ^C.O$"),
            ("lead.email.endsWith(\"@acme.example\")", "the email ends with “@acme.example”"),
            ("lead.answers[\"Budget?\"] == \"10 to 20\"", "the answer to “Budget?” is “10 to 20”"),
            // No words for it: as it was written.
            ("lead.score  + 10 >= 50", "lead.score + 10 >= 50"),
        ] {
            let condition = Condition::compile(condition, Vars::default()).expect("a condition");
            assert_eq!(condition.words(), words, "{condition}");
        }
        let vars = Vars { event: true, activities: None };
        let event = Condition::compile("event.name in [\"a_b\", \"c\"]", vars).expect("a condition");
        assert_eq!(event.words(), "the activity is a b or c");
    }
}
