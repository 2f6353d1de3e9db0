//! Whose turn it is, who waits, and what was told about it.

use jiff::Timestamp;
use nurtured::domain::ids::LeadId;
use nurtured::domain::lead::{Grade, Lead, Stage};
use nurtured::store::{KnownCampaign, Likes, NewHandOff, RoutingDuty, Tx, WaitingLead};

use super::{Place, address, at, insert, lead};

fn hand_off(lead: LeadId, rep: &str, at: Timestamp) -> NewHandOff {
    NewHandOff {
        lead,
        rep: address(rep),
        team: "sales".to_owned(),
        policy: "standard".to_owned(),
        campaign: "webinar".to_owned(),
        at,
    }
}

pub async fn whose_turn_it_is_is_read_for_many_at_once(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let [one, two, three] = ["one", "two", "three"].map(|name| address(&format!("{name}@ours.example")));
    for (email, rep, time) in [
        ("a@firm.example", &one, "09:00:00"),
        ("b@firm.example", &one, "10:00:00"),
        ("c@firm.example", &one, "10:00:00"),
        ("d@firm.example", &two, "11:00:00"),
    ] {
        let id = insert(&mut tx, &Lead { stage: Stage::HandedOff, ..lead(email) }).await;
        tx.insert_hand_off(&hand_off(id, rep.as_str(), at(time))).await.expect("handed off");
    }
    tx.set_rep_level(&two, 7).await.expect("counted");
    let asked = [&three, &one, &two];
    let states = tx.rep_states(&asked).await.expect("states");
    let seen: Vec<_> = states
        .iter()
        .map(|state| (&state.email, state.open_leads, state.given_then, state.assigned, state.level))
        .collect();
    assert_eq!(seen, [(&three, 0, 0, 0, None), (&one, 3, 2, 3, None), (&two, 1, 1, 1, Some(7))]);
    let given = tx.given_since(&asked, at("10:00:00")).await.expect("counts");
    assert_eq!(given.into_iter().collect::<Vec<_>>(), [(one.to_string(), 2), (two.to_string(), 1)]);
    tx.commit().await.expect("committed");
    store.close().await;
}

async fn waiting(tx: &mut Tx, email: &str, campaign: &str, score: i64, since: &str) -> LeadId {
    let campaign = Some(campaign.to_owned());
    let stage_at = at(since);
    insert(tx, &Lead { stage: Stage::Qualified, campaign, score, stage_at, due_at: None, ..lead(email) })
        .await
}

