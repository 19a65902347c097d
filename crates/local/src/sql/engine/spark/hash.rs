//! Hashes and checksums.

use datafusion::arrow::datatypes::DataType;
use datafusion::error::{DataFusionError, Result};
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha224, Sha256, Sha384, Sha512};

use super::function::{Def, f, n};
use super::math::hex;
use super::types;
use super::value::V;
use super::{fail, text};

pub(crate) const FUNCTIONS: &[Def] = &[
    f("md5", "x -> s", |_, a| Ok(hex(&Md5::digest(a[0].bytes())).into())),
    f("sha", "x -> s", |_, a| Ok(hex(&Sha1::digest(a[0].bytes())).into())),
    f("sha1", "x -> s", |_, a| Ok(hex(&Sha1::digest(a[0].bytes())).into())),
    f("sha2", "x i -> s", |_, a| {
        let b = a[0].bytes();
        Ok(match a[1].i() {
            224 => hex(&Sha224::digest(b)).into(),
            0 | 256 => hex(&Sha256::digest(b)).into(),
            384 => hex(&Sha384::digest(b)).into(),
            512 => hex(&Sha512::digest(b)).into(),
            _ => V::Null,
        })
    }),
    f("hmac", "x x s? -> x", |e, a| {
        let (key, message) = (a[0].bytes(), a[1].bytes());
        let broken = |_| super::invalid(e.name, "key", "it cannot be used");
        macro_rules! mac {
            ($hash:ty) => {{
                let mut mac = Hmac::<$hash>::new_from_slice(key).map_err(broken)?;
                mac.update(message);
                V::Bin(mac.finalize().into_bytes().to_vec())
            }};
        }
        Ok(match a.get(2).map_or("SHA256".to_owned(), |v| v.text().to_uppercase().replace('-', "")).as_str() {
            "SHA1" => mac!(Sha1),
            "SHA224" => mac!(Sha224),
            "SHA256" => mac!(Sha256),
            "SHA384" => mac!(Sha384),
            "SHA512" => mac!(Sha512),
            _ => {
                return Err(super::invalid(e.name, "algorithm", "expects one of SHA1, SHA224, SHA256, SHA384, SHA512"));
            }
        })
    }),
    f("crc32", "x -> l", |_, a| {
        let mut crc = u32::MAX;
        for b in a[0].bytes() {
            crc ^= u32::from(*b);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
            }
        }
        Ok(V::Int(i64::from(!crc)))
    }),
    n("hash", "a* -> i", |e, a| {
        let mut h = 42u32;
        for (v, k) in a.iter().zip(e.kinds) {
            h = murmur(v, k, h)?;
        }
        Ok(V::Int(i64::from(h as i32)))
    }),
    n("xxhash64", "a* -> l", |e, a| {
        let mut h = 42u64;
        for (v, k) in a.iter().zip(e.kinds) {
            h = xx(v, k, h)?;
        }
        Ok(V::Int(h as i64))
    }),
];

fn mix_k(k: u32) -> u32 {
    k.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593)
}

fn mix_h(h: u32, k: u32) -> u32 {
    (h ^ k).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64)
}

fn finish(mut h: u32, length: u32) -> u32 {
    h ^= length;
    h ^= h >> 16;
    h = h.wrapping_mul(0x85eb_ca6b);
    h ^= h >> 13;
    h = h.wrapping_mul(0xc2b2_ae35);
    h ^ h >> 16
}

fn murmur_int(n: u32, seed: u32) -> u32 {
    finish(mix_h(seed, mix_k(n)), 4)
}

fn murmur_long(n: u64, seed: u32) -> u32 {
    finish(mix_h(mix_h(seed, mix_k(n as u32)), mix_k((n >> 32) as u32)), 8)
}

