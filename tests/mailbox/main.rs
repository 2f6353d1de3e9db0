//! Mailboxes are read: whatever happens on the way, each mail in them counts, and counts once.

#[path = "../support/daemon.rs"]
#[expect(dead_code, reason = "nobody is killed here")]
mod daemon;
mod imap;
mod imap_stub;
mod maildir;
mod program;
mod real_servers;
#[path = "../support/servers.rs"]
mod servers;
mod world;
