//! A Maildir, and what waits while it cannot be read.

use std::path::PathBuf;
use std::time::Duration;

use nurtured::domain::lead::Stage;
use nurtured::engine::mailboxes::{Post, Read};
use nurtured::mail::mailbox::{After, Mailbox, Source};

use super::world::{JANE, World, other};

const OPERATOR: &str = "operator@ours.example";

impl World {
    fn maildir(&self) -> PathBuf {
        let path = self.folder.path().join("Maildir");
        for name in ["new", "cur", "tmp"] {
            std::fs::create_dir_all(path.join(name)).expect("a folder");
        }
        path
    }

    /// A mailbox in it.
    fn mailbox(&self, after: After) -> Mailbox {
        let source = Source::Maildir(self.folder.path().join("Maildir"));
        Mailbox { name: "answers".to_owned(), source, after, poll: Duration::from_secs(60) }
    }

    async fn kept(&self) -> usize {
        let mut tx = self.engine.store().read().await.expect("the store answers");
        let kept = tx.kept_mails(0, 10_000).await.expect("the store answers").len();
        tx.rollback().await.expect("the store answers");
        kept
    }
}

#[tokio::test]
async fn an_answer_in_a_maildir_ends_the_sequence_and_stays_where_it_is() {
    let world = World::new().await;
    let answer = world.answer().await;
    let file = world.maildir().join("new/1772445600.M1.host");
    std::fs::write(&file, &answer).expect("a file");
    let mut post = world.watch(&world.mailbox(After::Leave)).await;
    assert_eq!(world.read(&mut post).await, Read::All(1));
    assert_eq!(world.times("replied").await, 1);
    assert_ne!(world.lead().await.stage, Stage::Nurturing);
    assert!(file.exists());
    assert_eq!(world.read(&mut post).await, Read::All(0), "it is not read again");

    // Not by another daemon, nor under the name that a mail program gives it.
    std::fs::rename(&file, world.folder.path().join("Maildir/cur/1772445600.M1.host:2,S")).expect("moved");
    let mut later = world.watch(&world.mailbox(After::Leave)).await;
    assert_eq!(world.read(&mut later).await, Read::All(0));
    // A copy under another name is read, and counts once all the same.
    std::fs::write(world.folder.path().join("Maildir/new/1772445601.M2.host"), &answer).expect("a file");
    assert_eq!(world.read(&mut later).await, Read::All(1));
    assert_eq!(world.times("replied").await, 1);
}

#[tokio::test]
async fn what_nobody_understands_is_kept_and_the_next_one_read() {
    let world = World::new().await;
    let answer = world.answer().await;
    let maildir = world.maildir();
    std::fs::write(maildir.join("new/1.a.host"), b"\xff\x00 no mail at all").expect("a file");
    std::fs::write(maildir.join("new/2.b.host"), b"").expect("a file");
    std::fs::write(maildir.join("new/3.c.host"), &answer).expect("a file");
    let mut post = world.watch(&world.mailbox(After::Seen)).await;
    assert_eq!(world.read(&mut post).await, Read::All(3));
    assert_eq!((world.times("replied").await, world.kept().await), (1, 2));
    let count = |folder: &str| std::fs::read_dir(maildir.join(folder)).expect("a folder").count();
    assert_eq!((count("new"), count("cur")), (0, 3), "they are marked as seen");
    assert_eq!(world.read(&mut post).await, Read::All(0));
}

#[tokio::test]
async fn many_mails_are_read_in_rounds() {
    let world = World::new().await;
    world.wake().await;
    let maildir = world.maildir();
    for number in 0..600 {
        std::fs::write(maildir.join(format!("new/{number}.x.host")), other(number)).expect("a file");
    }
    let mut post = world.watch(&world.mailbox(After::Leave)).await;
    assert_eq!(world.read(&mut post).await, Read::All(600));
    // What is gone is forgotten, and what comes under its name is new.
    for number in 0..600 {
        std::fs::remove_file(maildir.join(format!("new/{number}.x.host"))).expect("removed");
    }
    assert_eq!(world.read(&mut post).await, Read::All(0));
    std::fs::write(maildir.join("new/7.x.host"), other(601)).expect("a file");
    assert_eq!(world.read(&mut post).await, Read::All(1));
}

/// A quarter of an hour passes, in which the mailbox is tried.
async fn a_quarter(world: &World, post: &mut Post) -> (usize, usize) {
    world.pass(15);
    assert!(matches!(world.read(post).await, Read::Failed(_)));
    let mails = world.wake().await;
    let to = |address: &str| mails.iter().filter(|parcel| parcel.to.as_str() == address).count();
    (to(JANE), to(OPERATOR))
}

#[tokio::test]
async fn mail_to_leads_waits_four_hours_for_a_mailbox_that_cannot_be_read() {
    let world = World::new().await;
    // There is no such folder.
    let mut post = world.watch(&world.mailbox(After::Leave)).await;
    assert!(world.mails_to(JANE).await.is_empty(), "nobody has looked yet");
    assert_eq!(world.read(&mut post).await, Read::Failed(1));
    let mut told = Vec::new();
    for quarter in 1..=15 {
        let (to_jane, to_operator) = a_quarter(&world, &mut post).await;
        assert_eq!(to_jane, 0, "after {quarter} quarters");
        told.push(to_operator);
    }
    assert_eq!(told.iter().sum::<usize>(), 1, "once: {told:?}");
    assert_eq!(told[3], 1, "after an hour: {told:?}");
    assert_eq!(world.reading().await.why.as_deref(), Some("the folder cannot be read: entity not found"));
    // Four hours after it began to fail. It is 14:00: her hours are open.
    let (to_jane, to_operator) = a_quarter(&world, &mut post).await;
    assert_eq!((to_jane, to_operator), (1, 1), "mail goes on, and the operator hears of it");
    assert_eq!(a_quarter(&world, &mut post).await, (0, 0));
}

#[tokio::test]
async fn mail_goes_on_as_soon_as_the_mailbox_is_read() {
    let world = World::new().await;
    let mut post = world.watch(&world.mailbox(After::Leave)).await;
    assert_eq!(world.read(&mut post).await, Read::Failed(1));
    // What somebody asked for does not wait.
    world.comes_in("kim@acme.example", "demo-request").await;
    let to: Vec<String> = world.wake().await.iter().map(|parcel| parcel.to.to_string()).collect();
    assert!(to.contains(&"kim@acme.example".to_owned()) && !to.contains(&JANE.to_owned()), "{to:?}");
    world.maildir();
    assert_eq!(world.read(&mut post).await, Read::All(0));
    assert_eq!(world.mails_to(JANE).await.len(), 1);
    assert_eq!(world.reading().await.failing_since, None);
}
