//! The playbook as text: every file of the folder, by path.
//!
//! A version of the playbook is nothing but this map. It comes from the program itself, from a folder,
//! or from the database, where each version is kept as one JSON text under the hash of its contents:
//! same texts, same version, on every node and for ever.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::domain::hex::hex;

use super::builtin::BUILTIN;

/// Larger files are no templates. (The same bound protects the template parser.)
const MAX_FILE_BYTES: u64 = 256 * 1024;

/// A playbook is one row in the database and in each node's memory.
const MAX_TOTAL_BYTES: u64 = 8 * 1024 * 1024;

/// Some hundred sequences; beyond that somebody pointed us at the wrong folder.
const MAX_FILES: usize = 2000;

/// `sequences/<name>/<step>.md` is three deep.
const MAX_DEPTH: usize = 5;

/// All files of a playbook by path, with `/` between the parts, relative to its folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlaybookFiles(BTreeMap<String, String>);

/// Why a playbook could not be read or written as files.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The operating system said no.
    #[error("{path}: {error}", path = path.display())]
    Io {
        /// Of this file.
        path: PathBuf,
        /// As it put it.
        #[source]
        error: io::Error,
    },
    /// A file is not text.
    #[error("{}: is not UTF-8 text; save it as UTF-8, or move it out of the playbook", .0.display())]
    NotText(PathBuf),
    /// A file leads out of the folder.
    #[error("{}: is a link that leads out of the playbook; copy the file into it", .0.display())]
    Escapes(PathBuf),
    /// A file is too large.
    #[error("{}: is larger than {} kB; is this the right folder?", .0.display(), MAX_FILE_BYTES / 1024)]
    TooLarge(PathBuf),
    /// The folder is.
    #[error(
        "{}: holds more than {MAX_FILES} files, {} MB or {MAX_DEPTH} levels; is this the right folder?",
        .0.display(),
        MAX_TOTAL_BYTES / 1024 / 1024
    )]
    TooMuch(PathBuf),
    /// Writing would overwrite.
    #[error("{}: exists already; nothing was written", .0.display())]
    Exists(PathBuf),
    /// The stored text is no playbook.
    #[error("the stored playbook cannot be read: {0}")]
    Stored(String),
}

impl PlaybookFiles {
    /// The playbook that comes with the program.
    pub fn builtin() -> PlaybookFiles {
        BUILTIN.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
    }

    /// Reads a folder. Hidden files and the backups of editors (`~`, `.bak`, `.swp`, `.orig`) are passed over.
    ///
    /// # Errors
    /// When something cannot be read, is no text, is too large, or is a link to somewhere else.
    pub fn from_directory(folder: &Path) -> Result<PlaybookFiles, FilesError> {
        let root = folder.canonicalize().map_err(|error| io_error(folder, error))?;
        let mut reading = Reading { root: &root, files: BTreeMap::new(), total: 0 };
        reading.folder(&root, "", 0)?;
        Ok(PlaybookFiles(reading.files))
    }

    /// The text of one file.
    pub fn get(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }

    /// All files, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Puts a file's text in place of what was there.
    pub fn insert(&mut self, path: impl Into<String>, text: impl Into<String>) {
        self.0.insert(path.into(), text.into());
    }

    /// Takes a file out.
    pub fn remove(&mut self, path: &str) -> Option<String> {
        self.0.remove(path)
    }

    /// SHA-256 over paths and texts, each preceded by its length, in hex: the version's name.
    pub fn hash(&self) -> String {
        let mut hash = Sha256::new();
        for part in self.0.iter().flat_map(|(path, text)| [path, text]) {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hex(hash.finalize())
    }

    /// One JSON object, path to text.
    pub fn to_json(&self) -> String {
        serde_json::Value::Object(
            self.0.iter().map(|(path, text)| (path.clone(), text.as_str().into())).collect(),
        )
        .to_string()
    }

    /// Reads what [`PlaybookFiles::to_json`] wrote.
    ///
    /// # Errors
    /// When the text is something else.
    pub fn from_json(json: &str) -> Result<PlaybookFiles, FilesError> {
        serde_json::from_str(json).map(PlaybookFiles).map_err(|error| FilesError::Stored(error.to_string()))
    }

    /// Writes all files into a folder, which is made when it is missing. Gives the paths written.
    ///
    /// # Errors
    /// When a file is there already (then nothing is written), or cannot be written.
    pub fn write_to(&self, folder: &Path) -> Result<Vec<PathBuf>, FilesError> {
        let targets: Vec<(PathBuf, &str)> =
            self.iter().map(|(path, text)| (folder.join(path), text)).collect();
        if let Some((path, _)) = targets.iter().find(|(path, _)| path.symlink_metadata().is_ok()) {
            return Err(FilesError::Exists(path.clone()));
        }
        let mut written = Vec::with_capacity(targets.len());
        for (path, text) in targets {
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(|error| io_error(parent, error))?;
            }
            // `create_new`: whatever appeared since the look above stays as it is.
            let file = OpenOptions::new().write(true).create_new(true).open(&path);
            file.and_then(|mut file| file.write_all(text.as_bytes()))
                .map_err(|error| io_error(&path, error))?;
            written.push(path);
        }
        Ok(written)
    }
}

impl FromIterator<(String, String)> for PlaybookFiles {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(files: I) -> PlaybookFiles {
        PlaybookFiles(files.into_iter().collect())
    }
}

