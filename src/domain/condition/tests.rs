//! Conditions that hold, that do not hold, and that are refused with a place and a hint.

use proptest::prelude::*;

use super::*;
use crate::domain::ids::LeadId;
use crate::domain::lead::{Answer, Grade, Lead, Profile, Stage};

fn lead() -> Lead {
    let at: jiff::Timestamp = "2026-03-02T08:00:00Z".parse().expect("a timestamp");
    Lead {
        id: LeadId(1),
        profile: Profile {
            first_name: Some("Jane".into()),
            title: Some("Head of IT (CTO)".into()),
            country: Some("DE".into()),
            fields: [("Number of seats".to_owned(), "250".to_owned())].into(),
            ..Profile::default()
        },
        campaign: Some("default".into()),
        stage: Stage::Nurturing,
        score: 55,
        grade: Some(Grade::B),
        ..Lead::new("jane.doe@acme.example".parse().expect("an address"), at)
    }
}

fn holds(text: &str) -> Result<bool, String> {
    let lead = lead();
    let activities = [("pricing_page".to_owned(), 2)].into();
    let answer =
        |answer: &str| Answer { question: "Budget?".into(), answer: answer.into(), occurred_at: None };
    let answers = [answer("none"), answer("10 k")];
    let facts = Facts {
        touches: 3,
        activities: &activities,
        answers: &answers,
        event: Some("webinar"),
        ..Facts::of(&lead, lead.created_at + jiff::SignedDuration::from_hours(24 * 9 + 23))
    };
    Condition::compile(text, Vars { event: true, activities: None })
        .map_err(|error| error.to_string())?
        .holds(&facts)
        .map_err(|error| error.to_string())
}

#[test]
fn a_condition_asks_the_facts() {
    for (text, expected) in [
        ("true", true),
        ("lead.score >= 50 && lead.grade in [\"A\", \"B\"]", true),
        ("lead.score > 55 || lead.round != 1", false),
        ("lead.country == \"DE\"", true),
        ("lead.country == campaign.name", false),
        ("lead.company == \"\"", true),
        ("has(lead.first_name) && !has(lead.company)", true),
        ("lead.company != \"Acme\"", true),
        ("lead.email_domain.endsWith(\".example\")", true),
        ("lead.title.contains(\"CTO\") && lead.title.startsWith(\"Head\")", true),
        ("lead.title.matches(\"(?i)\\\\bcto\\\\b\")", true),
        ("lead.title.matches(r'^CTO')", false),
        ("lead.fields[\"Number of seats\"] == \"250\" && lead.fields.other == \"\"", true),
        ("lead.fields[\"Budget?\"] == \"10 k\" && lead.answers[\"Number of seats\"] == \"\"", true),
        ("lead.answers[\"Budget?\"] == \"10 k\"", true),
        ("lead.activities.pricing_page >= 2 && lead.activities[\"webinar\"] == 0", true),
        ("has(lead.activities.pricing_page)", true),
        ("event.name == \"webinar\" && lead.touches == 3", true),
        ("lead.days_since_created == 9", true),
        ("lead.stage == \"nurturing\" && !lead.owned", true),
        ("[\"CEO\", \"CTO\"].exists(t, lead.title.contains(t))", true),
        ("[\"CEO\", \"CTO\"].all(t, lead.title.contains(t))", false),
        ("[1, lead.score].exists(n, n > 50) && [].all(n, n == \"\")", true),
        ("(lead.score > 50 ? lead.title : lead.company) != \"\"", true),
        ("size(lead.first_name) == 4 && lead.first_name.size() + 1 == 5", true),
        ("-lead.score < 0 && lead.score % 10 == 5 && lead.score / 10 * 2 - 1 == 9", true),
        ("lead.score > 50 // the agreed point, see \"review\"\n", true),
    ] {
        assert_eq!(holds(text), Ok(expected), "{text}");
    }
}

