//! Mail: what it says, what it looks like on the wire, how it gets there, and what comes back.
//!
//! [`render`] makes words from a template, [`message`] turns a letter into bytes, [`token`] names each mail
//! so that replies and bounces find their way back, and [`transport`] hands the bytes over and says what
//! became of them. [`inbound`] takes apart what comes in, and [`action`] makes the tokens that let an answer or a
//! click act. Nothing here decides whether a mail may be sent, nor what follows from an outcome: the
//! engine does.

pub mod action;
pub mod directory;
pub mod inbound;
pub mod inbound_token;
pub mod mailbox;
pub mod message;
pub mod question;
pub mod render;
pub mod secret;
pub mod smtp;
pub mod token;
pub mod transport;
pub mod unsubscribe;