pub async fn who_waits_comes_by_points_and_then_by_age(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let young = waiting(&mut tx, "young@firm.example", "webinar", 50, "10:00:00").await;
    let old = waiting(&mut tx, "old@firm.example", "webinar", 50, "08:00:00").await;
    let good = waiting(&mut tx, "good@firm.example", "webinar", 70, "11:00:00").await;
    waiting(&mut tx, "other@firm.example", "default", 90, "08:00:00").await;
    let planned =
        Lead { stage: Stage::Qualified, due_at: Some(at("12:00:00")), ..lead("planned@firm.example") };
    insert(&mut tx, &Lead { campaign: Some("webinar".to_owned()), ..planned }).await;

    let line = tx.waiting_leads("webinar", 10).await.expect("leads");
    let first = WaitingLead { lead: good, score: 70, since: at("11:00:00") };
    assert_eq!(line.first(), Some(&first));
    assert_eq!(line.iter().map(|waiting| waiting.lead).collect::<Vec<_>>(), [good, old, young]);
    let mut sorted = line.clone();
    sorted.reverse();
    sorted.sort_unstable();
    assert_eq!(sorted, line, "the order of the type is that of the store");
    assert_eq!(tx.waiting_leads("webinar", 1).await.expect("leads"), [first]);
    let counted = tx.count_waiting_leads("webinar").await.expect("a count");
    assert_eq!(counted, (3, Some(at("08:00:00"))));
    assert_eq!(tx.count_waiting_leads("none").await.expect("a count"), (0, None));

    // A look that is planned comes earlier, never later, unless it is planned anew.
    let due = async |tx: &mut Tx| tx.next_routing_due(RoutingDuty::Waiting).await.expect("an answer");
    assert_eq!(due(&mut tx).await, None);
    tx.look_at_waiting_leads(at("12:00:00")).await.expect("noted");
    tx.look_at_routing(RoutingDuty::Waiting, at("13:00:00")).await.expect("noted");
    assert_eq!(due(&mut tx).await, Some(at("12:00:00").as_millisecond()));
    tx.look_at_routing(RoutingDuty::Waiting, at("11:00:00")).await.expect("noted");
    assert_eq!(due(&mut tx).await, Some(at("11:00:00").as_millisecond()));
    tx.plan_routing(RoutingDuty::Waiting, Some(at("15:00:00"))).await.expect("planned");
    assert_eq!(due(&mut tx).await, Some(at("15:00:00").as_millisecond()));
    assert_eq!(tx.next_routing_due(RoutingDuty::Incomplete).await.expect("an answer"), None);
    tx.plan_routing(RoutingDuty::Waiting, None).await.expect("planned");
    assert_eq!(due(&mut tx).await, None);
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn leads_whose_campaign_is_gone_find_their_place_anew(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    waiting(&mut tx, "stays@firm.example", "webinar", 50, "10:00:00").await;
    let gone = waiting(&mut tx, "gone@firm.example", "summer", 50, "10:00:00").await;
    tx.requeue_leads_without_campaign(&["webinar", "default"], at("12:00:00")).await.expect("noted");
    let due = tx.lock_leads_due(Stage::Qualified, at("12:00:00"), 10).await.expect("leads");
    assert_eq!(due.iter().map(|lead| lead.id).collect::<Vec<_>>(), [gone]);
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn who_knows_a_company_is_found_by_its_latest_leads(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let mut ids = Vec::new();
    for (email, rep, time) in [
        ("a@firm.example", "one@ours.example", "09:00:00"),
        ("b@firm.example", "two@ours.example", "10:00:00"),
        ("c@other.example", "three@ours.example", "11:00:00"),
    ] {
        let id = insert(&mut tx, &Lead { stage: Stage::HandedOff, ..lead(email) }).await;
        tx.insert_hand_off(&hand_off(id, rep, at(time))).await.expect("handed off");
        ids.push(id);
    }
    let company = address("a@firm.example").company_key().expect("no free provider").to_owned();
    let known = tx.reps_of_company(&company, LeadId(0)).await.expect("reps");
    assert_eq!(known, [address("two@ours.example"), address("one@ours.example")]);
    let others = tx.reps_of_company(&company, ids[1]).await.expect("reps");
    assert_eq!(others, [address("one@ours.example")], "a lead is not its own colleague");
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn leads_are_counted_among_their_like(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    for (email, grade, time, deal) in [
        ("a@firm.example", Some(Grade::A), "09:00:00", true),
        ("b@firm.example", Some(Grade::A), "10:00:00", false),
        ("c@firm.example", Some(Grade::B), "10:00:00", true),
        ("d@firm.example", None, "10:00:00", true),
    ] {
        let lead = insert(&mut tx, &Lead { stage: Stage::HandedOff, ..lead(email) }).await;
        let first =
            tx.insert_hand_off(&hand_off(lead, "one@ours.example", at(time))).await.expect("handed off");
        tx.note_grade(first, grade).await.expect("noted");
        if deal {
            tx.note_opportunity(first, at("12:00:00")).await.expect("noted");
        }
        // Taken from one rep and given to another, it is one lead still.
        tx.end_hand_off(first, "reassigned", at("11:00:00")).await.expect("ended");
        let next = hand_off(lead, "two@ours.example", at("11:00:00"));
        let second = tx.insert_hand_off(&next).await.expect("handed off");
        tx.note_grade(second, grade).await.expect("noted");
    }
    let likes = tx.likes("webinar", Grade::A, at("08:00:00")).await.expect("counts");
    assert_eq!(likes, Likes { handed_off: 2, opportunities: 1 });
    let recent = tx.likes("webinar", Grade::A, at("11:30:00")).await.expect("counts");
    assert_eq!(recent, Likes::default());
    assert_eq!(tx.likes("other", Grade::A, at("08:00:00")).await.expect("counts"), Likes::default());
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn what_is_missing_is_told_once(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let jane = insert(&mut tx, &lead("jane@firm.example")).await;
    let max = insert(&mut tx, &lead("max@firm.example")).await;
    let phone = ["phone".to_owned()];
    let more = ["phone".to_owned(), "company".to_owned()];
    assert!(tx.lead_is_incomplete(jane, "webinar", &phone, at("09:00:00")).await.expect("noted"));
    assert!(!tx.lead_is_incomplete(jane, "webinar", &phone, at("09:30:00")).await.expect("noted"));
    assert!(tx.lead_is_incomplete(jane, "webinar", &more, at("10:00:00")).await.expect("noted"));
    let told = tx.tell_incomplete_leads(at("11:00:00")).await.expect("the list");
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].lead, &told[0].missing[..], told[0].since), (jane, &more[..], at("09:00:00")));
    assert_eq!(tx.tell_incomplete_leads(at("12:00:00")).await.expect("the list"), []);

    assert!(tx.lead_is_incomplete(max, "webinar", &phone, at("13:00:00")).await.expect("noted"));
    assert_eq!(tx.count_incomplete_leads().await.expect("a count"), 2);
    let page = tx.incomplete_leads(jane, 10).await.expect("a page");
    assert_eq!((page.len(), page[0].lead, page[0].told_at), (1, max, None));
    let all = tx.incomplete_leads(LeadId(0), 10).await.expect("a page");
    assert_eq!((all.len(), all[0].told_at), (2, Some(at("11:00:00"))));
    let among = tx.incomplete_among(&[jane, LeadId(-1)]).await.expect("an answer");
    assert_eq!(among.into_iter().collect::<Vec<_>>(), [jane]);
    tx.look_at_incomplete_leads(at("14:00:00")).await.expect("noted");
    let due = tx.lock_leads_due(Stage::Nurturing, at("14:00:00"), 10).await.expect("leads");
    assert_eq!(due.iter().map(|lead| lead.id).collect::<Vec<_>>(), [jane, max]);

    tx.lead_is_complete(jane).await.expect("noted");
    // Nor does one wait that is nurtured no more.
    tx.save_lead(&Lead { id: max, stage: Stage::HandedOff, ..lead("max@firm.example") })
        .await
        .expect("saved");
    assert_eq!(tx.count_incomplete_leads().await.expect("a count"), 0);
    assert_eq!(tx.tell_incomplete_leads(at("15:00:00")).await.expect("the list"), []);
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn that_leads_wait_is_told_once_a_day(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let today = at("00:00:00");
    assert!(tx.leads_wait("sales", at("09:00:00"), today).await.expect("noted"));
    assert!(!tx.leads_wait("sales", at("10:00:00"), today).await.expect("noted"), "the same day");
    assert!(tx.leads_wait("partners", at("10:00:00"), today).await.expect("noted"));
    assert!(tx.leads_wait("sales", at("11:00:00"), at("10:00:01")).await.expect("noted"), "another day");
    assert!(!tx.leads_wait("sales", at("11:30:00"), at("10:00:01")).await.expect("noted"), "the same again");
    tx.nobody_waits("sales").await.expect("noted");
    assert!(tx.leads_wait("sales", at("12:00:00"), at("10:00:01")).await.expect("noted"), "another spell");
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn what_a_team_knows_of_a_campaign_is_kept(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    assert!(!tx.knows_campaigns().await.expect("an answer"));
    assert_eq!(tx.known_campaign("webinar").await.expect("an answer"), None);
    let first = KnownCampaign { content: "one".to_owned(), sends_from: None, told_at: Some(at("10:00:00")) };
    tx.know_campaign("webinar", &first).await.expect("noted");
    assert_eq!(tx.known_campaign("webinar").await.expect("an answer"), Some(first));
    assert!(tx.knows_campaigns().await.expect("an answer"));
    let next = KnownCampaign { content: "two".to_owned(), sends_from: Some(at("12:00:00")), told_at: None };
    tx.know_campaign("webinar", &next).await.expect("noted");
    assert_eq!(tx.known_campaign("webinar").await.expect("an answer"), Some(next));
    tx.commit().await.expect("committed");
    store.close().await;
}
