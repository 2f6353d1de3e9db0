//! Figures of a fixed spring, through the real engine on the virtual clock: `tests/report/spring.toml`.
//!
//! What each format says of them stands in `tests/report/spring.*`, the same bytes on both databases. After a change
//! on purpose run it with `UPDATE_EXPECT=1`, and count by hand what differs: the scenario is small enough.

#[path = "support/postgres.rs"]
mod postgres;

use std::path::{Path, PathBuf};

use jiff::civil::date;
use jiff::tz::TimeZone;
use nurtured::cli::report::{Format, written};
use nurtured::domain::intake::Owners;
use nurtured::domain::report::period::Period;
use nurtured::domain::report::{By, Report};
use nurtured::engine::Identity;
use nurtured::engine::reports::{Ask, gather};
use nurtured::engine::scenario::Scenario;
use nurtured::engine::simulate;
use nurtured::mail::message::Correspondent;
use nurtured::mail::transport::{Memory, Transport};
use nurtured::playbook::{Playbook, PlaybookFiles};
use nurtured::store::Store;

const FORMATS: [(Format, &str); 4] =
    [(Format::Table, "txt"), (Format::Csv, "csv"), (Format::Json, "json"), (Format::Html, "html")];

fn file(ending: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/report").join(format!("spring.{ending}"))
}

/// The playbook that comes with the program, and what two campaigns cost.
fn playbook() -> PlaybookFiles {
    let mut files = PlaybookFiles::builtin();
    let agreement = files.get("agreement.toml").expect("it is there");
    let edits = [
        (
            "[campaigns.demo-request]\n",
            "[campaigns.demo-request]\ncost = [\"4000 in 2026-03\", \"6000 in 2026-Q2\"]\n",
        ),
        ("[campaigns.webinar]\n", "[campaigns.webinar]\ncost = 12000\n"),
    ];
    let edited = edits.iter().fold(agreement.to_owned(), |text, (old, new)| {
        assert!(text.contains(old), "{old}");
        text.replace(old, new)
    });
    files.insert("agreement.toml", edited);
    files
}

/// The figures of March and April, as they stood at the end of the scenario.
async fn figures(store: Store) -> Report {
    let files = playbook();
    let playbook = Playbook::load(&files).unwrap_or_else(|problems| panic!("{problems}"));
    let text = std::fs::read_to_string(file("toml")).expect("the scenario is there");
    let owners = Owners::of(&playbook.agreement);
    let scenario =
        Scenario::parse("spring.toml", &text, &owners).unwrap_or_else(|problems| panic!("{problems}"));
    let transport = Transport::Memory(Memory::new());
    simulate::run(&scenario, &files, store.clone(), identity(), transport, drop).await.expect("it runs");
    let zone = TimeZone::get("Europe/Berlin").expect("a zone");
    let period = Period::of_days(date(2026, 3, 1), date(2026, 4, 30), &zone).expect("a period");
    let ask = Ask { period, teams: None, whole: true };
    let report = gather(&store, &playbook.agreement, &ask, scenario.end).await.expect("figures");
    store.close().await;
    report
}

async fn on_sqlite() -> Report {
    let folder = tempfile::tempdir().expect("a folder");
    figures(Store::scratch(&folder.path().join("spring.db")).await.expect("a store")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_figures_of_a_spring_in_every_format() {
    let report = on_sqlite().await;
    let mut differs = Vec::new();
    for (format, ending) in FORMATS {
        let text = written(&report, None, format);
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(file(ending), &text).expect("it can be written");
        }
        if std::fs::read_to_string(file(ending)).unwrap_or_default() != text {
            differs.push(ending);
        }
    }
    assert_eq!(differs, [""; 0], "UPDATE_EXPECT=1 rewrites them");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_databases_give_the_same_bytes() {
    let Some(database) = postgres::Database::create().await else { return };
    let there = figures(Store::open(&database.url()).await.expect("a store")).await;
    let here = on_sqlite().await;
    for (format, ending) in FORMATS {
        assert_eq!(written(&there, None, format), written(&here, None, format), "{ending}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_can_be_split_one_way_alone() {
    let report = on_sqlite().await;
    for by in By::ALL {
        let others = By::ALL.iter().filter(|other| *other != by);
        let json = written(&report, Some(*by), Format::Json);
        assert!(json.contains(&format!("\"by\":\"{}\"", by.name())));
        for other in others {
            assert!(!json.contains(&format!("\"by\":\"{}\"", other.name())), "{by:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_whole_and_speaks() {
    let html = written(&on_sqlite().await, None, Format::Html);
    for absent in ["<script", "http://", "https://", "url(", "@import", "src="] {
        assert!(!html.contains(absent), "{absent}");
    }
    for charts in html.split("<figure>").skip(1) {
        let svg = charts.split("</svg>").next().unwrap_or_default();
        assert!(
            svg.contains("role=\"img\"") && svg.contains("<title id=") && svg.contains("<desc id="),
            "{svg}"
        );
    }
    for tag in ["section", "figure", "table", "svg", "tr", "td", "th", "nav", "p"] {
        let opened = html.matches(&format!("<{tag}>")).count() + html.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, html.matches(&format!("</{tag}>")).count(), "{tag}");
    }
    let ids: Vec<&str> = html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let mut unique = ids.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(ids.len(), unique.len(), "each id is there once");
}

fn identity() -> Identity {
    Identity {
        from: Correspondent {
            name: Some("Ours".to_owned()),
            address: "hello@ours.example".parse().expect("an address"),
        },
        reply_to: None,
        public_url: "https://nurtured.ours.example".to_owned(),
        operator: Some("operator@ours.example".parse().expect("an address")),
        company: "Ours".to_owned(),
        postal_address: None,
        log_address: None,
    }
}
