//! Which addresses of the web a user's input may send the worker to: public ones, over `https`.
//!
//! Names are judged as they stand. What a name resolves to is up to the resolver of the platform, so a name that points
//! at a private network is not seen here; on a server of your own a proxy or a firewall has to stop it. International
//! names are read in their ASCII form (`xn--…`) only: the tables for the others are a sixth of the worker.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, ParseError, Url};

#[cfg(test)]
mod tests;

/// Whom an address may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressPolicy {
    /// Servers on the public internet, over `https`.
    Public,
    /// Any server, over `http` too: for a local stack whose photographs are on the same machine.
    Any,
}

/// Why an address is not called. Its words never repeat the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is no address of the web over `https`.
    #[error("expected an address that starts with https://")]
    Scheme,
    /// It starts as it should, but no host can be read in it, or one with letters that have no ASCII form here.
    #[error(
        "expected a server's name after https://, an international one in its ASCII form (xn--…)"
    )]
    Host,
    /// A name and password in it would be sent along.
    #[error("expected an address without user name and password")]
    Credentials,
    /// This machine, a private network, or a name that only such a network knows.
    #[error("expected the address of a public server, not one of a private network")]
    Private,
}

/// Reads an address as browsers do and refuses one that a user may not send the worker to.
///
/// # Errors
/// [`AddressError`], which says what was expected.
pub fn parse(text: &str, policy: AddressPolicy) -> Result<Url, AddressError> {
    let url = Url::parse(text.trim()).map_err(error_of)?;
    check(&url, policy)?;
    Ok(url)
}

/// The address that an answer from `from` redirects to, held to the same rules.
///
/// # Errors
/// [`AddressError`], which says what was expected.
pub fn redirect(from: &Url, location: &str, policy: AddressPolicy) -> Result<Url, AddressError> {
    let url = from.join(location).map_err(error_of)?;
    check(&url, policy)?;
    Ok(url)
}

fn error_of(error: ParseError) -> AddressError {
    match error {
        ParseError::RelativeUrlWithoutBase => AddressError::Scheme,
        _ => AddressError::Host,
    }
}

fn check(url: &Url, policy: AddressPolicy) -> Result<(), AddressError> {
    let is_scheme_allowed = match url.scheme() {
        "https" => true,
        "http" => policy == AddressPolicy::Any,
        _ => false,
    };
    let host = url.host().filter(|_| is_scheme_allowed);
    let host = host.ok_or(AddressError::Scheme)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(AddressError::Credentials);
    }
    let is_public = match host {
        Host::Domain(name) => is_public_name(name),
        Host::Ipv4(address) => is_public_v4(address),
        Host::Ipv6(address) => is_public_v6(address),
    };
    if is_public || policy == AddressPolicy::Any {
        Ok(())
    } else {
        Err(AddressError::Private)
    }
}

/// Names under these are known to one machine or one network only (RFC 6761, RFC 6762, RFC 8375, and clouds' metadata).
const PRIVATE_SUFFIXES: [&str; 8] = [
    "localhost",
    "local",
    "internal",
    "intranet",
    "lan",
    "corp",
    "home",
    "arpa",
];

fn is_public_name(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    let last = name.rsplit('.').next().unwrap_or_default();
    name.contains('.') && !PRIVATE_SUFFIXES.contains(&last)
}

/// Networks that are not on the public internet: the IANA registry of special-purpose IPv4 addresses.
const PRIVATE_V4: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

fn is_public_v4(address: Ipv4Addr) -> bool {
    let is_in = |(network, bits): &(Ipv4Addr, u32)| {
        (address.to_bits() ^ network.to_bits()) >> (32 - bits) == 0
    };
    !PRIVATE_V4.iter().any(is_in)
}

/// Parts of the global unicast range 2000::/3 that lead elsewhere: Teredo, ORCHID, documentation, 6to4, more
/// documentation. The IANA registry of special-purpose IPv6 addresses.
const PRIVATE_V6: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Only global unicast addresses: what maps or translates to IPv4 could lead to a private one.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let is_in = |(network, bits): &(Ipv6Addr, u32)| {
        (address.to_bits() ^ network.to_bits()) >> (128 - bits) == 0
    };
    address.to_bits() >> 125 == 1 && !PRIVATE_V6.iter().any(is_in)
}
