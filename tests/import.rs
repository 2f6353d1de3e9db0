//! `nurtured import` on files as HubSpot, Salesforce, Mautic and people with spreadsheets write them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use nurtured::cli::import::encoding::Encoding;
use nurtured::cli::import::summary::Summary;
use nurtured::cli::import::{ImportError, Incoming, Options, Outcome, Sink, import_file};
use nurtured::domain::email::EmailAddress;
use nurtured::domain::ids::LeadId;
use nurtured::domain::intake::merge::{Authority, merge};
use nurtured::domain::intake::{DO_NOT_CALL, OPTED_OUT_OF_EMAIL, Origin, Owners, WarningKind};
use nurtured::domain::lead::{Activity, Answer, Lead, LeadRecord, Stage};

/// A store in memory that merges by the domain's rule.
#[derive(Default)]
struct Memory {
    leads: BTreeMap<EmailAddress, Lead>,
    records: Vec<(u64, LeadRecord)>,
    /// Lead and fingerprint.
    touches: BTreeSet<(EmailAddress, String)>,
    evidence: BTreeSet<(EmailAddress, String)>,
}

impl Memory {
    fn take_one(&mut self, line: u64, record: LeadRecord, authority: Authority) -> Outcome {
        self.records.push((line, record.clone()));
        let mut news = !record.touch.is_empty()
            && self.touches.insert((record.email.clone(), record.touch.fingerprint()));
        let answers = record.answers.iter().map(Answer::fingerprint);
        for fingerprint in answers.chain(record.activities.iter().map(Activity::fingerprint)) {
            news |= self.evidence.insert((record.email.clone(), fingerprint));
        }
        let Some(lead) = self.leads.get_mut(&record.email) else {
            self.leads.insert(record.email.clone(), first(record));
            return Outcome::New;
        };
        let change = merge(lead, &record, authority);
        let changed = !change.is_empty();
        lead.profile = change.profile.unwrap_or_else(|| lead.profile.clone());
        lead.campaign = change.campaign.or(lead.campaign.take());
        lead.source = change.source.or(lead.source.take());
        lead.base_score = change.base_score.unwrap_or(lead.base_score);
        lead.owner = change.owner.or(lead.owner.take());
        lead.stage = change.stage.map_or(lead.stage, |change| change.to);
        if changed || news { Outcome::Updated } else { Outcome::Unchanged }
    }
}

impl Sink for Memory {
    async fn take(&mut self, batch: Vec<Incoming>, authority: Authority) -> anyhow::Result<Vec<Outcome>> {
        Ok(batch
            .into_iter()
            .map(|Incoming { line, record }| self.take_one(line, record, authority))
            .collect())
    }
}

fn first(record: LeadRecord) -> Lead {
    Lead {
        id: LeadId(1),
        profile: record.profile,
        campaign: record.campaign,
        source: record.touch.source,
        stage: record.crm.stage.unwrap_or(Stage::New),
        base_score: record.score.unwrap_or(0),
        owner: record.crm.owner,
        ..Lead::new(record.email, now())
    }
}

fn now() -> Timestamp {
    "2026-03-10T12:00:00Z".parse().expect("an instant")
}

fn address(text: &str) -> EmailAddress {
    text.parse().expect("an address")
}

fn options() -> Options {
    let mut owners = Owners::default();
    owners.add("Rita Rep", &address("rep1@ours.example"));
    Options { owners, dry_run: false, now: now() }
}

async fn import(path: &Path, memory: &mut Memory) -> Summary {
    import_file(path, &options(), memory).await.expect("the file is a list of leads")
}

/// A folder with a copy of a fixture, so that what is written beside it goes with the folder.
fn copy_of(fixture: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(fixture);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/import").join(fixture);
    fs::copy(source, &path).expect("the fixture");
    (folder, path)
}

fn file_of(content: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("leads.csv");
    fs::write(&path, content).expect("room on the disk");
    (folder, path)
}

