//! The mails of a sequence are one conversation.

use mail_parser::MessageParser;

use crate::world::{World, berlin};

#[tokio::test]
async fn each_mail_of_a_sequence_names_those_before_it() {
    let world = World::new().await;
    let jane = "jane@firm.example";
    world.until(berlin(2, 9, 0)).await;
    world.comes_in(jane, "default").await;
    world.until(berlin(13, 18, 0)).await;
    let parcels = world.mails.take();
    let mails: Vec<_> = parcels
        .iter()
        .filter(|parcel| parcel.to.as_str() == jane)
        .map(|parcel| MessageParser::default().parse(&parcel.bytes[..]).expect("a mail"))
        .collect();
    let ids: Vec<&str> = mails.iter().map(|mail| mail.message_id().expect("an id")).collect();
    assert!(ids.len() >= 3, "{ids:?}");
    for (at, mail) in mails.iter().enumerate() {
        let references: Vec<&str> = match mail.references() {
            mail_parser::HeaderValue::Text(id) => vec![id],
            mail_parser::HeaderValue::TextList(ids) => ids.iter().map(AsRef::as_ref).collect(),
            _ => Vec::new(),
        };
        assert_eq!(references, ids[..at], "mail {at}");
        assert_eq!(mail.in_reply_to().as_text(), ids[..at].last().copied(), "mail {at}");
    }
}