#[test]
fn a_condition_without_a_value_is_an_error_and_never_no() {
    assert_eq!(
        holds("100 / lead.activities.demo > 3"),
        Err("`100 / lead.activities.demo > 3` cannot be decided: it divides by zero".into())
    );
    assert_eq!(holds("100 % lead.activities.demo > 3").map_err(|_| ()), Err(()));
    assert_eq!(holds("9223372036854775807 + lead.score > 3").map_err(|_| ()), Err(()));
    assert_eq!(holds("lead.score * 9223372036854775807 > 3").map_err(|_| ()), Err(()));
    for sum in ["(lowest) / -1 > 0", "(lowest) % -1 > 0", "-(lowest) > 0", "(lowest) - 1 > 0"] {
        let sum = sum.replace("lowest", "-9223372036854775807 - 1");
        assert_eq!(holds(&sum).map_err(|_| ()), Err(()), "{sum}");
    }
    // As CEL has it, what already decides the answer makes the error irrelevant.
    assert_eq!(holds("lead.score > 0 || 100 / lead.activities.demo > 3"), Ok(true));
}

#[test]
fn a_mistake_is_shown_where_it_is_with_advice() {
    for (text, place, message, hint) in [
        ("lead.frist_name == \"x\"", "lead.frist_name", "not known", "lead.first_name"),
        ("score > 5", "score", "not known", "lead.score"),
        ("led.score > 5", "led.score", "not known", "lead.score"),
        ("lead.score > 5 && camp.name == \"x\"", "camp.name", "not known", ""),
        ("lead.score == \"50\"", "lead.score == \"50\"", "cannot be compared", "without quotes"),
        ("lead.title > 5", "lead.title > 5", "cannot be compared", "quotes"),
        ("lead.score", "lead.score", "true or false", ">="),
        ("lead.title && true", "lead.title", "where true or false belongs", "has"),
        ("lead.score > 1.5", "1.5", "whole", "50"),
        ("lead.phone == null", "null", "null", "has(lead.phone)"),
        ("lead.stage == \"nurtring\"", "\"nurtring\"", "no stage", "nurturing"),
        ("lead.grade in [\"A\", \"E\"]", "\"E\"", "no grade", "A"),
        ("lead.country == \"Germany\"", "\"Germany\"", "country code", "DE"),
        ("lead.language == \"DE\"", "\"DE\"", "language code", "de"),
        ("event.name == \"x\"", "event.name", "no event", "lead.activities"),
        ("lead.activities.pricng_page > 1", "lead.activities.pricng_page", "activities", "pricing_page"),
        ("lead.activities > 1", "lead.activities", "many values", "[\"name\"]"),
        ("lead.fields[lead.title] == \"x\"", "lead.title", "written out", "fields"),
        ("lead.title.matches(lead.company)", "lead.company", "written out", "matches"),
        ("lead.title.matches(\"(cto\")", "\"(cto\"", "unclosed group", "docs.rs/regex"),
        ("lead.title.matches(\"a{1000}{1000}\")", "\"a{1000}{1000}\"", "too big", "smaller"),
        ("lead.title.contans(\"x\")", "lead.title.contans(\"x\")", "no function `contans`", "contains"),
        (
            "contains(lead.title, \"x\")",
            "contains(lead.title, \"x\")",
            "behind a name",
            "lead.title.contains",
        ),
        ("[1].map(x, x)", "[1].map(x, x)", "not part", "exists"),
        ("[1].exists(x, [2].exists(y, y == x))", "[2].exists(y, y == x)", "do not nest", "split"),
        ("[1, \"a\"] == [1]", "\"a\"", "list began with a number", "one kind"),
        ("lead.score in 5", "5", "needs a list", "in ["),
        ("lead.score.x > 5", "lead.score.x", "has no fields", "drop"),
        ("lead.score > 5 and lead.round == 1", "a", "not expected", "&&"),
        ("lead.score = 5", "=", "not expected", "=="),
        ("lead.score >", "", "too early", "looks like"),
        ("lead.title == \"x", "\"", "never closed", "same quote"),
        ("{\"a\": 1} == {}", "{", "maps", "list"),
        ("lead.score > 5u", "5u", "whole", "50"),
        ("has(lead.score)", "lead.score", "always known", "compare"),
        (" ", " ", "empty", "true"),
        ("é == lead.title", "é", "not expected", "quotes"),
        ("lead.title.matches(\"\\d\")", "\\", "no meaning", "r\""),
        ("lead.score in[1] && lead.title in\"x\"", "in", "touches", "space"),
        ("has(lead.grade)", "lead.grade", "always known", "compare"),
    ] {
        let known = ["pricing_page".to_owned()].into();
        let error = Condition::compile(text, Vars { event: false, activities: Some(&known) })
            .expect_err(&format!("{text} is refused"));
        assert_eq!(&text[error.span.clone()], place, "{text}: {error:?}");
        assert!(error.message.contains(message), "{text}: {error:?}");
        assert!(error.hint.clone().unwrap_or_default().contains(hint), "{text}: {error:?}");
    }
}

