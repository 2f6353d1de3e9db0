//! Charts of a report: horizontal bars as SVG, drawn here.
//!
//! Each bar has its name and its numbers in words above it, so that nothing depends on telling colours apart: it
//! is read on a phone, in black and white, and aloud. The drawing is 400 units wide, as narrow as a phone, and
//! grows with the page.

use std::fmt::Write as _;

use crate::domain::report::attainment::Attainment;
use crate::domain::report::funnel::Funnel;
use crate::domain::report::headlines::business_time;
use crate::http::escaped;

/// Units of a drawing's width.
const WIDTH: i64 = 400;
/// Units from one bar to the next.
const STEP: i64 = 44;
/// Units of a bar's height.
const BAR: i64 = 16;
/// Letters of a bar's name; longer ones are cut, the table beside has them whole.
const NAME: usize = 34;

/// Bars that are compared with each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// What each part of a bar is: its class in the style sheet, and its name; none needs no legend.
    pub parts: &'static [(&'static str, &'static str)],
    /// The bars.
    pub bars: Vec<Bar>,
}

/// One bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// Whose.
    pub name: String,
    /// The length of each part.
    pub lengths: Vec<i64>,
    /// The same in words.
    pub words: String,
}

const PROMISE_PARTS: [(&str, &str); 5] =
    [("kept", "kept"), ("late", "late"), ("missed", "missed"), ("running", "running"), ("closed", "closed")];

const WAY_PARTS: [(&str, &str); 5] = [
    ("kept", "won"),
    ("running", "opportunity"),
    ("contacted", "contacted"),
    ("accepted", "accepted"),
    ("closed", "not accepted"),
];

const TIME_PARTS: [(&str, &str); 2] = [("running", "median"), ("accepted", "p90")];

const COUNT_PARTS: [(&str, &str); 1] = [("running", "leads")];

fn chart(
    title: &str,
    parts: &'static [(&'static str, &'static str)],
    bars: impl Iterator<Item = Bar>,
) -> Option<Chart> {
    let bars: Vec<Bar> = bars.filter(|bar| bar.lengths.iter().sum::<i64>() > 0).collect();
    (!bars.is_empty()).then(|| Chart { title: title.to_owned(), parts, bars })
}

/// The parts of a bar that there are, in words: "9 kept, 2 late".
fn counted(parts: &[(&str, &str)], lengths: &[i64]) -> String {
    let words = parts.iter().zip(lengths).filter(|(_, length)| **length > 0);
    words.map(|((_, name), length)| format!("{length} {name}")).collect::<Vec<_>>().join(", ")
}

/// How promises were kept.
pub fn promises(title: &str, sums: &[(String, &Attainment)]) -> Option<Chart> {
    let bars = sums.iter().map(|(name, sum)| {
        let lengths = vec![sum.kept, sum.late, sum.missed, sum.running, sum.closed];
        Bar { name: name.clone(), words: counted(&PROMISE_PARTS, &lengths), lengths }
    });
    chart(title, &PROMISE_PARTS, bars)
}

/// How long it took until promises were met.
pub fn times(title: &str, sums: &[(String, &Attainment)]) -> Option<Chart> {
    let bars = sums.iter().filter_map(|(name, sum)| {
        let (median, p90) = (sum.took.median()?, sum.took.p90()?);
        let words = format!("median {}, p90 {}", business_time(median), business_time(p90));
        Some(Bar { name: name.clone(), lengths: vec![median, p90 - median], words })
    });
    chart(title, &TIME_PARTS, bars)
}

/// How far leads came: each is in the part of the farthest point it reached.
pub fn ways(title: &str, funnels: &[(String, &Funnel)]) -> Option<Chart> {
    let bars = funnels.iter().map(|(name, funnel)| {
        let lengths = vec![
            funnel.won,
            funnel.opportunity - funnel.won,
            funnel.contacted - funnel.opportunity,
            funnel.accepted - funnel.contacted,
            funnel.handed_off - funnel.accepted,
        ];
        Bar { name: name.clone(), words: counted(&WAY_PARTS, &lengths), lengths }
    });
    chart(title, &WAY_PARTS, bars)
}

