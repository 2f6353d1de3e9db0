//! How mails are labelled, and how many of them are read rightly.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::civil::Date;
use nurtured::mail::inbound::classify::Classified;

/// What a mail is, as a person says.
pub struct Label {
    pub file: String,
    pub lang: String,
    pub class: String,
    pub kind: String,
    pub returns_on: Option<Date>,
    /// Another day that can be defended.
    pub ambiguous_ok: Option<Date>,
    pub do_not_call: bool,
    pub alternate_contacts: Vec<String>,
    pub follow_up_on: Option<Date>,
}

impl Label {
    /// Whether an automatic reply says when its writer is back.
    pub fn is_dated(&self) -> bool {
        self.class == "auto_reply" && self.returns_on.is_some()
    }

    pub fn accepts(&self, date: Date) -> bool {
        [self.returns_on, self.ambiguous_ok].contains(&Some(date))
    }

    pub fn is_before(&self, date: Date) -> bool {
        [self.returns_on, self.ambiguous_ok].into_iter().flatten().all(|accepted| date < accepted)
    }

    pub fn accepts_follow_up(&self, date: Date) -> bool {
        [self.follow_up_on, self.ambiguous_ok].contains(&Some(date))
    }
}

pub fn returns_on(mail: &Classified) -> Option<Date> {
    mail.auto_reply.as_ref().and_then(|reply| reply.returns_on)
}

/// The labels of a folder; none, when it is not there.
pub fn read(folder: &Path) -> Vec<Label> {
    let Ok(text) = std::fs::read_to_string(folder.join("labels.tsv")) else { return Vec::new() };
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().expect("a header").split('\t').collect();
    let column = |name: &str| header.iter().position(|known| *known == name).expect("the column is there");
    let [file, lang, class, kind] = ["file", "lang", "class", "kind"].map(column);
    let [returns, ambiguous, calls, contact, follow] =
        ["returns_on", "ambiguous_ok", "do_not_call", "alternate_contact", "follow_up_on"].map(column);
    lines
        .filter(|line| !line.is_empty())
        .map(|line| {
            let cells: Vec<&str> = line.split('\t').collect();
            let date = |at: usize| (!cells[at].is_empty()).then(|| cells[at].parse().expect("a date"));
            Label {
                file: cells[file].to_owned(),
                lang: cells[lang].to_owned(),
                class: cells[class].to_owned(),
                kind: cells[kind].to_owned(),
                returns_on: date(returns),
                ambiguous_ok: date(ambiguous),
                do_not_call: cells[calls] == "true",
                alternate_contacts: cells[contact]
                    .split('|')
                    .filter(|one| !one.is_empty())
                    .map(str::to_owned)
                    .collect(),
                follow_up_on: date(follow),
            }
        })
        .collect()
}

/// Which files of a folder are bounces, and for each of their recipients whether it is permanent.
pub fn bounces(folder: &Path) -> BTreeMap<String, Vec<bool>> {
    let text = std::fs::read_to_string(folder.join("labels.tsv")).expect("labels.tsv");
    let mut files: BTreeMap<String, Vec<bool>> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        if !["feedback", "vacation", "delivered"].contains(&cells[4]) {
            files.entry(cells[0].to_owned()).or_default().push(cells[5] == "true");
        }
    }
    files
}

/// How many are read rightly, and which are not.
#[derive(Default)]
pub struct Score {
    pub of: usize,
    pub missed: Vec<String>,
}

impl Score {
    pub fn add(&mut self, file: &str, is_right: bool) {
        self.of += 1;
        if !is_right {
            self.missed.push(file.to_owned());
        }
    }

    pub fn percent(&self) -> f64 {
        let right = self.of - self.missed.len();
        if self.of == 0 {
            100.0
        } else {
            100.0 * f64::from(u32::try_from(right).unwrap_or(u32::MAX))
                / f64::from(u32::try_from(self.of).unwrap_or(u32::MAX))
        }
    }
}

impl FromIterator<(String, bool)> for Score {
    fn from_iter<T: IntoIterator<Item = (String, bool)>>(cases: T) -> Self {
        let mut score = Self::default();
        for (file, is_right) in cases {
            score.add(&file, is_right);
        }
        score
    }
}
