//! The look of a mail: one small style sheet, read at load into the opening tag of each element.
//!
//! Mail programs drop `<style>` blocks (Gmail, when a message is forwarded or long) and know little CSS, so
//! each element carries its style itself. Sizes are in pixels and colours in six digits, for Outlook.

/// An element that the walk writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    P,
    H1,
    H2,
    H3,
    Ul,
    Ol,
    Li,
    A,
    Strong,
    Em,
    Code,
    Pre,
    Blockquote,
    Table,
    Th,
    Td,
    Hr,
    Img,
    /// The cell around the call to action: a padded table cell is the one button that Outlook draws too.
    Button,
    /// The link in it.
    ButtonLink,
}

/// The elements with their names in the style sheet and in HTML.
const ELEMENTS: [(Element, &str, &str); 20] = [
    (Element::P, "p", "p"),
    (Element::H1, "h1", "h1"),
    (Element::H2, "h2", "h2"),
    (Element::H3, "h3", "h3"),
    (Element::Ul, "ul", "ul"),
    (Element::Ol, "ol", "ol"),
    (Element::Li, "li", "li"),
    (Element::A, "a", "a"),
    (Element::Strong, "strong", "strong"),
    (Element::Em, "em", "em"),
    (Element::Code, "code", "code"),
    (Element::Pre, "pre", "pre"),
    (Element::Blockquote, "blockquote", "blockquote"),
    (Element::Table, "table", "table"),
    (Element::Th, "th", "th"),
    (Element::Td, "td", "td"),
    (Element::Hr, "hr", "hr"),
    (Element::Img, "img", "img"),
    (Element::Button, ".button", "td"),
    (Element::ButtonLink, ".button a", "a"),
];

const SHEET: &str = "
p, ul, ol { margin: 0 0 16px; }
ul, ol { padding: 0 0 0 24px; }
li { margin: 0 0 6px; }
h1, h2, h3 { margin: 24px 0 12px; line-height: 1.25; }
h1 { font-size: 24px; }
h2 { font-size: 20px; }
h3 { font-size: 16px; }
a { color: #1a56c4; }
code, pre { font-family: Consolas, Menlo, monospace; font-size: 14px; background-color: #f3f4f6; }
code { padding: 1px 4px; }
pre { margin: 0 0 16px; padding: 12px; white-space: pre-wrap; }
blockquote { margin: 0 0 16px; padding: 0 0 0 12px; border-left: 3px solid #d0d5dd; color: #475467; }
table { margin: 0 0 16px; border-collapse: collapse; }
th, td { padding: 6px 12px 6px 0; border-bottom: 1px solid #e4e7ec; vertical-align: top; }
hr { margin: 24px 0; border: 0; border-top: 1px solid #e4e7ec; }
img { max-width: 100%; border: 0; }
.button { background-color: #1a56c4; border-radius: 6px; padding: 12px 20px; }
.button a { color: #ffffff; font-weight: bold; text-decoration: none; }
";

/// The opening tags, without the `>`, so that attributes can follow.
#[derive(Clone, Debug)]
pub(super) struct Styles {
    open: Vec<String>,
}

impl Styles {
    /// The built-in look.
    pub(super) fn built_in() -> Styles {
        Styles::of(SHEET)
    }

    /// The look of a style sheet of rules `name, name { declarations }`.
    fn of(sheet: &str) -> Styles {
        let open = ELEMENTS.iter().map(|(_, selector, tag)| {
            let declarations: Vec<&str> = sheet
                .split('}')
                .filter_map(|rule| rule.split_once('{'))
                .filter(|(selectors, _)| selectors.split(',').any(|name| name.trim() == *selector))
                .map(|(_, declarations)| declarations.trim())
                .collect();
            match declarations.join(" ").replace(": ", ":").replace("; ", ";").trim_end_matches(';') {
                "" => format!("<{tag}"),
                style => format!("<{tag} style=\"{style}\""),
            }
        });
        Styles { open: open.collect() }
    }

    /// The beginning of the opening tag of `element`, to be ended with `>`.
    pub(super) fn open(&self, element: Element) -> &str {
        self.open.get(element as usize).map_or("", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_is_found_in_its_own_place() {
        let styles = Styles::built_in();
        for (index, (element, _, tag)) in ELEMENTS.iter().enumerate() {
            assert_eq!(*element as usize, index);
            assert!(styles.open(*element).starts_with(&format!("<{tag}")));
        }
    }

    #[test]
    fn rules_add_up_and_those_of_other_elements_do_not() {
        let styles = Styles::of("p, a { margin: 0 1px; }\n a { color: red; }");
        assert_eq!(styles.open(Element::A), "<a style=\"margin:0 1px;color:red\"");
        assert_eq!(styles.open(Element::P), "<p style=\"margin:0 1px\"");
        assert_eq!(styles.open(Element::Button), "<td");
    }
}
