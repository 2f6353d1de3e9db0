//! What somebody is told of a mail that came in: its words, quoted, and where it is not sure whose it is, the question.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::actions::Wanted;
use super::notice::notice_plan;
use super::words::{day_and_time, sentence};
use super::{Plan, plan, working_hours};
use crate::domain::email::EmailAddress;
use crate::domain::lead::Lead;
use crate::engine::pass::PassError;
use crate::engine::{Engine, Wake};
use crate::store::Tx;

/// More lines than anybody reads in a notice; the mail itself has the rest.
const MOST_LINES: usize = 20;
/// The same in characters.
const MOST_TEXT: usize = 1_500;

/// Whether a mail is a lead's own.
pub(in crate::engine) struct Asked<'a> {
    /// The number of the kept mail.
    pub number: i64,
    /// Who says that they wrote it.
    pub from: Option<&'a EmailAddress>,
    /// Why it is not sure.
    pub why: &'a str,
    /// What follows if it is: "it has written back".
    pub follows: &'a str,
    /// What it says.
    pub text: &'a str,
    /// How long the lead gets no mail of a sequence for its sake.
    pub held_until: Timestamp,
    /// The page on which it is answered; `None`: our pages cannot be reached.
    pub page: Option<String>,
}

/// Something somebody should know about a lead, with the words of the mail that said so.
#[expect(clippy::too_many_arguments, reason = "a notice, and what it quotes")]
pub(in crate::engine) async fn notice_quoting(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
    to: &EmailAddress,
    words: &str,
    quote: Option<&str>,
    unique_key: &str,
) -> Result<(), PassError> {
    let mut notice = notice_plan(engine, tx, wake, lead, to, words, unique_key, Wanted::NextStep).await?;
    notice.values["quote"] = quoted(quote.unwrap_or_default());
    plan(engine, tx, wake, Some(lead), notice).await
}

/// Asks `to` whether a mail is the lead's own.
pub(in crate::engine) async fn ask_whose(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
    to: &EmailAddress,
    question: &Asked<'_>,
) -> Result<(), PassError> {
    let from = question.from.map_or_else(String::new, |from| format!(" from {}", from.as_str()));
    let words = format!(
        "A mail{from} may be this lead's own: {}. If it is, {}. Is it?",
        question.why, question.follows
    );
    let key = format!("question:{}", question.number);
    let mut asked: Plan<'_> = notice_plan(engine, tx, wake, lead, to, &words, &key, Wanted::NextStep).await?;
    let until = day_and_time(&working_hours(wake, to).local(question.held_until));
    asked.values["headline"] = json!("is this mail theirs?");
    asked.values["quote"] = quoted(question.text);
    asked.values["unless"] =
        json!(format!("Until somebody answers it gets no mail of a sequence, at most until {until}."));
    asked.values["actions"] = json!([]);
    asked.values["buttons"] = match &question.page {
        Some(page) => json!([
            { "label": format!("Yes: {}", sentence(question.follows)), "link": format!("{page}/yes"), "main": true },
            { "label": "No, it is not theirs", "link": format!("{page}/no"), "main": false },
        ]),
        None => json!([]),
    };
    plan(engine, tx, wake, Some(lead), asked).await
}

/// The lines of a text, as a mail quotes them.
pub(super) fn quoted(text: &str) -> Value {
    let text: String = text.chars().take(MOST_TEXT).collect();
    text.lines().map(str::trim).filter(|line| !line.is_empty()).take(MOST_LINES).collect()
}
