//! Mail going out: what a message looks like on the wire and how it gets there.
//!
//! [`message`] turns a letter into bytes, [`token`] names each mail so that replies and bounces find
//! their way back, and [`transport`] hands the bytes over and says what became of them. Nothing here
//! decides whether a mail may be sent, nor what follows from an outcome: the engine does.
pub mod directory;
pub mod message;
pub mod secret;
pub mod smtp;
pub mod token;
pub mod transport;
//! Mail: what is written, how it is composed, and how it leaves.
pub mod render;
