//! One walk over the Markdown of a mail that writes its HTML part and its text part.
//!
//! Both parts are written from the same events, so they cannot tell different things. What a mail may not
//! contain is a [`Refusal`] with its place in the Markdown: found at load, where every branch of a template is
//! walked, and again at render, where it is certain. The walk keeps a stack of its own and does not recurse.

use std::fmt::Write as _;
use std::ops::Range;

use pulldown_cmark::{Alignment, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd};

use super::escape::push_html;
use super::refusal::{Refusal, address, image_address};
use super::styles::{Element, Styles};
use super::text::{Align, TextPart};

/// Quotes, lists and emphasis within one another: no mail comes near it.
const MAX_DEPTH: usize = 50;

/// A refusal and its place in the Markdown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) what: Refusal,
    pub(super) at: Range<usize>,
}

/// The two parts of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) html: String,
    pub(super) text: String,
}

/// Writes both parts of `markdown`, and what it may not contain to `refused`.
pub(super) fn walk(markdown: &str, styles: &Styles, refused: &mut Vec<Refused>) -> Parts {
    let parser = Parser::new_ext(markdown, Options::ENABLE_TABLES);
    let events: Vec<(Event<'_>, Range<usize>)> = parser.into_offset_iter().collect();
    let mut walk = Walk {
        events: &events,
        styles,
        refused,
        html: String::with_capacity(markdown.len() * 2),
        text: TextPart::default(),
        lists: Vec::new(),
        links: Vec::new(),
        aligns: Vec::new(),
        column: 0,
        header: false,
        image: None,
        button_end: None,
        depth: 0,
    };
    let mut at = 0;
    while at < events.len() {
        at = walk.event(at);
    }
    Parts { html: walk.html, text: walk.text.finish() }
}

/// A link that has begun: its address for the text part and where its text starts there.
struct OpenLink {
    shown: String,
    mark: usize,
    /// The HTML has a tag to close.
    written: bool,
}

/// A list that has begun.
struct OpenList {
    /// The next item's number, if its items have one.
    number: Option<u64>,
    /// Its items are paragraphs, with blank lines between them.
    loose: bool,
}

/// An image that has begun: its alternative text is being read.
struct OpenImage {
    address: Option<String>,
    mark: usize,
    at: Range<usize>,
}

struct Walk<'w, 'm> {
    events: &'w [(Event<'m>, Range<usize>)],
    styles: &'w Styles,
    refused: &'w mut Vec<Refused>,
    html: String,
    text: TextPart,
    lists: Vec<OpenList>,
    links: Vec<OpenLink>,
    aligns: Vec<Align>,
    column: usize,
    header: bool,
    image: Option<OpenImage>,
    /// The event that ends the paragraph which is a button.
    button_end: Option<usize>,
    depth: usize,
}

impl Walk<'_, '_> {
    /// Takes the event in and says which is next.
    fn event(&mut self, at: usize) -> usize {
        let Some((event, range)) = self.events.get(at) else { return at + 1 };
        match event {
            Event::Start(tag) => {
                self.depth += 1;
                if self.depth == MAX_DEPTH {
                    self.refuse(Refusal::TooDeep, range);
                }
                return self.start(tag, at, range);
            }
            Event::End(tag) => {
                self.depth = self.depth.saturating_sub(1);
                self.end(*tag, at);
            }
            Event::Text(text) => self.write(text),
            Event::Code(code) => {
                if self.image.is_none() {
                    self.open(Element::Code);
                }
                self.write(code);
                if self.image.is_none() {
                    self.html.push_str("</code>");
                }
            }
            Event::Html(_) => {}
            // Of a pair of tags the first is told.
            Event::InlineHtml(tag) if tag.starts_with("</") && !self.refused.is_empty() => {}
            Event::InlineHtml(_) => self.refuse(Refusal::RawHtml, range),
            Event::SoftBreak => {
                self.text.push(" ");
                self.plain(if self.image.is_some() { "" } else { "\n" });
            }
            Event::HardBreak => {
                self.text.push("\n");
                self.plain(if self.image.is_some() { "" } else { "<br>\n" });
            }
            Event::Rule => {
                self.text.end_block(true);
                self.text.rule();
                self.open(Element::Hr);
                self.html.push('\n');
            }
            // Of extensions that are not enabled.
            Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::FootnoteReference(_)
            | Event::TaskListMarker(_) => {}
        }
        at + 1
    }

