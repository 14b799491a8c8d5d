//! Where webhooks may lead. Whoever may make one could otherwise have the server knock at doors
//! that only it can reach: the cloud's metadata service, a database, the neighbour's printer
//! (server-side request forgery, OWASP API7:2023).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Longest URL.
const MAX_URL: usize = 2_048;

/// A webhook's URL, if it can be one; else what would be right.
pub fn check(text: &str, allow_private: bool) -> Result<Url, String> {
    let example = "must be a URL such as https://app.example.com/hooks";
    let url = Url::parse(text).map_err(|_| example.to_owned())?;
    let schemes: &[&str] = if allow_private { &["https", "http"] } else { &["https"] };
    if text.len() > MAX_URL {
        return Err(format!("must have at most {MAX_URL} characters"));
    }
    if !schemes.contains(&url.scheme()) {
        return Err("must begin with https://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must hold no user and no password; the signature shows who sends".to_owned());
    }
    if url.fragment().is_some() {
        return Err("must have no fragment (#…)".to_owned());
    }
    let literal = match url.host() {
        None => return Err(example.to_owned()),
        Some(Host::Domain(_)) => None,
        Some(Host::Ipv4(v4)) => Some(IpAddr::V4(v4)),
        Some(Host::Ipv6(v6)) => Some(IpAddr::V6(v6)),
    };
    if literal.is_some_and(|address| !may_reach(address, allow_private)) {
        return Err("must not lead to a private, loopback or link-local address".to_owned());
    }
    Ok(url)
}

/// Whether a message may be sent to this address.
pub fn may_reach(address: IpAddr, allow_private: bool) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4) || (allow_private && is_near_v4(v4)),
        IpAddr::V6(v6) => match embedded_v4(v6) {
            Some(v4) => may_reach(IpAddr::V4(v4), allow_private),
            None => is_public_v6(v6) || (allow_private && is_near_v6(v6)),
        },
    }
}

/// Loopback, private (RFC 1918) and shared (RFC 6598).
fn is_near_v4(v4: Ipv4Addr) -> bool {
    let [a, b, ..] = v4.octets();
    v4.is_loopback() || v4.is_private() || (a == 100 && (64..128).contains(&b))
}

/// What the registry of special-purpose addresses (RFC 6890) does not keep for something else.
fn is_public_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    let special = is_near_v4(v4)
        || v4.is_link_local()
        || v4.is_documentation()
        || matches!((a, b, c), (0 | 224.., _, _) | (192, 0, 0) | (192, 88, 99) | (198, 18 | 19, _));
    !special
}

/// The IPv4 address that some IPv6 addresses stand for: mapped, NAT64 (RFC 6052), 6to4.
fn embedded_v4(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let last = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match v6.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(last(high, low))
        }
        [0x2002, high, low, ..] => Some(last(high, low)),
        _ => None,
    }
}

/// Loopback and unique local (RFC 4193), but for the metadata service that lives among them.
fn is_near_v6(v6: Ipv6Addr) -> bool {
    let metadata = v6.segments()[..2] == [0xfd00, 0xec2];
    v6.is_loopback() || (v6.segments()[0] & 0xfe00 == 0xfc00 && !metadata)
}

/// Global unicast, without what is kept for protocols (`2001::/23`) and documentation.
fn is_public_v6(v6: Ipv6Addr) -> bool {
    let [a, b, ..] = v6.segments();
    let global = a & 0xe000 == 0x2000;
    global && !(a == 0x2001 && (b < 0x200 || b == 0xdb8)) && !(a == 0x3fff && b < 0x1000)
}

/// A name led to no address that may be reached.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to no address that may be reached")]
pub struct NotAllowed;

/// Looks names up and gives out only addresses that may be reached: what is checked is what is
/// connected to, so a name that changes between two look-ups gains nothing.
pub struct Guarded {
    pub allow_private: bool,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> =
                found.filter(|address| may_reach(address.ip(), allow_private)).collect();
            if allowed.is_empty() {
                return Err(NotAllowed.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// A client that follows no redirect, uses no proxy and connects only where it may.
pub fn client(allow_private: bool) -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .https_only(!allow_private)
        .timeout(super::deliver::PATIENCE)
        .pool_max_idle_per_host(2)
        .user_agent(concat!("strongroom/", env!("CARGO_PKG_VERSION")))
        .dns_resolver(Arc::new(Guarded { allow_private }))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEAR: &[&str] = &[
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "::1",
        "fd12:3456::1",
        "::ffff:10.0.0.1",
        "2002:7f00:1::",
        "64:ff9b::a00:1",
    ];
    const NEVER: &[&str] = &[
        "169.254.169.254",
        "0.0.0.0",
        "0.1.2.3",
        "224.0.0.1",
        "255.255.255.255",
        "240.0.0.1",
        "192.0.0.8",
        "198.18.0.1",
        "192.0.2.1",
        "::",
        "fe80::1",
        "ff02::1",
        "fd00:ec2::254",
        "2001:db8::1",
        "2001::1",
        "::ffff:169.254.169.254",
        "::7f00:1",
        "2002:a9fe:a9fe::1",
    ];
    const PUBLIC: &[&str] = &[
        "1.1.1.1",
        "93.184.216.34",
        "2606:4700::1111",
        "2a00:1450::1",
        "::ffff:1.1.1.1",
        "64:ff9b::101:101",
    ];

    #[test]
    fn private_and_special_addresses_are_told_from_public_ones() {
        let ip = |text: &&str| text.parse::<IpAddr>().unwrap();
        for near in NEAR {
            assert!(!may_reach(ip(near), false), "{near}");
            assert!(may_reach(ip(near), true), "{near}");
        }
        for never in NEVER {
            assert!(!may_reach(ip(never), false), "{never}");
            assert!(!may_reach(ip(never), true), "{never}");
        }
        for public in PUBLIC {
            assert!(may_reach(ip(public), false), "{public}");
        }
    }

    #[test]
    fn a_url_that_leads_inside_is_refused_however_it_is_spelled() {
        for inside in [
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0/",
            "https://[::1]/",
            "https://[::ffff:7f00:1]/",
            "https://169.254.169.254/latest",
            "https://017700000001/",
        ] {
            let said = check(inside, false).unwrap_err();
            assert!(said.contains("loopback"), "{inside}: {said}");
        }
        for wrong in [
            "http://example.com",
            "ftp://example.com",
            "https://",
            "example.com",
            "",
            "https://me:secret@example.com/",
            "https://me@example.com/",
            "file:///etc/passwd",
            "https://example.com/#part",
        ] {
            assert!(check(wrong, false).is_err(), "{wrong}");
        }
        assert!(check(&format!("https://example.com/{}", "x".repeat(2_048)), false).is_err());
        assert!(check("https://app.example.com:8443/hooks?tenant=1", false).is_ok());
        assert!(check("http://127.0.0.1:9/", true).is_ok());
        assert!(check("http://169.254.169.254/", true).is_err());
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_refused_when_it_is_connected_to() {
        let guarded = |allow_private| Guarded { allow_private };
        let name = || "localhost".parse::<Name>().unwrap();
        let refused = guarded(false).resolve(name()).await.map(Iterator::count).unwrap_err();
        assert!(refused.is::<NotAllowed>(), "{refused}");
        assert!(guarded(true).resolve(name()).await.unwrap().count() > 0);
    }
}
