//! Playbooks as people write them, right and wrong, and what they are told.

mod dispute;
mod levels;
mod routing;

use proptest::prelude::*;

use super::*;
use crate::domain::agreement::{AfterReason, LateStep, Reentry, Role};
use crate::domain::recycle::NextRep;
use crate::domain::required::Known;
use crate::domain::routing::{Earliest, Rule, Share};
use crate::domain::sla::{LevelAt, PromiseKind};

/// The smallest playbook that is accepted.
const SMALL: &str = r#"
[calendars.office]
zone = "Europe/Berlin"
hours = "Mo-Fr 09:00-17:00"
[contact]
window = "Mo-Fr 09:00-16:00"
phone_window = "Mo-Fr 09:00-17:00"
default_zone = "Europe/Berlin"
max_emails = ["1 per day"]
[teams.sales]
manager = "boss@ours.example"
calendar = "office"
[[teams.sales.reps]]
name = "Robin"
email = "robin@ours.example"
[policies.standard]
first_contact = "8 business hours"
[[policies.standard.levels]]
name = "breach"
at = "100%"
tell = ["owner"]
[reasons.not-ready]
label = "Not ready"
from = ["rejected"]
rest = "60 days"
[campaigns.default]
match = "true"
sequence = "hello"
qualify = "lead.score >= 50"
team = "sales"
policy = "standard"
[marketing]
manager = "marketing@ours.example"
"#;
const HELLO: &str = "+++\nsubject = \"Hello\"\nafter = \"1 hour\"\n+++\nHello!\n";

fn small() -> PlaybookFiles {
    [
        ("agreement.toml", SMALL),
        ("sequences/hello/sequence.toml", "title = \"Hello\"\n"),
        ("sequences/hello/01-hi.md", HELLO),
    ]
    .into_iter()
    .map(|(path, text)| (path.to_owned(), text.to_owned()))
    .collect()
}

/// The small playbook with one text in one file replaced.
fn with(file: &str, old: &str, new: &str) -> PlaybookFiles {
    let mut files = small();
    let text = files.get(file).unwrap_or_default().to_owned();
    assert!(text.contains(old), "`{old}` is in {file}");
    files.insert(file, text.replacen(old, new, 1));
    files
}

/// Each problem as "file: marked text: message", and its hint.
fn problems(files: &PlaybookFiles) -> Vec<(String, String)> {
    let Err(problems) = Playbook::load(files) else { return Vec::new() };
    assert!(!problems.to_string().is_empty());
    let marked = |problem: &Problem| match &problem.span {
        Some(span) => {
            files.get(&problem.file).and_then(|text| text.get(span.clone())).unwrap_or("?").to_owned()
        }
        None => String::new(),
    };
    problems
        .iter()
        .map(|p| (format!("{}: {}: {}", p.file, marked(p), p.message), p.hint.clone().unwrap_or_default()))
        .collect()
}

fn loaded(files: &PlaybookFiles) -> Playbook {
    match Playbook::load(files) {
        Ok(playbook) => playbook,
        Err(problems) => panic!("{problems}"),
    }
}

