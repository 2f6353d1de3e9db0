//! The rules of the source that no compiler holds.
//!
//! One file reads the time, dependencies run one way, files stay readable, and both databases have one
//! schema. Which module may use which is read from the table in `src/lib.rs`, so that what is documented is
//! what is checked. Each check is a function of texts; the tests at the end show that it can fail.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Longer files are several files.
const MAX_LINES: usize = 700;

/// Names that say nothing of what is inside: everything ends up there.
const EMPTY_NAMES: [&str; 8] = ["utils", "util", "helpers", "helper", "common", "manager", "misc", "shared"];

/// Files that may be called so, and why.
const NAMES_WITH_A_MEANING: [(&str, &str); 1] =
    [("src/mail/render/helpers.rs", "Handlebars calls the functions of its templates helpers")];

/// A text that reads a clock, where it would do so, and the places that may.
struct ClockReader {
    text: &'static str,
    found_in: &'static [&'static str],
    allowed_in: &'static [&'static str],
}

/// Where Rust is.
const RUST: &[&str] = &["src/"];

/// Where SQL is; a test below holds that.
const SQL: &[&str] = &["src/store/", "migrations/"];

const CLOCK_READERS: [ClockReader; 13] = [
    ClockReader { text: "Timestamp::now", found_in: RUST, allowed_in: &["src/clock.rs"] },
    ClockReader { text: "Zoned::now", found_in: RUST, allowed_in: &[] },
    ClockReader { text: "SystemTime::now", found_in: RUST, allowed_in: &[] },
    ClockReader { text: "Utc::now", found_in: RUST, allowed_in: &[] },
    ClockReader { text: "Local::now", found_in: RUST, allowed_in: &[] },
    // Monotonic: no date, but the deadline of a send, and how long the machine has run. Elsewhere even that would be
    // a second clock.
    ClockReader {
        text: "Instant::now",
        found_in: RUST,
        allowed_in: &["src/clock.rs", "src/mail/", "src/engine/", "src/cli/"],
    },
    // In both databases' words.
    ClockReader { text: "now()", found_in: SQL, allowed_in: &[] },
    ClockReader { text: "'now'", found_in: SQL, allowed_in: &[] },
    ClockReader { text: "CURRENT_TIME", found_in: SQL, allowed_in: &[] },
    ClockReader { text: "CURRENT_DATE", found_in: SQL, allowed_in: &[] },
    ClockReader { text: "LOCALTIMESTAMP", found_in: SQL, allowed_in: &[] },
    ClockReader { text: "unixepoch(", found_in: SQL, allowed_in: &[] },
    // Several daemons share a PostgreSQL, so its clock measures their leases.
    ClockReader { text: "clock_timestamp()", found_in: SQL, allowed_in: &["src/store/outbox.rs"] },
];

/// What has no place in the rules, which are functions of facts.
const IMPURE: [&str; 13] = [
    "async fn",
    ".await",
    "tokio::",
    "axum::",
    "lettre::",
    "tracing::",
    "println!",
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::process",
    "std::thread",
];

/// A file of the project: its path from the root, with `/`, and what is in it.
struct File {
    path: String,
    text: String,
}

/// Which module may use which others.
type Map = BTreeMap<String, BTreeSet<String>>;

/// The time is read in one place.
fn clock_readers(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in code(&file.text) {
        for reader in &CLOCK_READERS {
            let is_in = |places: &[&str]| places.iter().any(|place| file.path.starts_with(place));
            if is_in(reader.found_in) && !is_in(reader.allowed_in) && calls(line, reader.text) {
                found.push(format!("{}:{number}: `{}` reads a clock", file.path, reader.text));
            }
        }
    }
    found
}

/// Whether `line` has `text`, in any case, as a name of its own: `clock.now()` is not SQL's `now()`.
fn calls(line: &str, text: &str) -> bool {
    let (line, text) = (line.to_ascii_lowercase(), text.to_ascii_lowercase());
    line.match_indices(&text).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let is_part_of_a_path = before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | ':'));
        // A path may be longer than we wrote it: `jiff::Timestamp::now`.
        !is_part_of_a_path || (before == Some(':') && text.contains("::"))
    })
}

/// The rules are functions of facts, and only the store speaks SQL.
fn impurities(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in code(&file.text) {
        if line.contains("sqlx::") && !file.path.starts_with("src/store/") {
            found.push(format!("{}:{number}: only the store speaks SQL", file.path));
        }
        if !file.path.starts_with("src/domain/") {
            continue;
        }
        for text in IMPURE.iter().filter(|text| line.contains(**text)) {
            found.push(format!("{}:{number}: `{text}` has no place in the domain", file.path));
        }
    }
    found
}