/// The platform takes the bytes behind the last four one by one.
pub(super) fn murmur_bytes(bytes: &[u8], seed: u32) -> u32 {
    let mut h = seed;
    let (words, rest) = bytes.as_chunks::<4>();
    for w in words {
        h = mix_h(h, mix_k(u32::from_le_bytes(*w)));
    }
    for b in rest {
        h = mix_h(h, mix_k(*b as i8 as u32));
    }
    finish(h, bytes.len() as u32)
}

/// The bytes of Java's `BigInteger`.
fn big_integer(n: i128) -> Vec<u8> {
    let all = n.to_be_bytes();
    let filler = if n < 0 { 0xff } else { 0 };
    let mut start = 0;
    while start < 15 && all[start] == filler && (all[start + 1] & 0x80 != 0) == (n < 0) {
        start += 1;
    }
    all[start..].to_vec()
}

fn no_map(name: &str) -> DataFusionError {
    fail(
        "DATATYPE_MISMATCH.HASH_MAP_TYPE",
        "42K09",
        &format!("Input to the function `{name}` cannot contain elements of the \"MAP\" type."),
    )
}

fn murmur(v: &V, kind: &DataType, seed: u32) -> Result<u32> {
    Ok(match (v, kind) {
        (V::Null, _) => seed,
        (V::Bool(b), _) => murmur_int(u32::from(*b), seed),
        (V::Int(n), DataType::Int64) => murmur_long(*n as u64, seed),
        (V::Int(n), _) => murmur_int(*n as i32 as u32, seed),
        (V::Date(n) | V::Ym(n), _) => murmur_int(*n as u32, seed),
        (V::Float(x), _) => murmur_int(if *x == 0.0 { 0 } else { x.to_bits() }, seed),
        (V::Double(x), _) => murmur_long(if *x == 0.0 { 0 } else { x.to_bits() }, seed),
        (V::Ts(n) | V::Dt(n) | V::Time(n), _) => murmur_long(*n as u64, seed),
        (V::Dec(n), DataType::Decimal128(p, _)) if *p <= 18 => murmur_long(*n as i64 as u64, seed),
        (V::Dec(n), _) => murmur_bytes(&big_integer(*n), seed),
        (V::Str(s), _) => murmur_bytes(s.as_bytes(), seed),
        (V::Bin(b), _) => murmur_bytes(b, seed),
        (V::Cal(m, d, us), _) => murmur_int(*m as u32, murmur_int(*d as u32, murmur_long(*us as u64, seed))),
        (V::List(items), k) => {
            let element = types::element(k);
            items.iter().try_fold(seed, |h, v| murmur(v, &element, h))?
        }
        (V::Struct(values), DataType::Struct(fields)) => {
            values.iter().zip(fields).try_fold(seed, |h, (v, f)| murmur(v, f.data_type(), h))?
        }
        (v, k) => {
            return Err(if matches!(v, V::Map(_)) {
                no_map("hash")
            } else {
                fail("INTERNAL_ERROR", "XX000", &format!("{} cannot be hashed: {}", types::name(k), text::text(v, k)))
            });
        }
    })
}

const P1: u64 = 0x9E37_79B1_85EB_CA87;
const P2: u64 = 0xC2B2_AE3D_27D4_EB4F;
const P3: u64 = 0x1656_67B1_9E37_79F9;
const P4: u64 = 0x85EB_CA77_C2B2_AE63;
const P5: u64 = 0x27D4_EB2F_1656_67C5;

fn avalanche(mut h: u64) -> u64 {
    h ^= h >> 33;
    h = h.wrapping_mul(P2);
    h ^= h >> 29;
    h = h.wrapping_mul(P3);
    h ^ h >> 32
}

fn xx_int(n: u32, seed: u64) -> u64 {
    let h = seed.wrapping_add(P5).wrapping_add(4) ^ u64::from(n).wrapping_mul(P1);
    avalanche(h.rotate_left(23).wrapping_mul(P2).wrapping_add(P3))
}