    fn refuse(&mut self, what: Refusal, at: &Range<usize>) {
        self.refused.push(Refused { what, at: at.clone() });
    }

    fn open(&mut self, element: Element) {
        self.html.push_str(self.styles.open(element));
        self.html.push('>');
    }

    fn plain(&mut self, html: &str) {
        self.html.push_str(html);
    }

    fn write(&mut self, text: &str) {
        self.text.push(text);
        if self.image.is_none() {
            push_html(&mut self.html, text);
        }
    }

    fn start(&mut self, tag: &Tag<'_>, at: usize, range: &Range<usize>) -> usize {
        match tag {
            Tag::Paragraph => {
                if let Some(end) = self.button(at) {
                    self.button_end = Some(end);
                    self.plain("<table role=\"presentation\" style=\"margin:0 0 16px\"><tr>");
                    self.open(Element::Button);
                    // Past the paragraph's and the emphasis's start, to the link.
                    self.depth += 1;
                    return at + 2;
                }
                self.open(Element::P);
            }
            Tag::Heading { level, .. } => {
                self.text.end_block(true);
                self.open(heading(*level).0);
            }
            Tag::BlockQuote(_) => {
                self.text.start_quote();
                self.open(Element::Blockquote);
                self.plain("\n");
            }
            Tag::CodeBlock(_) => {
                self.text.end_block(true);
                self.open(Element::Pre);
            }
            Tag::HtmlBlock => self.refuse(Refusal::RawHtml, range),
            Tag::List(first) => {
                self.text.end_block(self.lists.is_empty());
                self.lists.push(OpenList { number: *first, loose: false });
                match first {
                    None => self.open(Element::Ul),
                    Some(1) => self.open(Element::Ol),
                    Some(first) => {
                        self.html.push_str(self.styles.open(Element::Ol));
                        write!(self.html, " start=\"{first}\">").unwrap_or_default();
                    }
                }
                self.plain("\n");
            }
            Tag::Item => {
                let number = self.lists.last_mut().and_then(|list| list.number.as_mut());
                let marker = match number {
                    Some(number) => {
                        let marker = format!("{number}. ");
                        *number = number.saturating_add(1);
                        marker
                    }
                    None => "- ".to_owned(),
                };
                self.text.start_item(marker);
                self.open(Element::Li);
            }
            Tag::Table(aligns) => {
                self.text.start_table();
                self.aligns = aligns.iter().map(align).collect();
                self.open(Element::Table);
                self.plain("\n");
            }
            Tag::TableHead | Tag::TableRow => {
                self.header = matches!(tag, Tag::TableHead);
                self.column = 0;
                self.text.start_row();
                self.plain("<tr>");
            }
            Tag::TableCell => self.cell(),
            Tag::Emphasis => self.inline(Element::Em),
            Tag::Strong => self.inline(Element::Strong),
            Tag::Link { link_type, dest_url, .. } => self.link(*link_type, dest_url, range),
            Tag::Image { dest_url, .. } => {
                if self.image.is_none() {
                    let address = image_address(dest_url);
                    if address.is_none() {
                        self.refuse(Refusal::ImageAddress, range);
                    }
                    self.image = Some(OpenImage { address, mark: self.text.mark(), at: range.clone() });
                }
            }
            // Of extensions that are not enabled.
            Tag::FootnoteDefinition(_)
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::Strikethrough
            | Tag::Superscript
            | Tag::Subscript
            | Tag::MetadataBlock(_) => {}
        }
        at + 1
    }