struct Reading<'a> {
    root: &'a Path,
    files: BTreeMap<String, String>,
    total: u64,
}

impl Reading<'_> {
    fn folder(&mut self, folder: &Path, prefix: &str, depth: usize) -> Result<(), FilesError> {
        if depth >= MAX_DEPTH {
            return Err(FilesError::TooMuch(self.root.to_owned()));
        }
        for entry in fs::read_dir(folder).map_err(|error| io_error(folder, error))? {
            let path = entry.map_err(|error| io_error(folder, error))?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                return Err(FilesError::NotText(path));
            };
            if is_passed_over(name) {
                continue;
            }
            // Links within the folder are fine: that is how Kubernetes mounts a ConfigMap.
            let target = path.canonicalize().map_err(|error| io_error(&path, error))?;
            if !target.starts_with(self.root) {
                return Err(FilesError::Escapes(path));
            }
            let metadata = fs::metadata(&target).map_err(|error| io_error(&path, error))?;
            let inner = format!("{prefix}{name}");
            if metadata.is_dir() {
                self.folder(&path, &format!("{inner}/"), depth + 1)?;
            } else if metadata.is_file() {
                self.file(&path, inner, metadata.len())?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, inner: String, size: u64) -> Result<(), FilesError> {
        if size > MAX_FILE_BYTES {
            return Err(FilesError::TooLarge(path.to_owned()));
        }
        self.total += size;
        if self.total > MAX_TOTAL_BYTES || self.files.len() >= MAX_FILES {
            return Err(FilesError::TooMuch(self.root.to_owned()));
        }
        let bytes = fs::read(path).map_err(|error| io_error(path, error))?;
        let text = String::from_utf8(bytes).map_err(|_| FilesError::NotText(path.to_owned()))?;
        // Some editors on Windows begin a file with a mark that nobody can see.
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        self.files.insert(inner, text);
        Ok(())
    }
}

fn is_passed_over(name: &str) -> bool {
    name.starts_with('.') || [".bak", ".swp", ".orig", "~"].iter().any(|ending| name.ends_with(ending))
}

fn io_error(path: &Path, error: io::Error) -> FilesError {
    FilesError::Io { path: path.to_owned(), error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_carries_every_file_of_the_templates_folder() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
        let on_disk = PlaybookFiles::from_directory(&folder).expect("templates/ can be read");
        let paths = |files: &PlaybookFiles| files.0.keys().cloned().collect::<Vec<_>>();
        assert_eq!(paths(&PlaybookFiles::builtin()), paths(&on_disk));
        assert_eq!(PlaybookFiles::builtin().hash(), on_disk.hash());
    }

    #[test]
    fn a_version_survives_the_database() {
        let files = PlaybookFiles::builtin();
        let again = PlaybookFiles::from_json(&files.to_json()).expect("what was written");
        assert_eq!(again, files);
        assert_eq!(again.hash(), files.hash());
        assert_eq!(files.hash().len(), 64);
    }

    #[test]
    fn the_hash_tells_where_one_text_ends() {
        let of = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect::<PlaybookFiles>().hash()
        };
        assert_ne!(of(&[("a", "bc")]), of(&[("ab", "c")]));
        assert_ne!(of(&[("a", ""), ("b", "")]), of(&[("a", "b")]));
    }

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("agreement.toml"), "mine").expect("written");
        let error = PlaybookFiles::builtin().write_to(folder.path()).expect_err("refused");
        assert!(matches!(error, FilesError::Exists(_)), "{error}");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
        let fresh = folder.path().join("templates");
        let written = PlaybookFiles::builtin().write_to(&fresh).expect("written");
        assert_eq!(written.len(), PlaybookFiles::builtin().iter().count());
        assert_eq!(PlaybookFiles::from_directory(&fresh).expect("read"), PlaybookFiles::builtin());
    }

    #[test]
    fn what_is_no_playbook_is_not_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("playbook");
        fs::create_dir(&root).expect("a folder");
        fs::write(root.join(".DS_Store"), [0xff]).expect("written");
        fs::write(root.join("agreement.toml~"), [0xff]).expect("written");
        fs::write(root.join("agreement.toml"), "\u{feff}[review]").expect("written");
        let files = PlaybookFiles::from_directory(&root).expect("read");
        assert_eq!(files.iter().collect::<Vec<_>>(), [("agreement.toml", "[review]")]);

        fs::write(root.join("logo.png"), [0xff, 0xfe]).expect("written");
        assert!(matches!(PlaybookFiles::from_directory(&root), Err(FilesError::NotText(_))));
        fs::write(root.join("logo.png"), vec![b'a'; 300_000]).expect("written");
        assert!(matches!(PlaybookFiles::from_directory(&root), Err(FilesError::TooLarge(_))));
        fs::remove_file(root.join("logo.png")).expect("removed");

        #[cfg(unix)]
        {
            fs::write(folder.path().join("secret"), "secret").expect("written");
            std::os::unix::fs::symlink(folder.path().join("secret"), root.join("a.md")).expect("linked");
            assert!(matches!(PlaybookFiles::from_directory(&root), Err(FilesError::Escapes(_))));
            fs::remove_file(root.join("a.md")).expect("removed");
            std::os::unix::fs::symlink(&root, root.join("again")).expect("linked");
            assert!(matches!(PlaybookFiles::from_directory(&root), Err(FilesError::TooMuch(_))));
        }
    }
}
