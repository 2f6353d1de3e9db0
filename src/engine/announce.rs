//! A new or changed campaign is told to its team before its first mail leaves.
//!
//! A rep who is called about a mail that they have never seen looks a fool. So whenever a playbook comes into force, each
//! campaign's brief and mails are compared with what its team knows; what is new goes to the team in one mail a rep, and
//! the campaign's leads, though enrolled, are not written to before two business days have passed
//! (`announce_days`), neither those that are new nor those in the middle of its mails. Who raised a hand is answered at
//! once all the same.
//!
//! A mail that reached nobody has told nobody: the campaign waits until one of its reps has it, and the operator hears
//! of it. The days count from then, when it took long.
//!
//! The campaigns of the first playbook are known: nobody waits for the daemon when it is installed.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
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
use crate::domain::mail::MailState;
use crate::mail::render::WIDTH;
use crate::playbook::LEAD_LAYOUT;
use crate::playbook::samples::{Sample, lead_sample};
use crate::store::{KnownCampaign, Tx};

/// A mail to the team that took longer than this to leave has its days counted from when it left.
const SOON: SignedDuration = SignedDuration::from_hours(1);

/// When a lead is looked at again whose campaign nobody has seen. As soon as somebody has, two more days begin.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_hours(12);

/// Which playbook this daemon has compared with what the teams know, and which campaigns wait.
#[derive(Default)]
pub(super) struct Announced(Mutex<State>);

#[derive(Default)]
struct State {
    version: String,
    /// The campaigns whose leads are not written to yet.
    waiting: BTreeMap<String, Waiting>,
}

/// Until when a campaign waits.
#[derive(Clone, Copy)]
struct Waiting {
    /// Its leads may be written to from then on.
    from: Timestamp,
    /// It is not known yet that anybody of the team has the mail.
    is_unseen: bool,
}

/// What became of the mails that tell a team of a campaign.
enum Seen {
    /// The first arrived then.
    At(Timestamp),
    /// One is yet to leave.
    NotYet,
    /// All have failed.
    ByNobody,
}

impl Announced {
    /// Whether nothing is left to do for a playbook: it was compared, and each mail has arrived.
    fn is_done(&self, version: &str) -> bool {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.version == version && !state.waiting.values().any(|waiting| waiting.is_unseen)
    }

    /// Until when a mail of `sequence` waits because its lead's team has not had the time to read it.
    pub fn holds(&self, wake: &Wake, lead: &Lead, sequence: &str, step: Option<&Step>) -> Option<Timestamp> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.waiting.is_empty() {
            return None;
        }
        let campaign = super::hand_off::campaign_of(wake, lead)?;
        let is_meant = campaign.sequence.as_deref() == Some(sequence) && !campaign.raised_hand;
        if !is_meant || step.is_some_and(|step| step.at_once) {
            return None;
        }
        let waiting = state.waiting.get(&campaign.name)?;
        if waiting.from > wake.now {
            return Some(waiting.from);
        }
        waiting.is_unseen.then(|| wake.now.saturating_add(LOOK_AGAIN).unwrap_or(Timestamp::MAX))
    }
}

/// Tells teams of the campaigns that they do not know as they are now, and looks whether they were told. Does nothing
/// where that was done for the playbook in force.
pub(super) async fn run(engine: &Engine, wake: &Wake) -> Result<(), PassError> {
    let version = &wake.rules.version;
    if engine.announced.is_done(version) {
        return Ok(());
    }
    let mut tx = engine.store.begin().await?;
    // Of several daemons one tells, and the others know.
    tx.lock_routing().await?;
    let is_first = !tx.knows_campaigns().await?;
    let is_other = engine.announced.0.lock().unwrap_or_else(PoisonError::into_inner).version != *version;
    let mut news = Vec::new();
    let mut waiting = BTreeMap::new();
    for campaign in &wake.rules.agreement.campaigns {
        let mails = mails(wake, campaign);
        let content = content(campaign, &mails);
        let known = tx.known_campaign(&campaign.name).await?;
        let seen = match known.as_ref().and_then(|known| known.told_at) {
            Some(told_at) => Some((told_at, seen(&mut tx, wake, campaign, told_at).await?)),
            None => None,
        };
        let now_known = match (known, seen) {
            // Other reps, or another address of theirs, may come with another playbook: it is told again.
            (Some(known), Some((_, Seen::ByNobody))) if known.content == content && !is_other => {
                let told_at = known.told_at.unwrap_or(wake.now);
                nobody_saw(engine, &mut tx, wake, campaign, told_at).await?;
                known
            }
            (Some(known), Some((told_at, Seen::At(at)))) if known.content == content => {
                let took_long = at.duration_since(told_at) > SOON;
                let from = if took_long { first_send(wake, campaign, at) } else { known.sends_from };
                let known = KnownCampaign { sends_from: from, told_at: None, ..known };
                tx.know_campaign(&campaign.name, &known).await?;
                known
            }
            (Some(known), None | Some((_, Seen::NotYet))) if known.content == content => known,
            (known, _) => {
                let from = if is_first { None } else { first_send(wake, campaign, wake.now) };
                let waits_until = from.filter(|_| !campaign.raised_hand && !mails.is_empty());
                let told_at = waits_until.map(|_| wake.now);
                let now_known = KnownCampaign { content, sends_from: from, told_at };
                tx.know_campaign(&campaign.name, &now_known).await?;
                if !is_first {
                    news.push(CampaignNews { campaign, is_new: known.is_none(), waits_until, mails });
                }
                now_known
            }
        };
        if let Some(from) = now_known.sends_from {
            let is_unseen = now_known.told_at.is_some();
            waiting.insert(campaign.name.clone(), Waiting { from, is_unseen });
        }
    }
    tell(engine, &mut tx, wake, &news).await?;
    tx.commit().await?;
    waiting.retain(|_, waiting| waiting.is_unseen || waiting.from > wake.now);
    let state = State { version: version.clone(), waiting };
    *engine.announced.0.lock().unwrap_or_else(PoisonError::into_inner) = state;
    Ok(())
}

