//! What a document says, and what changed in it. What the built-in agreement reads like is a snapshot in
//! `tests/agreement.rs`.

use super::*;

fn document(sections: &[(&str, &[Block])]) -> Document {
    let section =
        |(title, blocks): &(&str, &[Block])| Section { title: (*title).to_owned(), blocks: blocks.to_vec() };
    Document { title: "Agreement".to_owned(), sections: sections.iter().map(section).collect() }
}

fn text(words: &str) -> Block {
    Block::Text(words.to_owned())
}

fn table(rows: &[(&str, &str)]) -> Block {
    let head = vec!["What".to_owned(), String::new()];
    Block::Table(head, rows.iter().map(|(one, other)| vec![(*one).to_owned(), (*other).to_owned()]).collect())
}

#[test]
fn what_changed_is_told_by_section_and_heading() {
    let before = document(&[
        (
            "Sales",
            &[
                Block::Heading("hot".to_owned()),
                text("Within 1 hour."),
                table(&[("call", "soon"), ("mail", "later")]),
            ],
        ),
        ("Contact", &[text("At nine.")]),
        ("Gone", &[text("Was here.")]),
    ]);
    let now = document(&[
        (
            "Sales",
            &[
                Block::Heading("hot".to_owned()),
                text("Within 2 hours."),
                table(&[("mail", "later"), ("call", "now")]),
            ],
        ),
        ("Contact", &[text("At nine.")]),
        ("New", &[Block::Code("lead.score\n  >= 50".to_owned())]),
    ]);
    let change = |section: &str, before: &[&str], now: &[&str]| Change {
        section: section.to_owned(),
        before: before.iter().map(|words| (*words).to_owned()).collect(),
        now: now.iter().map(|words| (*words).to_owned()).collect(),
    };
    assert_eq!(
        changes(&before, &now),
        [
            change(
                "Sales",
                &["hot: Within 1 hour.", "hot: What: call; soon"],
                &["hot: Within 2 hours.", "hot: What: call; now"]
            ),
            change("New", &[], &["lead.score >= 50"]),
            change("Gone", &["Was here."], &[]),
        ]
    );
    assert_eq!(changes(&before, &before), []);
}

#[test]
fn rows_that_changed_places_are_no_change() {
    let one = document(&[("Who", &[table(&[("a", "1"), ("b", "2")])])]);
    let other = document(&[("Who", &[table(&[("b", "2"), ("a", "1")])])]);
    assert_eq!(changes(&one, &other), []);
}