/// How often each reason was given.
pub fn reasons(title: &str, counts: &[(String, i64)]) -> Option<Chart> {
    let bars = counts.iter().map(|(name, count)| Bar {
        name: name.clone(),
        lengths: vec![*count],
        words: count.to_string(),
    });
    chart(title, &COUNT_PARTS, bars)
}

/// A chart as a figure; `number` makes its ids unique on the page.
pub fn draw(chart: &Chart, number: usize) -> String {
    let longest = chart.bars.iter().map(|bar| bar.lengths.iter().sum::<i64>()).max().unwrap_or(1).max(1);
    let height = STEP * chart.bars.len() as i64;
    let spoken: Vec<String> = chart.bars.iter().map(|bar| format!("{}: {}.", bar.name, bar.words)).collect();
    let mut svg = format!(
        "<figure>\n<figcaption>{}</figcaption>\n\
         <svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-labelledby=\"t{number} d{number}\">\n\
         <title id=\"t{number}\">{}</title>\n<desc id=\"d{number}\">{}</desc>\n",
        escaped(&chart.title),
        escaped(&chart.title),
        escaped(&spoken.join(" ")),
    );
    for (index, bar) in chart.bars.iter().enumerate() {
        let top = STEP * index as i64;
        let _ = writeln!(
            svg,
            "<text x=\"0\" y=\"{}\">{}</text><text class=\"n\" x=\"{WIDTH}\" y=\"{}\">{}</text>",
            top + 14,
            escaped(&cut(&bar.name)),
            top + 14,
            escaped(&bar.words),
        );
        let mut begun = 0;
        for ((class, _), length) in chart.parts.iter().zip(&bar.lengths) {
            // From the sums, so that parts that are rounded leave no gap and no bar is longer than it is.
            let (from, to) = (begun * WIDTH / longest, (begun + length) * WIDTH / longest);
            begun += length;
            if to > from {
                let _ = writeln!(
                    svg,
                    "<rect class=\"{class}\" x=\"{from}\" y=\"{}\" width=\"{}\" height=\"{BAR}\"/>",
                    top + 20,
                    to - from,
                );
            }
        }
    }
    svg.push_str("</svg>\n");
    if chart.parts.len() > 1 {
        svg.push_str("<p class=\"legend\">");
        for (class, name) in chart.parts {
            let _ = write!(
                svg,
                "<span><svg viewBox=\"0 0 10 10\" aria-hidden=\"true\"><rect class=\"{class}\" width=\"10\" \
                 height=\"10\"/></svg> {}</span> ",
                escaped(name)
            );
        }
        svg.push_str("</p>\n");
    }
    svg.push_str("</figure>\n");
    svg
}

fn cut(name: &str) -> String {
    if name.chars().count() <= NAME {
        return name.to_owned();
    }
    let kept: String = name.chars().take(NAME - 1).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_parts_and_says_them() {
        let sum = Attainment { made: 4, kept: 2, late: 1, closed: 1, ..Attainment::default() };
        let half = Attainment { made: 2, kept: 2, ..Attainment::default() };
        let none = Attainment::default();
        let sums = [("Robin".to_owned(), &sum), ("<Sam>".to_owned(), &half), ("Kim".to_owned(), &none)];
        let chart = promises("Kept", &sums).expect("a chart");
        assert_eq!(chart.bars.len(), 2, "who promised nothing has no bar");
        assert_eq!(chart.bars[0].words, "2 kept, 1 late, 1 closed");
        let svg = draw(&chart, 1);
        let widths: Vec<&str> = svg
            .split("<rect class=\"")
            .skip(1)
            .filter_map(|rect| rect.split_once("width=\"")?.1.split('"').next())
            .take(4)
            .collect();
        assert_eq!(widths, ["200", "100", "100", "200"]);
        assert!(svg.contains("&#60;Sam&#62;") && !svg.contains("<Sam>"), "{svg}");
        assert!(svg.contains("Robin: 2 kept, 1 late, 1 closed."));
    }

    #[test]
    fn nothing_has_no_chart() {
        assert_eq!(promises("Kept", &[]), None);
        assert_eq!(reasons("Why", &[("x".to_owned(), 0)]), None);
    }
}
