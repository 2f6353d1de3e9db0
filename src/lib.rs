//! `nurtured`: the part of a company that does not forget a lead.
//!
//! # The map
//!
//! | module | what it is | may use |
//! |---|---|---|
//! | [`clock`] | the only reader of the time | |
//! | [`problem`] | what is wrong with a file a person wrote | |
//! | [`toml_reader`] | a TOML file, read so that every mistake is told | `problem` |
//! | [`domain`] | the rules: pure functions of facts and `now` | `problem` |
//! | [`store`] | SQLite and PostgreSQL, one file per aggregate | `domain` |
//! | [`mail`] | rendering, composing, SMTP, directory, tokens, what comes in, mailboxes | `domain`, `problem` |
//! | [`playbook`] | loading, checking and versions of `templates/` | `domain`, `mail`, `toml_reader`, `problem` |
//! | [`webhook`] | signed requests to other systems | |
//! | [`config`] | `nurtured.toml` and the environment | `domain`, `mail`, `webhook`, `toml_reader`, `problem` |
//! | [`telemetry`] | the log | `config` |
//! | [`engine`] | the passes of a wake, one file each | all of the above |
//! | [`http`] | the API, unsubscribe links, pages for staff, health | the engine and what it uses |
//! | [`cli`] | one file per command | everything |
//!
//! `tests/architecture.rs` holds these arrows and the ban on reading the clock elsewhere.
//!
//! # A lead's way through the program
//!
//! 1. `cli/import` reads a row, [`domain::intake`] makes a checked record of it, [`engine::take_in`] stores it as a
//!    lead at stage `new`, with its touch.
//! 2. The next wake ([`engine::Engine::wake`]) runs the passes. `engine/intake` finds its campaign and enrols it;
//!    `engine/nurture` plans the step that is due into the outbox; `engine/deliver` asks the gate
//!    ([`domain::contact::may_contact`]) in the transaction that marks the mail `sending`, renders it
//!    ([`mail::render`]), sends it ([`mail::smtp`]) and marks what became of it.
//! 3. Something happens: a visit, a reply, a bounce, a rep's call. [`engine::happen`] records it, and
//!    [`domain::happening::consequences`] says what follows.
//! 4. When its campaign's hand-off point is reached, `engine/hand_off` gives it to one rep
//!    ([`domain::routing::choose`]) and starts the promises ([`domain::sla::Terms`]); what happens then ends and
//!    starts others ([`domain::sla::course`]); `engine/sla` tells whom the
//!    agreement says when it is about to be broken, and when it is.
//!    The rep acts by a button of that mail: `http/action` shows what it does, [`engine::act`] does it by the
//!    token's right ([`mail::action`]); an answer by mail comes the same way through [`engine::ingest`].
//! 5. What staff has to be told waits as a matter until `engine/digest`, later in the same wake, sees all that came up
//!    for one reader and asks [`domain::escalation`] in which mail each goes; `engine/call_list` writes the reps'
//!    mornings, `engine/absence` hands over what cannot wait for a rep who is away.
//! 6. Rejected or lost with a reason, it rests; `engine/recycle` begins the next round, merges doubles, and tells
//!    marketing what it has to mend ([`domain::recycle`]).
//! 7. `engine/reports` adds up what became of all of them ([`domain::report`] says what each figure means), for
//!    `nurtured report` and for the managers' mail on Monday.
//!
//! Beside leads, `engine/commitments` holds what marketing promised against what it delivered
//! ([`domain::commitments`]), and [`domain::document`] writes the whole agreement down for people to sign.
//!
//! Each step leaves an entry in the event log with its reason; `nurtured why` tells them in words.
//!
//! # Decisions
//!
//! **Mail to leads at most once, to staff at least once.** A lead that gets a mail twice is annoyed, one that
//! misses a step hardly notices; a hand-off that nobody reads is a lost lead. So the outbox makes a lead's mail
//! durable as `sending` before its first byte leaves and never sends it again by itself, and sends a staff
//! mail again under the same Message-ID. `store/outbox.rs` has the states, `engine/deliver` the protocol.
//!
//! **One transaction decides and takes the slot.** The gate is asked when a mail is claimed, not when it is planned:
//! hours may pass between. The leads are locked first and always in the order of their ids, by whoever
//! decides on their behalf; so a click, a reply and a claim cannot miss each other, and cannot wait for each other
//! in a circle. The caps are unique keys as well, so a defect here could not send twice on one day.
//!
//! **Passes, not messages.** There is no queue of events between the parts. A pass asks the store what is due and
//! does it; a crash anywhere loses nothing, and there is one way on the first run, after an error, and after a week
//! of downtime. The price is a look each second, which indexed due times make cheap.
//!
//! **Two databases, one SQL text.** SQLite makes the first minute easy, PostgreSQL carries several daemons. Writing
//! each statement twice would let them drift apart; an abstraction over both would hide the SQL. `store/mod.rs`
//! says what keeps one text possible, and every statement and story is tested on both.
//!
//! **What other systems are told is written with the event.** A trigger of the database puts a delivery beside each
//! event that a webhook asks for, so no writer of events can forget it. Its words are made when it is sent, so
//! nobody hears of a person who was erased meanwhile. `engine/webhooks.rs` has the guarantee.
//!
//! **A promise is frozen.** An SLA clock carries its target, hours, holidays and levels as they were agreed when it
//! began. Whoever edits the agreement changes the future, and no report changes its mind about the past.
//!
//! **Values are opaque to Markdown.** Templates are Markdown with Handlebars in it. What a lead typed is hidden
//! from the Markdown parser and put back when the two parts are written, so the structure of a mail depends on its
//! template alone. `mail/render/mod.rs` has the argument.

pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod engine;
pub mod http;
pub mod mail;
pub mod playbook;
pub mod problem;
pub mod store;
pub mod telemetry;
pub mod toml_reader;
pub mod webhook;
