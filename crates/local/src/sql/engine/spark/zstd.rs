//! Compression by Zstandard.

use std::io::Read as _;

use datafusion::error::{DataFusionError, Result};

use super::function::{Def, Env, f};
use super::value::V;
use super::{VALUE_LIMIT, bounded, fail, invalid};

pub(crate) const FUNCTIONS: &[Def] = &[
    f("zstd_compress", "x i? b? -> x", compress),
    f("zstd_decompress", "x -> x", |e, a| decompress(e, &a[0])?.map(V::Bin).ok_or_else(|| malformed(e))),
    f("try_zstd_decompress", "x -> x", |e, a| Ok(decompress(e, &a[0])?.map_or(V::Null, V::Bin))),
];

fn malformed(e: &Env<'_>) -> DataFusionError {
    fail(
        "INVALID_PARAMETER_VALUE.ZSTD_DECOMPRESS_INPUT",
        "22023",
        &format!("The value of parameter(s) `input` in `{}` is invalid: it is not compressed by Zstandard.", e.name),
    )
}

fn compress(e: &Env<'_>, a: &[V]) -> Result<V> {
    let level = a.get(1).map_or(3, V::i);
    let level = i32::try_from(level)
        .ok()
        .filter(|level| (1..=22).contains(level))
        .ok_or_else(|| invalid(e.name, "level", &format!("it is from 1 to 22, but it is {level}")))?;
    let bytes = a[0].bytes();
    // A stream does not state its size at its beginning.
    let packed = match a.get(2) {
        Some(streaming) if streaming.bool() => ::zstd::stream::encode_all(bytes, level),
        _ => ::zstd::bulk::compress(bytes, level),
    };
    packed.map(V::Bin).map_err(|error| fail("INTERNAL_ERROR", "XX000", &format!("{}: {error}", e.name)))
}

/// `None` for bytes that are not compressed by Zstandard.
fn decompress(e: &Env<'_>, packed: &V) -> Result<Option<Vec<u8>>> {
    let Ok(reader) = ::zstd::stream::Decoder::new(packed.bytes()) else { return Ok(None) };
    let mut bytes = Vec::new();
    let limit = VALUE_LIMIT as u64 + 1;
    if reader.take(limit).read_to_end(&mut bytes).is_err() {
        return Ok(None);
    }
    bounded(e.name, bytes.len(), bytes.len())?;
    // Nothing at all is no compressed value of nothing.
    Ok(if packed.bytes().is_empty() { None } else { Some(bytes) })
}
