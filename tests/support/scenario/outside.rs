//! What comes from outside the engine: clicks, answers by mail, requests of other programs, and what somebody
//! prints. `nurtured simulate` knows nothing of them, because they need pages and mailboxes.
//!
//! ```toml
//! [office]                                  # how the world outside is; all of it may be left out
//! pages = false                             # no page can be reached, so mails are answered
//! log_address = "log@ours.example"
//!
//! [[token]]                                 # of the API
//! name = "crm"
//! scopes = ["leads:write"]                  # campaign = "webinar", expires = "2026-04-01T00:00:00Z"
//!
//! [[webhook]]
//! name = "crm"
//! events = ["accepted"]
//! answers = ["503 Service Unavailable"]     # in this order; 204 afterwards
//!
//! [[event]]
//! at = "2026-03-03T10:05:00+01:00"
//! kind = "click"                            # opens the link, then clicks the button that stands there
//! by = "rep1@ours.example"
//! mail = "hand_off"                         # a class or a level; the latest such mail to `by`
//! lead = "jane@acme.example"                # about whom, where several could be meant
//! button = "reject not-ready"               # an order, or what stands on the button
//! form = { objection = "price", words = "…" }
//! opened = "2026-03-03T09:50:00+01:00"      # when the page was opened, if long before
//! times = 2                                 # a double click
//! token = "tampered"                        # or "foreign", "cut": not the link that the mail has
//! anyway = true                             # sent even if no page has such a button
//! shows = true                              # the page that comes is read
//! ```
//!
//! | kind | keys |
//! |---|---|
//! | `click` | above |
//! | `scan` | `by`, `mail`, `lead`: a scanner opens every link of the mail (GET and HEAD) |
//! | `page` | `by`, `mail`, `lead`, `button`, `token`: somebody opens a link and reads |
//! | `answer` | `by`, `mail`, `lead`, `says` (what the link of the mail would write), `words`, `from`, `automatic`, `times`, `token` |
//! | `copy` | `by`, `to` (a list), `says` (its subject), `bcc` (else the log address is in Cc), `times` |
//! | `came_in` | `to` and `mail` (of which it is an answer), `lead`, `by` (what ties it: `thread`, `address`, `returned`, `nothing`), `from`, `subject`, `says`, `headers`, `failed` (of a bounce: `status`, `action`, `code`), `complains` (a feedback type), `times` |
//! | `passed_on` | `by`, `from`, `subject`, `says`, `attached`, `also_to`: somebody passes a mail on to the log address |
//! | `undo` | `lead`, `what` (the latest entry of this kind, or the `nth`), `by`, `times` |
//! | `request` | `token`, `method`, `path`, `body`, `form`, `key` (Idempotency-Key), `show` (pointers into the answer) |
//! | `revoke` | `token` |
//! | `webhook` | `name`: the daemon looks whether there is something to tell |
//! | `report` | `from`, `to` (days), `by` (campaign, source, team or rep), `sections` (beginnings of their titles) |
//! | `agreement` | `section` |
//! | `plan_capacity` | `weeks` |
//! | `why` | `lead` |

use jiff::Timestamp;
use jiff::civil::Date;
use toml::{Table, Value};

/// What stands in a scenario beside what `nurtured simulate` reads.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beside {
    /// How the world outside is.
    #[serde(default)]
    pub office: Office,
    /// Tokens of the API.
    #[serde(default, rename = "token")]
    pub tokens: Vec<Token>,
    /// Who is told what happens.
    #[serde(default, rename = "webhook")]
    pub webhooks: Vec<Webhook>,
    /// What comes from outside, in order of time.
    #[serde(default, rename = "event")]
    pub events: Vec<Event>,
}

/// How the world outside is.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Office {
    pub pages: bool,
    pub log_address: Option<String>,
}

impl Default for Office {
    fn default() -> Office {
        Office { pages: true, log_address: None }
    }
}

#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    pub name: String,
    pub scopes: Vec<String>,
    pub campaign: Option<String>,
    pub expires: Option<Timestamp>,
}

#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    pub name: String,
    pub events: Vec<String>,
    #[serde(default)]
    pub answers: Vec<String>,
}

/// Something from outside.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct Event {
    pub at: Timestamp,
    #[serde(flatten)]
    pub what: What,
}

#[derive(Clone, Debug, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum What {
    Click(Click),
    Scan(Letter),
    Page(Click),
    Answer(Answer),
    Copy(Copy),
    CameIn(CameIn),
    PassedOn(PassedOn),
    Undo(Undo),
    Request(Request),
    Revoke { token: String },
    Webhook { name: String },
    Report(Report),
    Agreement { section: String },
    PlanCapacity { weeks: u32 },
    Why { lead: String },
}

/// The kinds above, each with its keys.
const KINDS: [(&str, &[&str]); 15] = [
    ("click", &["by", "mail", "lead", "button", "form", "opened", "times", "token", "anyway", "shows"]),
    ("scan", &["by", "mail", "lead"]),
    ("page", &["by", "mail", "lead", "button", "token"]),
    ("answer", &["by", "mail", "lead", "says", "words", "from", "automatic", "times", "token"]),
    ("copy", &["by", "to", "says", "bcc", "times"]),
    (
        "came_in",
        &["to", "mail", "lead", "by", "from", "subject", "says", "headers", "failed", "complains", "times"],
    ),
    ("passed_on", &["by", "from", "subject", "says", "attached", "also_to"]),
    ("undo", &["lead", "what", "nth", "by", "times"]),
    ("request", &["token", "method", "path", "body", "form", "key", "show"]),
    ("revoke", &["token"]),
    ("webhook", &["name"]),
    ("report", &["from", "to", "by", "sections"]),
    ("agreement", &["section"]),
    ("plan_capacity", &["weeks"]),
    ("why", &["lead"]),
];

