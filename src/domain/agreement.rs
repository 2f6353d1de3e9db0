//! What marketing and sales promised each other, in the form in which the rules read it.
//!
//! `playbook` reads `agreement.toml` into these types and refuses what does not make sense, so a rule
//! may rely on it: every name refers to something, every calendar opens some day, every team has a
//! rep, every condition compiles. The types hold no text positions and no file names.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use jiff::civil::Date;

use super::calendar::{Calendar, Hours};
use super::capacity::Volume;
use super::commitments::Commitment;
use super::condition::Condition;
use super::email::EmailAddress;
use super::escalation::Escalation;
use super::lead::Grade;
use super::recycle::NextRep;
use super::report::costs::Cost;
use super::report::mailing::Reports;
use super::required::Known;
use super::routing::{Earliest, Routing, Rule, Share, Territory};
use super::sla::{AttemptsOwed, LevelAt, Promise, PromiseKind};
use super::wait::Wait;

/// The whole agreement.
#[derive(Clone, Debug)]
pub struct Agreement {
    /// Who agreed, and when it is looked at again.
    pub review: Review,
    /// Working hours by name.
    pub calendars: BTreeMap<String, Calendar>,
    /// When and how often a lead may be contacted.
    pub contact: ContactRules,
    /// The people the company wants to meet.
    pub personas: BTreeMap<String, Persona>,
    /// What behaviour is worth.
    pub scoring: Scoring,
    /// Who sells.
    pub teams: BTreeMap<String, Team>,
    /// Campaigns in the order of the file: the first that matches a lead has it.
    pub campaigns: Vec<Campaign>,
    /// What sales promises, by name.
    pub policies: BTreeMap<String, Policy>,
    /// Who is told at once, and who in a digest.
    pub escalation: Escalation,
    /// Why a lead may be rejected or lost, and what follows.
    pub reasons: BTreeMap<String, Reason>,
    /// What leads say against buying: names, and how people read them.
    pub objections: BTreeMap<String, String>,
    /// What convinces leads: names, and how people read them.
    pub arguments: BTreeMap<String, String>,
    /// What marketing promises.
    pub marketing: Marketing,
    /// Who gets which figures; `None`: nobody by mail.
    pub reports: Option<Reports>,
}

impl Agreement {
    /// The campaign of that name.
    pub fn campaign(&self, name: &str) -> Option<&Campaign> {
        self.campaigns.iter().find(|campaign| campaign.name == name)
    }

    /// The calendar in which marketing's promises are counted; `None` only when there is no team.
    pub fn marketing_calendar(&self) -> Option<&Calendar> {
        let of_first_team = || self.teams.values().next().map(|team| &team.calendar);
        self.calendars.get(self.marketing.calendar.as_ref().or_else(of_first_team)?)
    }

    /// The rep with that address, and the team.
    pub fn rep(&self, email: &EmailAddress) -> Option<(&Team, &Rep)> {
        self.teams.values().find_map(|team| Some((team, team.reps.iter().find(|rep| rep.email == *email)?)))
    }

    /// The teams that may get leads of a campaign: its own, then those to which leads overflow, one after the other.
    pub fn teams_for(&self, campaign: &Campaign) -> Vec<&Team> {
        let mut found: Vec<&Team> = Vec::new();
        let mut next = Some(campaign.team.as_str());
        while let Some(team) = next.and_then(|name| self.teams.get(name)) {
            if found.iter().any(|known| known.name == team.name) {
                break;
            }
            next = campaign.overflow.as_deref().filter(|_| found.is_empty()).or(team.overflow.as_deref());
            found.push(team);
        }
        found
    }

    /// Whether somebody is manager, director or backup of any team.
    pub fn answers_for_team(&self, email: &EmailAddress) -> bool {
        self.teams.values().any(|team| team.is_answered_for_by(email))
    }

