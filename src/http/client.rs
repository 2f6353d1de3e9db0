//! Who sent a request: the address at the other end, or, behind a proxy that the operator named, the one that
//! this proxy says.
//!
//! A header is anybody's to write. It counts only as far as it was written by a proxy we know: read from its end,
//! the first address that is none of theirs is the client. Of the two headers one is read, the one that the
//! proxy is configured to set; it would pass on the other as the client sent it.

use std::net::{IpAddr, SocketAddr};

use axum::extract::Request;
use axum::http::HeaderMap;

use crate::config::{ApiConfig, ForwardedHeader};

/// The other end of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// The client's address. `None` when nobody knows, as in a request that came over no connection.
pub fn address(request: &Request, config: &ApiConfig) -> Option<IpAddr> {
    let peer = request.extensions().get::<Peer>()?.0.ip();
    Some(behind_proxies(peer, request.headers(), config))
}

fn behind_proxies(peer: IpAddr, headers: &HeaderMap, config: &ApiConfig) -> IpAddr {
    let is_proxy = |address: IpAddr| config.trusted_proxies.iter().any(|network| network.has(address));
    let mut client = peer.to_canonical();
    if !is_proxy(client) {
        return client;
    }
    for hop in hops(headers, config.forwarded_header).into_iter().rev() {
        let Some(address) = hop else { return client };
        client = address.to_canonical();
        if !is_proxy(client) {
            return client;
        }
    }
    client
}

/// The addresses that a header names, the farthest first; `None` for what is no address.
fn hops(headers: &HeaderMap, header: ForwardedHeader) -> Vec<Option<IpAddr>> {
    let lines = headers.get_all(header.name()).iter().map(|value| value.to_str().unwrap_or_default());
    let elements = lines.flat_map(|line| line.split(','));
    match header {
        ForwardedHeader::XForwardedFor => elements.map(|text| host(text.trim())).collect(),
        // RFC 7239: pairs, of which `for` names the client of that hop.
        ForwardedHeader::Forwarded => elements.map(forwarded_for).collect(),
    }
}

fn forwarded_for(element: &str) -> Option<IpAddr> {
    let pair = element.split(';').find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        name.eq_ignore_ascii_case("for").then_some(value)
    })?;
    host(pair.trim().trim_matches('"'))
}

/// An address with or without a port: `192.0.2.1:80`, `[2001:db8::1]:80`, `2001:db8::1`.
fn host(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address);
    }
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some(address.ip());
    }
    text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).and_then(|inner| inner.parse().ok())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn seen(peer: &str, header: ForwardedHeader, lines: &[&str]) -> String {
        let config = ApiConfig {
            trusted_proxies: ["127.0.0.1/32", "10.0.0.0/8"]
                .map(|text| text.parse().expect("a network"))
                .to_vec(),
            forwarded_header: header,
            ..ApiConfig::default()
        };
        let mut headers = HeaderMap::new();
        for line in lines {
            let name = HeaderName::from_static(header.name());
            headers.append(name, HeaderValue::from_str(line).expect("a header"));
        }
        behind_proxies(peer.parse().expect("an address"), &headers, &config).to_string()
    }

    #[test]
    fn a_header_counts_as_far_as_known_proxies_wrote_it() {
        use ForwardedHeader::XForwardedFor;
        for (peer, lines, client) in [
            ("192.0.2.7", vec!["203.0.113.9"], "192.0.2.7"),
            ("127.0.0.1", vec!["203.0.113.9"], "203.0.113.9"),
            ("::ffff:127.0.0.1", vec!["203.0.113.9"], "203.0.113.9"),
            // What the client itself wrote stands before what our proxy added.
            ("127.0.0.1", vec!["1.1.1.1, 203.0.113.9"], "203.0.113.9"),
            ("127.0.0.1", vec!["1.1.1.1", "203.0.113.9, 10.2.3.4"], "203.0.113.9"),
            ("127.0.0.1", vec!["203.0.113.9:4711"], "203.0.113.9"),
            ("127.0.0.1", vec!["2001:db8::9"], "2001:db8::9"),
            ("127.0.0.1", vec!["junk"], "127.0.0.1"),
            ("127.0.0.1", vec!["203.0.113.9, junk, 10.1.1.1"], "10.1.1.1"),
            ("127.0.0.1", vec![], "127.0.0.1"),
        ] {
            assert_eq!(seen(peer, XForwardedFor, &lines), client, "{peer} {lines:?}");
        }
    }

    #[test]
    fn the_standard_s_header_is_read_when_it_is_the_one() {
        use ForwardedHeader::Forwarded;
        for (lines, client) in [
            (vec!["for=192.0.2.60;proto=http;by=203.0.113.43"], "192.0.2.60"),
            (vec!["For=\"[2001:db8:cafe::17]:4711\""], "2001:db8:cafe::17"),
            (vec!["for=1.1.1.1, for=192.0.2.43", "for=10.0.0.1"], "192.0.2.43"),
            (vec!["for=_hidden"], "127.0.0.1"),
            (vec!["by=192.0.2.1"], "127.0.0.1"),
        ] {
            assert_eq!(seen("127.0.0.1", Forwarded, &lines), client, "{lines:?}");
        }
    }
}