/// The lines that are not comments, with their numbers.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let comment = |line: &str| line.trim_start().starts_with("//") || line.trim_start().starts_with("--");
    (1..).zip(text.lines()).filter(move |(_, line)| !comment(line))
}

/// Reads the table in the documentation of `lib.rs`.
fn map(lib: &str) -> Result<Map, String> {
    let mut map = Map::new();
    for line in lib.lines() {
        let Some(row) = line.strip_prefix("//! | [`") else { continue };
        let cells: Vec<&str> = row.trim_end_matches('|').split(" | ").map(str::trim).collect();
        let [name, _, may_use] = cells.as_slice() else {
            return Err(format!("src/lib.rs: a row of the map has not three columns: {line}"));
        };
        let name = name.trim_end_matches("`]").to_owned();
        let above = || map.keys().cloned().collect::<BTreeSet<String>>();
        let may_use = match may_use.trim() {
            "" => BTreeSet::new(),
            "all of the above" | "everything" => above(),
            "the engine and what it uses" => {
                let mut used =
                    map.get("engine").cloned().ok_or("src/lib.rs: `engine` stands above its users")?;
                used.insert("engine".to_owned());
                used
            }
            names => names
                .split(", ")
                .map(|name| name.strip_prefix('`').and_then(|name| name.strip_suffix('`')).map(str::to_owned))
                .collect::<Option<BTreeSet<String>>>()
                .ok_or_else(|| format!("src/lib.rs: the map says what no test can hold: {names}"))?,
        };
        map.insert(name, may_use);
    }
    if map.is_empty() { Err("src/lib.rs has no map of the modules".to_owned()) } else { Ok(map) }
}

/// Uses of modules that the map does not allow.
fn wrong_ways(file: &File, map: &Map) -> Vec<String> {
    let Some((module, depth)) = module_of(&file.path) else { return Vec::new() };
    let Some(may_use) = map.get(&module) else {
        return vec![format!("{}: `{module}` is not in the map of src/lib.rs", file.path)];
    };
    let mut found = Vec::new();
    for (number, used) in modules_used(&file.text, depth, map) {
        if used != module && !may_use.contains(&used) {
            found.push(format!("{}:{number}: `{module}` may not use `{used}`, see src/lib.rs", file.path));
        }
    }
    found
}

/// The top module that a file belongs to, and how many `super` lead from the file to the root of the crate.
fn module_of(path: &str) -> Option<(String, usize)> {
    let inside = path.strip_prefix("src/")?.strip_suffix(".rs")?;
    if matches!(inside, "lib" | "main") {
        return None;
    }
    let inside = inside.strip_suffix("/mod").unwrap_or(inside);
    let segments: Vec<&str> = inside.split('/').collect();
    Some((segments.first()?.to_string(), segments.len()))
}

/// The modules at the root of the crate that a file names, with the lines on which it does.
fn modules_used(text: &str, depth: usize, map: &Map) -> Vec<(usize, String)> {
    let from_below = "super::".repeat(depth);
    let mut used = Vec::new();
    // The lines in one text, because a `use` may go over several of them.
    let mut all = String::new();
    let mut starts = Vec::new();
    for (number, line) in code(text) {
        starts.push((all.len(), number));
        all.push_str(line);
        all.push('\n');
    }
    for root in ["crate::", from_below.as_str()] {
        for (at, _) in all.match_indices(root) {
            let before = all[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | ':')) {
                continue;
            }
            let line = starts.partition_point(|(start, _)| *start <= at).saturating_sub(1);
            for name in first_names(&all[at + root.len()..]) {
                // `crate::` has to lead to a module; `super::` may lead to anything, the map says what counts.
                if root == "crate::" || map.contains_key(&name) {
                    used.push((starts[line].1, name));
                }
            }
        }
    }
    used
}