    /// Whoever stands in for `team`'s reps: its backup, who may be a rep of any team or somebody who has no leads
    /// of their own otherwise, the manager say. Such a person takes whatever comes.
    pub fn stand_in(&self, team: &Team) -> Option<Rep> {
        let email = team.backup.as_ref()?;
        Some(match self.rep(email) {
            Some((_, rep)) => rep.clone(),
            None => Rep {
                name: email.as_a_name(),
                email: email.clone(),
                capacity: i64::MAX,
                new_per_week: None,
                weight: 1,
                away: Vec::new(),
                territory: None,
            },
        })
    }
}

/// Who agreed to this.
#[derive(Clone, Debug, Default)]
pub struct Review {
    /// Names, as they signed.
    pub signed_by: Vec<String>,
    /// When they did; `None`: they have not.
    pub signed_on: Option<Date>,
    /// How often it is looked at again, in days.
    pub review_every_days: Option<i64>,
}

impl Review {
    /// The day by which it is looked at again; `None` when it is not signed, or no review was agreed.
    pub fn due(&self) -> Option<Date> {
        use jiff::ToSpan as _;
        Some(self.signed_on?.saturating_add(self.review_every_days?.days()))
    }
}

/// When and how often a lead may be contacted.
#[derive(Clone, Debug)]
pub struct ContactRules {
    /// When lead mail may leave, in the lead's local time.
    pub window: Hours,
    /// When the lead may be called, in its local time.
    pub phone_window: Hours,
    /// The zone of a lead of whom nothing is known.
    pub default_zone: String,
    /// How many mails, from us and from reps, in how many days.
    pub max_emails: Vec<MailCap>,
    /// How many people of one company get lead mail on one day.
    pub per_company: Option<i64>,
    /// Nobody at these domains is ever written to: customers, competitors, ourselves.
    pub excluded_domains: Vec<String>,
    /// An address from which so many mails came back for now, in so many days, is taken for dead.
    pub soft_bounces: MailCap,
    /// So many lead mails on one day stop all sending until a person releases it.
    pub daily_brake: i64,
}

/// At most `count` mails in any `days` consecutive local dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailCap {
    /// How many.
    pub count: i64,
    /// In how many local dates, today among them.
    pub days: i64,
}

/// A kind of person, and how well a lead fits it.
#[derive(Clone, Debug)]
pub struct Persona {
    /// Its name in the agreement.
    pub name: String,
    /// The first condition that holds gives the grade; none: `D`.
    pub fit: Vec<(Grade, Condition)>,
}

/// What behaviour is worth.
#[derive(Clone, Debug, Default)]
pub struct Scoring {
    /// All rules; each counts on its own.
    pub rules: Vec<ScoringRule>,
    /// Points halve in so many days; `None`: they stay.
    pub half_life_days: Option<i64>,
}

/// Points for an activity.
#[derive(Clone, Debug)]
pub struct ScoringRule {
    /// Over `event.*` and `lead.*`.
    pub when: Condition,
    /// Points, possibly negative.
    pub points: i64,
    /// Counted for the first such activity only.
    pub once: bool,
}

/// People who sell together.
#[derive(Clone, Debug)]
pub struct Team {
    /// Its name in the agreement.
    pub name: String,
    /// Told at the level that says so.
    pub manager: EmailAddress,
    /// Told last.
    pub director: Option<EmailAddress>,
    /// The calendar in which its promises are counted.
    pub calendar: String,
    /// Stands in for a rep who is away, and takes what nobody of the team has room for.
    pub backup: Option<EmailAddress>,
    /// At least one.
    pub reps: Vec<Rep>,
    /// How a lead finds its rep.
    pub routing: Routing,
    /// The team that gets the leads for which nobody of this one is there with room.
    pub overflow: Option<String>,
    /// What it promises for leads that overflow to it; `None`: what their campaign says.
    pub policy: Option<String>,
    /// What its reps are told of a lead beside its address; `None`: everything. For partners.
    pub shares: Option<Vec<Share>>,
}

