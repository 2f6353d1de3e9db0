//! What is wrong with a scenario is told where it stands, all of it at once, with advice.

use nurtured::domain::intake::Owners;
use nurtured::engine::scenario::Scenario;

/// Line 4 on is what a case adds.
const HEAD: &str = "start = \"2026-03-02T08:00:00+01:00\"\nend = \"2026-03-31T08:00:00+02:00\"\n\n";

/// The problems of a scenario as they are shown.
fn problems(text: &str) -> String {
    match Scenario::parse("case.toml", text, &Owners::default()) {
        Ok(_) => String::new(),
        Err(problems) => problems.to_string(),
    }
}

fn lead(rest: &str) -> String {
    format!("{HEAD}[[lead]]\nat = \"2026-03-02T09:00:00+01:00\"\n{rest}\n")
}

fn event(rest: &str) -> String {
    format!("{HEAD}[[event]]\nat = \"2026-03-02T09:00:00+01:00\"\n{rest}\n")
}

#[test]
fn each_mistake_is_told_with_its_line_and_what_to_do() {
    let jane = "lead = \"jane@acme.example\"";
    for (text, line, says, advises) in [
        (HEAD.replace("+01:00", ""), 1, "`start` is no instant", "RFC 3339"),
        (HEAD.replace("2026-03-31", "2026-02-31"), 2, "`end` is no instant", "RFC 3339"),
        (HEAD.replace("2026-03-31", "2026-03-01"), 2, "`end` is not after `start`", ""),
        ("start = \"2026-03-02T08:00:00Z\"\n".to_owned(), 1, "end", ""),
        (format!("{HEAD}playbok = \"x\"\n"), 4, "playbok", ""),
        (format!("{HEAD}start = 1\n"), 4, "duplicate", ""),
        (format!("{HEAD}[[lead]]\nat = \n"), 5, "", ""),
        (lead("emial = \"jane@acme.example\""), 4, "unknown key `emial`", "`email`"),
        (lead("email = \"jane\""), 4, "", "jane@acme.example"),
        (lead(""), 4, "", "a lead needs an address"),
        (lead("email = \"jane@acme.example\"\nzone = \"Europe/Berlim\""), 4, "`zone`", ""),
        (lead("email = \"jane@acme.example\"\ncountry = \"Atlantis\""), 4, "`country`", ""),
        (format!("{HEAD}[[lead]]\nemail = \"jane@acme.example\"\n"), 4, "`at` is missing", "write at ="),
        (
            lead("email = \"j@a.example\"").replace("03-02T09", "04-02T09"),
            4,
            "outside of the scenario",
            "`start`",
        ),
        (event(&format!("kind = \"repplied\"\n{jane}")), 4, "`repplied` is no kind of event", "`replied`"),
        (event(jane), 4, "is no kind of event", "there are: activity"),
        (event("kind = \"replied\""), 4, "`lead` is missing", ""),
        (event("kind = \"replied\"\nlead = \"jane\""), 4, "`lead` is no email address", ""),
        (event(&format!("kind = \"replied\"\n{jane}\nby = \"rep\"")), 4, "`by` is no email address", ""),
        (event(&format!("kind = \"replied\"\n{jane}\nreason = \"x\"")), 4, "unknown key `reason`", ""),
        (event(&format!("kind = \"activity\"\n{jane}")), 4, "`name` is missing", "write name ="),
        (event(&format!("kind = \"rejected\"\n{jane}")), 4, "`reason` is missing", "write reason ="),
        (event(&format!("kind = \"lost\"\n{jane}")), 4, "`reason` is missing", ""),
        (event(&format!("kind = \"follow_up\"\n{jane}")), 4, "`on` is missing", ""),
        (event(&format!("kind = \"follow_up\"\n{jane}\non = \"soon\"")), 4, "`on` is no date", "2026-03-16"),
        (
            event(&format!("kind = \"out_of_office\"\n{jane}\nuntil = \"2026-02-30\"")),
            4,
            "`until` is no date",
            "",
        ),
        (
            event(&format!("kind = \"attempt\"\n{jane}\nchannel = \"fax\"")),
            4,
            "`fax` is no channel",
            "email, phone",
        ),
        (
            event(&format!("kind = \"attempt\"\n{jane}\noutcome = \"yes\"")),
            4,
            "`yes` is no outcome",
            "no_answer",
        ),
        (event("kind = \"rep_away\"\nuntil = \"2026-03-16\""), 4, "`rep` is missing", ""),
        (
            event(&format!("kind = \"bounced\"\n{jane}\npermanent = \"no\"")),
            4,
            "`permanent` is neither true nor false",
            "",
        ),
        (
            event(&format!("kind = \"out_of_office\"\n{jane}\ndo_not_call = 1")),
            4,
            "`do_not_call` is neither",
            "",
        ),
    ] {
        let told = problems(&text);
        assert!(told.contains(&format!("case.toml:{line}:")), "{text}\n{told}");
        assert!(told.contains(says) && told.contains(advises), "{text}\n{told}");
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = format!(
        "{HEAD}[[lead]]\nat = \"yesterday\"\nemail = \"jane@acme.example\"\n\n[[event]]\nkind = \"won\"\nlaed = \"x\"\n"
    );
    let told = problems(&text);
    for line in [4, 8] {
        assert!(told.contains(&format!("case.toml:{line}:")), "{told}");
    }
    assert!(told.contains("`at` is no instant") && told.contains("unknown key `laed`"), "{told}");
}

#[test]
fn a_date_may_be_written_as_a_date_or_as_an_instant() {
    for on in ["2026-03-16", "2026-03-16T09:00:00+01:00"] {
        assert_eq!(
            problems(&event(&format!("kind = \"follow_up\"\nlead = \"j@a.example\"\non = \"{on}\""))),
            ""
        );
    }
    // As TOML's own dates, too.
    assert_eq!(problems(&event("kind = \"follow_up\"\nlead = \"j@a.example\"\non = 2026-03-16")), "");
    let at = format!(
        "{HEAD}[[event]]\nat = 2026-03-02T09:00:00+01:00\nkind = \"replied\"\nlead = \"j@a.example\"\n"
    );
    assert_eq!(problems(&at), "");
}
