//! Placeholder.
/// Placeholder.
#[derive(Clone, Debug)]
pub struct Wait(pub String);
/// Placeholder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no wait")]
pub struct WaitError(pub String);
impl Wait {
    /// Placeholder.
    pub fn parse(text: &str) -> Result<Wait, WaitError> {
        let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
        let known = ["minute", "hour", "day", "week", "business", "next business day"];
        if known.iter().any(|unit| rest.trim_start().starts_with(unit)) {
            Ok(Wait(text.to_owned()))
        } else {
            Err(WaitError(text.to_owned()))
        }
    }
}
