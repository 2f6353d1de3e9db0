//! A new or changed campaign is told to its team before its first mail leaves.
//!
//! A rep who is called about a mail that they have never seen looks a fool. So whenever a playbook comes into force, each
//! campaign's brief and mails are compared with what its team knows; what is new goes to the team in one mail a rep, and
//! the campaign's leads, though enrolled, are not written to before two business days have passed
//! (`announce_days`). Who raised a hand is answered at once all the same.
//!
//! The campaigns of the first playbook are known: nobody waits for the daemon when it is installed.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::context::campaign as campaign_values;
use super::hand_off::team_calendar;
use super::pass::PassError;
use super::staff_mail::{self, CampaignMail, CampaignNews};
use super::{Engine, Wake};
use crate::domain::agreement::{Campaign, Step};
use crate::domain::email::EmailAddress;
use crate::domain::hex::hex;
use crate::domain::lead::Lead;
use crate::playbook::LEAD_LAYOUT;
use crate::playbook::samples::{Sample, lead_sample};
use crate::store::{KnownCampaign, Tx};

/// Which playbook this daemon has compared with what the teams know, and which campaigns wait.
#[derive(Default)]
pub(super) struct Announced(Mutex<State>);

#[derive(Default)]
struct State {
    version: String,
    /// From when on leads of a campaign may be written to.
    sends_from: BTreeMap<String, Timestamp>,
}

impl Announced {
    fn is_done(&self, version: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).version == version
    }

    /// Until when the first mail of `sequence` waits, for a lead that enters it.
    pub fn holds(&self, wake: &Wake, lead: &Lead, sequence: &str, first: Option<&Step>) -> Option<Timestamp> {
        let campaign = super::hand_off::campaign_of(wake, lead)?;
        let is_meant = campaign.sequence.as_deref() == Some(sequence) && !campaign.raised_hand;
        if !is_meant || first.is_some_and(|step| step.at_once) {
            return None;
        }
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.sends_from.get(&campaign.name).copied().filter(|from| *from > wake.now)
    }
}

/// Tells teams of the campaigns that they do not know as they are now. Does nothing where it was done for the
/// playbook in force.
pub(super) async fn run(engine: &Engine, wake: &Wake) -> Result<(), PassError> {
    let version = &wake.rules.version;
    if engine.announced.is_done(version) {
        return Ok(());
    }
    let mut tx = engine.store.begin().await?;
    // Of several daemons one tells, and the others know.
    tx.lock_routing().await?;
    let is_first = !tx.knows_campaigns().await?;
    let mut news = Vec::new();
    let mut sends_from = BTreeMap::new();
    for campaign in &wake.rules.agreement.campaigns {
        let mails = mails(wake, campaign);
        let content = content(campaign, &mails);
        let known = tx.known_campaign(&campaign.name).await?;
        let from = match &known {
            Some(known) if known.content == content => known.sends_from,
            _ => {
                let from = if is_first { None } else { first_send(wake, campaign) };
                tx.know_campaign(&campaign.name, &KnownCampaign { content, sends_from: from }).await?;
                if !is_first {
                    let is_new = known.is_none();
                    let waits_until = from.filter(|_| !campaign.raised_hand && !mails.is_empty());
                    news.push(CampaignNews { campaign, is_new, waits_until, mails });
                }
                from
            }
        };
        if let Some(from) = from {
            sends_from.insert(campaign.name.clone(), from);
        }
    }
    tell(engine, &mut tx, wake, &news).await?;
    tx.commit().await?;
    let state = State { version: version.clone(), sends_from };
    *engine.announced.0.lock().unwrap_or_else(PoisonError::into_inner) = state;
    Ok(())
}

/// One mail for each rep, with all campaigns of which they may get leads.
async fn tell(engine: &Engine, tx: &mut Tx, wake: &Wake, news: &[CampaignNews<'_>]) -> Result<(), PassError> {
    let mut by_rep: BTreeMap<&EmailAddress, Vec<&CampaignNews<'_>>> = BTreeMap::new();
    for one in news {
        let Some(team) = wake.rules.agreement.teams.get(&one.campaign.team) else { continue };
        let own = &one.campaign.reps;
        for rep in team.reps.iter().filter(|rep| own.is_empty() || own.contains(&rep.email)) {
            by_rep.entry(&rep.email).or_default().push(one);
        }
    }
    for (rep, news) in by_rep {
        staff_mail::campaign_news(engine, tx, wake, rep, &news).await?;
    }
    Ok(())
}

/// When the first mail of a campaign may leave that is told now.
fn first_send(wake: &Wake, campaign: &Campaign) -> Option<Timestamp> {
    let team = wake.rules.agreement.teams.get(&campaign.team)?;
    let days = u32::try_from(campaign.announce_days).ok().filter(|days| *days > 0)?;
    team_calendar(wake, team).business_days_after(wake.now, days)
}

/// The mails of a campaign's sequence as a lead would get them of whom everything is known.
fn mails(wake: &Wake, campaign: &Campaign) -> Vec<CampaignMail> {
    let mut values = lead_sample(Sample::Rich);
    values["campaign"] = campaign_values(Some(campaign));
    let sequence = campaign.sequence.as_ref().and_then(|name| wake.rules.sequences.get(name));
    let steps =
        sequence.into_iter().flat_map(|sequence| sequence.steps.iter().map(move |step| (sequence, step)));
    steps
        .filter_map(|(sequence, step)| {
            let name = format!("{}/{}", sequence.name, step.name);
            // Every mail was tried at load, with this lead, too; the campaign's own words may be missing.
            let rendered = wake.rules.templates.render(&name, LEAD_LAYOUT, &values).ok()?;
            // The footer is the same everywhere.
            let text = rendered.text.split("\n--------\n").next().unwrap_or_default();
            Some(CampaignMail { subject: rendered.subject, paragraphs: paragraphs(text) })
        })
        .collect()
}

/// A mail's text, cut where it has an empty line or a new item of a list.
fn paragraphs(text: &str) -> Vec<String> {
    let mut paragraphs: Vec<String> = vec![String::new()];
    for line in text.lines() {
        let words = line.trim();
        if (words.is_empty() || words.starts_with("- "))
            && paragraphs.last().is_some_and(|last| !last.is_empty())
        {
            paragraphs.push(String::new());
        }
        if let (Some(last), false) = (paragraphs.last_mut(), words.is_empty()) {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(words);
        }
    }
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs
}

/// What the team has to know of a campaign, as a hash: its brief, what it offers, what it writes.
fn content(campaign: &Campaign, mails: &[CampaignMail]) -> String {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update(format!("{}:", text.len()));
        hash.update(text);
    };
    add(campaign.brief.as_deref().unwrap_or_default());
    add(campaign.incentive.as_deref().unwrap_or_default());
    for mail in mails {
        add(&mail.subject);
        mail.paragraphs.iter().for_each(|paragraph| add(paragraph));
    }
    hex(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_cut_into_paragraphs_and_items() {
        let text = "Hello Jane,\n\nfirst line\nsecond line\n\n- one\n- two\n  goes on\n\nBye\n";
        assert_eq!(
            paragraphs(text),
            ["Hello Jane,", "first line second line", "- one", "- two goes on", "Bye"]
        );
        assert!(paragraphs("\n\n").is_empty());
    }
}