#[test]
fn the_playbook_that_comes_with_the_program_has_no_problem() {
    let playbook = loaded(&PlaybookFiles::builtin());
    assert_eq!(playbook.version, PlaybookFiles::builtin().hash());
    let agreement = &playbook.agreement;
    let campaigns: Vec<&str> = agreement.campaigns.iter().map(|campaign| campaign.name.as_str()).collect();
    assert_eq!(campaigns, ["demo-request", "webinar", "default"]);
    let sequences: Vec<&str> = playbook.sequences.keys().map(String::as_str).collect();
    assert_eq!(sequences, ["demo-request", "event-follow-up", "long-term", "re-engage", "welcome"]);
    let mails: Vec<usize> = playbook.sequences.values().map(|sequence| sequence.steps.len()).collect();
    assert_eq!(mails, [1, 3, 6, 4, 5]);
    for (name, sequence) in &playbook.sequences {
        for step in &sequence.steps {
            assert!(
                playbook.templates.has_template(&format!("{name}/{}", step.name)),
                "{name}/{}",
                step.name
            );
        }
    }
    let rep = agreement.rep(&"rep2@ours.example".parse().expect("an address")).expect("a rep");
    assert_eq!(rep.0.name, "sales");
    let hot = &agreement.policies["hot"].promises[&PromiseKind::FirstContact];
    assert_eq!(hot.target.to_string(), "1 business hour");
    assert_eq!(
        hot.levels.iter().map(|level| level.at).collect::<Vec<_>>(),
        [75, 100, 150, 200].map(LevelAt::Percent)
    );
    assert_eq!(hot.levels[2].tell, [Role::Owner, Role::Manager]);
    assert!(hot.levels[2].reassign && !hot.levels[1].reassign);
    assert_eq!(
        agreement.reasons["unreachable"].then,
        AfterReason::Rest {
            days: 45,
            sequence: Some("re-engage".into()),
            rounds: 3,
            afterwards: Some("long-term".into()),
            next_rep: NextRep::Another,
        }
    );
    assert_eq!(agreement.reasons["bad-fit"].then, AfterReason::Never);
    assert_eq!(agreement.reasons["bad-data"].then, AfterReason::Marketing);
    assert!(playbook.sequences["demo-request"].steps[0].at_once);
    assert_eq!(playbook.sequences["long-term"].reentry, Reentry::EachRound);
    assert_eq!(playbook.sequences["event-follow-up"].late.then, LateStep::Skip);
}

#[test]
fn a_small_playbook_is_enough_and_what_it_leaves_out_has_defaults() {
    let playbook = loaded(&small());
    let agreement = &playbook.agreement;
    assert_eq!(agreement.contact.daily_brake, 20_000);
    let rep = &agreement.teams["sales"].reps[0];
    assert_eq!((rep.capacity, rep.weight), (30, 1));
    assert_eq!(playbook.sequences["hello"].reentry, Reentry::Never);
    assert!(playbook.templates.has_template("hello/hi"));
}

