//! The playbook is edited while leads wait.

use nurtured::domain::lead::Stage;
use nurtured::domain::mail::MailState;
use nurtured::playbook::PlaybookFiles;

use crate::world::{FULL, HELLO, JANE, NOBODY_STANDS_IN, World, berlin, edited, step};

#[tokio::test]
async fn a_mail_taken_out_of_the_playbook_is_not_sent_and_the_next_one_is() {
    // Jane's second mail waits in the outbox for Monday; Tom's is not planned yet.
    let world = World::new().await;
    world.until(berlin(3, 9, 0)).await;
    world.comes_in(JANE, "default").await;
    world.until(berlin(7, 10, 0)).await;
    world.sent();
    let steps = world.steps(JANE).await;
    assert_eq!(steps, [step("hello", MailState::Sent), step("five-questions", MailState::Pending)]);
    let mut files = PlaybookFiles::builtin();
    files.remove("sequences/welcome/02-five-questions.md");
    world.put_in_force(&files).await;
    // The campaign has changed: its team reads that first.
    world.until(berlin(11, 12, 0)).await;
    let steps = world.steps(JANE).await;
    assert_eq!(
        steps[1..],
        [step("five-questions", MailState::Skipped), step("what-a-change-costs", MailState::Sent)]
    );
}

#[tokio::test]
async fn a_mail_that_was_moved_is_not_sent_twice_and_a_new_one_is_sent_if_it_lies_ahead() {
    let world = World::new().await;
    world.comes_in(JANE, "default").await;
    world.until(berlin(6, 12, 0)).await;
    let mut files = PlaybookFiles::builtin();
    let text = |name: &str| {
        PlaybookFiles::builtin().get(&format!("sequences/welcome/{name}")).unwrap_or_default().to_owned()
    };
    // `hello` moves behind `start-small`; `early` and `fresh` are new, before and behind Jane's place.
    files.remove(HELLO);
    files.insert("sequences/welcome/01-early.md", text("01-hello.md"));
    files.insert("sequences/welcome/06-hello.md", text("01-hello.md"));
    files.insert("sequences/welcome/07-fresh.md", text("01-hello.md").replace("30 minutes", "1 day"));
    world.put_in_force(&files).await;
    world.until(berlin(28, 12, 0)).await;
    let steps: Vec<String> = world.steps(JANE).await.into_iter().map(|(step, _)| step).collect();
    assert_eq!(steps.iter().filter(|step| *step == "hello").count(), 1, "{steps:?}");
    assert!(!steps.contains(&"early".to_owned()), "{steps:?}");
    assert!(steps.contains(&"fresh".to_owned()), "{steps:?}");
}

#[tokio::test]
async fn who_is_in_a_sequence_that_is_gone_leaves_it() {
    let world = World::new().await;
    world.comes_in(JANE, "default").await;
    world.until(berlin(3, 9, 0)).await;
    world.sent();
    let mut files = edited(&[("agreement.toml", "sequence = \"welcome\"", "sequence = \"long-term\"")]);
    for path in PlaybookFiles::builtin().iter().map(|(path, _)| path.to_owned()) {
        if path.starts_with("sequences/welcome/") {
            files.remove(&path);
        }
    }
    world.put_in_force(&files).await;
    world.until(berlin(20, 9, 0)).await;
    // The team hears that the campaign writes other mails now; the lead hears nothing.
    assert_eq!(world.sent(), ["rep1@ours.example", "rep2@ours.example"]);
    let exited = world.events(JANE, "exited").await;
    assert_eq!(exited.len(), 1);
}

#[tokio::test]
async fn an_edit_that_makes_room_hands_over_who_waits() {
    let full = edited(&[FULL, NOBODY_STANDS_IN]);
    let world = World::under(full).await;
    world.until(berlin(2, 10, 0)).await;
    for number in 0..3 {
        world.comes_in(&format!("lead{number}@firm{number}.example"), "demo-request").await;
    }
    world.wakes_at(berlin(2, 10, 0)).await;
    assert_eq!(world.lead("lead2@firm2.example").await.stage, Stage::Qualified);
    world.put_in_force(&PlaybookFiles::builtin()).await;
    world.wakes_at(berlin(2, 10, 1)).await;
    assert_eq!(world.lead("lead2@firm2.example").await.stage, Stage::HandedOff);
}
