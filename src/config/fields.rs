//! The small languages inside `nurtured.toml`: senders, addresses to listen on, the public address.
//!
//! Each function reads one text or says what is wrong with it; none knows where the text stands.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use crate::domain::email::EmailAddress;
use crate::mail::message::Correspondent;
use crate::mail::smtp::TlsMode;
use crate::problem::nearest;
use crate::toml_reader::Refusal;

/// Text with something in it.
pub fn words(text: &str) -> Result<String, Refusal> {
    match text.trim() {
        "" => Err(Refusal::new("this is empty", "write something, or delete the line")),
        words if words.chars().any(|c| c.is_control() && c != '\n') => {
            Err(Refusal::new("there is a control character in it", "write plain text"))
        }
        words => Ok(words.to_owned()),
    }
}

/// One of the words that stand for a value.
pub fn one_of<T: Copy>(text: &str, known: &[(&'static str, T)]) -> Result<T, Refusal> {
    if let Some((_, value)) = known.iter().find(|(name, _)| *name == text) {
        return Ok(*value);
    }
    let hint = match nearest(text, known.iter().map(|(name, _)| *name)) {
        Some(name) => format!("did you mean `{name}`?"),
        None => {
            let names: Vec<_> = known.iter().map(|(name, _)| format!("`{name}`")).collect();
            format!("known are {}", names.join(", "))
        }
    };
    Err(Refusal::new(format!("`{text}` is not known here"), hint))
}

/// An email address.
pub fn address(text: &str) -> Result<EmailAddress, Refusal> {
    text.trim()
        .parse::<EmailAddress>()
        .map_err(|error| Refusal::new(error.to_string(), "write `name@company.example`"))
}

/// `Name <address>`, or an address alone.
pub fn correspondent(text: &str) -> Result<Correspondent, Refusal> {
    let text = text.trim();
    let Some((name, rest)) = text.strip_suffix('>').and_then(|text| text.rsplit_once('<')) else {
        return Ok(Correspondent { name: None, address: address(text)? });
    };
    let name = name.trim();
    let unquoted = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name).trim();
    if unquoted.chars().any(char::is_control) {
        return Err(Refusal::new("there is a control character in the name", "write it on one line"));
    }
    Ok(Correspondent { name: (!unquoted.is_empty()).then(|| unquoted.to_owned()), address: address(rest)? })
}

/// An address and port to listen on.
pub fn listen(text: &str) -> Result<SocketAddr, Refusal> {
    text.parse().map_err(|_| {
        Refusal::new(
            format!("`{text}` is no address and port"),
            "write `127.0.0.1:8080` for a proxy on this machine, `0.0.0.0:8080` or `[::]:8080` for every one",
        )
    })
}

/// How a connection to a mail server is protected.
pub fn tls(text: &str) -> Result<TlsMode, Refusal> {
    let known = [("implicit", TlsMode::Implicit), ("starttls", TlsMode::StartTls), ("none", TlsMode::None)];
    one_of(text, &known)
}

/// A host name or an IP address, without a port.
pub fn host(text: &str) -> Result<String, Refusal> {
    if is_host_name(text) || text.parse::<IpAddr>().is_ok() {
        return Ok(text.to_owned());
    }
    Err(Refusal::new(
        format!("`{text}` is neither a host name nor an IP address"),
        "write `mail.company.example`; the port has a key of its own",
    ))
}

/// What to call ourselves in EHLO: a host name or an address literal (RFC 5321 section 4.1.3).
pub fn hello_name(text: &str) -> Result<String, Refusal> {
    let literal = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let is_literal =
        literal.is_some_and(|text| text.strip_prefix("IPv6:").unwrap_or(text).parse::<IpAddr>().is_ok());
    if is_literal || is_host_name(text) {
        return Ok(text.to_owned());
    }
    Err(Refusal::new(
        format!("`{text}` cannot be said in EHLO"),
        "write this machine's full host name, or its address as `[192.0.2.1]`",
    ))
}

/// Where people reach the daemon: `https://…`, or `http://` on this machine. Without a final slash.
pub fn public_url(text: &str) -> Result<String, Refusal> {
    let example = "write `https://nurture.company.example`";
    let text = text.trim().trim_end_matches('/');
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(Refusal::new(format!("`{text}` does not begin with https://"), example));
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let Some(host) = host_of(authority) else {
        return Err(Refusal::new(format!("`{authority}` is no host to link to"), example));
    };
    // The address stands in a header between angle brackets, and a token is added at its end.
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-._~%+@:!$&'()*=".contains(&b);
    if !path.bytes().all(plain) {
        return Err(Refusal::new(
            "the path of the address has a character that cannot stand there",
            "leave `?`, `#`, spaces and letters beyond ASCII out",
        ));
    }
    match scheme.to_ascii_lowercase().as_str() {
        "https" => {}
        "http" if is_loopback(host) => {}
        "http" => {
            return Err(Refusal::new(
                "links in mail have to be https: anybody on the way could read and change them",
                "let a proxy with a certificate stand in front; http is for this machine alone",
            ));
        }
        _ => return Err(Refusal::new(format!("`{scheme}` is no scheme for links in mail"), example)),
    }
    Ok(format!("{}://{}{path}", scheme.to_ascii_lowercase(), authority.to_ascii_lowercase()))
}

/// The host of `host[:port]`, when it is one.
fn host_of(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            host.parse::<Ipv6Addr>().ok()?;
            (host, port)
        }
        None => {
            let host = authority.split_once(':').map_or(authority, |(host, _)| host);
            is_host_name(host).then_some(())?;
            (host, &authority[host.len()..])
        }
    };
    let sound = match port.strip_prefix(':') {
        Some(port) => port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|p| p > 0),
        None => port.is_empty(),
    };
    sound.then_some(host)
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Labels of letters, digits and hyphens (RFC 1123 section 2.1); IPv4 addresses look the same.
fn is_host_name(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_an_address_with_or_without_a_name() {
        for (text, name, address) in [
            ("ann@ours.example", None, "ann@ours.example"),
            (" <ann@ours.example> ", None, "ann@ours.example"),
            ("Ann of Ours <Ann@Ours.example>", Some("Ann of Ours"), "ann@ours.example"),
            ("\"Ours, Inc.\" <ann@ours.example>", Some("Ours, Inc."), "ann@ours.example"),
        ] {
            let read = correspondent(text).expect(text);
            assert_eq!((read.name.as_deref(), read.address.as_str()), (name, address), "{text}");
        }
        for text in
            ["", "Ann", "Ann <ann>", "Ann\u{7} <ann@ours.example>", "ann@ours.example, bob@ours.example"]
        {
            assert!(correspondent(text).is_err(), "{text}");
        }
    }

    #[test]
    fn links_are_https_unless_they_stay_on_this_machine() {
        for (text, read) in [
            ("https://go.ours.example", "https://go.ours.example"),
            ("HTTPS://Go.Ours.example/nurture/", "https://go.ours.example/nurture"),
            ("https://ours.example:8443", "https://ours.example:8443"),
            ("http://localhost:8080/", "http://localhost:8080"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://[::1]:8080", "http://[::1]:8080"),
        ] {
            assert_eq!(public_url(text).as_deref(), Ok(read), "{text}");
        }
        for text in [
            "",
            "ours.example",
            "http://ours.example",
            "http://localhost.ours.example",
            "http://127.0.0.1.ours.example",
            "http://user@127.0.0.1",
            "ftp://ours.example",
            "https://",
            "https://ours.example:",
            "https://ours.example:99999",
            "https://ours.example:+80",
            "https://ours example",
            "https://ours.example/?a",
            "https://ours.example/>",
            "https://user:pw@ours.example",
            "https://[ours]",
        ] {
            assert!(public_url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_mail_server_is_named_without_its_port() {
        assert!(host("mail.ours.example").is_ok() && host("192.0.2.1").is_ok() && host("::1").is_ok());
        assert!(host("mail.ours.example:25").is_err() && host("https://mail").is_err() && host("").is_err());
        assert!(hello_name("[192.0.2.1]").is_ok() && hello_name("[IPv6:2001:db8::1]").is_ok());
        assert!(hello_name("a b").is_err() && hello_name("[x]").is_err() && hello_name("").is_err());
    }
}