#[test]
fn each_mistake_is_told_with_its_place_and_advice() {
    let agreement = [
        (
            "zone = \"Europe/Berlin\"",
            "zone = \"Berlin\"",
            "\"Berlin\": there is no time zone",
            "`Europe/Berlin`",
        ),
        ("zone = \"Europe/Berlin\"", "zoon = \"Europe/Berlin\"", "zoon: unknown key `zoon`", "`zone`"),
        ("zone = \"Europe/Berlin\"", "", "office: `zone` is missing in [calendars.office]", "Europe/Berlin"),
        ("hours = \"Mo-Fr", "hours = \"Mon to Fri", "Mon", "Mo-Fr"),
        ("hours =", "holidays = [\"DE\", \"ZZ\"]\nhours =", "\"ZZ\":", "extra_holidays"),
        ("hours =", "extra_holidays = [\"2026-13-01\"]\nhours =", "\"2026-13-01\": ", "2026-12-24"),
        (
            "hours =",
            "holiday_files = [\"holidays/x.ics\"]\nhours =",
            "\"holidays/x.ics\": there is no file",
            "ics",
        ),
        ("[calendars.office]", "[calendars.Office]", "Office: `Office` cannot be a name", "small letters"),
        ("[\"1 per day\"]", "[\"0 per day\"]", "\"0 per day\": `0 per day` makes no sense", "1 to 100"),
        ("[\"1 per day\"]", "[\"1 a day\"]", "\"1 a day\": `1 a day` is no cap", "1 per day"),
        ("[\"1 per day\"]", "[\"7 per week\", \"2 per 7 days\"]", "another cap for 7 days", "lower"),
        ("[\"1 per day\"]", "[]", "max_emails: there is no limit", "1 per day"),
        ("[contact]", "[contact]\nexcluded_domains = [\"x@y.example\"]", "\"x@y.example\": ", "behind the @"),
        ("[contact]", "[contact]\ndaily_brake = 0", "0: `daily_brake` cannot be 0", "from 1"),
        (
            "[contact]",
            "[contact]\nper_company = \"3\"",
            "\"3\": `per_company` cannot be text",
            "without quotes",
        ),
        ("boss@ours.example", "boss", "\"boss\": `boss` is not an email address", "@"),
        (
            "calendar = \"office\"",
            "calendar = \"offise\"",
            "\"offise\": there is no calendar `offise`",
            "`office`",
        ),
        ("name = \"Robin\"\n", "", "`name` is missing in [[teams.sales.reps]]", "read it"),
        (
            "[policies.standard]",
            "[[teams.sales.reps]]\nname = \"R\"\nemail = \"robin@ours.example\"\n[policies.standard]",
            "\"robin@ours.example\": this rep is in team `sales` already",
            "once",
        ),
        (
            "[[teams.sales.reps]]\nname = \"Robin\"\nemail = \"robin@ours.example\"",
            "",
            "sales: team `sales` has no reps",
            "[[teams.sales.reps]]",
        ),
        ("name = \"Robin\"", "name = \"R\"\naway = [\"2026-02-02 to 2026-01-01\"]", "ends before", "earlier"),
        ("8 business hours", "0 business hours", "\"0 business hours\": ", "8 business hours"),
        ("8 business hours", "-1 business hours", "\"-1 business hours\": ", "8 business hours"),
        ("8 business hours", "8 hours", "\"8 hours\": ", "8 business hours"),
        ("tell = [\"owner\"]", "tell = [\"boss\"]", "\"boss\": `boss` is no role", "owner, manager"),
        (
            "tell = [\"owner\"]",
            "tell = [\"director\"]",
            "tells the director, but team `sales` has none",
            "director",
        ),
        ("tell = [\"owner\"]", "", "tells nobody", "tell ="),
        ("at = \"100%\"", "at = \"0%\"", "\"0%\": ", "75%"),
        (
            "[reasons.not-ready]",
            "[[policies.standard.levels]]\nname = \"late\"\nat = \"100%\"\nreassign = true\n[reasons.not-ready]",
            "\"100%\": 100% is not after the level before it",
            "order of time",
        ),
        (
            "[reasons.not-ready]",
            "[[policies.standard.levels]]\nname = \"breach\"\nat = \"150%\"\nreassign = true\n[reasons.not-ready]",
            "name: level `breach` is there twice",
            "own name",
        ),
        ("rest = \"60 days\"", "", "not-ready: reason `not-ready` does not say what follows", "rest ="),
        ("rest = \"60 days\"", "rest = \"60 days\"\nto = \"never\"", "to: a lead that rests", "either"),
        ("rest = \"60 days\"", "to = \"never\"\nrounds = 3", "rounds: `rounds` needs a `rest`", "rest"),
        (
            "rest = \"60 days\"",
            "rest = \"2 hours\"",
            "\"2 hours\": `2 hours` is no number of days",
            "60 days",
        ),
        ("from = [\"rejected\"]", "from = [\"rejectd\"]", "\"rejectd\": ", "`rejected`"),
        ("match = \"true\"", "match = \"lead.round > 1\"", "would be forgotten", "match = \"true\""),
        ("sequence = \"hello\"", "sequence = \"helo\"", "\"helo\": there is no sequence `helo`", "`hello`"),
        ("team = \"sales\"", "team = \"slaes\"", "\"slaes\": there is no team `slaes`", "`sales`"),
        (
            "policy = \"standard\"",
            "policy = \"gold\"",
            "\"gold\": there is no policy `gold`",
            "[policies.gold]",
        ),
        (
            "team = \"sales\"",
            "team = \"sales\"\npersona = \"cto\"",
            "\"cto\": there is no persona",
            "[personas.cto]",
        ),
        ("lead.score >= 50", "lead.scor >= 50", ": lead.scor: `lead.scor` is not known", "`lead.score`"),
        ("lead.score >= 50", "lead.score", ": lead.score: this is a number", "50"),
        ("[marketing]", "[marketin]", "marketin: unknown key `marketin`", "`marketing`"),
        ("[marketing]", "[marketing]\ncommitment = []", "commitment: unknown key", "`commitments`"),
        ("[campaigns.default]", "[campaigns.default]\nrequires = []", "requires: unknown key", "`required`"),
        (
            "[policies.standard]",
            "[policies.standard]\nacept = \"4 business hours\"",
            "acept: unknown key `acept`",
            "`accept`",
        ),
        (
            "[policies.standard]",
            "[policies.standard]\ndisposition = \"0 business days\"",
            "\"0 business days\": `0 business days` is no time at all",
            "2 business days",
        ),
        (
            "tell = [\"owner\"]",
            "tell = [\"owner\"]\npromise = \"feedbak\"",
            "\"feedbak\": `feedbak` is no promise",
            "`feedback`",
        ),
        (
            "[reasons.not-ready]",
            "[[policies.standard.levels]]\npromise = \"feedback\"\nname = \"late\"\nat = \"100%\"\ntell = [\"owner\"]\n[reasons.not-ready]",
            "\"feedback\": policy `standard` does not promise `feedback`",
            "`feedback = …`",
        ),
        (
            "[policies.standard]",
            "[[policies.standard.levels]]\npromise = \"accept\"\nname = \"a\"\nat = \"100%\"\ntell = [\"owner\"]\n[[policies.standard.levels]]\npromise = \"accept\"\nname = \"b\"\nat = \"75%\"\ntell = [\"owner\"]\n[policies.standard]\naccept = \"1 business hour\"",
            "\"75%\": 75% is not after the level before it, at 100%",
            "order of time",
        ),
        (
            "[policies.standard]",
            "[[policies.standard.levels]]\npromise = \"disposition\"\nname = \"a\"\nat = \"100%\"\nreassign = true\n[policies.standard]\ndisposition = \"1 business hour\"",
            "reassign: a lead is not taken from its rep over `disposition`",
            "`first_contact`",
        ),
        (
            "[policies.standard]",
            "[policies.standard]\nattempts = { count = 6 }",
            "attempts: `within` is missing in [policies.standard.attempts]",
            "10 business days",
        ),
        (
            "[policies.standard]",
            "[policies.standard]\nattempts = { count = 6, within = \"10 days\" }",
            "\"10 days\": ",
            "business days",
        ),
        (
            "[policies.standard]",
            "[policies.standard]\nattempts = { count = 6, within = \"2 business days\" }",
            "count: 6 attempts do not fit into 2 business days",
            "fewer",
        ),
        (
            "[policies.standard]",
            "[policies.standard]\nattempts = { count = 2, days = 3, within = \"5 business days\" }",
            "days: 2 attempts cannot be spread over 3 days",
            "more attempts",
        ),
        (
            "[policies.standard]",
            "[policies.standard]\nattempts = { count = 6, days = 4, within = \"3 business days\" }",
            "days: there are no 4 days in 3 business days",
            "at most 3",
        ),
        (
            "[policies.standard]",
            "[policies.standard]\nattempts = { count = 3, channels = 3, within = \"3 business days\" }",
            "channels",
            "from 1 to 2",
        ),
        (
            "policy = \"standard\"",
            "policy = \"standard\"\n[[campaigns.default.policies]]\nwhen = \"lead.grade == \\\"A\\\"\"\npolicy = \"gold\"",
            "\"gold\": there is no policy `gold`",
            "[policies.gold]",
        ),
        (
            "[marketing]",
            "[scoring]\nactivities = [\"visit\"]\n[[scoring.rules]]\nwhen = 'event.name == \"vist\"'\npoints = 0\n[marketing]",
            ": \"vist\": `vist` is not among the activities",
            "`visit`",
        ),
        (
            "[marketing]",
            "[personas.p]\nfit.E = \"true\"\n[marketing]",
            "E: unknown key `E` in [personas.p.fit]",
            "A",
        ),
        ("[marketing]", "[marketing", ": ", "TOML"),
        ("[marketing]", "[contact]", ": duplicate key", "TOML"),
        (
            "[marketing]",
            "[review]\nsigned_on = \"5.1.2026\"\nsigned_by = [\"Ann\"]\n[marketing]",
            "\"5.1.2026\": `5.1.2026` is no date",
            "2026-12-24",
        ),
        (
            "[marketing]",
            "[review]\nsigned_on = \"2026-01-05\"\n[marketing]",
            "signed_on: nobody has signed",
            "signed_by",
        ),
        ("[marketing]", "[marketing]\ncalendar = \"ofice\"", "\"ofice\": there is no calendar", "`office`"),
        ("[marketing]", "[marketing]\nsoon_score = 0", "0: `soon_score` cannot be 0", "from 1"),
    ];
    for (old, new, message, hint) in agreement {
        told(&with("agreement.toml", old, new), &format!("{new} in agreement"), message, hint);
    }
    let mail = [
        ("after = \"1 hour\"", "", "`after` is missing", "3 days"),
        ("after = \"1 hour\"", "after = \"soon\"", "01-hi.md: \"soon\": ", "next business day"),
        (
            "after = \"1 hour\"",
            "after = \"1 hour\"\nwhen = \"lead.titel == ''\"",
            ": lead.titel: ",
            "`lead.title`",
        ),
        (
            "after = \"1 hour\"",
            "after = \"1 hour\"\nat_once = \"yes\"",
            "\"yes\": `at_once` cannot be text",
            "true",
        ),
        ("subject", "subjekt", "subjekt: unknown key `subjekt`", "`subject`"),
        ("\"Hello\"", "\"\"", "\"\": `subject` is empty", "write"),
        ("\"Hello\"", "\"a\\nb\"", "more than one line", "one line"),
        ("+++\nHello!", "Hello!", "+++: the `+++` of the first line is never closed", "+++"),
        ("+++\nsubject", "subject", "subject = \"Hello\": the file does not begin with `+++`", "+++"),
        ("Hello!\n", "", "the mail says nothing", "below"),
    ];
    for (old, new, message, hint) in mail {
        told(&with("sequences/hello/01-hi.md", old, new), &format!("{new} in mail"), message, hint);
    }
    let sequence = [
        ("title = \"Hello\"", "", "`title` is missing", "Welcome"),
        ("\n", "\nreentry = \"allways\"", "\"allways\": `allways` is no re-entry rule", "`always`"),
        ("\n", "\nthen = \"hello\"", "\"hello\": sequence `hello` leads back to itself", "always"),
        ("\n", "\nlate = { after = \"2 days\", then = \"drop\" }", "\"drop\": ", "send, skip, replan"),
        ("\n", "\nwindow = \"never\"", "`never`", "Mo-Fr"),
        ("\n", "\nexit = \"event.name == ''\"", ": event.name: there is no event", "scoring"),
    ];
    for (old, new, message, hint) in sequence {
        told(&with("sequences/hello/sequence.toml", old, new), &format!("{new} in sequence"), message, hint);
    }
}