    fn end(&mut self, tag: TagEnd, at: usize) {
        match tag {
            TagEnd::Paragraph => {
                self.text.end_block(true);
                if let Some(list) = self.lists.last_mut() {
                    list.loose = true;
                }
                if self.button_end.take_if(|end| *end == at).is_some() {
                    self.plain("</td></tr></table>\n");
                } else {
                    self.plain("</p>\n");
                }
            }
            TagEnd::Heading(level) => {
                let (_, close, underline) = heading(level);
                self.text.end_heading(underline);
                self.plain(close);
            }
            TagEnd::BlockQuote(_) => {
                self.text.end_container();
                self.text.separate();
                self.plain("</blockquote>\n");
            }
            TagEnd::CodeBlock => {
                self.text.end_preformatted();
                self.plain("</pre>\n");
            }
            TagEnd::List(ordered) => {
                self.lists.pop();
                if self.lists.last().is_none_or(|list| list.loose) {
                    self.text.separate();
                }
                self.plain(if ordered { "</ol>\n" } else { "</ul>\n" });
            }
            TagEnd::Item => {
                self.text.end_container();
                self.plain("</li>\n");
            }
            TagEnd::Table => {
                let aligns = std::mem::take(&mut self.aligns);
                self.text.end_table(&aligns);
                self.plain("</table>\n");
            }
            TagEnd::TableHead | TagEnd::TableRow => {
                self.header = false;
                self.plain("</tr>\n");
            }
            TagEnd::TableCell => {
                self.text.end_cell();
                self.column += 1;
                self.plain(if self.header { "</th>" } else { "</td>" });
            }
            TagEnd::Emphasis if self.image.is_none() => self.plain("</em>"),
            TagEnd::Strong if self.image.is_none() && !self.ends_button(at) => self.plain("</strong>"),
            TagEnd::Link => self.end_link(),
            TagEnd::Image => self.end_image(),
            TagEnd::Emphasis
            | TagEnd::Strong
            | TagEnd::HtmlBlock
            | TagEnd::FootnoteDefinition
            | TagEnd::DefinitionList
            | TagEnd::DefinitionListTitle
            | TagEnd::DefinitionListDefinition
            | TagEnd::Strikethrough
            | TagEnd::Superscript
            | TagEnd::Subscript
            | TagEnd::MetadataBlock(_) => {}
        }
    }

    fn inline(&mut self, element: Element) {
        if self.image.is_none() {
            self.open(element);
        }
    }

    fn cell(&mut self) {
        let element = if self.header { Element::Th } else { Element::Td };
        let align = self.aligns.get(self.column).copied().unwrap_or(Align::Left);
        self.html.push_str(self.styles.open(element));
        self.plain(match align {
            Align::Left => " align=\"left\">",
            Align::Centre => " align=\"center\">",
            Align::Right => " align=\"right\">",
        });
    }

    /// Where the paragraph that starts here ends, if it is a button: a link in bold and nothing else.
    fn button(&self, at: usize) -> Option<usize> {
        let event = |at: usize| self.events.get(at).map(|(event, _)| event);
        if !matches!(event(at + 1)?, Event::Start(Tag::Strong))
            || !matches!(event(at + 2)?, Event::Start(Tag::Link { .. }))
        {
            return None;
        }
        let inside = self.events.get(at + 3..)?;
        let link_end = at + 3 + inside.iter().position(|(e, _)| matches!(e, Event::End(TagEnd::Link)))?;
        let ends = matches!(event(link_end + 1)?, Event::End(TagEnd::Strong))
            && matches!(event(link_end + 2)?, Event::End(TagEnd::Paragraph));
        ends.then_some(link_end + 2)
    }

    fn ends_button(&self, at: usize) -> bool {
        self.button_end == Some(at + 1)
    }

    fn link(&mut self, link_type: LinkType, destination: &str, range: &Range<usize>) {
        let mailto = if link_type == LinkType::Email { "mailto:" } else { "" };
        let checked = address(mailto, destination);
        let mut open = OpenLink { shown: String::new(), mark: self.text.mark(), written: false };
        match checked {
            Err(what) => self.refuse(what, range),
            Ok(address) if self.image.is_none() => {
                let element = if self.button_end.is_some() { Element::ButtonLink } else { Element::A };
                self.html.push_str(self.styles.open(element));
                self.plain(" href=\"");
                push_html(&mut self.html, &address);
                self.plain("\">");
                open.written = true;
                open.shown = address;
            }
            Ok(_) => {}
        }
        self.links.push(open);
    }

