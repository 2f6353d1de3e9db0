//! Two who click at the same instant, on both databases: one is first, the other is told.

use nurtured::domain::lead::Stage;
use nurtured::store::Store;

use crate::office::{Answer, DIRECTOR, JANE, MANAGER, Office, ROBIN, SAM, address};
use crate::postgres::Database;

/// An office on each database there is. PostgreSQL's lives as long as what is returned beside it.
async fn offices() -> Vec<(Office, Option<Database>)> {
    let mut offices = vec![(Office::open().await, None)];
    if let Some(database) = Database::create().await {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::open(&database.url()).await.expect("a store");
        offices.push((Office::on(store, folder, None).await, Some(database)));
    }
    offices
}

/// Both look first, then click at once.
async fn at_once(office: &Office, one: (&str, &str), other: (&str, &str)) -> [Answer; 2] {
    let (one_path, other_path) =
        (format!("/a/{}", office.token(one.0).await), format!("/a/{}", office.token(other.0).await));
    let (seen, seen_too) = (office.get(&one_path).await.seen(), office.get(&other_path).await.seen());
    let (one_fields, other_fields) =
        ([("seen", &*seen), ("do", one.1)], [("seen", &*seen_too), ("do", other.1)]);
    let (one, other) =
        tokio::join!(office.post(&one_path, &one_fields), office.post(&other_path, &other_fields));
    [one, other]
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_take_a_lead_at_once_one_gets_it_and_the_other_is_told_who() {
    for (office, _database) in offices().await {
        let answers = at_once(&office, (MANAGER, "take"), (DIRECTOR, "take")).await;
        let mut statuses = answers.iter().map(|answer| answer.status).collect::<Vec<_>>();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409]);
        let owner = office.lead().await.owner.expect("an owner");
        let loser = answers.iter().find(|answer| answer.status == 409).expect("one lost");
        let name = owner.as_a_name();
        assert_eq!(loser.title(), format!("{name} has this lead now"));
        assert_eq!(office.events_of("taken").await.len(), 1);
        let hand_offs = office.hand_offs().await;
        let open: Vec<_> = hand_offs.iter().filter(|one| one.ended_at.is_none()).collect();
        assert_eq!((hand_offs.len(), open.len()), (2, 1));
        assert_eq!(open[0].rep, owner);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rep_who_accepts_while_the_manager_gives_it_away_either_did_or_is_told() {
    for (office, _database) in offices().await {
        let give = format!("give {SAM}");
        let [accepted, given] = at_once(&office, (ROBIN, "accept"), (MANAGER, &give)).await;
        assert_eq!(given.status, 200, "{}", given.body);
        let events = office.events_of("accepted").await;
        match accepted.status {
            200 => assert_eq!(events.len(), 1),
            409 => {
                assert_eq!((accepted.title(), events.len()), ("Sam Berger has this lead now", 0));
            }
            other => panic!("{other}: {}", accepted.body),
        }
        let lead = office.lead().await;
        assert_eq!((lead.owner, lead.stage), (Some(address(SAM)), Stage::HandedOff));
        assert_eq!(office.hand_offs().await.len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_click_whose_two_requests_run_together_counts_once() {
    for (office, _database) in offices().await {
        for order in ["no-answer", "reject not-ready"] {
            let answers = at_once(&office, (ROBIN, order), (ROBIN, order)).await;
            let mut titles = answers.iter().map(Answer::title).collect::<Vec<_>>();
            titles.sort_unstable();
            assert_eq!(titles, ["Noted", "That was noted before"], "{order}");
        }
        let kinds = (office.events_of("attempt").await.len(), office.events_of("rejected").await.len());
        assert_eq!(kinds, (1, 1), "{JANE}");
    }
}
