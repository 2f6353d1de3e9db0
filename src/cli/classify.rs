//! `nurtured classify`: what mails that came in are, and by which of their words.
//!
//! Reads files and changes nothing: neither the store nor a configuration is needed. A folder stands for its `.eml`
//! files, a Maildir for the mails in its `cur` and `new`, sorted by name. Mails are classified on all cores and
//! printed in order.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::output::{CliError, line};
use crate::mail::inbound::MOST_BYTES;
use crate::mail::inbound::classify::{Classified, classify};

/// Mails that are read before any of them is printed.
const CHUNK: usize = 256;

/// Say what mails that came in are: bounce, out-of-office reply, complaint, a person's answer
///
/// Changes nothing. A folder means its .eml files, and of a Maildir those in cur and new; the mail's own date is
/// taken for now.
#[derive(Debug, Args)]
pub struct Classify {
    /// Mails as files, folders of .eml files, or Maildirs
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

impl Classify {
    pub(super) fn run(&self) -> Result<(), CliError> {
        let mut files = Vec::new();
        for path in &self.paths {
            files.extend(mails(path)?);
        }
        if files.is_empty() {
            return Err(CliError::Failed(
                "there are no mails: a folder has .eml files, a Maildir cur and new".to_owned(),
            ));
        }
        for chunk in files.chunks(CHUNK) {
            for (path, result) in chunk.iter().zip(classify_all(chunk)) {
                let classified =
                    result.map_err(|error| CliError::Failed(format!("{}: {error}", path.display())))?;
                if self.json {
                    line(&as_json(path, &classified).to_string())?;
                } else {
                    line(&in_words(path, &classified))?;
                }
            }
        }
        Ok(())
    }
}

/// The mails that a path stands for, sorted by name.
fn mails(path: &Path) -> Result<Vec<PathBuf>, CliError> {
    let wrong = |error: std::io::Error| CliError::Failed(format!("{}: {error}", path.display()));
    if !fs::metadata(path).map_err(wrong)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let in_folder = |folder: &Path, is_mail: &dyn Fn(&Path) -> bool| -> Result<Vec<PathBuf>, CliError> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).map_err(wrong)? {
            let file = entry.map_err(wrong)?.path();
            if file.is_file() && is_mail(&file) {
                found.push(file);
            }
        }
        Ok(found)
    };
    let mut found =
        in_folder(path, &|file| file.extension().is_some_and(|end| end.eq_ignore_ascii_case("eml")))?;
    let maildir = [path.join("cur"), path.join("new")];
    if maildir.iter().all(|folder| folder.is_dir()) {
        for folder in &maildir {
            found.extend(in_folder(folder, &|_| true)?);
        }
    }
    found.sort_by(|a, b| a.file_name().cmp(&b.file_name()).then_with(|| a.cmp(b)));
    Ok(found)
}

/// What each of these is, in their order.
fn classify_all(files: &[PathBuf]) -> Vec<std::io::Result<Classified>> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(files.len());
    let share = files.len().div_ceil(workers);
    std::thread::scope(|scope| {
        let shares: Vec<_> = files
            .chunks(share)
            .map(|files| scope.spawn(move || files.iter().map(|file| read(file)).collect::<Vec<_>>()))
            .collect();
        shares.into_iter().flat_map(|share| share.join().unwrap_or_default()).collect()
    })
}

fn read(file: &Path) -> std::io::Result<Classified> {
    let mut raw = fs::read(file)?;
    // Of a longer one the end is an attachment.
    raw.truncate(MOST_BYTES);
    Ok(classify(&raw))
}

fn as_json(path: &Path, classified: &Classified) -> Value {
    let auto_reply = classified.auto_reply.as_ref().map(|reply| {
        json!({
            "kind": reply.kind.name(),
            "returns_on": reply.returns_on.map(|date| date.to_string()),
            "do_not_call": reply.do_not_call,
            "alternate_contact": reply.alternate_contact,
        })
    });
    let failures: Vec<Value> = classified
        .failures
        .iter()
        .map(|failure| {
            json!({
                "address": failure.address,
                "status": failure.status,
                "permanent": failure.is_permanent,
                "reason": failure.reason.words(),
            })
        })
        .collect();
    json!({
        "file": path.display().to_string(),
        "class": classified.class.name(),
        "auto_reply": auto_reply,
        "follow_up_on": classified.follow_up_on.map(|date| date.to_string()),
        "failures": failures,
        "complaint": classified.complaint.as_ref().map(|complaint| json!({ "type": complaint.kind })),
        "evidence": classified.evidence,
    })
}

fn in_words(path: &Path, classified: &Classified) -> String {
    let mut words = format!("{}: {}", path.display(), classified.class.name().replace('_', " "));
    if let Some(reply) = &classified.auto_reply {
        words.push_str(&format!(", {}", reply.kind.name().replace('_', " ")));
        if let Some(date) = reply.returns_on {
            words.push_str(&format!(", back on {date}"));
        }
        if reply.do_not_call {
            words.push_str(", asks not to be rung");
        }
        if let Some(contact) = &reply.alternate_contact {
            words.push_str(&format!(", {contact} stands in"));
        }
    }
    if let Some(date) = classified.follow_up_on {
        words.push_str(&format!(", wants to be contacted on {date}"));
    }
    for failure in &classified.failures {
        let kind = if failure.is_permanent { "permanent" } else { "temporary" };
        let address = failure.address.as_deref().unwrap_or("an unnamed recipient");
        words.push_str(&format!("\n  {address}: {kind}, {}", failure.reason.words()));
    }
    if let Some(complaint) = &classified.complaint {
        words.push_str(&format!(", of type {}", complaint.kind));
    }
    for evidence in &classified.evidence {
        words.push_str(&format!("\n  because: {evidence}"));
    }
    words
}
