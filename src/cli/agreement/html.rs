//! A document as one HTML page that loads nothing: to send, to open anywhere, to print and sign.

use crate::domain::document::{Block, Document};

/// Readable on a phone, and on paper; headings stay with what follows them.
const STYLE: &str = "body{font:16px/1.5 Georgia,'Times New Roman',serif;color:#1f2933;max-width:46rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.8rem;line-height:1.2}h2{margin-top:2.2rem;border-bottom:1px solid #cbd2d9;padding-bottom:.2rem}\
h1,h2,h3{break-after:avoid}table{border-collapse:collapse;width:100%;margin:1rem 0;font-size:.95rem}\
th,td{border:1px solid #cbd2d9;padding:.35rem .5rem;text-align:left;vertical-align:top}th{background:#f5f7fa}tr{break-inside:avoid}\
pre{background:#f5f7fa;border:1px solid #e4e7eb;padding:.5rem .75rem;white-space:pre-wrap;overflow-wrap:anywhere;font-size:.85rem}\
.sign td{height:3rem}@media print{body{margin:0;max-width:none}}";

/// The whole page.
pub fn page(document: &Document) -> String {
    let title = escaped(&document.title);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
    );
    for section in &document.sections {
        page.push_str(&format!("<h2>{}</h2>\n", escaped(&section.title)));
        section.blocks.iter().for_each(|block| push(&mut page, block));
    }
    page.push_str("</body>\n</html>\n");
    page
}

fn push(page: &mut String, block: &Block) {
    match block {
        Block::Heading(heading) => page.push_str(&format!("<h3>{}</h3>\n", escaped(heading))),
        Block::Text(text) => page.push_str(&format!("<p>{}</p>\n", escaped(text))),
        Block::List(points) => {
            let points: String =
                points.iter().map(|point| format!("<li>{}</li>\n", escaped(point))).collect();
            page.push_str(&format!("<ul>\n{points}</ul>\n"));
        }
        Block::Table(head, rows) => {
            let rows: String = rows.iter().map(|cells| row("td", cells)).collect();
            page.push_str(&format!("<table>\n{}{rows}</table>\n", row("th", head)));
        }
        Block::Code(code) => page.push_str(&format!("<pre>{}</pre>\n", escaped(code))),
        Block::Signatures(lines) => {
            let head = ["", "Name", "Signature", "Day"].map(str::to_owned);
            let rows: String = lines
                .iter()
                .map(|line| row("td", &[line.clone(), String::new(), String::new(), String::new()]))
                .collect();
            page.push_str(&format!("<table class=\"sign\">\n{}{rows}</table>\n", row("th", &head)));
        }
    }
}

fn row(tag: &str, cells: &[String]) -> String {
    let cells: String = cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", escaped(cell))).collect();
    format!("<tr>{cells}</tr>\n")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::document::Section;

    #[test]
    fn what_stands_in_the_agreement_is_text_and_the_page_loads_nothing() {
        let hostile = "<script>alert(\"1\")</script> & co";
        let document = Document {
            title: hostile.to_owned(),
            sections: vec![Section {
                title: hostile.to_owned(),
                blocks: vec![
                    Block::Heading(hostile.to_owned()),
                    Block::Text(hostile.to_owned()),
                    Block::List(vec![hostile.to_owned()]),
                    Block::Table(vec![hostile.to_owned()], vec![vec![hostile.to_owned()]]),
                    Block::Code(hostile.to_owned()),
                    Block::Signatures(vec![hostile.to_owned()]),
                ],
            }],
        };
        let page = page(&document);
        assert!(!page.contains("<script"), "{page}");
        assert_eq!(page.matches("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; co").count(), 10);
        for loads in ["http", "src=", "href=", "url(", "@import"] {
            assert!(!page.contains(loads), "{loads}");
        }
    }
}
