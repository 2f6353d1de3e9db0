//! A report as a page: one file, no script, nothing loaded from anywhere, for a screen, a phone and paper.
//!
//! The content security policy allows the style in the page and nothing else, so even what escaped [`escaped`]
//! could not run or load anything.

use super::charts::draw;
use super::sections::{Section, capitalised};
use super::table::{as_of, happened};
use crate::domain::report::Report;
use crate::http::escaped;

/// Colours that differ in lightness too; those of a dark screen are lighter.
const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1c1f24;--dim:#5a6270;--line:#d6dae1;--paper:#fff;--kept:#1a7f5a;--late:#e0a100;\
--missed:#b3261e;--running:#3f6fc4;--closed:#b9c0cb;--contacted:#7fa3e0;--accepted:#c3d3f0}\
@media(prefers-color-scheme:dark){:root{--ink:#e8eaee;--dim:#a3abb8;--line:#3a404a;--paper:#15171b;--kept:#4cc38a;\
--late:#f2c14e;--missed:#ff7b6b;--running:#7ea6f4;--closed:#5b6472;--contacted:#54719f;--accepted:#3b4d6b}}\
@media print{:root{color-scheme:light;--ink:#000;--dim:#444;--line:#999;--paper:#fff;--kept:#1a7f5a;--late:#e0a100;\
--missed:#b3261e;--running:#3f6fc4;--closed:#b9c0cb;--contacted:#7fa3e0;--accepted:#c3d3f0}\
nav{display:none}section,figure,tr{break-inside:avoid}.wide{overflow:visible}body{font-size:11px}}\
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}\
body{font:16px/1.5 system-ui,sans-serif;margin:0;color:var(--ink);background:var(--paper)}\
main{max-width:70rem;margin:auto;padding:1.5rem 1rem 4rem}\
h1{font-size:1.6rem;line-height:1.2;margin:0}h2{font-size:1.2rem;margin:2.5rem 0 .25rem}\
p{margin:.25rem 0 .75rem;max-width:46rem}.dim,nav,figcaption,.legend,caption{color:var(--dim);font-size:.875rem}\
nav ul{list-style:none;margin:1rem 0;padding:0;display:flex;flex-wrap:wrap;gap:.25rem 1rem}\
a{color:var(--running)}\
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}\
th,td{padding:.3rem .75rem .3rem 0;border-bottom:1px solid var(--line);text-align:right;vertical-align:top}\
th{font-weight:600;vertical-align:bottom}th:first-child,td:first-child,.w{text-align:left}td.w,th.w{min-width:6rem}td.w{white-space:pre-line;min-width:8rem}\
tbody th{font-weight:400;vertical-align:top}td,tbody th{white-space:nowrap}\
figure{margin:.75rem 0 1.25rem;max-width:34rem}figure>svg{display:block;width:100%;height:auto;overflow:visible}\
svg text{font:13px system-ui,sans-serif;fill:var(--ink)}svg .n{text-anchor:end;fill:var(--dim)}\
.legend span{margin-right:.75rem;white-space:nowrap}.legend svg{width:.75em;height:.75em}\
.kept{fill:var(--kept)}.late{fill:var(--late)}.missed{fill:var(--missed)}.running{fill:var(--running)}\
.closed{fill:var(--closed)}.contacted{fill:var(--contacted)}.accepted{fill:var(--accepted)}";

/// The report as one HTML file.
pub fn write(report: &Report, sections: &[Section]) -> String {
    let title = capitalised(&report.period.to_string());
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"robots\" content=\"noindex\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <h1>{title}</h1>\n<p class=\"dim\">{}</p>\n<p>{}</p>\n",
        escaped(&capitalised(&as_of(report))),
        escaped(&happened(report)),
        title = escaped(&title),
    );
    if sections.is_empty() {
        page.push_str("<p>Nothing was promised, handed off or decided in these days.</p>\n");
    } else {
        page.push_str("<nav aria-label=\"Contents\"><ul>\n");
        for section in sections {
            page.push_str(&format!(
                "<li><a href=\"#{}\">{}</a></li>\n",
                section.anchor,
                escaped(&section.title)
            ));
        }
        page.push_str("</ul></nav>\n");
    }
    let mut charts = 0;
    let mut told = "";
    for section in sections {
        page.push_str(&format!(
            "<section id=\"{0}\" aria-labelledby=\"{0}-title\">\n<h2 id=\"{0}-title\">{1}</h2>\n",
            section.anchor,
            escaped(&section.title),
        ));
        // The same words above each of four tables hide the tables.
        if section.note != told {
            page.push_str(&format!("<p class=\"dim\">{}</p>\n", escaped(section.note)));
            told = section.note;
        }
        for chart in &section.charts {
            charts += 1;
            page.push_str(&draw(chart, charts));
        }
        page.push_str(&table(section));
        if section.more > 0 {
            let more = format!("… and {} more: nurtured report --format csv has all of them.", section.more);
            page.push_str(&format!("<p class=\"dim\">{more}</p>\n"));
        }
        page.push_str("</section>\n");
    }
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

fn table(section: &Section) -> String {
    let title = escaped(&section.title);
    let mut html = format!(
        "<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"{title}, table\"><table>\n<thead><tr>"
    );
    let class = |index: usize, section: &Section| {
        let is_words = index >= section.words_from || section.head[index] == "Promise";
        if is_words { " class=\"w\"" } else { "" }
    };
    for (index, head) in section.head.iter().enumerate() {
        let name = if head.is_empty() { "Name" } else { head };
        html.push_str(&format!("<th scope=\"col\"{}>{}</th>", class(index, section), escaped(name)));
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    for row in &section.rows {
        html.push_str("<tr>");
        for (index, cell) in row.iter().enumerate() {
            let cell = escaped(cell);
            match index {
                0 => html.push_str(&format!("<th scope=\"row\">{cell}</th>")),
                _ => html.push_str(&format!("<td{}>{cell}</td>", class(index, section))),
            }
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody></table></div>\n");
    html
}