fn keys_of(kind: &str) -> Option<&'static [&'static str]> {
    KINDS.iter().find(|(known, _)| *known == kind).map(|(_, keys)| *keys)
}

/// Which mail is meant.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct Letter {
    pub by: String,
    pub mail: String,
    pub lead: Option<String>,
}

#[derive(Clone, Debug, serde::Deserialize)]
pub struct Click {
    #[serde(flatten)]
    pub letter: Letter,
    #[serde(default)]
    pub button: String,
    #[serde(default)]
    pub form: Table,
    pub opened: Option<Timestamp>,
    #[serde(default = "once")]
    pub times: usize,
    pub token: Option<Forgery>,
    #[serde(default)]
    pub anyway: bool,
    #[serde(default)]
    pub shows: bool,
}

/// What is wrong with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Forgery {
    /// One character is another.
    Tampered,
    /// Written with the key of another installation.
    Foreign,
    /// The end was cut off on the way.
    Cut,
}

#[derive(Clone, Debug, serde::Deserialize)]
pub struct Answer {
    #[serde(flatten)]
    pub letter: Letter,
    pub says: String,
    #[serde(default)]
    pub words: String,
    pub from: Option<String>,
    #[serde(default)]
    pub automatic: bool,
    #[serde(default = "once")]
    pub times: usize,
    pub token: Option<Forgery>,
}

#[derive(Clone, Debug, serde::Deserialize)]
pub struct Copy {
    pub by: String,
    pub to: Vec<String>,
    pub says: String,
    #[serde(default)]
    pub bcc: bool,
    #[serde(default = "once")]
    pub times: usize,
}

/// A mail that comes back.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct CameIn {
    /// Whose mail it is about.
    pub to: String,
    /// Which.
    pub mail: String,
    pub lead: Option<String>,
    #[serde(default)]
    pub by: Way,
    pub from: Option<String>,
    pub subject: Option<String>,
    #[serde(default)]
    pub says: String,
    #[serde(default)]
    pub headers: Table,
    #[serde(default)]
    pub failed: Table,
    pub complains: Option<String>,
    #[serde(default = "once")]
    pub times: usize,
}

/// What ties it to the mail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// It names its Message-ID.
    #[default]
    Thread,
    /// It comes to the address that is for its bounces.
    Address,
    /// It returns it.
    Returned,
    /// Nothing does.
    Nothing,
}

/// Somebody passes a mail on.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct PassedOn {
    pub by: String,
    pub from: String,
    pub subject: String,
    pub says: String,
    #[serde(default)]
    pub attached: bool,
    pub also_to: Option<String>,
}

/// What a lead was taken to have said is taken back.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct Undo {
    pub lead: String,
    pub what: String,
    /// Which of several, the first one being 1; the latest otherwise.
    pub nth: Option<usize>,
    pub by: Option<String>,
    #[serde(default = "once")]
    pub times: usize,
}

#[derive(Clone, Debug, serde::Deserialize)]
pub struct Request {
    pub token: Option<String>,
    pub method: Option<String>,
    pub path: String,
    pub body: Option<Table>,
    pub form: Option<Table>,
    pub key: Option<String>,
    #[serde(default)]
    pub show: Vec<String>,
}

#[derive(Clone, Debug, serde::Deserialize)]
pub struct Report {
    pub from: Date,
    pub to: Date,
    pub by: Option<String>,
    /// Only these sections, by the beginning of their title.
    #[serde(default)]
    pub sections: Vec<String>,
}

fn once() -> usize {
    1
}

impl Beside {
    /// What stands in a scenario for us, and the scenario without it.
    pub fn taken_from(text: &str) -> Result<(Beside, String), String> {
        let mut scenario: Table = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut beside = Table::new();
        for key in ["office", "token", "webhook"] {
            beside.extend(scenario.remove(key).map(|value| (key.to_owned(), value)));
        }
        let (mut ours, mut others) = (Vec::new(), Vec::new());
        let events = scenario.remove("event").unwrap_or(Value::Array(Vec::new()));
        for event in events.as_array().ok_or("`event` is no list")? {
            let kind = event.get("kind").and_then(Value::as_str).unwrap_or_default();
            match keys_of(kind) {
                None => others.push(event.clone()),
                Some(keys) => {
                    let known = |key: &&String| {
                        ["at", "kind"].contains(&key.as_str()) || keys.contains(&key.as_str())
                    };
                    if let Some(key) = event.as_table().and_then(|event| event.keys().find(|key| !known(key)))
                    {
                        return Err(format!("`{key}` is no key of `{kind}`"));
                    }
                    ours.push(event.clone());
                }
            }
        }
        // As it was written, if it can be: the messages of a scenario name lines.
        let text = if beside.is_empty() && ours.is_empty() {
            text.to_owned()
        } else {
            scenario.insert("event".to_owned(), Value::Array(others));
            scenario.to_string()
        };
        beside.insert("event".to_owned(), Value::Array(ours));
        let mut beside: Beside = beside.try_into().map_err(|error: toml::de::Error| error.to_string())?;
        beside.events.sort_by_key(|event| event.at);
        Ok((beside, text))
    }
}