/// The first segments of what follows `crate::`: of `a::b` that is `a`; of `{a::{b, c}, d}` they are `a`, `d`.
fn first_names(rest: &str) -> Vec<String> {
    let name = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let Some(group) = rest.strip_prefix('{') else { return vec![name(rest)] };
    let (mut names, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            ',' | '}' if depth == 0 => {
                names.push(name(&group[start..at]));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// What is wrong with a source file as a thing to read.
fn unreadable(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    let lines = file.text.lines().count();
    if lines > MAX_LINES {
        found.push(format!("{}: {lines} lines are more than {MAX_LINES}: split it", file.path));
    }
    if !file.text.starts_with("//! ") {
        found.push(format!("{}: does not begin by saying what it is for (`//! …`)", file.path));
    }
    let allowed = NAMES_WITH_A_MEANING.iter().any(|(path, _)| *path == file.path);
    for part in file.path.trim_end_matches(".rs").split('/') {
        if EMPTY_NAMES.contains(&part) && !allowed {
            found.push(format!("{}: `{part}` does not say what is inside", file.path));
        }
    }
    found
}

/// What one database has and the other has not.
fn differences(sqlite: &str, postgres: &str) -> Vec<String> {
    let (sqlite, postgres) = (definitions(sqlite), definitions(postgres));
    let only = |some: &BTreeSet<String>, others: &BTreeSet<String>, name: &str| -> Vec<String> {
        some.difference(others).map(|statement| format!("only on {name}: {statement}")).collect()
    };
    let mut found = only(&sqlite, &postgres, "SQLite");
    found.extend(only(&postgres, &sqlite, "PostgreSQL"));
    found
}

/// The statements about tables and indexes, in SQLite's words. Triggers are written for each database.
fn definitions(migration: &str) -> BTreeSet<String> {
    let without_comments: String = migration
        .lines()
        .map(|line| line.split("--").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join(" ");
    let one_space = without_comments.split_whitespace().collect::<Vec<_>>().join(" ");
    one_space
        .replace(" COLLATE \"C\"", "")
        .replace("BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY", "INTEGER PRIMARY KEY")
        .replace("BYTEA", "BLOB")
        .split(';')
        .map(|statement| statement.trim().to_owned())
        .filter(|statement| {
            ["CREATE TABLE", "CREATE INDEX", "CREATE UNIQUE INDEX", "ALTER TABLE", "DROP "]
                .iter()
                .any(|beginning| statement.starts_with(beginning))
        })
        .collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files below `folder` with this ending, in the order of their paths.
fn files(folder: &str, ending: &str) -> Vec<File> {
    let mut folders = vec![root().join(folder)];
    let mut paths: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the project") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == ending) {
                paths.push(path);
            }
        }
    }
    paths.sort();
    paths
        .into_iter()
        .map(|path| File {
            text: std::fs::read_to_string(&path).expect("a text"),
            path: path.strip_prefix(root()).expect("below the root").to_string_lossy().replace('\\', "/"),
        })
        .collect()
}

#[track_caller]
fn assert_none(found: &[String]) {
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn only_the_clock_reads_the_time() {
    let mut all = files("src", "rs");
    all.extend(files("migrations", "sql"));
    assert_none(&all.iter().flat_map(clock_readers).collect::<Vec<_>>());
}

#[test]
fn the_domain_is_pure_and_only_the_store_speaks_sql() {
    assert_none(&files("src", "rs").iter().flat_map(impurities).collect::<Vec<_>>());
}

#[test]
fn modules_use_only_what_the_map_allows() {
    let all = files("src", "rs");
    let lib = all.iter().find(|file| file.path == "src/lib.rs").expect("src/lib.rs");
    let map = map(&lib.text).expect("a map");
    assert_none(&all.iter().flat_map(|file| wrong_ways(file, &map)).collect::<Vec<_>>());
}

#[test]
fn every_file_can_be_read() {
    assert_none(&files("src", "rs").iter().flat_map(unreadable).collect::<Vec<_>>());
}

#[test]
fn both_databases_have_one_schema() {
    let (sqlite, postgres) = (files("migrations/sqlite", "sql"), files("migrations/postgres", "sql"));
    let names = |files: &[File]| -> Vec<String> {
        files.iter().filter_map(|file| file.path.rsplit('/').next()).map(str::to_owned).collect()
    };
    assert_eq!(names(&sqlite), names(&postgres), "both folders have the same migrations");
    for (sqlite, postgres) in sqlite.iter().zip(&postgres) {
        assert!(definitions(&sqlite.text).len() + definitions(&postgres.text).len() > 0, "{}", sqlite.path);
        assert_none(&differences(&sqlite.text, &postgres.text));
    }
}

mod the_checks_can_fail {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn readers_of_the_clock_are_found_where_they_are_not_allowed() {
        for (path, line, is_found) in [
            ("src/engine/pass.rs", "let now = jiff::Timestamp::now();", true),
            ("src/clock.rs", "let now = Timestamp::now();", false),
            ("src/clock.rs", "let now = SystemTime::now();", true),
            ("src/engine/pass.rs", "let now = engine.clock.now();", false),
            ("src/engine/pass.rs", "// never Timestamp::now()", false),
            ("src/engine/pass.rs", "let over = Instant::now() + slice;", false),
            ("src/domain/sla.rs", "let over = Instant::now() + slice;", true),
            ("src/store/leads.rs", "\"UPDATE lead SET due_at = NOW()\"", true),
            ("src/domain/sla.rs", "decide(&facts, now())", false),
            ("src/store/leads.rs", "\"SELECT unixepoch('now')\"", true),
            ("src/store/leads.rs", "\"SELECT clock_timestamp()\"", true),
            ("src/store/outbox.rs", "\"SELECT clock_timestamp()\"", false),
            ("migrations/sqlite/0002.sql", "at TEXT DEFAULT CURRENT_TIMESTAMP", true),
            ("migrations/sqlite/0002.sql", "-- not now()", false),
        ] {
            assert_eq!(!clock_readers(&file(path, line)).is_empty(), is_found, "{path}: {line}");
        }
    }

    #[test]
    fn side_effects_are_found_in_the_domain_and_sql_outside_the_store() {
        for (path, line, found) in [
            ("src/domain/lead.rs", "use std::fs::File;", 1),
            ("src/domain/lead.rs", "// no .await", 0),
            ("src/engine/pass.rs", "use std::fs::File;", 0),
            ("src/domain/lead.rs", "use sqlx::Row;", 1),
            ("src/engine/pass.rs", "use sqlx::Row;", 1),
            ("src/store/leads.rs", "use sqlx::Row;", 0),
        ] {
            assert_eq!(impurities(&file(path, line)).len(), found, "{path}: {line}");
        }
    }

    const LIB: &str = "//! | module | what it is | may use |\n\
                       //! |---|---|---|\n\
                       //! | [`clock`] | the only reader of the time | |\n\
                       //! | [`domain`] | the rules | |\n\
                       //! | [`store`] | databases | `domain` |\n\
                       //! | [`engine`] | passes | all of the above |\n\
                       //! | [`http`] | health | the engine and what it uses |\n\
                       //! | [`cli`] | commands | everything |\n";

    #[test]
    fn the_map_is_read_as_it_is_written() {
        let map = map(LIB).expect("a map");
        let uses = |name: &str| map[name].iter().map(String::as_str).collect::<Vec<_>>();
        assert_eq!(uses("domain"), [""; 0]);
        assert_eq!(uses("store"), ["domain"]);
        assert_eq!(uses("http"), ["clock", "domain", "engine", "store"]);
        assert_eq!(uses("cli"), ["clock", "domain", "engine", "http", "store"]);
        assert!(super::map("//! no table").is_err());
        assert!(super::map("//! | [`store`] | databases | the domain, mostly |").is_err());
    }

    #[test]
    fn a_use_against_the_arrows_is_found_however_it_is_written() {
        let map = map(LIB).expect("a map");
        for (path, text, found) in [
            ("src/store/leads.rs", "use crate::domain::lead::Lead;", 0),
            ("src/store/leads.rs", "use crate::store::Tx;", 0),
            ("src/store/leads.rs", "let x = crate::engine::wake();", 1),
            ("src/store/leads.rs", "use crate::{domain::{a, b}, engine::Wake,\n  http};", 2),
            ("src/store/leads.rs", "use super::super::engine::Wake;", 1),
            ("src/store/mod.rs", "use super::engine::Wake;", 1),
            ("src/store/leads.rs", "use super::engine::Wake;", 0),
            ("src/domain/sla.rs", "use crate::store::{\n    Tx,\n};", 1),
            ("src/clock.rs", "use crate::domain::span;", 1),
            ("src/cli/why.rs", "use crate::{http, engine};", 0),
            ("src/main.rs", "use crate::anything;", 0),
            ("src/reports/mod.rs", "", 1),
        ] {
            assert_eq!(wrong_ways(&file(path, text), &map).len(), found, "{path}: {text}");
        }
        assert_eq!(
            wrong_ways(&file("src/domain/sla.rs", "//! x\n\nuse crate::store::Tx;"), &map),
            ["src/domain/sla.rs:3: `domain` may not use `store`, see src/lib.rs"]
        );
    }

    #[test]
    fn files_that_are_hard_to_read_are_found() {
        let good = "//! What it is for.\n";
        assert_none(&unreadable(&file("src/domain/sla.rs", good)));
        assert_eq!(unreadable(&file("src/domain/sla.rs", "use x;\n")).len(), 1);
        assert_eq!(unreadable(&file("src/domain/utils.rs", good)).len(), 1);
        assert_eq!(unreadable(&file("src/common/sla.rs", good)).len(), 1);
        assert_eq!(
            unreadable(&file("src/domain/sla.rs", &format!("{good}{}", "\n".repeat(MAX_LINES)))).len(),
            1
        );
    }

    #[test]
    fn schemas_that_differ_are_found() {
        let sqlite = "CREATE TABLE a (id INTEGER PRIMARY KEY, -- the row\n  name TEXT NOT NULL);";
        let postgres = "CREATE TABLE a (id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, \
                        name TEXT COLLATE \"C\" NOT NULL);";
        assert_none(&differences(sqlite, postgres));
        assert_eq!(differences(sqlite, &postgres.replace("name", "nom")).len(), 2);
        assert_eq!(differences(sqlite, &postgres.replace(" NOT NULL", "")).len(), 2);
        assert_eq!(differences(sqlite, &format!("{postgres} CREATE INDEX i ON a (name);")).len(), 1);
    }
}