#[tokio::test]
async fn a_hubspot_export_goes_in_with_everything_it_knows() {
    let (_folder, path) = copy_of("hubspot.csv");
    let mut memory = Memory::default();
    let summary = import(&path, &mut memory).await;
    assert_eq!((summary.export, summary.encoding), (Origin::HubSpot, Encoding::Utf8));
    assert_eq!((summary.rows, summary.new, summary.updated, summary.rejected), (5, 3, 1, 1));
    assert_eq!(summary.first_rejections[0].line, 6);
    assert_eq!(summary.warnings, BTreeMap::from([(WarningKind::Phone, 1)]));

    let jane = &memory.leads[&address("jane.doe@firm.example")];
    assert_eq!(jane.profile.phone.as_deref(), Some("+4930901820"));
    assert_eq!(
        (jane.profile.country.as_deref(), jane.profile.zone.as_deref()),
        (Some("DE"), Some("Europe/Berlin"))
    );
    assert_eq!((jane.stage, jane.base_score), (Stage::Accepted, 42));
    assert_eq!(jane.owner, Some(address("rep1@ours.example")));
    assert_eq!(jane.source.as_deref(), Some("Paid Search"));
    let touches = memory.touches.iter().filter(|(email, _)| *email == jane.email).count();
    assert_eq!(touches, 2, "the second row of the same address is a second touch");

    let (line, record) = &memory.records[0];
    assert_eq!(*line, 2);
    assert_eq!(record.touch.campaign.as_deref(), Some("spring-demo"));
    assert_eq!(record.touch.term.as_deref(), Some("crm for dentists"));
    assert_eq!(record.touch.content.as_deref(), Some("ad-7"));
    assert_eq!(record.touch.landing_page.as_deref(), Some("https://ours.example/demo?gclid=1"));
    assert_eq!(record.answers[0].question, "How many seats do you need?");
    let activities: Vec<_> = record.activities.iter().map(|activity| activity.name.as_str()).collect();
    assert_eq!(activities, ["site_visit", "demo_request_a_demo"]);

    let max = &memory.leads[&address("max@xn--bcher-kva.example")];
    assert_eq!(max.profile.phone.as_deref(), Some("+491713920000"));
    assert_eq!(max.owner, Some(address("rep2@ours.example")));
    assert_eq!(max.profile.fields[OPTED_OUT_OF_EMAIL], "true");

    let (_, anna) = &memory.records[2];
    assert_eq!(anna.profile.company.as_deref(), Some("Smith \"&\" Sons, Ltd."));
    assert_eq!((anna.crm.stage, anna.crm.reason.as_deref()), (Some(Stage::Rejected), Some("not-ready")));
    assert_eq!(anna.answers[0].answer, "5\nor 6");
}

#[tokio::test]
async fn a_salesforce_report_goes_in_without_its_footer() {
    let (_folder, path) = copy_of("salesforce.csv");
    let mut memory = Memory::default();
    let summary = import(&path, &mut memory).await;
    assert_eq!(summary.export, Origin::Salesforce);
    assert_eq!((summary.rows, summary.new, summary.rejected, summary.footer_lines), (4, 3, 1, 4));
    assert_eq!(summary.warnings.get(&WarningKind::Owner), Some(&1), "a queue is no rep");

    let john = &memory.leads[&address("john.roe@roe.example")];
    assert_eq!((john.stage, john.profile.phone.as_deref()), (Stage::Contacted, Some("+12025550143")));
    let ann = &memory.leads[&address("ann.poe@poe.example")];
    assert_eq!(ann.profile.company, None);
    assert_eq!(
        (ann.profile.fields[OPTED_OUT_OF_EMAIL].as_str(), ann.profile.fields[DO_NOT_CALL].as_str()),
        ("true", "true")
    );
    let (_, old) = &memory.records[2];
    assert_eq!((old.crm.stage, old.crm.reason.as_deref()), (Some(Stage::Rejected), Some("no-budget")));
}

#[tokio::test]
async fn a_mautic_export_goes_in_with_its_own_words() {
    let (_folder, path) = copy_of("mautic.csv");
    let mut memory = Memory::default();
    let summary = import(&path, &mut memory).await;
    assert_eq!((summary.export, summary.new, summary.rejected), (Origin::Mautic, 2, 0));
    let pierre = &memory.leads[&address("pierre@durand.example")];
    assert_eq!((pierre.profile.title.as_deref(), pierre.base_score), (Some("Directeur"), 25));
    assert_eq!(pierre.profile.language.as_deref(), Some("fr"));
    assert_eq!(memory.records[0].1.activities.len(), 1);
}

