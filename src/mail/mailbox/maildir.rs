//! A Maildir: a folder in which mail servers put each mail as a file of its own.
//!
//! New mail is in `new`; programs that people read with move it to `cur`, with flags behind a colon. Both are read, since
//! somebody may have looked before us. What comes before the colon names the mail, and begins with the second in which
//! it came: that is the order in which they are read. `tmp` holds what is not finished, and is not looked at.

use std::collections::HashSet;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::{Fetched, Item, Mark, News, Trouble};
use crate::mail::inbound::MOST_BYTES;

/// The folders with finished mail.
const FOLDERS: [&str; 2] = ["new", "cur"];

/// What stands before the flags.
const FLAGS: &str = ":2,";

/// A Maildir.
#[derive(Debug)]
pub struct Maildir {
    path: PathBuf,
    mark_seen: bool,
}

impl Maildir {
    /// The Maildir at `path`. With `mark_seen`, what was read moves from `new` to `cur` as seen.
    pub fn new(path: &Path, mark_seen: bool) -> Maildir {
        Maildir { path: path.to_owned(), mark_seen }
    }

    pub(super) async fn look(&self, mark: &Mark) -> Result<News, Trouble> {
        let (path, read) = (self.path.clone(), mark.files.clone());
        off_thread(move || look(&path, &read)).await
    }

    pub(super) async fn fetch(&self, path: &Path) -> Result<Option<Fetched>, Trouble> {
        let path = path.to_owned();
        off_thread(move || match read(&path) {
            Ok(fetched) => Ok(Some(fetched)),
            // Somebody moved it: the next look finds it where it is now, or it is gone.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(trouble("a mail cannot be read", &error)),
        })
        .await
    }

    pub(super) async fn settle(&self, name: &str, path: &Path) -> Result<(), Trouble> {
        let from_new = path.parent().and_then(Path::file_name).is_some_and(|folder| folder == "new");
        if !self.mark_seen || !from_new {
            return Ok(());
        }
        let (from, to) = (path.to_owned(), self.path.join("cur").join(format!("{name}{FLAGS}S")));
        off_thread(move || match std::fs::rename(&from, &to) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(trouble("a mail that was read cannot be moved from new to cur", &error))
            }
            _ => Ok(()),
        })
        .await
    }
}

/// Files are read on a thread that may wait for a disk.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Trouble> + Send + 'static,
) -> Result<T, Trouble> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(_) => Err(Trouble("reading was broken off".to_owned())),
    }
}

fn look(maildir: &Path, read: &HashSet<String>) -> Result<News, Trouble> {
    let mut there = HashSet::new();
    let mut items = Vec::new();
    for folder in FOLDERS {
        let folder = maildir.join(folder);
        let unreadable = |error: io::Error| trouble("the folder cannot be read", &error);
        for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            // Servers give names of plain ASCII; whatever else lies there is nobody's mail.
            let Ok(full) = entry.file_name().into_string() else { continue };
            if full.starts_with('.') || entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            let name = full.split(':').next().unwrap_or(&full).to_owned();
            // One that is being moved may be met in both.
            if there.insert(name.clone()) && !read.contains(&name) {
                items.push((arrived(&name), name, entry.path()));
            }
        }
    }
    items.sort();
    let items = items.into_iter().map(|(_, name, path)| Item::File { name, path }).collect();
    let gone = read.difference(&there).cloned().collect();
    Ok(News { items, gone, uid_validity: None })
}

/// The second in a name.
fn arrived(name: &str) -> u64 {
    name.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

fn read(path: &Path) -> io::Result<Fetched> {
    let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
    let mut raw = Vec::new();
    std::fs::File::open(path)?.take(most + 1).read_to_end(&mut raw)?;
    let is_cut = raw.len() > MOST_BYTES;
    raw.truncate(MOST_BYTES);
    Ok(Fetched { raw, is_cut })
}

/// A path may name a person, so none is told.
fn trouble(what: &str, error: &io::Error) -> Trouble {
    Trouble(format!("{what}: {}", error.kind()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maildir() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().to_owned();
        for name in ["new", "cur", "tmp"] {
            std::fs::create_dir(path.join(name)).expect("a folder");
        }
        (folder, path)
    }

    fn names(news: &News) -> Vec<&str> {
        let mut names = Vec::new();
        for item in &news.items {
            if let Item::File { name, .. } = item {
                names.push(name.as_str());
            }
        }
        names
    }

    #[test]
    fn what_was_not_read_is_found_oldest_first_and_what_is_gone_is_told() {
        let (_folder, path) = maildir();
        for name in ["new/1000.b.host", "new/999.a.host", "cur/1001.c.host:2,S", "tmp/5.x", "new/.hidden"] {
            std::fs::write(path.join(name), "x").expect("a file");
        }
        std::fs::create_dir(path.join("new/folder")).expect("a folder");
        let news = look(&path, &HashSet::new()).expect("a look");
        assert_eq!(names(&news), ["999.a.host", "1000.b.host", "1001.c.host"]);
        let read = HashSet::from(["999.a.host".to_owned(), "1001.c.host".to_owned(), "7.gone".to_owned()]);
        let news = look(&path, &read).expect("a look");
        assert_eq!(names(&news), ["1000.b.host"]);
        assert_eq!(news.gone, ["7.gone"]);
    }

    #[test]
    fn a_folder_that_is_missing_is_told_without_its_path() {
        let (_folder, path) = maildir();
        std::fs::remove_dir(path.join("cur")).expect("removed");
        assert_eq!(
            look(&path, &HashSet::new()),
            Err(Trouble("the folder cannot be read: entity not found".to_owned()))
        );
    }

    #[tokio::test]
    async fn only_who_is_told_moves_what_was_read_and_nobody_deletes() {
        let (_folder, path) = maildir();
        let new = path.join("new/1.a.host");
        std::fs::write(&new, "From: a@b.example\n\nx").expect("a file");
        Maildir::new(&path, false).settle("1.a.host", &new).await.expect("left");
        assert!(new.exists());
        Maildir::new(&path, true).settle("1.a.host", &new).await.expect("moved");
        assert!(!new.exists() && path.join("cur/1.a.host:2,S").exists());
        let fetched = Maildir::new(&path, true).fetch(&new).await.expect("an answer");
        assert!(fetched.is_none(), "it is elsewhere now");
    }

    #[tokio::test]
    async fn of_a_mail_that_is_too_long_the_beginning_is_read() {
        let (_folder, path) = maildir();
        let long = path.join("new/1.a.host");
        std::fs::write(&long, vec![b'x'; MOST_BYTES + 1]).expect("a file");
        let fetched = Maildir::new(&path, false).fetch(&long).await.expect("an answer").expect("a mail");
        assert!(fetched.is_cut && fetched.raw.len() == MOST_BYTES);
    }
}
