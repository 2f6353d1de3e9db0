//! Mail as files: one `.eml` a mail, in a folder that a person or another program looks into.
//!
//! A file appears whole or not at all: it is written under a temporary name in the same folder, synced
//! to the disk, renamed, and the folder is synced. That costs two syncs a mail, some milliseconds each
//! on a disk, and buys that a mail said to be sent is still there after a power cut. The name comes
//! from the mail, so writing it again replaces it with the same bytes: nothing is ever in doubt.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::transport::{Outcome, Parcel, Reply, Scope};

/// A folder that mail is written to. It is made when the first mail is written.
#[derive(Clone, Debug)]
pub struct Directory {
    path: PathBuf,
}

impl Directory {
    /// Mail goes to the folder `path`.
    pub fn new(path: impl Into<PathBuf>) -> Directory {
        Directory { path: path.into() }
    }

    /// Writes one mail. An error of the file system is taken to pass: a full disk is emptied, a missing
    /// permission given.
    pub async fn send(&self, parcel: &Parcel) -> Outcome {
        if !is_plain_name(&parcel.file_stem) {
            let reply = Reply::new(format!("`{}` is no plain file name", parcel.file_stem));
            return Outcome::Refused { reply, scope: Scope::Message };
        }
        let (folder, stem, bytes) = (self.path.clone(), parcel.file_stem.clone(), parcel.bytes.clone());
        let written = tokio::task::spawn_blocking(move || write(&folder, &stem, &bytes)).await;
        match written.unwrap_or_else(|interrupted| Err(io::Error::other(interrupted))) {
            Ok(()) => Outcome::Accepted { reply: Reply::new(format!("{}.eml", parcel.file_stem)) },
            Err(error) => Outcome::Deferred {
                reply: Reply::new(format!("writing to `{}`: {error}", self.path.display())),
                scope: Scope::Transport,
            },
        }
    }
}

/// The outbox names files by their ids; whatever else comes along must stay inside the folder.
fn is_plain_name(stem: &str) -> bool {
    !stem.is_empty() && stem.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}

fn write(folder: &Path, stem: &str, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    // The process id keeps two daemons on one folder apart; within one, a mail has one writer.
    let temporary = folder.join(format!(".{stem}.{}.tmp", std::process::id()));
    // A leftover of a crash, or a link laid there: `create_new` must find nothing.
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temporary, folder.join(format!("{stem}.eml"))));
    if written.is_err() {
        // The first error is the one to tell; a temporary file that stays is removed by the next try.
        let _ = fs::remove_file(&temporary);
    }
    written.and_then(|()| sync_folder(folder))
}

/// Makes the new name last. Only Unix lets a folder be opened and synced.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parcel(stem: &str) -> Parcel {
        Parcel {
            envelope_from: "bounce@ours.example".parse().expect("an address"),
            to: "jane@buyer.example".parse().expect("an address"),
            bytes: b"Subject: x\r\n\r\n.hello\r\n".to_vec(),
            file_stem: stem.to_owned(),
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
            .collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn a_mail_becomes_one_whole_file_and_sending_it_again_changes_nothing() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().join("new/mail");
        let directory = Directory::new(&folder);
        for _ in 0..2 {
            let outcome = directory.send(&parcel("0000017")).await;
            assert_eq!(outcome, Outcome::Accepted { reply: Reply::new("0000017.eml") });
            assert_eq!(names(&folder), ["0000017.eml"]);
            assert_eq!(fs::read(folder.join("0000017.eml")).expect("a file"), parcel("").bytes);
        }
    }

    #[tokio::test]
    async fn a_leftover_of_a_crash_does_not_stand_in_the_way() {
        let home = tempfile::tempdir().expect("a folder");
        let leftover = home.path().join(format!(".7.{}.tmp", std::process::id()));
        fs::write(leftover, "half a m").expect("a file");
        assert!(matches!(Directory::new(home.path()).send(&parcel("7")).await, Outcome::Accepted { .. }));
        assert_eq!(names(home.path()), ["7.eml"]);
    }

    #[tokio::test]
    async fn a_name_that_leads_out_of_the_folder_is_refused() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().join("mail");
        for stem in ["../out", "a/b", "", ".", "..", "a\\b", "a\0b"] {
            let outcome = Directory::new(&folder).send(&parcel(stem)).await;
            assert!(matches!(outcome, Outcome::Refused { scope: Scope::Message, .. }), "{stem}: {outcome:?}");
        }
        assert_eq!(names(home.path()), [""; 0]);
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_written_defers_the_mail() {
        let home = tempfile::tempdir().expect("a folder");
        let file = home.path().join("taken");
        fs::write(&file, "a file where the folder should be").expect("a file");
        let outcome = Directory::new(&file).send(&parcel("1")).await;
        assert!(matches!(outcome, Outcome::Deferred { scope: Scope::Transport, .. }), "{outcome:?}");
    }
}
