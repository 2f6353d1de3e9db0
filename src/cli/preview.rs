//! `nurtured preview` and `nurtured send-test`: what a mail looks like, here or in an inbox.

use clap::Args;
use serde_json::json;

use super::lead::unknown;
use super::output::{CliError, line};
use super::workplace::Workplace;
use crate::clock::Clock;
use crate::domain::email::EmailAddress;
use crate::domain::hex::hex;
use crate::engine::context::contact_promised;
use crate::mail::message::{Correspondent, Letter, compose};
use crate::mail::render::Rendered;
use crate::mail::transport::{Outcome, Parcel};
use crate::playbook::samples::{self, Sample};
use crate::playbook::{Playbook, PlaybookFiles};
use crate::problem::nearest;

/// How long a server may take for a test mail.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// Show what one mail looks like
#[derive(Debug, Args)]
pub struct Preview {
    /// The mail: sequence/step, or staff/name
    mail: String,
    /// For this lead; without it, and for mail to staff, for a sample one
    #[arg(long, value_name = "LEAD")]
    lead: Option<EmailAddress>,
    /// The HTML part in place of the text part
    #[arg(long)]
    html: bool,
    /// Subject, preheader and both parts as one JSON object
    #[arg(long)]
    json: bool,
}

impl Preview {
    pub(super) async fn run(self, workplace: Workplace) -> Result<(), CliError> {
        let rendered = render(&workplace, &self.mail, self.lead.as_ref()).await?;
        if self.json {
            let mail = json!({
                "subject": rendered.subject,
                "preheader": rendered.preheader,
                "text": rendered.text,
                "html": rendered.html,
            });
            return line(&mail.to_string());
        }
        if self.html {
            return line(rendered.html.trim_end());
        }
        line(&format!("Subject: {}", rendered.subject))?;
        if let Some(preheader) = &rendered.preheader {
            line(&format!("Preview: {preheader}"))?;
        }
        line("")?;
        line(rendered.text.trim_end())
    }
}

/// Send one mail to one address, to see it in an inbox
#[derive(Debug, Args)]
pub struct SendTest {
    /// The mail: sequence/step, or staff/name
    mail: String,
    /// To whom
    #[arg(long, value_name = "ADDRESS")]
    to: EmailAddress,
    /// For this lead; without it, and for mail to staff, for a sample one
    #[arg(long, value_name = "LEAD")]
    lead: Option<EmailAddress>,
}

impl SendTest {
    pub(super) async fn run(self, workplace: Workplace) -> Result<(), CliError> {
        let rendered = render(&workplace, &self.mail, self.lead.as_ref()).await?;
        let now = Clock::System.now();
        let from: Correspondent = workplace.config.mail.from.clone();
        let mut random = [0_u8; 12];
        getrandom::fill(&mut random).map_err(CliError::failed)?;
        let unique = hex(random);
        let letter = Letter {
            message_id: format!("<test-{unique}@{}>", from.address.domain()),
            from: from.clone(),
            reply_to: workplace.config.mail.reply_to.clone(),
            to: Correspondent { name: None, address: self.to.clone() },
            subject: format!("[Test] {}", rendered.subject),
            html: rendered.html,
            text: rendered.text,
            date: now,
            unsubscribe: None,
            in_reply_to: None,
            references: Vec::new(),
            auto_generated: true,
            extra: Vec::new(),
        };
        let bytes = compose(&letter).map_err(CliError::failed)?;
        let parcel = Parcel {
            envelope_from: from.address,
            to: self.to.clone(),
            bytes,
            file_stem: format!("test-{unique}"),
        };
        let transport = workplace.transport()?;
        let mut session = transport.open().await;
        let outcome = session.send(&parcel, tokio::time::Instant::now() + PATIENCE).await;
        session.close().await;
        match outcome {
            Outcome::Accepted { reply } => line(&format!("handed over: {reply}")),
            Outcome::Refused { reply, .. } | Outcome::Deferred { reply, .. } | Outcome::InDoubt { reply } => {
                Err(CliError::failed(format!("not handed over: {reply}")))
            }
        }
    }
}

/// Renders a mail of the playbook as it stands where it is edited.
async fn render(
    workplace: &Workplace,
    mail: &str,
    lead: Option<&EmailAddress>,
) -> Result<Rendered, CliError> {
    let playbook = Playbook::load(&workplace.playbook_files()?).map_err(CliError::Problems)?;
    if !playbook.templates.has_template(mail) {
        let files = PlaybookFiles::builtin();
        let staff = files.iter().filter_map(|(path, _)| path.strip_suffix(".md"));
        let staff = staff.filter(|name| name.starts_with("staff/")).map(str::to_owned);
        let known: Vec<String> = playbook.mails().into_iter().chain(staff).collect();
        let hint = match nearest(mail, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("there are: {}", known.join(", ")),
        };
        return Err(CliError::Misuse(format!("the playbook has no mail `{mail}`; {hint}")));
    }
    let staff = mail.starts_with("staff/");
    let values = match lead {
        None if staff => samples::staff_sample(mail.trim_start_matches("staff/"), Sample::Rich),
        None => samples::lead_sample(Sample::Rich),
        Some(_) if staff => {
            return Err(CliError::Misuse(
                "mail to staff can be previewed for the sample lead only".to_owned(),
            ));
        }
        Some(email) => {
            let engine = workplace.engine().await?;
            let mut tx = engine.store().read().await.map_err(CliError::failed)?;
            let found = tx.lead_by_email(email).await.map_err(CliError::failed)?;
            let lead = found.ok_or_else(|| unknown(email))?;
            let promised = contact_promised(&mut tx, &[lead.id]).await.map_err(CliError::failed)?;
            tx.rollback().await.map_err(CliError::failed)?;
            engine.lead_values(&lead, &playbook.agreement, promised.get(&lead.id).copied())
        }
    };
    let layout = if staff { "staff" } else { "base" };
    playbook.templates.render(mail, layout, &values).map_err(CliError::failed)
}
