//! What the agreement says of routing: read as written, and every mistake told with its place and advice.

use super::*;

#[test]
fn what_is_said_of_routing_is_checked() {
    const PARTNERS: &str = "[teams.partners]\nmanager = \"boss@ours.example\"\ncalendar = \"office\"\n\
                            [[teams.partners.reps]]\nname = \"Kim\"\nemail = \"kim@partner.example\"\n";
    let team =
        |line: &str| (SMALL.replacen("[teams.sales]", &format!("[teams.sales]\n{line}"), 1), line.to_owned());
    let campaign = |line: &str| {
        (SMALL.replacen("[campaigns.default]", &format!("[campaigns.default]\n{line}"), 1), line.to_owned())
    };
    let rep = |line: &str| {
        let name = "name = \"Robin\"";
        (SMALL.replacen(name, &format!("{name}\n{line}"), 1), line.to_owned())
    };
    for ((text, what), message, hint) in [
        (team("overflow = \"sales\""), "\"sales\": team `sales` overflows to itself", "does not lead back"),
        (team("overflow = \"partner\""), "\"partner\": there is no team `partner`", "`partners`"),
        (team("policy = \"standrd\""), "\"standrd\": there is no policy", "`standard`"),
        (team("routing = [\"longest\"]"), "\"longest\": `longest` is no routing rule", "longest-wait"),
        (
            team("routing = [\"weighted\", \"account\"]"),
            "\"account\": `account` never has a say behind `weighted`",
            "come first",
        ),
        (team("routing = [\"account\", \"account\"]"), "\"account\": `account` is there twice", "delete"),
        (team("catch_up = true"), "catch_up: `catch_up` works with `weighted` alone", "weighted"),
        (team("shares = [\"name\", \"salary\"]"), "\"salary\": `salary` is no part of a lead", "behaviour"),
        (rep("new_per_week = 0"), "0: `new_per_week` cannot be 0", "from 1"),
        (
            rep("countries = [\"Austria\"]"),
            "\"Austria\": `Austria` is no country code",
            "two capital letters",
        ),
        (rep("territory = \"lead.regio == ''\""), "lead.regio: ", ""),
        (campaign("required = [\"fone\"]"), "\"fone\": a lead has no `fone`", "`phone`"),
        (
            campaign("required = [\"phone\", \"lead.phone\"]"),
            "\"lead.phone\": this is required twice",
            "delete",
        ),
        (campaign("not_before = \"2026-02-30\""), "\"2026-02-30\": ", "2026-12-24"),
        (campaign("not_before = \"soon\""), "\"soon\": `soon` is neither a day", "2 hours"),
        (
            campaign("reps = [\"robyn@ours.example\"]"),
            "no team has a rep with the address",
            "`robin@ours.example`",
        ),
        (campaign("reps = [\"kim@partner.example\"]"), "is in team `partners`", "team = \"partners\""),
        (campaign("reps = []"), "reps: nobody would get the leads", "delete"),
        (
            campaign("overflow = \"sales\""),
            "\"sales\": the leads of team `sales` would overflow back",
            "another",
        ),
        (campaign("overflow = \"nobody\""), "\"nobody\": there is no team `nobody`", ""),
        (campaign("announce_days = 21"), "21: `announce_days` cannot be 21", "from 0 to 20"),
    ] {
        let mut files = small();
        files.insert("agreement.toml", text + PARTNERS);
        told(&files, &what, message, hint);
    }
    // A circle is told in each team that is in it; what it tells the director needs one in the team that takes over.
    let circle =
        team("overflow = \"partners\"").0 + &PARTNERS.replace("calendar", "overflow = \"sales\"\ncalendar");
    let mut files = small();
    files.insert("agreement.toml", circle);
    told(
        &files,
        "a circle",
        "\"partners\": team `sales` overflows in a circle, by way of `partners`",
        "lead back",
    );
    told(
        &files,
        "a circle",
        "\"sales\": team `partners` overflows in a circle, by way of `sales`",
        "lead back",
    );
    let director = team("overflow = \"partners\"\ndirector = \"d@ours.example\"").0 + PARTNERS;
    files.insert("agreement.toml", director.replace("tell = [\"owner\"]", "tell = [\"director\"]"));
    told(
        &files,
        "no director",
        "policy `standard` tells the director, but team `partners` has none",
        "[teams.partners]",
    );
}

#[test]
fn what_is_said_of_routing_is_read() {
    let mut files = small();
    let text = SMALL
        .replace(
            "[teams.sales]",
            "[teams.sales]\nrouting = [\"account\", \"territory\"]\noverflow = \"partners\"",
        )
        .replace("name = \"Robin\"", "name = \"Robin\"\nnew_per_week = 5\ncountries = [\"AT\"]")
        .replace(
            "[campaigns.default]",
            "[campaigns.default]\nrequired = ['answers[\"Budget?\"]', \"phone\"]\nnot_before = \"2 days\"\n\
             routing = [\"weighted\"]\nreps = [\"robin@ours.example\"]\nannounce_days = 0",
        );
    let partners = "[teams.partners]\nmanager = \"boss@ours.example\"\ncalendar = \"office\"\n\
                    policy = \"standard\"\nrouting = [\"weighted\"]\ncatch_up = true\nshares = [\"name\"]\n\
                    [[teams.partners.reps]]\nname = \"Kim\"\nemail = \"kim@partner.example\"\n";
    files.insert("agreement.toml", text + partners);
    let playbook = Playbook::load(&files).unwrap_or_else(|problems| panic!("{problems}"));
    let (sales, partners) = (&playbook.agreement.teams["sales"], &playbook.agreement.teams["partners"]);
    assert_eq!(sales.routing.by, [Rule::Account, Rule::Territory, Rule::LongestWait]);
    assert_eq!((sales.overflow.as_deref(), &sales.shares), (Some("partners"), &None));
    assert_eq!(sales.reps[0].new_per_week, Some(5));
    assert!(sales.reps[0].territory.as_ref().is_some_and(|territory| territory.countries == ["AT"]));
    assert!(partners.routing.catch_up);
    assert_eq!((partners.policy.as_deref(), &partners.shares), (Some("standard"), &Some(vec![Share::Name])));
    let campaign = &playbook.agreement.campaigns[0];
    assert_eq!(campaign.required, [Known::Answer("Budget?".to_owned()), Known::Phone]);
    assert_eq!(campaign.not_before, Some(Earliest::After(jiff::SignedDuration::from_hours(48))));
    assert_eq!((&campaign.routing, campaign.announce_days), (&Some(vec![Rule::Weighted]), 0));
    assert_eq!(campaign.reps, sales.reps.iter().map(|rep| rep.email.clone()).collect::<Vec<_>>());
}
