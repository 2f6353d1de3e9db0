//! The rows that did not go in, beside the input: `leads.csv` leaves `leads.rejected.csv`.
//!
//! Each row stands there verbatim, with its line and the reason in front, under the input's own header:
//! whoever mends the rows imports the file as it is. Verbatim also means that a cell that begins like a
//! formula stays one; so the file is readable by its owner alone (0600), and nothing but the person
//! who had the input opens it.
//!
//! It is written under another name, created anew (so that no symbolic link is followed), and renamed
//! when it is complete; without a rejected row there is no file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::encoding::Encoding;
use super::reader::Dialect;

/// Where rejected rows go.
#[derive(Debug)]
pub struct RejectedRows {
    target: PathBuf,
    header: Vec<u8>,
    delimiter: u8,
    file: Option<Unfinished>,
}

/// A file that is removed unless it is finished.
#[derive(Debug)]
struct Unfinished {
    path: PathBuf,
    out: BufWriter<File>,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // After the renaming there is nothing to remove, and nobody to tell if there is.
        let _ = fs::remove_file(&self.path);
    }
}

impl RejectedRows {
    /// For the rows of `input`, whose header and dialect are given. Nothing is written yet.
    pub fn beside(input: &Path, header: &[u8], dialect: Dialect) -> RejectedRows {
        let utf16 = matches!(dialect.encoding, Encoding::Utf16Le | Encoding::Utf16Be);
        let mark: &[u8] = if dialect.byte_order_mark || utf16 { b"\xef\xbb\xbf" } else { b"" };
        let delimiter = dialect.delimiter;
        let ours = [&b"rejected_line"[..], b"rejected_reason", header].join(&delimiter);
        RejectedRows { target: target(input), header: [mark, &ours].concat(), delimiter, file: None }
    }

    /// Adds a row.
    pub fn add(&mut self, line: u64, reason: &str, row: &[u8]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(begin(&self.target, &self.header)?),
        };
        // ASCII is the same in every encoding the row can be in.
        let reason: String =
            reason.chars().map(|c| if c.is_ascii() && !c.is_control() { c } else { '?' }).collect();
        write!(file.out, "{line}{0}\"{1}\"{0}", char::from(self.delimiter), reason.replace('"', "\"\""))?;
        file.out.write_all(row)?;
        file.out.write_all(b"\n")
    }

    /// Puts the file in its place. Its path, if there is one.
    pub fn finish(mut self) -> io::Result<Option<PathBuf>> {
        let Some(mut file) = self.file.take() else {
            return Ok(None);
        };
        file.out.flush()?;
        file.out.get_ref().sync_all()?;
        fs::rename(&file.path, &self.target)?;
        Ok(Some(self.target))
    }
}

/// `leads.rejected.csv` of `leads.csv`; of any other name, the name with that ending.
fn target(input: &Path) -> PathBuf {
    let csv = input.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    if csv {
        return input.with_extension("rejected.csv");
    }
    let mut name = input.as_os_str().to_owned();
    name.push(".rejected.csv");
    PathBuf::from(name)
}

fn begin(target: &Path, header: &[u8]) -> io::Result<Unfinished> {
    let mut name = target.as_os_str().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let path = PathBuf::from(name);
    // What lies there was left by a process of the same number that was killed, or put there by
    // somebody: gone, and the creation below fails if it is back.
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let out = BufWriter::new(options.open(&path)?);
    let mut file = Unfinished { path, out };
    file.out.write_all(header)?;
    file.out.write_all(b"\n")?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIALECT: Dialect = Dialect { encoding: Encoding::Utf8, byte_order_mark: false, delimiter: b';' };

    #[test]
    fn without_a_rejected_row_there_is_no_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let rows = RejectedRows::beside(&folder.path().join("leads.csv"), b"email", DIALECT);
        assert_eq!(rows.finish().expect("nothing to do"), None);
        assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 0);
    }

    #[test]
    fn rows_stand_verbatim_behind_line_and_reason() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut rows = RejectedRows::beside(&folder.path().join("leads.csv"), b"email;name", DIALECT);
        rows.add(7, "a \"quote\"\nis wrong – so", b"=1+1;\"M\xfcller").expect("room on the disk");
        let path = rows.finish().expect("room on the disk").expect("a file");
        assert_eq!(path, folder.path().join("leads.rejected.csv"));
        assert_eq!(
            fs::read(&path).expect("the file"),
            b"rejected_line;rejected_reason;email;name\n7;\"a \"\"quote\"\"?is wrong ? so\";=1+1;\"M\xfcller\n"
        );
        assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 1);
    }

    #[test]
    fn what_is_not_finished_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut rows = RejectedRows::beside(&folder.path().join("leads.txt"), b"email", DIALECT);
        rows.add(2, "reason", b"x").expect("room on the disk");
        drop(rows);
        assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 0);
        assert_eq!(target(Path::new("a/leads.txt")), Path::new("a/leads.txt.rejected.csv"));
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_reads_it_and_no_symbolic_link_is_followed() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().expect("a folder");
        let precious = folder.path().join("precious");
        fs::write(&precious, "keep me").expect("room on the disk");
        let target = folder.path().join("leads.rejected.csv");
        symlink(&precious, &target).expect("a link");
        let part = folder.path().join(format!("leads.rejected.csv.{}.part", std::process::id()));
        symlink(&precious, &part).expect("a link");

        let mut rows = RejectedRows::beside(&folder.path().join("leads.csv"), b"email", DIALECT);
        rows.add(2, "reason", b"x").expect("room on the disk");
        rows.finish().expect("room on the disk");

        assert_eq!(fs::read_to_string(&precious).expect("still there"), "keep me");
        let metadata = fs::symlink_metadata(&target).expect("the file");
        assert!(metadata.is_file());
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    }
}
