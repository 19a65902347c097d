//! Addresses of IPv4 and IPv6, and blocks of them (CIDR), as texts and as bytes.
//!
//! As bytes an address is its four or sixteen, and a block has one more for the length of its prefix.

use std::net::{IpAddr, Ipv6Addr};

use datafusion::error::{DataFusionError, Result};

use super::fail;
use super::function::{Def, Env, f};
use super::value::V;

pub(crate) const FUNCTIONS: &[Def] = &[
    f("ip_host", "X -> $1", |_, a| written(host(&a[0])?, &a[0])),
    f("try_ip_host", "X -> $1", |_, a| host(&a[0]).map_or(Ok(V::Null), |host| written(host, &a[0]))),
    f("ip_cidr", "X -> $1", |_, a| written(block(&a[0])?.network(), &a[0])),
    f("try_ip_cidr", "X -> $1", |_, a| block(&a[0]).map_or(Ok(V::Null), |block| written(block.network(), &a[0]))),
    f("ip_network", "X -> $1", first),
    f("ip_network_first", "X -> $1", first),
    f("ip_network_last", "X -> $1", |_, a| written(block(&a[0])?.last(), &a[0])),
    f("ip_prefix_length", "X -> i", |_, a| Ok(V::from(block(&a[0])?.prefix.map(i64::from)))),
    f("ip_version", "X -> i", |_, a| Ok(V::Int(if either(&a[0])?.width == 32 { 4 } else { 6 }))),
    f("ip_as_binary", "X -> x", |_, a| Ok(V::Bin(either(&a[0])?.network().bytes()))),
    f("try_ip_as_binary", "X -> x", |_, a| Ok(either(&a[0]).map_or(V::Null, |it| V::Bin(it.network().bytes())))),
    f("ip_as_string", "X -> s", |_, a| Ok(either(&a[0])?.network().text().into())),
    f("try_ip_as_string", "X -> s", |_, a| Ok(either(&a[0]).map_or(V::Null, |it| it.network().text().into()))),
    f("ip_cidr_contains", "X X -> b", contains),
];

/// An address, or a block of addresses if there is a prefix.
#[derive(Clone, Copy)]
struct Ip {
    bits: u128,
    /// 32 or 128.
    width: u8,
    prefix: Option<u8>,
}

impl Ip {
    fn parse(v: &V) -> Option<Self> {
        match v {
            V::Str(text) => {
                let (address, prefix) = match text.split_once('/') {
                    Some((address, digits)) => (address, Some(length(digits)?)),
                    None => (text.as_str(), None),
                };
                let (bits, width) = match address.parse().ok()? {
                    IpAddr::V4(it) => (u128::from(it.to_bits()), 32),
                    IpAddr::V6(it) => (it.to_bits(), 128),
                };
                Self { bits, width, prefix }.sound()
            }
            V::Bin(bytes) => {
                let width: u8 = if bytes.len() < 16 { 32 } else { 128 };
                let (address, rest) = bytes.split_at_checked(usize::from(width / 8))?;
                let prefix = match rest {
                    [] => None,
                    [prefix] => Some(*prefix),
                    _ => return None,
                };
                let bits = address.iter().fold(0, |bits, byte| bits << 8 | u128::from(*byte));
                Self { bits, width, prefix }.sound()
            }
            _ => None,
        }
    }

    fn sound(self) -> Option<Self> {
        self.prefix.is_none_or(|prefix| prefix <= self.width).then_some(self)
    }

    /// The bits behind the prefix.
    fn mask(self) -> u128 {
        let free = u32::from(self.width - self.prefix.unwrap_or(self.width));
        1u128.checked_shl(free).map_or(u128::MAX, |bit| bit - 1)
    }

    /// With the first address of the block.
    fn network(self) -> Self {
        Self { bits: self.bits & !self.mask(), ..self }
    }

    /// The first address of the block.
    fn first(self) -> Self {
        Self { prefix: None, ..self.network() }
    }

    /// The last address of the block.
    fn last(self) -> Self {
        Self { bits: self.bits | self.mask(), prefix: None, ..self }
    }

    fn text(self) -> String {
        let address = match u32::try_from(self.bits) {
            Ok(bits) if self.width == 32 => IpAddr::from(bits.to_be_bytes()),
            _ => IpAddr::from(self.bits.to_be_bytes()),
        };
        match self.prefix {
            Some(prefix) => format!("{address}/{prefix}"),
            None => address.to_string(),
        }
    }

    fn bytes(self) -> Vec<u8> {
        let all = self.bits.to_be_bytes();
        let address = &all[16 - usize::from(self.width / 8)..];
        address.iter().copied().chain(self.prefix).collect()
    }