#[test]
fn a_commitment_that_cannot_be_kept_or_broken_is_told() {
    let commitment = |text: &str| {
        let edited = format!("{SMALL}[[marketing.commitments]]\n{text}\n");
        let mut files = small();
        files.insert("agreement.toml", edited);
        files
    };
    let whole = "name = \"volume\"\nperiod = \"month\"\n";
    for (text, message, hint) in [
        ("period = \"month\"\nqualified = 4", "`name` is missing", "webinar-leads"),
        ("name = \"volume\"\nqualified = 4", "`period` is missing", "quarter"),
        (
            "name = \"volume\"\nperiod = \"mounth\"\nqualified = 4",
            "\"mounth\": `mounth` is no period",
            "`month`",
        ),
        (whole, "this commitment promises nothing", "qualified = 40"),
        (&format!("{whole}qualified = 0"), "0: `qualified` cannot be 0", "from 1"),
        (&format!("{whole}accepted = \"120%\""), "\"120%\": `120%` is no share", "100%"),
        (&format!("{whole}accepted = 70"), "70: `accepted` cannot be a number", "quotes"),
        (&format!("{whole}complete = \"90%\""), "complete: complete is what?", "required"),
        (&format!("{whole}required = [\"phone\"]"), "required: how many leads", "complete"),
        (
            &format!("{whole}complete = \"90%\"\nrequired = [\"fone\"]"),
            "\"fone\": `fone` is no field of a lead",
            "`phone`",
        ),
        (&format!("{whole}complete = \"90%\"\nrequired = []"), "required: no field is named", "phone"),
        (
            &format!("{whole}rejected = {{ not-redy = \"5%\" }}"),
            "not-redy: there is no reason",
            "`not-ready`",
        ),
        (&format!("{whole}rejected = {{ not-ready = \"5\" }}"), "\"5\": `5` is no share", "70%"),
        (&format!("{whole}rejected = {{ not-ready = 5 }}"), "5: `not-ready` cannot be a number", "quotes"),
        (&format!("{whole}rejected = \"5%\""), "`rejected` cannot be text", "section"),
        (
            &format!("{whole}qualified = 4\ncampaign = \"defaul\""),
            "\"defaul\": there is no campaign",
            "`default`",
        ),
        (&format!("{whole}qualified = 4\nacepted = \"70%\""), "acepted: unknown key", "`accepted`"),
        (
            &format!("{whole}qualified = 4\n[[marketing.commitments]]\n{whole}qualified = 5"),
            "name: commitment `volume` is there twice",
            "own name",
        ),
    ] {
        told(&commitment(text), text, message, hint);
    }
    let own = format!("{whole}complete = \"90%\"\nrequired = [\"phone\", \"fields.Number of seats\"]");
    let loaded = loaded(&commitment(&own));
    let complete = loaded.agreement.marketing.commitments[0].complete.as_ref().expect("it is there");
    assert_eq!(complete.required, ["phone", "Number of seats"]);
}

