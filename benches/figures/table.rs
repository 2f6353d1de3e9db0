//! What was measured, beside what is required.

use std::fmt;
use std::time::Duration;

/// One line for each figure.
#[derive(Default)]
pub struct Table(Vec<[String; 3]>);

impl Table {
    /// Adds a figure; `required` is empty for one that only informs.
    pub fn add(&mut self, what: impl Into<String>, measured: impl Into<String>, required: impl Into<String>) {
        let row = [what.into(), measured.into(), required.into()];
        eprintln!("  {}: {}", row[0], row[1]);
        self.0.push(row);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads = ["figure", "measured", "required"].map(str::to_owned);
        let width =
            |column: usize| self.0.iter().map(|row| row[column].chars().count()).max().unwrap_or(0).max(8);
        let (first, second) = (width(0), width(1));
        for row in std::iter::once(&heads).chain(&self.0) {
            writeln!(f, "{:first$}  {:>second$}  {}", row[0], row[1], row[2])?;
        }
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        write!(f, "on {cores} cores, load {}", load())
    }
}

/// The machine's load average, for whoever wonders about the figures.
fn load() -> String {
    std::fs::read_to_string("/proc/loadavg")
        .ok()
        .and_then(|text| text.split(' ').next().map(str::to_owned))
        .unwrap_or_else(|| "unknown".to_owned())
}

/// The middle one.
pub fn median<T: PartialOrd + Copy>(values: &[T]) -> T {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| a.partial_cmp(b).expect("durations, rates and ratios are ordered"));
    sorted[sorted.len() / 2]
}

/// `1.23 ms`.
pub fn ms(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1e3)
}

/// `12.3 MiB` of so many KiB.
pub fn mib(kib: u64) -> String {
    format!("{:.1} MiB", kib as f64 / 1024.0)
}