    fn end_link(&mut self) {
        let Some(link) = self.links.pop() else { return };
        if !link.written {
            return;
        }
        self.plain("</a>");
        let bare = link.shown.strip_prefix("mailto:").or_else(|| link.shown.strip_prefix("tel:"));
        let shown = with_subject(bare.unwrap_or(&link.shown));
        let label = self.text.since(link.mark).split_whitespace().collect::<String>();
        // "Call +49 30 1" says where it leads.
        if !label.contains(&shown) {
            let address = format!(" <{shown}>");
            self.text.push(&address);
        }
    }

    fn end_image(&mut self) {
        let Some(image) = self.image.take() else { return };
        let alternative = self.text.since(image.mark).trim().to_owned();
        if alternative.is_empty() {
            self.refuse(Refusal::ImageText, &image.at);
        }
        if let Some(address) = image.address {
            self.html.push_str(self.styles.open(Element::Img));
            self.plain(" src=\"");
            push_html(&mut self.html, &address);
            self.plain("\" alt=\"");
            push_html(&mut self.html, &alternative);
            self.plain("\">");
        }
    }
}

/// The element of a heading, its end, and what underlines it in the text part.
fn heading(level: HeadingLevel) -> (Element, &'static str, Option<char>) {
    match level {
        HeadingLevel::H1 => (Element::H1, "</h1>\n", Some('=')),
        HeadingLevel::H2 => (Element::H2, "</h2>\n", Some('-')),
        HeadingLevel::H3 | HeadingLevel::H4 | HeadingLevel::H5 | HeadingLevel::H6 => {
            (Element::H3, "</h3>\n", None)
        }
    }
}

fn align(alignment: &Alignment) -> Align {
    match alignment {
        Alignment::None | Alignment::Left => Align::Left,
        Alignment::Center => Align::Centre,
        Alignment::Right => Align::Right,
    }
}