    /// An address of IPv4 inside of IPv6 as that of IPv4.
    fn unmapped(self) -> Self {
        let inside = self.width == 128
            && self.prefix.is_none_or(|prefix| prefix >= 96)
            && Ipv6Addr::from_bits(self.bits).to_ipv4_mapped().is_some();
        if inside {
            Self { bits: self.bits & u128::from(u32::MAX), width: 32, prefix: self.prefix.map(|prefix| prefix - 96) }
        } else {
            self
        }
    }
}

/// The length of a prefix: digits without a zero in front.
fn length(digits: &str) -> Option<u8> {
    let plain = digits.bytes().all(|b| b.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    if plain { digits.parse().ok() } else { None }
}

fn shown(v: &V) -> String {
    match v {
        V::Bin(bytes) => format!("X'{}'", super::math::hex(bytes)),
        other => other.text().to_owned(),
    }
}

fn wrong(class: &'static str, what: &str, v: &V) -> DataFusionError {
    fail(class, "22023", &format!("The value '{}' is not {what}.", shown(v)))
}

fn host(v: &V) -> Result<Ip> {
    let found = Ip::parse(v).filter(|ip| ip.prefix.is_none());
    found.ok_or_else(|| wrong("INVALID_IP_ADDRESS", "a valid IPv4 or IPv6 address", v))
}

fn block(v: &V) -> Result<Ip> {
    let found = Ip::parse(v).filter(|ip| ip.prefix.is_some());
    found.ok_or_else(|| wrong("INVALID_CIDR_BLOCK", "a valid IPv4 or IPv6 CIDR block", v))
}

fn either(v: &V) -> Result<Ip> {
    let what = "a valid IPv4 or IPv6 address or CIDR block";
    Ip::parse(v).ok_or_else(|| wrong("INVALID_IP_ADDRESS_OR_CIDR_BLOCK", what, v))
}

/// In the form that the argument has.
fn written(ip: Ip, like: &V) -> Result<V> {
    Ok(if matches!(like, V::Bin(_)) { V::Bin(ip.bytes()) } else { ip.text().into() })
}

fn first(_: &Env<'_>, a: &[V]) -> Result<V> {
    written(block(&a[0])?.first(), &a[0])
}

fn contains(_: &Env<'_>, a: &[V]) -> Result<V> {
    let (outer, inner) = (block(&a[0])?.unmapped(), either(&a[1])?.unmapped());
    if outer.width != inner.width {
        // Blocks of IPv6 that have all addresses of IPv4 in them, beside one that is written as IPv4.
        let mapped = Ip { bits: 0xffff_u128 << 32, width: 128, prefix: None };
        if inner.width == 32 && mapped.bits & !outer.mask() == outer.network().bits {
            let text = "The embedded workspace does not know whether a block of IPv6 that is larger than ::ffff:0:0/96 has \
                        addresses that are written as IPv4 in it; write them as ::ffff:1.2.3.4.";
            return Err(fail("UNSUPPORTED_FEATURE", "0A000", text));
        }
        return Ok(false.into());
    }
    let fits = inner.prefix.unwrap_or(inner.width) >= outer.prefix.unwrap_or(outer.width);
    Ok((fits && inner.bits & !outer.mask() == outer.network().bits).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> V {
        V::str(value)
    }

    #[test]
    fn blocks_begin_at_their_first_address() {
        let network = |value: &str| block(&text(value)).unwrap().network().text();
        assert_eq!(network("10.1.2.3/8"), "10.0.0.0/8");
        assert_eq!(network("10.1.2.3/0"), "0.0.0.0/0");
        assert_eq!(network("10.1.2.3/32"), "10.1.2.3/32");
        assert_eq!(network("FE80:0:0:0::1/10"), "fe80::/10");
        assert_eq!(network("::1/0"), "::/0");
        assert_eq!(block(&text("::/0")).unwrap().last().text(), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let wrong = [
            "",
            "1.2.3",
            "1.2.3.4.5",
            "01.2.3.4",
            "256.1.1.1",
            "1.2.3.4/33",
            "1.2.3.4/-1",
            "1.2.3.4/08",
            "::/129",
            ":::",
        ];
        for wrong in wrong.into_iter().chain(["1.2.3.4/", " 1.2.3.4", "fe80::1%eth0", "1.2.3.4/8/8"]) {
            assert!(Ip::parse(&text(wrong)).is_none(), "{wrong}");
        }
        for wrong in [0, 3, 6, 15, 18] {
            assert!(Ip::parse(&V::Bin(vec![1; wrong])).is_none(), "{wrong}");
        }
        assert!(Ip::parse(&V::Bin(vec![10, 0, 0, 0, 33])).is_none());
    }

    #[test]
    fn bytes_and_texts_are_the_same_addresses() {
        for it in ["1.2.3.4", "1.2.0.0/16", "2001:db8::7", "2001:db8::/32", "::ffff:1.2.3.4", "0.0.0.0", "::"] {
            let bytes = either(&text(it)).unwrap().bytes();
            assert_eq!(either(&V::Bin(bytes)).unwrap().text(), it);
        }
    }
}