#[test]
fn what_a_campaign_is_expected_to_bring_is_checked() {
    for (text, message, hint) in [
        ("expected = \"120 a month\"", "\"120 a month\": `120 a month` is no volume", "120 per month"),
        ("expected = \"120 per year\"", "`120 per year` is no volume", "quarter"),
        ("expected = \"0 per week\"", "`0 per week` is no volume", "120 per month"),
        ("qualifies = \"30%\"", "qualifies: `qualifies` is for planning", "expected"),
        ("starts = \"2026-05-04\"", "starts: `starts` is for planning", "expected"),
        (
            "expected = \"9 per week\"\nstarts = \"2026-05-04\"\nends = \"2026-05-03\"",
            "\"2026-05-03\": it ends before it starts",
            "later",
        ),
    ] {
        let files = with("agreement.toml", "match = \"true\"", &format!("match = \"true\"\n{text}"));
        told(&files, text, message, hint);
    }
}

#[test]
fn what_should_be_looked_at_is_a_warning_and_no_problem() {
    let warned = |review: &str, campaign: &str, today: &str| -> Vec<String> {
        let mut files = with("agreement.toml", "match = \"true\"", &format!("match = \"true\"\n{campaign}"));
        let text = format!("{}{review}", files.get("agreement.toml").unwrap_or_default());
        files.insert("agreement.toml", text);
        let today = today.parse().expect("a date");
        let found = super::warnings(&loaded(&files), &files, today);
        assert_eq!(found.severity(), "warning");
        assert!(
            found.iter().all(|warning| found.position(warning).is_some() && warning.hint.is_some())
                || review.is_empty()
        );
        found.iter().map(|warning| warning.message.clone()).collect()
    };
    let signed = "[review]\nsigned_by = [\"Ann\"]\nsigned_on = \"2026-01-05\"\nreview_every = \"90 days\"\n";
    assert_eq!(warned(signed, "", "2026-04-05"), [""; 0]);
    assert_eq!(warned(signed, "", "2026-04-06"), ["the review of the agreement was due on 2026-04-05"]);
    assert_eq!(warned(signed, "", "2026-01-04"), ["the agreement is signed on a day to come, 2026-01-05"]);
    for unsigned in ["", "[review]\nsigned_by = [\"Ann\"]\n"] {
        assert_eq!(warned(unsigned, "", "2026-01-04"), ["nobody has signed the agreement"]);
    }
    let too_much = "expected = \"40 per week\"\nqualifies = \"50%\"\nstarts = \"2026-03-02\"";
    assert_eq!(
        warned(signed, too_much, "2026-02-03"),
        [
            "team `sales` cannot take what is expected: in the week of 2 March 2026 it gets 20 ready leads, and with \
          everybody there 5 of them find no rep"
        ]
    );
    let enough = too_much.replace("40", "30");
    assert_eq!(warned(signed, &enough, "2026-02-03"), [""; 0]);
}