impl Team {
    /// Whether somebody is its manager, director or backup.
    pub fn is_answered_for_by(&self, email: &EmailAddress) -> bool {
        self.manager == *email || self.director.as_ref() == Some(email) || self.backup.as_ref() == Some(email)
    }
}

/// One person who sells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rep {
    /// As mails address them.
    pub name: String,
    /// Their identity.
    pub email: EmailAddress,
    /// How many leads they can have open at once.
    pub capacity: i64,
    /// How many they can be given between Monday and Sunday; `None`: as many as they have room for.
    pub new_per_week: Option<i64>,
    /// Share of leads beside their colleagues: 2 gets twice as many as 1.
    pub weight: i64,
    /// Known absences, first and last day.
    pub away: Vec<(Date, Date)>,
    /// Which leads are theirs where the team goes by territory; `None`: those that are nobody's.
    pub territory: Option<Territory>,
}

/// Where leads come from, and what was agreed for them.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// Its name in the agreement.
    pub name: String,
    /// Takes a lead that names no campaign.
    pub matches: Option<Condition>,
    /// The sequence a lead enters.
    pub sequence: Option<String>,
    /// Whom it is meant for.
    pub persona: Option<String>,
    /// The hand-off point.
    pub qualify: Condition,
    /// The team that gets its leads.
    pub team: String,
    /// What that team promises for leads of which these hold, the first that does.
    pub policies: Vec<(Condition, String)>,
    /// What it promises for all others.
    pub policy: String,
    /// What the campaign promised the lead: told to the rep.
    pub brief: Option<String>,
    /// What the lead was offered.
    pub incentive: Option<String>,
    /// The zone of a lead of whom neither zone nor country is known.
    pub zone: Option<String>,
    /// The lead asked for contact: the mail goes at once, whatever the window says.
    pub raised_hand: bool,
    /// What it is expected to bring, for planning.
    pub volume: Option<Volume>,
    /// What must be known of a lead before sales is bothered with it.
    pub required: Vec<Known>,
    /// No lead of it is handed off earlier.
    pub not_before: Option<Earliest>,
    /// The reps of its team who get its leads; empty: all of them.
    pub reps: Vec<EmailAddress>,
    /// The team that gets its leads when nobody of its own is there with room; `None`: as that team says.
    pub overflow: Option<String>,
    /// How its leads find their rep; `None`: as the team says.
    pub routing: Option<Vec<Rule>>,
    /// How many business days before the first send its team hears of a new or changed campaign.
    pub announce_days: i64,
    /// What it costs, for reports.
    pub cost: Option<Cost>,
}

/// What sales promises for a handed-off lead.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Its name in the agreement.
    pub name: String,
    /// Each promise with its target and levels; first contact is always among them.
    pub promises: BTreeMap<PromiseKind, Promise>,
    /// What is owed, when attempts are promised.
    pub attempts: Option<AttemptsOwed>,
    /// The hand-off waits until this long after the lead came in (too fast repels).
    pub not_before: Option<SignedDuration>,
}

/// How long something may take: positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Time open in a calendar.
    Time(SignedDuration),
    /// Days on which a calendar opens.
    BusinessDays(i64),
    /// Days of plain time.
    Days(i64),
}

/// One rung of the escalation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level {
    /// Its name, unique in the promise: `warning`, `breach` …
    pub name: String,
    /// When it is reached, in business time.
    pub at: LevelAt,
    /// Who is told.
    pub tell: Vec<Role>,
    /// The lead goes to another rep, unless an attempt was made.
    pub reassign: bool,
}

/// Somebody by their part in the hand-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The lead's rep.
    Owner,
    /// The team's manager.
    Manager,
    /// The team's backup.
    Backup,
    /// The team's director.
    Director,
}