fn round(acc: u64, n: u64) -> u64 {
    acc.wrapping_add(n.wrapping_mul(P2)).rotate_left(31).wrapping_mul(P1)
}

fn xx_long(n: u64, seed: u64) -> u64 {
    let h = seed.wrapping_add(P5).wrapping_add(8) ^ round(0, n);
    avalanche(h.rotate_left(27).wrapping_mul(P1).wrapping_add(P4))
}

fn xx_bytes(bytes: &[u8], seed: u64) -> u64 {
    let mut rest = bytes;
    let mut h = if bytes.len() >= 32 {
        let mut v = [seed.wrapping_add(P1).wrapping_add(P2), seed.wrapping_add(P2), seed, seed.wrapping_sub(P1)];
        while let Some((block, after)) = rest.split_first_chunk::<32>() {
            let (words, _) = block.as_chunks::<8>();
            for (acc, w) in v.iter_mut().zip(words) {
                *acc = round(*acc, u64::from_le_bytes(*w));
            }
            rest = after;
        }
        let mut h = v[0]
            .rotate_left(1)
            .wrapping_add(v[1].rotate_left(7))
            .wrapping_add(v[2].rotate_left(12))
            .wrapping_add(v[3].rotate_left(18));
        for acc in v {
            h = (h ^ round(0, acc)).wrapping_mul(P1).wrapping_add(P4);
        }
        h
    } else {
        seed.wrapping_add(P5)
    };
    h = h.wrapping_add(bytes.len() as u64);
    while let Some((w, after)) = rest.split_first_chunk::<8>() {
        h = (h ^ round(0, u64::from_le_bytes(*w))).rotate_left(27).wrapping_mul(P1).wrapping_add(P4);
        rest = after;
    }
    if let Some((w, after)) = rest.split_first_chunk::<4>() {
        h = (h ^ u64::from(u32::from_le_bytes(*w)).wrapping_mul(P1)).rotate_left(23).wrapping_mul(P2).wrapping_add(P3);
        rest = after;
    }
    for b in rest {
        h = (h ^ u64::from(*b).wrapping_mul(P5)).rotate_left(11).wrapping_mul(P1);
    }
    avalanche(h)
}

fn xx(v: &V, kind: &DataType, seed: u64) -> Result<u64> {
    Ok(match (v, kind) {
        (V::Null, _) => seed,
        (V::Bool(b), _) => xx_int(u32::from(*b), seed),
        (V::Int(n), DataType::Int64) => xx_long(*n as u64, seed),
        (V::Int(n), _) => xx_int(*n as i32 as u32, seed),
        (V::Date(n) | V::Ym(n), _) => xx_int(*n as u32, seed),
        (V::Float(x), _) => xx_int(if *x == 0.0 { 0 } else { x.to_bits() }, seed),
        (V::Double(x), _) => xx_long(if *x == 0.0 { 0 } else { x.to_bits() }, seed),
        (V::Ts(n) | V::Dt(n) | V::Time(n), _) => xx_long(*n as u64, seed),
        (V::Dec(n), DataType::Decimal128(p, _)) if *p <= 18 => xx_long(*n as i64 as u64, seed),
        (V::Dec(n), _) => xx_bytes(&big_integer(*n), seed),
        (V::Str(s), _) => xx_bytes(s.as_bytes(), seed),
        (V::Bin(b), _) => xx_bytes(b, seed),
        (V::Cal(m, d, us), _) => xx_int(*m as u32, xx_int(*d as u32, xx_long(*us as u64, seed))),
        (V::List(items), k) => {
            let element = types::element(k);
            items.iter().try_fold(seed, |h, v| xx(v, &element, h))?
        }
        (V::Struct(values), DataType::Struct(fields)) => {
            values.iter().zip(fields).try_fold(seed, |h, (v, f)| xx(v, f.data_type(), h))?
        }
        _ => return Err(no_map("xxhash64")),
    })
}
