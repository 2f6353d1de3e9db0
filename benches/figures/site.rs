//! A place to work in: a folder with a playbook, a configuration and a store.

use std::path::{Path, PathBuf};

use nurtured::clock::Clock;
use nurtured::engine::playbooks::put_in_force;
use nurtured::playbook::{Playbook, PlaybookFiles};
use nurtured::store::Store;
use tempfile::TempDir;

use super::Outcome;
use super::postfix::free_port;
use super::seed::{self, Leads};

/// The folder, gone with this value.
pub struct Site {
    folder: TempDir,
    pub url: String,
}

impl Site {
    /// A site with a SQLite store that holds `leads`.
    pub async fn on_sqlite(leads: Leads) -> Outcome<Site> {
        let folder = folder()?;
        let url = format!("sqlite:{}", folder.path().join("nurtured.db").display());
        Site::seeded(folder, url, leads).await
    }

    /// A site with a store at `url`, an empty PostgreSQL database.
    pub async fn on_postgres(url: String, leads: Leads) -> Outcome<Site> {
        Site::seeded(folder()?, url, leads).await
    }

    async fn seeded(folder: TempDir, url: String, leads: Leads) -> Outcome<Site> {
        let files = playbook()?;
        let version = Playbook::load(&files).map_err(|problems| problems.to_string())?.version;
        files.write_to(&folder.path().join("templates"))?;
        let store = Store::open(&url).await?;
        put_in_force(&store, &files, Clock::System.now()).await?;
        store.close().await;
        if leads.enrolled > 0 {
            seed::fill(&url, &version, leads, Clock::System.now()).await?;
        }
        Ok(Site { folder, url })
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a configuration that delivers to a mail server on this machine.
    pub fn configure(&self, smtp_port: u16) -> Outcome<PathBuf> {
        let file = self.path().join("nurtured.toml");
        let text = format!(
            r#"
            [store]
            url = "{url}"
            [mail]
            transport = "smtp"
            from = "Ann of Ours <ann@ours.example>"
            postal_address = "Ours, Inc., 1 Main Street, Springfield"
            [mail.smtp]
            host = "127.0.0.1"
            port = {smtp_port}
            tls = "none"
            [http]
            listen = "127.0.0.1:{http_port}"
            public_url = "https://nurture.ours.example"
            [playbook]
            path = "templates"
            "#,
            url = self.url,
            http_port = free_port()?,
        );
        std::fs::write(&file, text)?;
        Ok(file)
    }
}

/// Under `target`, which is on a disk: what is in memory under `/tmp` on some machines would flatter SQLite.
fn folder() -> Outcome<TempDir> {
    Ok(tempfile::Builder::new().prefix("figures-").tempdir_in(env!("CARGO_TARGET_TMPDIR"))?)
}

/// The built-in playbook, with mail and work at every hour and no end of the day's mail: the figures are asked for
/// at night and on Sundays, too.
fn playbook() -> Outcome<PlaybookFiles> {
    let mut files = PlaybookFiles::builtin();
    let mut agreement =
        files.get("agreement.toml").ok_or("the built-in playbook has no agreement")?.to_owned();
    for (from, to) in [
        (r#"window = "Mo-Fr 09:00-11:30,13:30-16:30""#, r#"window = "Mo-Su 00:00-24:00""#),
        ("daily_brake = 20000", "daily_brake = 10000000"),
        (r#"hours = "Mo-Fr 09:00-17:00""#, r#"hours = "Mo-Su 00:00-24:00""#),
        (r#"holidays = ["DE"]"#, "holidays = []"),
        (r#"phone_window = "Mo-Fr 09:00-12:00,13:30-17:00""#, r#"phone_window = "Mo-Su 00:00-24:00""#),
    ] {
        if !agreement.contains(from) {
            return Err(format!("the built-in agreement has no `{from}` any more").into());
        }
        agreement = agreement.replacen(from, to, 1);
    }
    files.insert("agreement.toml", agreement);
    Ok(files)
}