impl Role {
    /// As people say it.
    pub fn name(self) -> &'static str {
        match self {
            Role::Owner => "owner",
            Role::Manager => "manager",
            Role::Backup => "backup",
            Role::Director => "director",
        }
    }
}

/// Why a lead was rejected or lost, and what follows.
#[derive(Clone, Debug, PartialEq)]
pub struct Reason {
    /// Its name in the agreement.
    pub name: String,
    /// As people read it.
    pub label: String,
    /// May be given for a rejected lead.
    pub for_rejected: bool,
    /// May be given for a lost one.
    pub for_lost: bool,
    /// What happens to the lead.
    pub then: AfterReason,
    /// A lead is given back for this reason by itself when every attempt that is owed was made and nobody was
    /// reached, so long after the last one.
    pub after_attempts: Option<Wait>,
}

/// What a reason means for the lead's future.
#[derive(Clone, Debug, PartialEq)]
pub enum AfterReason {
    /// It rests, then is nurtured again.
    Rest {
        /// For so many days.
        days: i64,
        /// In this sequence; `None`: the campaign's.
        sequence: Option<String>,
        /// As long as the lead has been through fewer rounds than this.
        rounds: i64,
        /// Afterwards in this sequence for good; `None`: it ends.
        afterwards: Option<String>,
        /// Who gets it then.
        next_rep: NextRep,
    },
    /// It ends here.
    Never,
    /// Marketing has to look at it: it stands in its next list.
    Marketing,
    /// It ends here and becomes part of the lead whose double it is, which marketing looks for if nobody has
    /// said so.
    Merge,
}

/// What marketing promises.
#[derive(Clone, Debug)]
pub struct Marketing {
    /// Told of what marketing must look at.
    pub manager: EmailAddress,
    /// The calendar whose business days its promises are counted in; `None`: the first team's.
    pub calendar: Option<String>,
    /// From this score on a nurtured lead counts as soon ready.
    pub soon_score: Option<i64>,
    /// What it owes, in the order of the file.
    pub commitments: Vec<Commitment>,
    /// How soon a team's manager answers when marketing disputes a rejection, and who is told meanwhile; `None`: it
    /// disputes none.
    pub dispute_answer: Option<Promise>,
}

/// A series of mails.
#[derive(Clone, Debug)]
pub struct Sequence {
    /// Its folder's name.
    pub name: String,
    /// As people read it.
    pub title: String,
    /// Only leads for which this holds may enter.
    pub enter: Option<Condition>,
    /// A lead for which this holds leaves.
    pub exit: Option<Condition>,
    /// Narrower hours than the agreement's, in the lead's local time.
    pub window: Option<Hours>,
    /// What happens to a step that could not leave in time.
    pub late: Late,
    /// Whether a lead may go through it again.
    pub reentry: Reentry,
    /// The sequence that follows when this one is through.
    pub then: Option<String>,
    /// In order.
    pub steps: Vec<Step>,
}

/// One mail of a sequence.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its name: the file's, without number and ending. Steps are known by it, not by position.
    pub name: String,
    /// Counted from the previous step's send, or from the enrolment.
    pub after: Wait,
    /// Skipped for a lead for which this does not hold.
    pub when: Option<Condition>,
    /// What the lead asked for: it leaves whatever the window says.
    pub at_once: bool,
}

/// What happens to a step that is due but could not leave for longer than `after`: the daemon was down, say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Late {
    /// How late is late.
    pub after: SignedDuration,
    /// And then.
    pub then: LateStep,
}

/// What to do with a late step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LateStep {
    /// Send it all the same.
    Send,
    /// Leave it out and go on to the next.
    Skip,
    /// Count its wait anew from now.
    Replan,
}

/// Whether a lead may go through a sequence more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reentry {
    /// Once in its life.
    Never,
    /// Once in each round.
    EachRound,
    /// Whenever it is enrolled, after it has left.
    Always,
}
