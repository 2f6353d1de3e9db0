//! Deals that were won, each told in three lines: where the lead came from, how it went, and who won it.

use super::super::span::counted;

/// A deal that was won.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// "Jane Doe, Acme".
    pub lead: String,
    /// The day on which it was won, in the report's zone.
    pub on: jiff::civil::Date,
    /// The campaign.
    pub campaign: String,
    /// Where it first came from.
    pub source: Option<String>,
    /// What the first ad said.
    pub ad: Option<String>,
    /// How often it came to us.
    pub touches: i64,
    /// Mails that it got from us.
    pub mails: i64,
    /// Attempts of reps to reach it.
    pub attempts: i64,
    /// The round in which it was won: more than 1 when it was given up before.
    pub round: i64,
    /// Days from when it came in to its hand-off.
    pub days_to_sales: i64,
    /// Days from its hand-off to the deal.
    pub days_to_deal: i64,
    /// Who won it, by name.
    pub rep: String,
}

impl Story {
    /// Its three lines.
    pub fn lines(&self) -> [String; 3] {
        let source = self.source.as_deref().unwrap_or("an unknown source");
        let ad = self.ad.as_ref().map(|ad| format!(", on “{ad}”")).unwrap_or_default();
        let round = match self.round {
            ..=1 => String::new(),
            round => format!(", in round {round}"),
        };
        let days = |days: i64| match days {
            0 => "the same day".to_owned(),
            days => format!("after {}", counted(days, "day")),
        };
        let touches = match self.touches {
            1 => "1 touch".to_owned(),
            touches => format!("{touches} touches"),
        };
        [
            format!("Came from {source} by campaign {}{ad}.", self.campaign),
            format!(
                "{touches}, {}, {}{round}; with sales {}.",
                counted(self.mails, "mail"),
                counted(self.attempts, "attempt"),
                days(self.days_to_sales),
            ),
            format!("{} won it {} on {}.", self.rep, days(self.days_to_deal), self.on.strftime("%-d %B %Y")),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_story_has_three_lines_and_names_the_rep() {
        let story = Story {
            lead: "Jane Doe, Acme".to_owned(),
            on: jiff::civil::date(2026, 4, 21),
            campaign: "demo-request".to_owned(),
            source: Some("google".to_owned()),
            ad: Some("See your month-end close".to_owned()),
            touches: 2,
            mails: 1,
            attempts: 0,
            round: 1,
            days_to_sales: 0,
            days_to_deal: 43,
            rep: "Robin Adler".to_owned(),
        };
        assert_eq!(
            story.lines(),
            [
                "Came from google by campaign demo-request, on “See your month-end close”.",
                "2 touches, 1 mail, 0 attempts; with sales the same day.",
                "Robin Adler won it after 43 days on 21 April 2026.",
            ]
        );
        let again = Story { source: None, ad: None, round: 2, days_to_sales: 1, touches: 1, ..story };
        assert_eq!(again.lines()[0], "Came from an unknown source by campaign demo-request.");
        assert_eq!(again.lines()[1], "1 touch, 1 mail, 0 attempts, in round 2; with sales after 1 day.");
    }
}
