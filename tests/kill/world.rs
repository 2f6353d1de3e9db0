//! A daemon's world: a database, a mail server that counts, a configuration, and leads to write to.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nurtured::clock::Clock;
use nurtured::domain::ids::OutboxId;
use nurtured::domain::intake::merge::Authority;
use nurtured::domain::lead::{CrmState, LeadRecord, Profile, Stage, Touch};
use nurtured::domain::mail::{Audience, MailState};
use nurtured::engine::{Engine, Identity, Limits, playbooks};
use nurtured::mail::directory::Directory;
use nurtured::mail::message::Correspondent;
use nurtured::mail::token;
use nurtured::mail::transport::Transport;
use nurtured::playbook::PlaybookFiles;
use nurtured::store::{LeadFilter, OutboxMail, Store};
use sqlx::ConnectOptions;

use crate::counting_sink::{CountingSink, Taken};
use crate::daemon::{self, Daemon, eventually};
use crate::postgres::Database;

/// Steps of the sequence in `playbook/`.
pub const STEPS: usize = 2;

/// Leads taken in by one transaction.
const BATCH: usize = 200;

pub struct World {
    folder: tempfile::TempDir,
    url: String,
    _database: Option<Database>,
    /// How long nobody takes a daemon's mail for lost. Only PostgreSQL, where daemons share the work, waits for it.
    lease_seconds: u64,
    files: PlaybookFiles,
    pub sink: CountingSink,
}

impl World {
    /// A world on SQLite. The mail server takes `pause` for each mail.
    pub fn on_sqlite(pause: Duration) -> World {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("nurtured.db");
        World::new(folder, format!("sqlite:{}", file.display()), None, pause)
    }

    /// The same, with the database in a folder of its own.
    pub fn on_sqlite_in(folder: &Path, pause: Duration) -> World {
        let url = format!("sqlite:{}", folder.join("nurtured.db").display());
        World::new(tempfile::tempdir().expect("a folder"), url, None, pause)
    }

    /// A world on PostgreSQL, where there is one.
    pub async fn on_postgres(pause: Duration) -> Option<World> {
        let database = Database::create().await?;
        Some(World::new(tempfile::tempdir().expect("a folder"), database.url(), Some(database), pause))
    }

    fn new(folder: tempfile::TempDir, url: String, database: Option<Database>, pause: Duration) -> World {
        let files = playbook();
        files.write_to(&folder.path().join("templates")).expect("a playbook");
        World { folder, url, _database: database, lease_seconds: 6, files, sink: CountingSink::start(pause) }
    }

    pub fn is_shared(&self) -> bool {
        !self.url.starts_with("sqlite:")
    }

    /// Where the SQLite file is.
    pub fn file(&self) -> &Path {
        Path::new(self.url.trim_start_matches("sqlite:"))
    }

    /// Starts a daemon that calls itself `name`.
    pub fn start(&self, name: &str) -> Daemon {
        self.start_with_log(name, self.folder.path().join(format!("{name}.log")))
    }

    /// The same, with its log elsewhere.
    pub fn start_with_log(&self, name: &str, log: PathBuf) -> Daemon {
        Daemon::start(&self.config(name), log)
    }

    /// Runs a command beside the daemon; what it printed, and what it told beside that.
    pub fn command(&self, arguments: &[&str]) -> (String, String) {
        let output = daemon::command(&self.config("command"), arguments);
        let told = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(output.status.success(), "nurtured {arguments:?}: {told}");
        (String::from_utf8(output.stdout).expect("UTF-8"), told)
    }

    fn config(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(format!("{name}.toml"));
        let text = format!(
            "[store]\nurl = {:?}\n[mail]\ntransport = \"smtp\"\nfrom = \"Ann of Ours <ann@ours.example>\"\n\
             postal_address = \"Ours, Inc., 1 Main Street\"\nlease_seconds = {}\n[mail.smtp]\n\
             host = \"127.0.0.1\"\nport = {}\ntls = \"none\"\nhello_name = \"{name}.ours.example\"\n\
             [http]\nlisten = \"127.0.0.1:0\"\npublic_url = \"https://nurture.ours.example\"\n\
             [playbook]\npath = \"templates\"\n[operator]\nemail = \"ops@ours.example\"\n\
             [log]\nlevel = \"debug\"\n",
            self.url,
            self.lease_seconds,
            self.sink.address.port(),
        );
        // For its user alone: the address of the database may be a secret.
        let _ = std::fs::remove_file(&path);
        let file = std::fs::File::options().create_new(true).write(true).mode(0o600).open(&path);
        file.and_then(|mut file| file.write_all(text.as_bytes())).expect("a configuration");
        path
    }

