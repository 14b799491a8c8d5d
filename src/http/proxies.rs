//! Which address a call came from, where proxies stand in front of the server.
//!
//! `X-Forwarded-For` is what anybody may send. Only what a trusted proxy added to it counts: the
//! list is read from its end, as long as each address is one of those proxies. Nothing is trusted
//! unless the operator names it.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use http::{HeaderMap, HeaderName};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Addresses that begin alike: one address, or a network as `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    prefix: u32,
}

impl FromStr for Network {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u32>().map_err(|_| ())?)),
            None => (text, None),
        };
        let first = address.parse::<IpAddr>().map_err(|_| ())?;
        let most = if first.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(most);
        // One that is written with more than its prefix was most likely meant to be another.
        let whole = bits(first) == bits(first) & mask(first, prefix);
        if prefix <= most && whole { Ok(Self { first, prefix }) } else { Err(()) }
    }
}

/// The address as a number; an IPv4 address has the first 32 bits.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()) << 96,
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

fn mask(of: IpAddr, prefix: u32) -> u128 {
    let prefix = if of.is_ipv4() { prefix.min(32) } else { prefix };
    u128::MAX.checked_shl(128_u32.saturating_sub(prefix)).unwrap_or(0)
}

impl Network {
    fn holds(&self, address: IpAddr) -> bool {
        let same_kind = address.is_ipv4() == self.first.is_ipv4();
        same_kind && bits(address) & mask(self.first, self.prefix) == bits(self.first)
    }
}

/// The proxies that are believed.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Arc<[Network]>);

impl TrustedProxies {
    /// These.
    pub fn new(networks: &[Network]) -> Self {
        Self(networks.into())
    }

    fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.holds(address))
    }

    /// Where a call came from whose connection `peer` made.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        let lines = headers.get_all(FORWARDED_FOR).iter().rev();
        let hops = lines.flat_map(|line| line.as_bytes().rsplit(|b| *b == b','));
        for hop in hops {
            if !self.trust(client) {
                break;
            }
            // What cannot be read stands for somebody, and whoever is behind cannot be known.
            let Some(address) = std::str::from_utf8(hop).ok().and_then(address) else { break };
            client = address;
        }
        client
    }
}

/// An address as proxies write it: alone, or with a port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let alone = bare.parse::<IpAddr>().ok();
    let with_port = || text.parse::<std::net::SocketAddr>().ok().map(|with| with.ip());
    alone.or_else(with_port).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(trusted: &[&str], peer: &str, lines: &[&str]) -> String {
        let networks: Vec<Network> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        TrustedProxies::new(&networks).client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn only_what_a_trusted_proxy_added_is_believed() {
        let proxies = ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"];
        for (peer, lines, is) in [
            ("10.1.2.3", &["198.51.100.1"][..], "198.51.100.1"),
            // What the client sent stands before what the proxy added.
            ("10.1.2.3", &["203.0.113.9, 198.51.100.1"], "198.51.100.1"),
            ("10.1.2.3", &["203.0.113.9", "198.51.100.1, 192.0.2.7"], "198.51.100.1"),
            ("10.1.2.3", &["203.0.113.9, 10.0.0.1", "10.9.9.9"], "203.0.113.9"),
            ("::ffff:10.1.2.3", &["198.51.100.1:4711"], "198.51.100.1"),
            ("2001:db8::1", &["[2a00::5]:443"], "2a00::5"),
            ("2001:db8::1", &["[2a00::5]"], "2a00::5"),
            // From somebody else it says nothing.
            ("198.51.100.9", &["203.0.113.9"], "198.51.100.9"),
            ("2001:db9::1", &["203.0.113.9"], "2001:db9::1"),
            ("192.0.2.8", &["10.0.0.1"], "192.0.2.8"),
            // Nothing, or nothing that can be read.
            ("10.1.2.3", &[], "10.1.2.3"),
            ("10.1.2.3", &["10.0.0.1"], "10.0.0.1"),
            ("10.1.2.3", &["203.0.113.9, unknown, 10.0.0.1"], "10.0.0.1"),
            ("10.1.2.3", &["203.0.113.9,"], "10.1.2.3"),
        ] {
            assert_eq!(client(&proxies, peer, lines), is, "{peer} {lines:?}");
        }
        assert_eq!(client(&[], "10.1.2.3", &["198.51.100.1"]), "10.1.2.3", "nothing by default");
        assert_eq!(client(&["0.0.0.0/0"], "10.1.2.3", &["::1"]), "::1");
    }

    #[test]
    fn networks_are_read_as_they_are_written_and_nothing_else_is() {
        for right in ["10.0.0.0/8", "192.0.2.1", "192.0.2.1/32", "::1", "fd00::/8", "::/0"] {
            assert!(right.parse::<Network>().is_ok(), "{right}");
        }
        for wrong in ["10.0.0.1/8", "10.0.0.0/33", "fd00::/129", "proxy", "", "10.0.0.0/", "10/8"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