fn told(files: &PlaybookFiles, what: &str, message: &str, hint: &str) {
    let problems = problems(files);
    let found = problems.iter().any(|(told, advice)| told.contains(message) && advice.contains(hint));
    assert!(found, "{what}: no `{message}` with `{hint}` in {problems:#?}");
}

#[test]
fn who_hears_of_broken_promises_is_checked() {
    const OTHER: &str = "[teams.other]\nmanager = \"boss@ours.example\"\ncalendar = \"office\"\n\
                         backup = \"robin@ours.example\"\n[[teams.other.reps]]\nname = \"Sam\"\n\
                         email = \"sam@ours.example\"\n[policies.standard]";
    let with = |old: &str, new: &str| with("agreement.toml", old, new);
    let escalation = |keys: &str| with("[marketing]", &format!("[escalation]\n{keys}\n[marketing]"));
    for (files, message, hint) in [
        (escalation("mails_at_once = -1"), "-1: `mails_at_once` cannot be -1", "from 0 to 100"),
        (escalation("storm = 0"), "0: `storm` cannot be 0", "from 1"),
        (escalation("digests = []"), "digests: there is no digest", "[\"09:00\", \"14:00\"]"),
        (escalation("digests = [\"9:00\"]"), "\"9:00\": `9:00` is no time of day", "09:00"),
        (escalation("digests = [\"24:00\"]"), "\"24:00\": `24:00` is no time of day", "09:00"),
        (
            escalation("digests = [\"14:00\", \"09:00\"]"),
            "\"09:00\": 09:00 is not after the digest before it",
            "order of time",
        ),
        (escalation("urgent = [\"hot\"]"), "\"hot\": there is no policy `hot`", "[policies.hot]"),
        (escalation("urgent = [\"standard\", \"standard\"]"), "this policy is urgent already", "delete"),
        (escalation("fallback = \"boss\""), "\"boss\": `boss` is not an email address", "@"),
        (escalation("digest = [\"09:00\"]"), "digest: unknown key `digest`", "`digests`"),
        (
            with("calendar = \"office\"\n", "calendar = \"office\"\nbackup = \"robyn@ours.example\"\n"),
            "\"robyn@ours.example\": nobody in the agreement is `robyn@ours.example`",
            "did you mean `robin@ours.example`?",
        ),
    ] {
        told(&files, message, message, hint);
    }
    // Two teams that stand in for each other are told once, at one of them.
    let mut circle = with("[policies.standard]", OTHER);
    let text = circle.get("agreement.toml").unwrap_or_default().to_owned();
    assert_eq!(problems(&circle), [], "one of them may");
    circle.insert(
        "agreement.toml",
        text.replacen("calendar = \"office\"\n", "calendar = \"office\"\nbackup = \"sam@ours.example\"\n", 1),
    );
    let found = problems(&circle);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].0.contains("in a circle: other → sales → other"), "{found:?}");
    // Somebody of the own team may stand in, and the manager.
    for who in ["robin@ours.example", "boss@ours.example"] {
        let backup = format!("calendar = \"office\"\nbackup = \"{who}\"\n");
        assert_eq!(problems(&with("calendar = \"office\"\n", &backup)), [], "{who}");
    }
    let usual = loaded(&small()).agreement.escalation;
    assert_eq!(usual, crate::domain::escalation::Escalation::default());
    let own = loaded(&escalation(
        "mails_at_once = 0\ndigests = [\"12:30\"]\nurgent = [\"standard\"]\nfallback = \"last@ours.example\"",
    ));
    let own = own.agreement.escalation;
    assert_eq!((own.mails_at_once, own.urgent.len(), own.storm), (0, 1, usual.storm));
    assert_eq!(own.fallback.map(|address| address.to_string()).as_deref(), Some("last@ours.example"));
    assert_eq!(own.digests, [jiff::civil::time(12, 30, 0, 0)]);
}

