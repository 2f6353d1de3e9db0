//! Secrets in files, and secrets kept out of what is shown.
//!
//! A file is found the way services are given credentials: a bare name is looked for in systemd's
//! `$CREDENTIALS_DIRECTORY` first (`LoadCredential=`), any other path is taken from the folder of
//! `nurtured.toml`. A file that everybody on the machine can read is used, with a warning: container
//! platforms mount secrets that way, and there nobody else is on the machine.

use std::fs;
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::reader::Surroundings;
use crate::mail::secret::Secret;
use crate::toml_reader::Refusal;

/// No password or address of a database is longer; something else was named.
const MAX_SECRET: u64 = 16 * 1024;

/// Reads the secret in the file `name`. One line end after it is not part of it.
pub fn read(name: &str, around: &Surroundings<'_>) -> Result<Secret, Refusal> {
    if name.is_empty() {
        return Err(Refusal::new("the path is empty", "write the path of a file with the secret in it"));
    }
    let path = find(name, around);
    let shown = path.display();
    let mut text = String::new();
    let size = fs::File::open(&path)
        .and_then(|file| file.take(MAX_SECRET + 1).read_to_string(&mut text))
        .map_err(|error| {
            Refusal::new(
                format!("the secret in `{shown}` cannot be read: {error}"),
                "make the file and let the daemon's user read it, or pass it with LoadCredential=",
            )
        })?;
    if size as u64 > MAX_SECRET {
        return Err(Refusal::new(format!("`{shown}` is too long for a secret"), "name another file"));
    }
    let secret = text.strip_suffix('\n').unwrap_or(&text);
    let secret = secret.strip_suffix('\r').unwrap_or(secret);
    if secret.is_empty() || secret.contains(['\n', '\r', '\0']) {
        return Err(Refusal::new(
            format!("`{shown}` does not hold one line"),
            "write the secret into the file, and nothing else",
        ));
    }
    warn_if_exposed(&path, around);
    Ok(Secret::new(secret))
}

/// Where the secret file `name` is.
pub fn find(name: &str, around: &Surroundings<'_>) -> PathBuf {
    let mut parts = Path::new(name).components();
    let bare = matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None));
    around
        .variable("CREDENTIALS_DIRECTORY")
        .filter(|_| bare)
        .map(|folder| Path::new(&folder).join(name))
        .filter(|path| path.exists())
        .unwrap_or_else(|| around.base.join(name))
}

/// Says so when everybody on this machine can read a file with a secret in it.
#[cfg(unix)]
pub fn warn_if_exposed(path: &Path, around: &Surroundings<'_>) {
    use std::os::unix::fs::MetadataExt;

    const OTHERS: u32 = 0o007;
    if fs::metadata(path).is_ok_and(|found| found.mode() & OTHERS != 0) {
        let shown = path.display();
        let warning =
            format!("everybody on this machine can read the secret in `{shown}`; run `chmod o= {shown}`");
        let mut warnings = around.warnings.borrow_mut();
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }
}

/// Says so when everybody on this machine can read a file with a secret in it: not known here.
#[cfg(not(unix))]
pub fn warn_if_exposed(_: &Path, _: &Surroundings<'_>) {}

/// `text` of the same length, with asterisks in place of what must not be shown: problems quote the line
/// they are in, and end up in a service's log.
pub fn hidden(text: &str) -> String {
    static SECRETS: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"(?m)(?P<key>(?:^|[\s.{,"'])(?:password|url)["']?[ \t]*=)(?P<value>[^\n]*)"#)
            .expect("the pattern is a constant")
    });
    SECRETS
        .replace_all(text, |found: &Captures<'_>| {
            let (key, value) = (&found["key"], &found["value"]);
            let is_password = key.contains("password");
            // An address of a database holds a password only before an `@`.
            let shown =
                if is_password || value.contains('@') { "*".repeat(value.len()) } else { value.to_owned() };
            format!("{key}{shown}")
        })
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_and_every_other_byte_stays_in_its_place() {
        for (text, shown) in [
            ("password = \"x\"\nport = 1", "password =****\nport = 1"),
            ("  password=\"é", "  password=***"),
            ("mail = { smtp = { \"password\" = 'x' } }", "mail = { smtp = { \"password\" =********"),
            ("url = \"postgres://u:p@h/d\"", "url =*********************"),
            ("url = \"sqlite:nurtured.db\"", "url = \"sqlite:nurtured.db\""),
            ("password_file = \"x\"\npublic_url = \"y@\"", "password_file = \"x\"\npublic_url = \"y@\""),
        ] {
            assert_eq!(hidden(text), shown);
            assert_eq!(hidden(text).len(), text.len());
        }
    }
}
