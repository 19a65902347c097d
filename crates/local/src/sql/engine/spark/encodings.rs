//! Binaries as text in other encodings, and texts in other character sets.

use base64::Engine as _;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use datafusion::arrow::datatypes::DataType;
use datafusion::error::{DataFusionError, Result};

use super::function::{Def, Env, Shape, f, t};
use super::math::unhex;
use super::value::V;
use super::{cast, fail};

pub(crate) const FUNCTIONS: &[Def] = &[
    f("base64", "x -> s", |_, a| Ok(STANDARD.encode(a[0].bytes()).into())),
    f("unbase64", "s -> x", |_, a| match lenient().decode(clean(a[0].text())) {
        Ok(b) => Ok(V::Bin(b)),
        Err(_) => Err(conversion(a[0].text(), "BASE64")),
    }),
    f("to_base32", "x -> s", |_, a| Ok(base32(a[0].bytes()).into())),
    f("from_base32", "s -> x", |_, a| {
        from_base32(a[0].text()).map(V::Bin).ok_or_else(|| conversion(a[0].text(), "BASE32"))
    }),
    f("try_from_base32", "s -> x", |_, a| Ok(from_base32(a[0].text()).map_or(V::Null, V::Bin))),
    f("encode", "s s -> x", |_, a| encode(a[0].text(), a[1].text()).map(V::Bin)),
    f("decode", "x s -> s", |_, a| decode(a[0].bytes(), a[1].text()).map(V::Str)),
    f("to_binary", "s s? -> x", to_binary),
    f("try_to_binary", "s s? -> x", |e, a| Ok(to_binary(e, a).unwrap_or(V::Null))),
    t(
        "binary",
        |c| match c.kinds {
            [k] => {
                cast::check(k, &DataType::Binary).map(|()| Shape { kinds: vec![k.clone()], result: DataType::Binary })
            }
            other => Err(super::function::wrong_count(c.name, "1", other.len())),
        },
        |e, a| cast::cast(&a[0], &e.kinds[0], e.result),
    ),
];

fn conversion(text: &str, format: &str) -> DataFusionError {
    fail(
        "CONVERSION_INVALID_INPUT",
        "22018",
        &format!(
            "The value '{text}' ({format}) cannot be converted to \"BINARY\" because it is malformed. Use `try_to_binary` to tolerate malformed input and return NULL instead."
        ),
    )
}

fn lenient() -> GeneralPurpose {
    GeneralPurpose::new(&ALPHABET, GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent))
}

fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_whitespace()).collect()
}

fn to_binary(e: &Env<'_>, a: &[V]) -> Result<V> {
    let text = a[0].text();
    let format = a.get(1).map_or_else(|| "hex".to_owned(), |v| v.text().to_ascii_lowercase());
    Ok(V::Bin(match format.as_str() {
        "hex" => unhex(text).ok_or_else(|| conversion(text, "HEX"))?,
        "base64" => lenient().decode(clean(text)).map_err(|_| conversion(text, "BASE64"))?,
        "utf-8" | "utf8" => text.as_bytes().to_vec(),
        other => {
            return Err(binary_format(e.name, "fmt", other));
        }
    }))
}

/// A format of binaries that there is not.
pub(super) fn binary_format(name: &str, parameter: &str, format: &str) -> DataFusionError {
    fail(
        "INVALID_PARAMETER_VALUE.BINARY_FORMAT",
        "22023",
        &format!(
            "The value of parameter(s) `{parameter}` in `{name}` is invalid: expects one of binary formats 'base64', 'hex', 'utf-8', \
             but got '{format}'."
        ),
    )
}

fn unknown(charset: &str, name: &str) -> DataFusionError {
    fail(
        "INVALID_PARAMETER_VALUE.CHARSET",
        "22023",
        &format!(
            "The value of parameter(s) `charset` in `{name}` is invalid: expects one of the iso-8859-1, us-ascii, utf-16, utf-16be, utf-16le, utf-32, utf-8, but got {charset}."
        ),
    )
}

fn encode(text: &str, charset: &str) -> Result<Vec<u8>> {
    let bad = || {
        fail(
            "MALFORMED_CHARACTER_CODING",
            "22000",
            &format!("Invalid value found when performing `encode` with {charset}."),
        )
    };
    Ok(match charset.to_ascii_lowercase().as_str() {
        "utf-8" | "utf8" => text.as_bytes().to_vec(),
        "us-ascii" => {
            text.chars().map(|c| u8::try_from(c).ok().filter(u8::is_ascii).ok_or_else(bad)).collect::<Result<_>>()?
        }
        "iso-8859-1" => text.chars().map(|c| u8::try_from(c).map_err(|_| bad())).collect::<Result<_>>()?,
        "utf-16" => [0xFE, 0xFF].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect(),
        "utf-16be" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        "utf-16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "utf-32" => text.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect(),
        _ => return Err(unknown(charset, "encode")),
    })
}

fn decode(bytes: &[u8], charset: &str) -> Result<String> {
    let bad = || {
        fail(
            "MALFORMED_CHARACTER_CODING",
            "22000",
            &format!("Invalid value found when performing `decode` with {charset}."),
        )
    };
    let wide = |bytes: &[u8], little: bool| -> Result<String> {
        let units: Vec<u16> = bytes
            .chunks(2)
            .map(|p| match p {
                [a, b] => Ok(if little { u16::from_le_bytes([*a, *b]) } else { u16::from_be_bytes([*a, *b]) }),
                _ => Err(bad()),
            })
            .collect::<Result<_>>()?;
        String::from_utf16(&units).map_err(|_| bad())
    };
    match charset.to_ascii_lowercase().as_str() {
        "utf-8" | "utf8" => String::from_utf8(bytes.to_vec()).map_err(|_| bad()),
        "us-ascii" => {
            if bytes.is_ascii() {
                Ok(bytes.iter().map(|b| char::from(*b)).collect())
            } else {
                Err(bad())
            }
        }
        "iso-8859-1" => Ok(bytes.iter().map(|b| char::from(*b)).collect()),
        "utf-16" => match bytes {
            [0xFF, 0xFE, rest @ ..] => wide(rest, true),
            [0xFE, 0xFF, rest @ ..] | rest => wide(rest, false),
        },
        "utf-16be" => wide(bytes, false),
        "utf-16le" => wide(bytes, true),
        "utf-32" => bytes
            .chunks(4)
            .map(|p| <[u8; 4]>::try_from(p).ok().and_then(|b| char::from_u32(u32::from_be_bytes(b))).ok_or_else(bad))
            .collect(),
        _ => Err(unknown(charset, "decode")),
    }
}

const SIGNS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn base32(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(5) {
        let mut n = 0u64;
        for i in 0..5 {
            n = n << 8 | u64::from(chunk.get(i).copied().unwrap_or(0));
        }
        let used = (chunk.len() * 8).div_ceil(5);
        for i in 0..8 {
            out.push(if i < used { char::from(SIGNS[(n >> (35 - 5 * i) & 31) as usize]) } else { '=' });
        }
    }
    out
}

fn from_base32(text: &str) -> Option<Vec<u8>> {
    let (mut out, mut n, mut bits) = (Vec::new(), 0u64, 0);
    for c in text.trim().trim_end_matches('=').bytes() {
        let d = SIGNS.iter().position(|s| *s == c.to_ascii_uppercase())? as u64;
        n = n << 5 | d;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            out.push((n >> bits & 0xff) as u8);
        }
    }
    Some(out)
}