#[tokio::test]
async fn a_plain_list_in_latin_1_with_semicolons_goes_in() {
    let (_folder, path) = copy_of("plain.csv");
    let mut memory = Memory::default();
    let summary = import(&path, &mut memory).await;
    assert_eq!((summary.export, summary.encoding), (Origin::Plain, Encoding::Windows1252));
    assert_eq!((summary.new, summary.rejected), (1, 1));
    let (_, jana) = &memory.records[0];
    assert_eq!(jana.email.as_str(), "jana@xn--kse-qla.example");
    assert_eq!(
        (jana.profile.last_name.as_deref(), jana.profile.country.as_deref()),
        (Some("Jäger"), Some("AT"))
    );
    assert_eq!(jana.campaign.as_deref(), Some("demo-request"));
    assert_eq!(jana.touch.campaign.as_deref(), Some("frühling"));
    assert_eq!(jana.touch.ad.as_deref(), Some("Nur heute!"));
    assert_eq!(jana.answers[0].question, "Frage: Was brauchen Sie?");

    let rejected = fs::read(summary.rejected_file.expect("one row was rejected")).expect("the file");
    let row = &b"3;\"the email address is none: it has no @\";kaputt;Kai;Kaputt;;;;;;;;;;\n"[..];
    assert!(rejected.ends_with(row));
}

#[tokio::test]
async fn the_same_export_again_changes_nothing() {
    for fixture in ["hubspot.csv", "salesforce.csv", "mautic.csv", "plain.csv"] {
        let (_folder, path) = copy_of(fixture);
        let mut memory = Memory::default();
        import(&path, &mut memory).await;
        let touches = memory.touches.clone();
        let leads = memory.leads.clone();
        let again = import(&path, &mut memory).await;
        assert_eq!(again.new, 0, "{fixture}");
        assert_eq!(memory.touches, touches, "{fixture}");
        // HubSpot's holds one address twice: the rows correct each other's columns, and the last stands.
        let corrections = if fixture == "hubspot.csv" { 2 } else { 0 };
        assert_eq!(again.updated, corrections, "{fixture}");
        assert_eq!(memory.leads, leads, "{fixture}");
    }
}

#[tokio::test]
async fn tomorrows_export_brings_owner_status_and_activity_and_nothing_twice() {
    let header = "Record ID,Email,Contact owner,Lead Status,Last Activity Date,Job Title\n";
    let (_folder, path) = file_of(format!("{header}1,jane@firm.example,Rita Rep,New,,Buyer\n").as_bytes());
    let mut memory = Memory::default();
    import(&path, &mut memory).await;
    let tomorrow = "1,jane@firm.example,rep2@ours.example,Connected,2026-03-09 10:00,CEO\n";
    fs::write(&path, format!("{header}{tomorrow}")).expect("room on the disk");
    let summary = import(&path, &mut memory).await;
    assert_eq!((summary.new, summary.updated), (0, 1));
    let jane = &memory.leads[&address("jane@firm.example")];
    assert_eq!((jane.owner.clone(), jane.stage), (Some(address("rep2@ours.example")), Stage::Contacted));
    assert_eq!(jane.profile.title.as_deref(), Some("CEO"));
}

#[tokio::test]
async fn a_dry_run_writes_nothing_and_shows_what_columns_mean() {
    let (folder, path) = copy_of("plain.csv");
    let options = Options { dry_run: true, ..options() };
    let summary = import_file(&path, &options, &mut Memory::default()).await.expect("a list of leads");
    assert_eq!((summary.rejected, summary.rejected_file.clone()), (1, None));
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 1);
    let shown = summary.to_string();
    for line in
        ["plain export, Windows-1252, semicolons between cells", "→ email", "→ answer", "line 3: ", "dry run"]
    {
        assert!(shown.contains(line), "{line} in:\n{shown}");
    }
}

#[tokio::test]
async fn rejected_rows_can_be_mended_and_imported_as_they_are() {
    let (_folder, path) = file_of(b"email,name\nbad at firm.example,Jane Doe\n");
    let mut memory = Memory::default();
    let rejected = import(&path, &mut memory).await.rejected_file.expect("one row was rejected");
    let mended = fs::read_to_string(&rejected).expect("the file").replace("bad at ", "good@");
    fs::write(&rejected, mended).expect("room on the disk");
    assert_eq!(import(&rejected, &mut memory).await.new, 1);
    let lead = &memory.leads[&address("good@firm.example")];
    assert!(lead.profile.fields.is_empty());
}

#[tokio::test]
async fn what_a_sink_refuses_is_rejected_with_its_reason() {
    struct Refusing;
    impl Sink for Refusing {
        async fn take(&mut self, batch: Vec<Incoming>, _: Authority) -> anyhow::Result<Vec<Outcome>> {
            Ok(batch.iter().map(|_| Outcome::Refused("it was erased".into())).collect())
        }
    }
    let (_folder, path) = file_of(b"email\na@firm.example\n");
    let summary = import_file(&path, &options(), &mut Refusing).await.expect("a list of leads");
    assert_eq!((summary.rejected, summary.new), (1, 0));
    let rejected = fs::read_to_string(summary.rejected_file.expect("a file")).expect("the file");
    assert_eq!(rejected, "rejected_line,rejected_reason,email\n2,\"it was erased\",a@firm.example\n");
}

