//! Placeholder.
use jiff::SignedDuration;

/// Placeholder.
#[derive(Clone, Copy, Debug)]
pub struct Span(SignedDuration);
/// Placeholder.
#[derive(Clone, Debug, thiserror::Error)]
#[error("`{0}` is no length of time")]
pub struct SpanError(pub String);
impl Span {
    /// Placeholder.
    pub fn duration(self) -> SignedDuration {
        self.0
    }
}
impl std::str::FromStr for Span {
    type Err = SpanError;
    fn from_str(text: &str) -> Result<Span, SpanError> {
        read(text, &[("minute", 60), ("hour", 3600), ("day", 86_400), ("week", 604_800)]).map(Span)
    }
}
/// Placeholder.
pub fn parse_target(text: &str) -> Result<SignedDuration, SpanError> {
    match read(text, &[("business minute", 60), ("business hour", 3600)])? {
        zero if zero.is_zero() => Err(SpanError(text.to_owned())),
        target => Ok(target),
    }
}
fn read(text: &str, units: &[(&str, i64)]) -> Result<SignedDuration, SpanError> {
    let refused = || SpanError(text.to_owned());
    let (count, unit) = text.split_once(' ').ok_or_else(refused)?;
    let count: u16 = count.parse().map_err(|_| refused())?;
    let unit = unit.strip_suffix('s').unwrap_or(unit);
    let (_, seconds) = units.iter().find(|(name, _)| *name == unit).ok_or_else(refused)?;
    Ok(SignedDuration::from_secs(i64::from(count) * seconds))
}