#[test]
fn a_file_that_is_missing_or_belongs_nowhere_is_told() {
    let without = |path: &str| {
        let mut files = small();
        files.remove(path);
        files
    };
    let and = |path: &str, text: &str| {
        let mut files = small();
        files.insert(path, text);
        files
    };
    told(&without("agreement.toml"), "no agreement", "the playbook has no agreement", "nurtured init");
    told(&without("sequences/hello/sequence.toml"), "no settings", "has no sequence.toml", "title");
    told(&without("sequences/hello/01-hi.md"), "no mails", "has no mails", "01-hello.md");
    told(
        &and("agreement.tml", ""),
        "a stray file",
        "agreement.tml: : nobody reads this file",
        "agreement.toml",
    );
    told(&and("sequences/hello/hi.md", HELLO), "no number", "nobody reads this file", "01-<step>.md");
    told(&and("sequences/hello/01-ho.md", HELLO), "one number twice", "has the same number", "own");
    told(&and("sequences/hello/02-hi.md", HELLO), "one step twice", "two steps `hi`", "rename");
    told(&and("sequences/hello/02-Hi.md", HELLO), "a bad name", "`Hi` cannot be a name", "small");
    told(&and("staff/hand-off.md", "no head"), "a staff mail", "does not begin with", "+++");
    let lonely = {
        let mut files = and("sequences/lonely/sequence.toml", "title = \"Lonely\"\nthen = \"hello\"\n");
        files.insert("sequences/lonely/01-hi.md", HELLO);
        files
    };
    told(&lonely, "a sequence nobody enters", "no lead can come into sequence `lonely`", "campaign");
    assert!(problems(&and("README.md", "about")).is_empty());
}

