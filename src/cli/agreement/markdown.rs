//! A document as Markdown. Nothing in its texts is taken for markup.

use crate::domain::document::{Block, Document};

/// The whole document.
pub fn text(document: &Document) -> String {
    let mut text = format!("# {}\n", escaped(&document.title));
    for section in &document.sections {
        text.push_str(&format!("\n## {}\n", escaped(&section.title)));
        for block in &section.blocks {
            text.push('\n');
            push(&mut text, block);
        }
    }
    text
}

fn push(text: &mut String, block: &Block) {
    match block {
        Block::Heading(heading) => text.push_str(&format!("### {}\n", escaped(heading))),
        Block::Text(words) => text.push_str(&format!("{}\n", escaped(words))),
        Block::List(points) => {
            for point in points {
                text.push_str(&format!("- {}\n", escaped(point)));
            }
        }
        Block::Table(head, rows) => {
            text.push_str(&row(head));
            text.push_str(&format!("|{}\n", "---|".repeat(head.len())));
            rows.iter().for_each(|cells| text.push_str(&row(cells)));
        }
        Block::Code(code) => {
            // A fence that is longer than any in the code.
            let longest = code.split(|c| c != '`').map(str::len).max().unwrap_or(0);
            let fence = "`".repeat(longest.max(2) + 1);
            text.push_str(&format!("{fence}\n{code}\n{fence}\n"));
        }
        Block::Signatures(lines) => {
            text.push_str("| | Name | Signature | Day |\n|---|---|---|---|\n");
            for line in lines {
                text.push_str(&format!("| {} | | | |\n", escaped(line)));
            }
        }
    }
}

fn row(cells: &[String]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| inline(cell)).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// A text that begins a line: nothing in it is a heading, a list or a quotation.
fn escaped(text: &str) -> String {
    let begins = text.trim_start().starts_with(['#', '>', '-', '+', '=', '~']);
    format!("{}{}", if begins { "\\" } else { "" }, inline(text))
}

/// The text with everything escaped that Markdown would take for its own, on one line.
fn inline(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '|' | '&') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use pulldown_cmark::{Event, Options, Parser};

    use super::*;
    use crate::domain::document::Section;

    #[test]
    fn nothing_in_a_text_is_markup() {
        let hostile = "*a* [b](c) <i> `d` & e_f_g | # h \\";
        let block = |words: &str| Block::Text(words.to_owned());
        let document = Document {
            title: hostile.to_owned(),
            sections: vec![Section {
                title: hostile.to_owned(),
                blocks: vec![
                    block(hostile),
                    block("# no heading"),
                    block("- no list"),
                    Block::Table(vec![hostile.to_owned()], vec![vec![hostile.to_owned()]]),
                    Block::Code("``` no end".to_owned()),
                    Block::List(vec!["- one".to_owned()]),
                ],
            }],
        };
        let written = text(&document);
        let mut headings = 0;
        let mut told = String::new();
        for event in Parser::new_ext(&written, Options::ENABLE_TABLES) {
            match event {
                Event::Text(text) => told.push_str(&text),
                Event::Start(pulldown_cmark::Tag::Heading { .. }) => headings += 1,
                Event::Start(
                    pulldown_cmark::Tag::Emphasis
                    | pulldown_cmark::Tag::Link { .. }
                    | pulldown_cmark::Tag::Image { .. },
                )
                | Event::Code(_)
                | Event::Html(_)
                | Event::InlineHtml(_) => panic!("{event:?} in {written}"),
                _ => {}
            }
        }
        assert_eq!(headings, 2);
        assert_eq!(told.matches(hostile).count(), 5, "{told}");
        for words in ["# no heading", "- no list", "``` no end", "- one"] {
            assert!(told.contains(words), "{words} in {told}");
        }
    }
}
