//! The program itself, run in a folder of its own.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A folder in which somebody works.
pub struct Place(tempfile::TempDir);

/// What a command said, and how it ended.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Place {
    pub fn new() -> Place {
        Place(tempfile::tempdir().expect("a temporary folder"))
    }

    /// A folder with `nurtured init` done in it, and an agreement under which everybody is always at work: what
    /// a command does must not depend on the hour of the test.
    pub fn always_open() -> Place {
        let place = Place::new();
        place.run(&["init"]).done();
        let agreement = place.read("templates/agreement.toml");
        let open = agreement
            .replace("hours = \"Mo-Fr 09:00-17:00\"", "hours = \"24/7\"")
            .replace("holidays = [\"DE\"]", "holidays = []")
            .replace("window = \"Mo-Fr 09:00-11:30,13:30-16:30\"", "window = \"24/7\"")
            .replace("phone_window = \"Mo-Fr 09:00-12:00,13:30-17:00\"", "phone_window = \"24/7\"");
        assert_eq!(open.matches("24/7").count(), 3);
        place.write("templates/agreement.toml", open);
        place.write("nurtured.toml", place.read("nurtured.toml").replace("127.0.0.1:8080", "127.0.0.1:0"));
        place
    }

    /// The same again, as it stands while no command runs: configuration and database.
    pub fn copy(&self) -> Place {
        let copy = Place::new();
        for (name, bytes) in files(self.0.path()) {
            copy.write(&name, bytes);
        }
        copy
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), text).expect("a file can be written");
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("a file can be read")
    }

    /// The command, not yet run.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nurtured"));
        command.args(arguments).current_dir(self.0.path()).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            let name_text = name.to_string_lossy();
            if name_text.starts_with("NURTURED_") || name_text == "RUST_LOG" {
                command.env_remove(&name);
            }
        }
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Said {
        said(self.command(arguments).output().expect("the program runs"))
    }

    /// With something on standard input.
    pub fn run_with(&self, arguments: &[&str], input: &str) -> Said {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program runs");
        child.stdin.take().expect("it is piped").write_all(input.as_bytes()).expect("it reads");
        said(child.wait_with_output().expect("it ends"))
    }

    /// For a reader that closes the pipe after the first byte.
    pub fn run_for_head(&self, arguments: &[&str]) -> Said {
        let mut command = self.command(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program runs");
        let mut first = [0];
        let mut reader = child.stdout.take().expect("it is piped");
        reader.read_exact(&mut first).expect("it says something");
        drop(reader);
        said(child.wait_with_output().expect("it ends"))
    }
}

fn said(output: std::process::Output) -> Said {
    let text = |bytes| String::from_utf8(bytes).expect("it speaks UTF-8");
    Said { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

impl Said {
    /// It ended well; what it printed.
    #[track_caller]
    pub fn done(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.out
    }

    /// It ended with this code, printed nothing, and said `words` among its complaints.
    #[track_caller]
    pub fn complains(self, code: i32, words: &str) {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.err.contains(words), "`{words}` is not in {self:?}");
        assert!(!self.err.contains("panicked"), "{self:?}");
    }

    /// It ended well and printed one JSON object a line.
    #[track_caller]
    pub fn json(self) -> Vec<serde_json::Value> {
        let lines = self.done();
        lines.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }
}

/// All files of a folder with their bytes, by name.
pub fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("it can be read").path())
        .filter(|path| path.is_file())
        .map(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            (name, std::fs::read(&path).expect("a file can be read"))
        })
        .collect();
    files.sort();
    files
}