#[test]
fn all_problems_of_all_files_are_told_at_once_in_the_order_of_the_files() {
    let mut files = with("agreement.toml", "zone =", "zoon =");
    let text = files.get("agreement.toml").unwrap_or_default().replace("team =", "teem =");
    files.insert("agreement.toml", text);
    files.insert("sequences/hello/01-hi.md", HELLO.replace("1 hour", "soon"));
    files.insert("sequences/hello/sequence.toml", "title = ");
    let problems = problems(&files);
    let places: Vec<&str> = problems.iter().filter_map(|(told, _)| told.split(": ").next()).collect();
    assert_eq!(problems.len(), 6, "{problems:#?}");
    assert!(places.is_sorted(), "{places:?}");
    for message in ["`zoon`", "`teem`", "`zone` is missing", "`team` is missing", "soon", "sequence.toml"] {
        assert!(problems.iter().any(|(told, _)| told.contains(message)), "{message}: {problems:#?}");
    }
}

#[test]
fn sequences_may_go_round_when_re_entry_allows_it() {
    let files = with("sequences/hello/sequence.toml", "\n", "\nthen = \"hello\"\nreentry = \"always\"\n");
    assert!(problems(&files).is_empty());
}

#[test]
fn brackets_without_end_are_a_problem_and_no_crash() {
    for text in [
        "a = ".to_owned() + &"[".repeat(50_000),
        "a = ".to_owned() + &"{a=".repeat(50_000),
        "a.".repeat(50_000),
    ] {
        let mut files = small();
        files.insert("agreement.toml", text);
        assert!(!problems(&files).is_empty());
    }
}

proptest! {
    #[test]
    fn no_text_in_any_file_makes_the_loader_panic(
        text in "\\PC{0,80}",
        file in proptest::sample::select(vec![
            "agreement.toml", "sequences/hello/sequence.toml", "sequences/hello/01-hi.md", "staff/x.md", "é/+",
        ]),
    ) {
        let mut files = small();
        files.insert(file, text);
        let _ = problems(&files);
    }

    #[test]
    fn no_slip_of_the_hand_makes_the_loader_panic(
        at in 0..SMALL.len(),
        gone in 0usize..30,
        put in proptest::sample::select(vec!["", "\"", "[", "]", "=", "\n", "9", "é", "[[", ".", "'''", "{", "\\"]),
    ) {
        let end = (at + gone).min(SMALL.len());
        let mut files = small();
        files.insert("agreement.toml", format!("{}{put}{}", &SMALL[..at], &SMALL[end..]));
        let _ = problems(&files);
    }

    #[test]
    fn the_small_languages_take_any_text(text in "\\PC{0,30}|[0-9]{1,20} (days|business hours|per day|%)") {
        let _ = fields::days(&text);
        let _ = fields::duration(&text);
        let _ = fields::target(&text);
        let _ = fields::mail_cap(&text);
        let _ = fields::percent(&text);
        let _ = fields::date_range(&text);
        let _ = fields::zone(&text);
        let _ = fields::domain(&text);
        let _ = sequence::step_of_file(&text);
        let _ = front_matter::split(&text);
    }
}