#[test]
fn nesting_and_length_are_bounded_before_the_parser_sees_them() {
    let deep = [
        "(".repeat(500),
        "[".repeat(500),
        "{".repeat(500),
        "a(".repeat(300),
        "a[".repeat(300),
        format!("{}true{}", "(".repeat(200), ")".repeat(200)),
        // Quotes that the parser may read in another way than a person, or we, would.
        format!("'{}' == {}", ")".repeat(200), "(".repeat(200)),
        format!("// '\n{}", "(".repeat(200)),
        format!("r'\\' == {}", "(".repeat(200)),
        format!("1r'\\' == {} '", "(".repeat(200)),
        format!("xr'\\'a' {} '", "(".repeat(200)),
        format!("\"\\q{}\"", "(".repeat(200)),
        format!("\"\\u12{}\"", "(".repeat(200)),
        format!("\"\\400{}\"", "(".repeat(200)),
        format!("'''{}'''", "(".repeat(200)),
        format!("r\"\"\"{}\"\"\"", "(".repeat(200)),
        format!("`{}`", "(".repeat(200)),
        format!("b'\\' {} '", "(".repeat(200)),
        "a?b:".repeat(200),
        "a?b:(".repeat(100),
        "1 + ".repeat(200) + "1 > 1",
        format!("{}true", "!".repeat(2000)),
    ];
    for text in deep {
        let error = Condition::compile(&text, Vars::default()).expect_err("too deep");
        assert!(error.hint.is_some(), "{text}: {error:?}");
    }
    assert!(Condition::compile("((((((((true))))))))", Vars::default()).is_ok());
    assert!(Condition::compile(&format!("{}true", "true && ".repeat(50)), Vars::default()).is_ok());
    assert!(
        Condition::compile("true?true:(true?true:(true?true:(true?true:(true))))", Vars::default()).is_ok()
    );
    // The deepest tree that is accepted can be evaluated, too.
    assert_eq!(holds(&format!("{}1 > 1", "1 + ".repeat(21))), Ok(true));
    let nested = (0..8).fold("lead.score".to_owned(), |inner, _| format!("1 + 1 + 1 + ({inner})"));
    assert_eq!(holds(&format!("{nested} > 1")), Ok(true));
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,60}") {
        let _ = Condition::compile(&text, Vars::default());
    }

    #[test]
    fn nothing_that_looks_like_a_condition_makes_reader_or_evaluation_panic(
        parts in proptest::collection::vec(
            proptest::sample::select(vec![
                "lead.score", "lead.title", "lead.fields", "[", "]", "(", ")", "\"x\"", "'", "1", "-", "!", "&&",
                "||", "==", "<", " in ", "?", ":", ".", "has(", ".matches(", ".exists(t,", "t", "/", "%", "é", "0",
                "9223372036854775807", "*", "+", "size(", "true", "event.name", "\\", "//", "\n", "lead.activities.x",
            ]),
            0..12,
        ),
    ) {
        let _ = holds(&parts.concat());
    }
}
