//! Requests to other systems: signed ([`sign`]), to addresses that may be asked ([`address`]), over connections of
//! our own ([`send`]).
//!
//! Whoever writes the configuration names a host; whoever runs that host's DNS says where it is. So the address is
//! looked up once, checked, and connected to as it was checked; no redirect is followed and no proxy used, since
//! both would be asked without a look.

pub mod address;
pub mod send;
pub mod sign;

use axum::http::Uri;

use sign::SigningKey;

/// An endpoint as the configuration describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its name here.
    pub name: String,
    /// Where it is.
    pub target: Target,
    /// What it is told of: kinds of events.
    pub events: Vec<&'static str>,
    /// What messages are signed with.
    pub key: SigningKey,
    /// Whether it may be on a private network.
    pub allow_private: bool,
    /// Certificate authorities (PEM) to trust besides the system's.
    pub ca_file: Option<std::path::PathBuf>,
}

/// Where an endpoint is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Without TLS: only on this machine.
    pub plain: bool,
    /// A name or an address, IPv6 without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Host and port as the `Host` header has them.
    pub authority: String,
    /// What is asked for.
    pub path: String,
}

/// Why a text is no target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotATarget {
    /// It is no address.
    #[error("it is no web address")]
    NoAddress,
    /// Everybody on the way could read and change what is sent.
    #[error("it is not https")]
    NotHttps,
    /// Names and passwords in addresses end up in logs.
    #[error("there is a name or a password in it")]
    Credentials,
}

impl Target {
    /// Reads an address; http is read too, and is for this machine alone.
    ///
    /// # Errors
    /// When it is none that can be sent to.
    pub fn parse(text: &str) -> Result<Target, NotATarget> {
        let uri: Uri = text.parse().map_err(|_| NotATarget::NoAddress)?;
        let authority = uri.authority().ok_or(NotATarget::NoAddress)?;
        if authority.as_str().contains('@') {
            return Err(NotATarget::Credentials);
        }
        let plain = match uri.scheme_str() {
            Some("https") => false,
            Some("http") => true,
            _ => return Err(NotATarget::NotHttps),
        };
        let host = authority.host();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() {
            return Err(NotATarget::NoAddress);
        }
        Ok(Target {
            plain,
            host: host.to_ascii_lowercase(),
            port: authority.port_u16().unwrap_or(if plain { 80 } else { 443 }),
            authority: authority.as_str().to_ascii_lowercase(),
            path: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_an_address_without_secrets() {
        let target = Target::parse("https://Hooks.ours.example:8443/in?x=1#part").expect("a target");
        assert_eq!((target.host.as_str(), target.port, target.plain), ("hooks.ours.example", 8443, false));
        assert_eq!((target.authority.as_str(), target.path.as_str()), ("hooks.ours.example:8443", "/in?x=1"));
        let six = Target::parse("http://[::1]").expect("a target");
        assert_eq!((six.host.as_str(), six.port, six.plain, six.path.as_str()), ("::1", 80, true, "/"));
        for (text, error) in [
            ("", NotATarget::NoAddress),
            ("/in", NotATarget::NoAddress),
            ("hooks.ours.example", NotATarget::NotHttps),
            ("ftp://ours.example/", NotATarget::NotHttps),
            ("https://user:pw@ours.example/", NotATarget::Credentials),
            ("https://ours.example@evil.example/", NotATarget::Credentials),
            ("https:// ours.example/", NotATarget::NoAddress),
            ("https://", NotATarget::NoAddress),
        ] {
            assert_eq!(Target::parse(text), Err(error), "{text}");
        }
    }
}