/// The reps who may get leads of a campaign.
fn readers<'a>(wake: &'a Wake, campaign: &'a Campaign) -> impl Iterator<Item = &'a EmailAddress> {
    let team = wake.rules.agreement.teams.get(&campaign.team);
    let reps = team.into_iter().flat_map(|team| team.reps.iter().map(|rep| &rep.email));
    reps.filter(|rep| campaign.reps.is_empty() || campaign.reps.contains(rep))
}

/// Whether anybody has the mail that told of a campaign.
async fn seen(tx: &mut Tx, wake: &Wake, campaign: &Campaign, told_at: Timestamp) -> Result<Seen, PassError> {
    let mut seen = Seen::ByNobody;
    for rep in readers(wake, campaign) {
        let mail = tx.mail_with_key(&staff_mail::campaign_news_key(told_at, rep)).await?;
        seen = match (mail.map(|mail| (mail.state, mail.ended_at)), seen) {
            (Some((MailState::Sent, Some(at))), Seen::At(first)) => Seen::At(first.min(at)),
            (Some((MailState::Sent, at)), _) => Seen::At(at.unwrap_or(told_at)),
            (Some((MailState::Pending | MailState::Sending | MailState::InDoubt, _)), Seen::ByNobody) => {
                Seen::NotYet
            }
            (_, seen) => seen,
        };
    }
    Ok(seen)
}

/// Tells the operator, once, that a campaign waits because nobody could be told of it.
async fn nobody_saw(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    campaign: &Campaign,
    told_at: Timestamp,
) -> Result<(), PassError> {
    let words = format!(
        "the mail that shows team {} what campaign {} writes reached none of its reps, so no mail of the campaign leaves. \
         Correct their addresses in the agreement, or send it again (nurtured outbox --parked).",
        campaign.team, campaign.name
    );
    let key = format!("campaign-unseen:{}:{told_at}", campaign.name);
    staff_mail::operator(engine, tx, wake, &words, &key).await
}

/// One mail for each rep, with all campaigns of which they may get leads.
async fn tell(engine: &Engine, tx: &mut Tx, wake: &Wake, news: &[CampaignNews<'_>]) -> Result<(), PassError> {
    let mut by_rep: BTreeMap<&EmailAddress, Vec<&CampaignNews<'_>>> = BTreeMap::new();
    for one in news {
        for rep in readers(wake, one.campaign) {
            by_rep.entry(rep).or_default().push(one);
        }
    }
    for (rep, news) in by_rep {
        staff_mail::campaign_news(engine, tx, wake, rep, &news).await?;
    }
    Ok(())
}

/// When the first mail of a campaign may leave that its team is told of at `told_at`.
fn first_send(wake: &Wake, campaign: &Campaign, told_at: Timestamp) -> Option<Timestamp> {
    let team = wake.rules.agreement.teams.get(&campaign.team)?;
    let days = u32::try_from(campaign.announce_days).ok().filter(|days| *days > 0)?;
    team_calendar(wake, team).business_days_after(told_at, days)
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

/// A mail's text, cut where it has an empty line; within a paragraph an item of a list, and what the mail breaks on
/// purpose (a signature), begin a line of their own.
fn paragraphs(text: &str) -> Vec<Vec<String>> {
    let mut paragraphs: Vec<Vec<String>> = vec![Vec::new()];
    let mut before = "";
    for line in text.lines() {
        let words = line.trim();
        let is_wrapped = !before.is_empty() && !is_item(words) && is_full(before, words);
        match paragraphs.last_mut() {
            _ if words.is_empty() => paragraphs.push(Vec::new()),
            Some(lines) => match lines.last_mut().filter(|_| is_wrapped) {
                Some(last) => {
                    last.push(' ');
                    last.push_str(words);
                }
                None => lines.push(words.to_owned()),
            },
            None => {}
        }
        before = if words.is_empty() { "" } else { line };
    }
    paragraphs.retain(|lines| !lines.is_empty());
    paragraphs
}

/// Whether the next line went on only because this one had no room for its first word.
fn is_full(line: &str, next: &str) -> bool {
    let word = next.split_whitespace().next().unwrap_or_default();
    line.chars().count() + 1 + word.chars().count() > WIDTH
}

/// Whether a line begins "- " or "1. ".
fn is_item(line: &str) -> bool {
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    line.starts_with("- ") || (number.len() < line.len() && number.starts_with(". "))
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
        mail.paragraphs.iter().flatten().for_each(|line| add(line));
    }
    hex(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_cut_into_paragraphs_and_their_lines() {
        let full = "a line of the text part that goes on in the next one because it is that long";
        let text = format!(
            "Hello Jane,\n\n{full}\nlongish words follow\n\n1. one\n2. two, which is so long that it has to go on, as \
             the text part has no room\n   anymore\n- three\n\nKind regards\nRobin Adler\n\n"
        );
        let told = paragraphs(&text);
        assert_eq!(told.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 3, 2], "{told:#?}");
        assert_eq!(told[1][0], format!("{full} longish words follow"));
        assert!(told[2][1].ends_with("no room anymore"), "{told:#?}");
        assert_eq!(told[3], ["Kind regards", "Robin Adler"]);
        assert!(paragraphs("\n\n").is_empty());
    }
}
