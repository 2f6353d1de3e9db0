//! The servers that `tests/run` starts or finds, and what happens where there are none.

use std::io::Write;

/// Set to 1 by `tests/run`: a missing server is a failure.
const REQUIRED: &str = "NURTURED_TEST_REQUIRE_SERVERS";

/// What `tests/run` put into `variable`: where the server is. Without it this says so where the test harness
/// does not swallow it.
///
/// # Panics
/// When servers are required and there is none.
pub fn given(variable: &str, server: &str) -> Option<String> {
    if let Some(place) = std::env::var(variable).ok().filter(|place| !place.is_empty()) {
        return Some(place);
    }
    assert!(std::env::var_os(REQUIRED).is_none_or(|value| value != "1"), "{variable} is not set");
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    // Not `eprintln!`: what that prints is shown of failed tests only.
    let _ = writeln!(std::io::stderr(), "NOT RUN: {test} needs {server}; use tests/run");
    None
}
