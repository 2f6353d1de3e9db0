//! Commitments in words, as mails, the log and the printed agreement say them.

use super::{Commitment, ENOUGH, Figures, Line, Pace, Promise, Verdict};

impl Commitment {
    /// Whom it is about: "campaign webinar", "all campaigns".
    pub fn about(&self) -> String {
        self.campaign.as_ref().map_or_else(|| "all campaigns".to_owned(), |name| format!("campaign {name}"))
    }

    /// What was promised, one sentence each.
    pub fn sentences(&self, label: impl Fn(&str) -> String) -> Vec<String> {
        let mut sentences = Vec::new();
        if let Some(count) = self.qualified {
            sentences.push(format!("At least {} each {}.", counted(count, "qualified lead"), self.period));
        }
        if let Some(percent) = self.accepted {
            sentences.push(format!("Sales accepts at least {percent}% of those it decides on."));
        }
        if let Some(complete) = &self.complete {
            let fields: Vec<String> = complete.required.iter().map(|name| name.replace('_', " ")).collect();
            sentences.push(format!(
                "At least {}% come with {} filled in.",
                complete.percent,
                listed(&fields)
            ));
        }
        for (reason, percent) in &self.rejected {
            sentences.push(format!("At most {percent}% are sent back as “{}”.", label(reason)));
        }
        sentences
    }
}

impl Line {
    /// What was promised, in a few words: "qualified leads".
    pub fn what(&self, label: impl Fn(&str) -> String) -> String {
        match &self.promise {
            Promise::Qualified => "qualified leads".to_owned(),
            Promise::Accepted => "accepted by sales".to_owned(),
            Promise::Complete => "complete".to_owned(),
            Promise::Rejected(reason) => format!("sent back as “{}”", label(reason)),
        }
    }

    /// What was agreed: "40", "at least 70%".
    pub fn agreed_words(&self) -> String {
        match self.promise {
            Promise::Qualified => self.agreed.to_string(),
            Promise::Accepted | Promise::Complete => format!("at least {}%", self.agreed),
            Promise::Rejected(_) => format!("at most {}%", self.agreed),
        }
    }

    /// What there is: "11 (18 due by now)", "64% (16 of 25)".
    pub fn actual_words(&self, over: bool) -> String {
        match self.promise {
            Promise::Qualified if over => self.actual.to_string(),
            Promise::Qualified => format!("{} ({} due by now)", self.actual, self.of),
            _ if self.of == 0 => "nothing decided yet".to_owned(),
            // A share of a few leads says less than how many they are.
            _ if self.of < ENOUGH => format!("{} of {}", self.actual, self.of),
            // Rounded down a share that is too low never reads as if it were kept.
            _ => format!("{}% ({} of {})", self.actual * 100 / self.of, self.actual, self.of),
        }
    }

    /// How it stands, in a word or two.
    pub fn verdict_words(&self, over: bool) -> &'static str {
        match (self.verdict, &self.promise) {
            (Verdict::Kept, _) if over => "kept",
            (Verdict::Kept, _) => "on course",
            (Verdict::Broken, _) if over => "not kept",
            (Verdict::Broken, Promise::Qualified) => "behind",
            (Verdict::Broken, Promise::Rejected(_)) => "too many",
            (Verdict::Broken, _) => "too few",
            (Verdict::Open, Promise::Qualified) => "cannot be told yet",
            (Verdict::Open, _) if self.of < ENOUGH => "too few to judge yet",
            (Verdict::Open, _) => "cannot be told yet",
        }
    }

    /// The whole line as one phrase for the log: "qualified leads: 11 (18 due by now), 40 agreed: behind".
    pub fn told(&self, over: bool) -> String {
        format!(
            "{}: {}, {} agreed: {}",
            self.what(str::to_owned),
            self.actual_words(over),
            self.agreed_words(),
            self.verdict_words(over)
        )
    }
}

/// What it takes to keep the number after all; `None` when it is reached, or when no number was promised.
pub fn needed(commitment: &Commitment, figures: &Figures, pace: &Pace) -> Option<String> {
    let missing = pace.agreed(commitment.qualified?) - figures.qualified();
    if missing <= 0 {
        return None;
    }
    let left = pace.left();
    if left == 0 {
        return Some(format!("{} missing, and no business day is left.", counted(missing, "lead")));
    }
    // In tenths, rounded up: what is promised must not fall short by rounding.
    let tenths = (missing * 10 + left - 1) / left;
    let each =
        if tenths % 10 == 0 { (tenths / 10).to_string() } else { format!("{}.{}", tenths / 10, tenths % 10) };
    Some(format!(
        "To keep it, {} in the {} that {} left: {each} a day.",
        if missing == 1 {
            "1 more lead is needed".to_owned()
        } else {
            format!("{missing} more leads are needed")
        },
        counted(left, "business day"),
        if left == 1 { "is" } else { "are" },
    ))
}

/// What is ready or nearly ready, against what sales takes in a week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stock {
    /// Qualified leads that wait for a rep.
    pub waiting: i64,
    /// Nurtured leads that have the score from which they count as soon ready.
    pub soon: i64,
    /// What the teams take in an ordinary week, in tenths of a lead.
    pub weekly_tenths: i64,
}

impl Stock {
    /// How many weeks of hand-offs that is, in tenths of a week, rounded down; `None` when nobody takes any.
    pub fn weeks_tenths(&self) -> Option<i64> {
        ((self.waiting + self.soon) * 100).checked_div(self.weekly_tenths)
    }

    /// In words.
    pub fn told(&self) -> String {
        let ready = match self.waiting {
            0 => "no qualified lead waits for a rep".to_owned(),
            1 => "1 qualified lead waits for a rep".to_owned(),
            more => format!("{more} qualified leads wait for a rep"),
        };
        let soon = format!(
            "{} {} close to the hand-off point",
            self.soon,
            if self.soon == 1 { "is" } else { "are" }
        );
        match self.weeks_tenths() {
            Some(weeks) => format!(
                "In stock: {ready}, {soon}. Sales takes about {} a week, so that is {} of hand-offs.",
                tenths(self.weekly_tenths),
                match weeks {
                    10 => "1 week".to_owned(),
                    weeks => format!("{} weeks", tenths(weeks)),
                }
            ),
            None => format!("In stock: {ready}, {soon}."),
        }
    }
}

/// Tenths as people write them: `15` is "1.5", `20` is "2".
pub fn tenths(value: i64) -> String {
    if value % 10 == 0 { (value / 10).to_string() } else { format!("{}.{}", value / 10, value % 10) }
}

/// "1 lead", "2 leads".
pub fn counted(count: i64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// "a, b and c".
pub fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