    pub async fn store(&self) -> Store {
        Store::open(&self.url).await.expect("a store")
    }

    /// An engine beside the daemon's, on a store that its user closes.
    async fn engine(&self, store: &Store) -> Engine {
        let clock = Clock::System;
        let put = playbooks::put_in_force(store, &self.files, clock.now()).await;
        put.unwrap_or_else(|error| panic!("{error}"));
        let identity = Identity {
            from: Correspondent { name: None, address: "ann@ours.example".parse().expect("an address") },
            reply_to: None,
            public_url: "https://nurture.ours.example".to_owned(),
            log_address: None,
            operator: None,
            company: "Ours".to_owned(),
            postal_address: None,
        };
        // Nothing is sent by this one.
        let nowhere = Transport::Directory(Directory::new(self.folder.path().join("nowhere")));
        Engine::new(store.clone(), clock, identity, nowhere, Limits::default()).await.expect("an engine")
    }

    /// Takes in leads, with the numbers of `numbers`: of the campaign `wave`, which get two mails each, or
    /// `asks`, of each of which a rep gets one mail.
    pub async fn take_in(&self, campaign: &str, numbers: std::ops::Range<usize>) {
        let store = self.store().await;
        let engine = self.engine(&store).await;
        let records: Vec<LeadRecord> = numbers.map(|number| record(campaign, number)).collect();
        for records in records.chunks(BATCH) {
            engine.take_in(records, Authority::Form, Clock::System.now()).await.expect("taken in");
        }
        store.close().await;
    }

    /// Waits until a daemon that was killed is gone from the database too: PostgreSQL finishes the statement that
    /// it was at.
    pub async fn settled(&self) {
        const OTHERS: &str = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
                              AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
        if !self.is_shared() {
            return;
        }
        let options: sqlx::postgres::PgConnectOptions = self.url.parse().expect("an address");
        let mut connection = options.connect().await.expect("a connection");
        eventually("the connections of the killed daemon end", async || {
            let others: i64 = sqlx::query_scalar(OTHERS).fetch_one(&mut connection).await.expect("a count");
            (others == 0).then_some(())
        })
        .await;
    }

    /// The mails in a state.
    pub async fn mails(&self, state: MailState) -> Vec<OutboxMail> {
        let store = self.store().await;
        let mut tx = store.read().await.expect("a transaction");
        let mails = tx.mails_in(state, i64::MAX).await.expect("mails");
        tx.rollback().await.expect("read");
        store.close().await;
        mails
    }

    /// Waits until nothing waits, is being sent, or is in a sequence, and every lead that asks is a rep's.
    pub async fn quiet(&self) {
        let store = self.store().await;
        eventually("everything is done", async || {
            let mut tx = store.read().await.expect("a transaction");
            let standing = tx.standing(Clock::System.now()).await.expect("a standing");
            tx.rollback().await.expect("read");
            let open = standing.mails.iter().any(|(state, _)| state == "pending" || state == "sending");
            let new = standing.leads.iter().any(|(stage, _)| stage == "new" || stage == "qualified");
            (!open && !new && standing.enrolments == 0).then_some(())
        })
        .await;
        store.close().await;
    }

    /// Reads everything that the guarantee speaks of.
    pub async fn outcome(&self) -> Outcome {
        let store = self.store().await;
        let engine = self.engine(&store).await;
        let mut tx = store.read().await.expect("a transaction");
        let mut mails = Vec::new();
        for state in MailState::ALL {
            mails.extend(tx.mails_in(*state, i64::MAX).await.expect("mails"));
        }
        let mut said = BTreeMap::new();
        for lead in tx.list_leads(&LeadFilter::default(), i64::MAX).await.expect("leads") {
            assert!(matches!(lead.stage, Stage::Nurturing | Stage::HandedOff), "{}", lead.stage.name());
            for event in tx.events_of(lead.id).await.expect("events") {
                if let Some(mail) = event.mail {
                    *said.entry((mail, event.kind)).or_insert(0_usize) += 1;
                }
            }
        }
        tx.rollback().await.expect("read");
        store.close().await;
        let ids =
            |mail: &OutboxMail| (token::message_id(&engine.keys().mail, mail.id, "ours.example"), mail.id);
        let by_message_id = mails.iter().map(ids).collect();
        let mails = mails.into_iter().map(|mail| (mail.id, mail)).collect();
        Outcome { mails, by_message_id, said, taken: self.sink.taken() }
    }
}

