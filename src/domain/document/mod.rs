//! The agreement as a document that two managers can read and sign: what each side promised, in plain words, written
//! from the agreement itself so that it says what the program does and nothing else.
//!
//! [`written`] gives headings, sentences, lists and tables; how they look (Markdown, HTML) is for whoever prints them.
//! [`changes`] compares two versions sentence by sentence.

mod campaigns;
mod contact;
mod hours;
mod marketing;
mod routing;
mod sales;

use serde::Serialize;

use super::agreement::Agreement;

/// A document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Document {
    /// What stands above everything.
    pub title: String,
    /// In order.
    pub sections: Vec<Section>,
}

/// A part with a heading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Section {
    /// Its heading.
    pub title: String,
    /// What stands under it.
    pub blocks: Vec<Block>,
}

/// A piece of text. None of it is markup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Block {
    /// A smaller heading.
    Heading(String),
    /// A paragraph.
    Text(String),
    /// One point a line.
    List(Vec<String>),
    /// A heading for each column, then the rows.
    Table(Vec<String>, Vec<Vec<String>>),
    /// As it stands in the file.
    Code(String),
    /// A line to sign on for each of these.
    Signatures(Vec<String>),
}

/// Writes the agreement down.
pub fn written(agreement: &Agreement) -> Document {
    Document {
        title: "Agreement between marketing and sales".to_owned(),
        sections: vec![
            opening(agreement),
            marketing::promises(agreement),
            campaigns::ready(agreement),
            sales::promises(agreement),
            sales::reasons(agreement),
            contact::rules(agreement),
            sales::teams(agreement),
            campaigns::scoring(agreement),
            signatures(agreement),
        ],
    }
}

fn opening(agreement: &Agreement) -> Section {
    let review = &agreement.review;
    let mut blocks = vec![Block::Text(
        "Marketing wins leads and nurtures each of them until it is ready. A ready lead goes to one person in sales, who \
         turns to it in time and says what came of it. A lead that sales gives back has a reason, and the reason \
         decides what happens next. This is what each side promised the other."
            .to_owned(),
    )];
    let signed = match review.signed_on {
        Some(day) => format!("Signed on {} by {}.", day_words(day), and(&review.signed_by)),
        None => "Not signed yet.".to_owned(),
    };
    let reviewed = match (review.due(), review.review_every_days) {
        (Some(due), Some(days)) => {
            format!(" Both sides look at it again every {days} days, next by {}.", day_words(due))
        }
        (None, Some(days)) => format!(" Once it is, both sides look at it again every {days} days."),
        _ => " No review is agreed.".to_owned(),
    };
    blocks.push(Block::Text(format!("{signed}{reviewed}")));
    Section { title: "What this is".to_owned(), blocks }
}

fn signatures(agreement: &Agreement) -> Section {
    let mut lines = vec![format!("For marketing ({})", agreement.marketing.manager)];
    lines.extend(agreement.teams.values().map(|team| format!("For team {} ({})", team.name, team.manager)));
    Section {
        title: "Signatures".to_owned(),
        blocks: vec![
            Block::Text(
                "The names and the day go into the file: signed_by and signed_on in its section [review]."
                    .to_owned(),
            ),
            Block::Signatures(lines),
        ],
    }
}

/// What differs between two versions of one section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The section's heading.
    pub section: String,
    /// What it no longer says.
    pub before: Vec<String>,
    /// What it says now and did not say.
    pub now: Vec<String>,
}

/// What changed from one version to another, section by section; nothing where nothing did.
pub fn changes(before: &Document, now: &Document) -> Vec<Change> {
    let mut found = Vec::new();
    let mut titles: Vec<&str> = now.sections.iter().map(|section| section.title.as_str()).collect();
    titles.extend(before.sections.iter().map(|section| section.title.as_str()));
    for (index, title) in titles.iter().enumerate() {
        if titles[..index].contains(title) {
            continue;
        }
        let of = |document: &Document| {
            let sections = document.sections.iter().filter(|section| section.title == *title);
            sections.flat_map(Section::statements).collect::<Vec<_>>()
        };
        let (old, new) = (of(before), of(now));
        let gone: Vec<String> = old.iter().filter(|one| !new.contains(one)).cloned().collect();
        let added: Vec<String> = new.iter().filter(|one| !old.contains(one)).cloned().collect();
        if !gone.is_empty() || !added.is_empty() {
            found.push(Change { section: (*title).to_owned(), before: gone, now: added });
        }
    }
    found
}

impl Section {
    /// Everything it says, one statement each, with the smaller heading under which it stands.
    pub fn statements(&self) -> Vec<String> {
        let mut under = String::new();
        let mut found = Vec::new();
        for block in &self.blocks {
            match block {
                Block::Heading(heading) => under = format!("{heading}: "),
                Block::Text(text) => found.push(format!("{under}{text}")),
                Block::List(points) => found.extend(points.iter().map(|point| format!("{under}{point}"))),
                Block::Code(code) => {
                    let code = code.split_whitespace().collect::<Vec<_>>().join(" ");
                    found.push(format!("{under}{code}"));
                }
                Block::Table(head, rows) => found.extend(rows.iter().map(|row| {
                    let filled = head.iter().zip(row).filter(|(_, cell)| !cell.is_empty());
                    let cells = filled.map(|(head, cell)| match head.as_str() {
                        "" => cell.clone(),
                        head => format!("{head}: {cell}"),
                    });
                    format!("{under}{}", cells.collect::<Vec<_>>().join("; "))
                })),
                Block::Signatures(_) => {}
            }
        }
        found
    }
}

/// "5 January 2026".
fn day_words(day: jiff::civil::Date) -> String {
    day.strftime("%-d %B %Y").to_string()
}

/// "a, b and c".
fn and(words: &[String]) -> String {
    super::commitments::listed(words)
}

/// A text that begins a sentence.
fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

#[cfg(test)]
mod tests;