/// Numbers as people write them at home. Many countries, because each has patterns of its own.
const PHONES: [(&str, &str); 20] = [
    ("030 901820", "Germany"),
    ("01 70 18 99 00", "France"),
    ("(202) 555-0143", "USA"),
    ("020 7946 0018", "UK"),
    ("06 698 82000", "Italy"),
    ("912 34 56 78", "Spain"),
    ("01 534 53 0", "Austria"),
    ("044 668 18 00", "Switzerland"),
    ("020 552 2222", "Netherlands"),
    ("02 279 22 11", "Belgium"),
    ("22 695 29 00", "Poland"),
    ("08 508 290 00", "Sweden"),
    ("22 34 54 00", "Norway"),
    ("33 66 33 66", "Denmark"),
    ("09 16001", "Finland"),
    ("21 322 70 00", "Portugal"),
    ("01 222 2222", "Ireland"),
    ("224 310 762", "Czechia"),
    ("03-5321-1111", "Japan"),
    ("02 9265 9333", "Australia"),
];

/// A source that makes rows as they are read: as long as a file of a million, in no memory.
struct Generated {
    row: u64,
    rows: u64,
    pending: Vec<u8>,
}

impl std::io::Read for Generated {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while self.pending.len() < into.len() && self.row < self.rows {
            let n = self.row;
            self.row += 1;
            let (phone, country) = PHONES[usize::try_from(n).unwrap_or(0) % PHONES.len()];
            self.pending.extend_from_slice(
                format!(
                    "{n},Jane,Doe {n},jane.doe{n}@firm{}.example,{phone},Rita Rep,Attempted to Contact,Lead,2026-02-20 16:40,Head of Sales,Firm {n} GmbH,{country},Paid Search,spring-demo,crm,https://ours.example/demo?n={n},20\n",
                    n % 50_000
                )
                .as_bytes(),
            );
        }
        let length = into.len().min(self.pending.len());
        into[..length].copy_from_slice(&self.pending[..length]);
        self.pending.drain(..length);
        Ok(length)
    }
}

/// A million rows: `cargo test --release --test import -- --ignored --nocapture`.
#[tokio::test]
#[ignore = "a measurement"]
async fn a_million_rows_go_through_in_constant_memory() {
    struct Nowhere;
    impl Sink for Nowhere {
        async fn take(&mut self, batch: Vec<Incoming>, _: Authority) -> anyhow::Result<Vec<Outcome>> {
            Ok(batch.iter().map(|_| Outcome::New).collect())
        }
    }
    let header = "Record ID,First Name,Last Name,Email,Phone Number,Contact owner,Lead Status,Lifecycle Stage,Create Date,Job Title,Company Name,Country/Region,Original Source,Original Source Drill-Down 1,Original Source Drill-Down 2,First Page Seen,How many seats?\n";
    let peak = || {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:").map(|kb| kb.trim().to_owned()));
        line.and_then(|kb| kb.split(' ').next()?.parse::<u64>().ok()).unwrap_or(0)
    };
    let mut after = Vec::new();
    for rows in [10_000, 1_000_000] {
        let source = Generated { row: 0, rows, pending: header.as_bytes().to_vec() };
        let begun = tokio::time::Instant::now();
        let bar = indicatif::ProgressBar::hidden();
        let summary =
            nurtured::cli::import::import(source, Path::new("x.csv"), &options(), &bar, &mut Nowhere)
                .await
                .expect("a list of leads");
        assert_eq!((summary.new, summary.rejected), (rows, 0));
        after.push(peak());
        println!("{rows} rows in {:?}, peak {} kB", begun.elapsed(), peak());
    }
    assert!(after[1] < after[0] + 16 * 1024, "memory grows with the file: {after:?} kB");
}

#[tokio::test]
async fn a_file_without_addresses_says_so_and_shows_none() {
    for (content, shown) in
        [(&b"name,company\nx,y\n"[..], "`name`, `company`"), (b"a@b.example,x\n", "looks like a lead")]
    {
        let (_folder, path) = file_of(content);
        let error = import_file(&path, &options(), &mut Memory::default()).await.expect_err("no column");
        assert!(matches!(error, ImportError::NoEmailColumn(_)));
        assert!(error.to_string().contains(shown) && !error.to_string().contains("a@b"), "{error}");
    }
}