/// What the store says of every mail, and what the mail server saw.
pub struct Outcome {
    pub mails: BTreeMap<OutboxId, OutboxMail>,
    by_message_id: BTreeMap<String, OutboxId>,
    said: BTreeMap<(OutboxId, String), usize>,
    taken: Vec<Taken>,
}

impl Outcome {
    /// The guarantee: mail to a lead at most once; mail to staff at least once, and again only as the same bytes
    /// under the same Message-ID. What the store says of each mail is what the mail server saw.
    pub fn assert_guarantee(&self) {
        let mut copies: BTreeMap<OutboxId, Vec<&Taken>> = BTreeMap::new();
        let mut steps = BTreeSet::new();
        for taken in &self.taken {
            let id = self.by_message_id.get(&taken.message_id);
            let id = *id.unwrap_or_else(|| panic!("a mail that the store does not know: {taken:?}"));
            let mail = &self.mails[&id];
            assert_eq!(mail.recipient.as_str(), taken.to, "mail {id} went to somebody else");
            if mail.audience == Audience::Lead {
                // Told by what arrived alone, whatever the store believes.
                assert!(
                    steps.insert((&taken.to, &taken.subject)),
                    "{} got `{}` twice",
                    taken.to,
                    taken.subject
                );
            }
            copies.entry(id).or_default().push(taken);
        }
        for (id, mail) in &self.mails {
            let copies = copies.get(id).map_or(&[][..], Vec::as_slice);
            let times = copies.len();
            match (mail.audience, mail.state) {
                (Audience::Lead, MailState::Sent) => assert_eq!(times, 1, "mail {id} counts as sent"),
                (Audience::Lead, MailState::InDoubt) => assert!(times <= 1, "mail {id} left {times} times"),
                (Audience::Staff, MailState::Sent) => {
                    assert!(times >= 1, "mail {id} to staff was lost");
                    let same = copies.iter().all(|copy| copy.bytes == copies[0].bytes);
                    assert!(same, "mail {id} to staff was sent with other bytes");
                }
                (audience, state) => panic!("mail {id} to {audience:?} is {state:?}: {:?}", mail.last_error),
            }
            // What is about no lead, like the list with which a new day begins, stands in no lead's log.
            if mail.lead.is_none() {
                continue;
            }
            let said = |kind: &str| self.said.get(&(*id, kind.to_owned())).copied().unwrap_or(0);
            let (sent, doubted) = (said("mail"), said("in_doubt"));
            assert_eq!(
                sent,
                usize::from(mail.state == MailState::Sent),
                "the log tells mail {id} {sent} times"
            );
            assert!(doubted <= 1, "the log doubts mail {id} {doubted} times");
            assert!(
                mail.state != MailState::InDoubt || doubted == 1,
                "the log does not say that {id} is in doubt"
            );
        }
    }

    /// How many mails there are of a kind in a state.
    pub fn count(&self, audience: Audience, state: MailState) -> usize {
        self.mails.values().filter(|mail| mail.audience == audience && mail.state == state).count()
    }

    /// The mails in doubt.
    pub fn in_doubt(&self) -> BTreeSet<OutboxId> {
        let doubtful = self.mails.values().filter(|mail| mail.state == MailState::InDoubt);
        doubtful.map(|mail| mail.id).collect()
    }

    /// Whether the mail server has this mail.
    pub fn arrived(&self, id: OutboxId) -> bool {
        self.taken.iter().any(|taken| self.by_message_id.get(&taken.message_id) == Some(&id))
    }
}

/// The built-in mails to staff and layouts, with the agreement and the sequence of `playbook/`.
fn playbook() -> PlaybookFiles {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kill/playbook");
    let own = PlaybookFiles::from_directory(&own).expect("the playbook of these tests");
    let builtin = PlaybookFiles::builtin();
    let kept = builtin.iter().filter(|(path, _)| !path.starts_with("sequences/"));
    kept.chain(own.iter()).map(|(path, text)| (path.to_owned(), text.to_owned())).collect()
}

fn record(campaign: &str, number: usize) -> LeadRecord {
    LeadRecord {
        email: format!("{campaign}{number}@buyer{number}.example").parse().expect("an address"),
        profile: Profile { first_name: Some("Jané".to_owned()), ..Profile::default() },
        campaign: Some(campaign.to_owned()),
        score: None,
        created_at: None,
        touch: Touch::default(),
        answers: Vec::new(),
        activities: Vec::new(),
        crm: CrmState::default(),
    }
}