/// What a link to write a mail says to whoever has to type it: "a@b.example, subject: accept [x]".
fn with_subject(address: &str) -> String {
    let Some((to, subject)) = address.split_once("?subject=").filter(|(to, _)| !to.contains('/')) else {
        return address.to_owned();
    };
    let mut shown = format!("{to}, subject: ");
    let mut rest = subject;
    while let Some(at) = rest.find('%') {
        shown.push_str(&rest[..at]);
        let hex = rest.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match hex.filter(|byte| (b' '..=b'~').contains(byte)) {
            Some(byte) => {
                shown.push(byte.into());
                rest = &rest[at + 3..];
            }
            None => {
                shown.push('%');
                rest = &rest[at + 1..];
            }
        }
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::super::escape;
    use super::*;

    fn parts(markdown: &str) -> Parts {
        let mut refused = Vec::new();
        let parts = walk(markdown, &Styles::built_in(), &mut refused);
        assert_eq!(refused, [], "{markdown}");
        parts
    }

    #[test]
    fn what_a_mail_may_not_contain_is_refused_where_it_stands() {
        let url = escape::hide_address("https://x.example");
        let query = escape::hide_query("v");
        let value = escape::hide("v");
        for (markdown, what, place) in [
            ("a <b>c", Refusal::RawHtml, "<b>"),
            ("<div>x</div>", Refusal::RawHtml, "<div>x</div>"),
            ("<!-- x -->", Refusal::RawHtml, "<!-- x -->"),
            ("[a](javascript:alert(1))", Refusal::LinkAddress, "[a]"),
            ("[a](java&#115;cript:alert(1))", Refusal::LinkAddress, "[a]"),
            ("[a](/prices)", Refusal::LinkAddress, "[a]"),
            ("[a](http:x)", Refusal::LinkAddress, "[a]"),
            ("[a](https://)", Refusal::LinkAddress, "[a]"),
            ("<data:text/html,x>", Refusal::LinkAddress, "<data"),
            ("[a][b]\n\n[b]: vbscript:x", Refusal::LinkAddress, "[a]"),
            (&format!("[a](https://x.example/{value})"), Refusal::LinkVariable, "[a]"),
            (&format!("[a]({value})"), Refusal::LinkVariable, "[a]"),
            (&format!("[a](https://x.example/{url})"), Refusal::UrlPlace, "[a]"),
            (&format!("[a](https://{query}/)"), Refusal::QueryPlace, "[a]"),
            (&format!("[a]({url}{query})"), Refusal::QueryPlace, "[a]"),
            (&format!("[a]({query})"), Refusal::LinkAddress, "[a]"),
            ("![a](data:image/png,x)", Refusal::ImageAddress, "![a]"),
            (&format!("![a]({url})"), Refusal::ImageAddress, "![a]"),
            ("![](https://x.example/a.png)", Refusal::ImageText, "![]"),
            (&format!("{} x", ">".repeat(60)), Refusal::TooDeep, ">"),
        ] {
            let mut refused = Vec::new();
            walk(markdown, &Styles::built_in(), &mut refused);
            let first = refused.first().unwrap_or_else(|| panic!("{markdown} was not refused"));
            assert_eq!(first.what, what, "{markdown}");
            assert!(markdown[first.at.clone()].starts_with(place), "{markdown}");
        }
    }

    #[test]
    fn addresses_keep_what_the_helpers_made_of_values() {
        let url = escape::hide_address("https://x.example/?a&b");
        let query = escape::hide_query("a%20b");
        let html = parts(&format!("[x]({url})\n\n[y](https://y.example/?q={query})")).html;
        assert!(html.contains("href=\"https://x.example/?a&amp;b\""), "{html}");
        assert!(html.contains("href=\"https://y.example/?q=a%20b\""), "{html}");
    }

    #[test]
    fn a_link_in_bold_alone_in_its_paragraph_is_a_button() {
        let button = parts("**[Book a call](https://x.example/)**");
        assert!(button.html.contains("<table role=\"presentation\""), "{}", button.html);
        assert!(!button.html.contains("<strong"), "{}", button.html);
        assert_eq!(button.text, "Book a call <https://x.example/>\n");
        for plain in
            ["**[a](https://x.example/)** b", "[a](https://x.example/)", "**[a](https://x.example/) b**"]
        {
            assert!(!parts(plain).html.contains("<table"), "{plain}");
        }
    }

    #[test]
    fn the_text_part_reads_well() {
        let markdown = "# Hello\n\nOne *two*\nthree `four`.\\\nFive\n\n- a\n- b\n  1. c\n  2. d\n\n- e\n\n  f\n\n\
            > quoted\n> text\n\n    code  x\n\n---\n\n[text](https://x.example/) <a@b.example> \
            [+49 30](tel:+4930) [Call +4930](tel:+4930)\n\n## Two\n\n![Our team](https://x.example/a.png)\n";
        insta::assert_snapshot!(parts(markdown).text, @r#"
        Hello
        =====

        One two three four.
        Five

        - a

        - b

          1. c
          2. d

        - e

          f

        > quoted text

            code  x

        ----------------------------------------

        text <https://x.example/> a@b.example +49 30 Call +4930

        Two
        ---

        Our team
        "#);
    }

    #[test]
    fn a_link_to_write_says_its_subject_in_the_text_part() {
        for (address, shown) in [
            ("a@b.example", "a@b.example"),
            ("a@b.example?subject=accept%20%5Bx%5D", "a@b.example, subject: accept [x]"),
            ("a@b.example?subject=%0A%zz%C3%A4%", "a@b.example, subject: %0A%zz%C3%A4%"),
            ("https://b.example/x?subject=y", "https://b.example/x?subject=y"),
        ] {
            assert_eq!(with_subject(address), shown);
        }
    }
}
