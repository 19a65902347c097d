//! String functions.

use datafusion::error::Result;

use super::function::{Def, Env, f, n};
use super::random::seed;
use super::types;
use super::value::V;
use super::{cast, fail};

pub(crate) const FUNCTIONS: &[Def] = &[
    f("ascii", "s -> i", |_, a| Ok(V::Int(a[0].text().chars().next().map_or(0, |c| i64::from(u32::from(c)))))),
    f("bit_length", "X -> i", |_, a| Ok(V::int(a[0].bytes().len() * 8))),
    f("octet_length", "X -> i", |_, a| Ok(V::int(a[0].bytes().len()))),
    f("length", "X -> i", length),
    f("len", "X -> i", length),
    f("char_length", "X -> i", length),
    f("character_length", "X -> i", length),
    f("chr", "l -> s", chr),
    f("char", "l -> s", chr),
    f("lower", "s -> s", |_, a| Ok(a[0].text().to_lowercase().into())),
    f("lcase", "s -> s", |_, a| Ok(a[0].text().to_lowercase().into())),
    f("upper", "s -> s", |_, a| Ok(a[0].text().to_uppercase().into())),
    f("ucase", "s -> s", |_, a| Ok(a[0].text().to_uppercase().into())),
    f("initcap", "s -> s", |_, a| Ok(initcap(a[0].text()).into())),
    f("contains", "X X -> b", |_, a| Ok(find(a[0].bytes(), a[1].bytes()).is_some().into())),
    f("startswith", "X X -> b", |_, a| Ok(a[0].bytes().starts_with(a[1].bytes()).into())),
    f("endswith", "X X -> b", |_, a| Ok(a[0].bytes().ends_with(a[1].bytes()).into())),
    f("instr", "s s -> i", |_, a| Ok(locate(a[1].text(), a[0].text(), 1))),
    f("locate", "s s i? -> i", |_, a| Ok(locate(a[0].text(), a[1].text(), a.get(2).map_or(1, V::i)))),
    f("position", "s s i? -> i", |_, a| Ok(locate(a[0].text(), a[1].text(), a.get(2).map_or(1, V::i)))),
    f("charindex", "s s i? -> i", |_, a| Ok(locate(a[0].text(), a[1].text(), a.get(2).map_or(1, V::i)))),
    f("find_in_set", "s s -> i", |_, a| {
        let wanted = a[0].text();
        if wanted.contains(',') {
            return Ok(V::Int(0));
        }
        Ok(V::int(a[1].text().split(',').position(|p| p == wanted).map_or(0, |p| p + 1)))
    }),
    f("left", "X i -> $1", |e, a| slice(e, &a[0], 1, a[1].i())),
    f("right", "X i -> $1", |e, a| {
        let n = a[1].i();
        if n <= 0 { slice(e, &a[0], 1, 0) } else { slice(e, &a[0], -n.min(count(&a[0])), n) }
    }),
    f("substr", "X i i? -> $1", |e, a| slice(e, &a[0], a[1].i(), a.get(2).map_or(i64::MAX, V::i))),
    f("substring", "X i i? -> $1", |e, a| slice(e, &a[0], a[1].i(), a.get(2).map_or(i64::MAX, V::i))),
    f("mid", "X i i? -> $1", |e, a| slice(e, &a[0], a[1].i(), a.get(2).map_or(i64::MAX, V::i))),
    f("substring_index", "s s i -> s", |_, a| Ok(substring_index(a[0].text(), a[1].text(), a[2].i()).into())),
    f("repeat", "s i -> s", |e, a| {
        let times = usize::try_from(a[1].i()).unwrap_or(0);
        super::bounded(e.name, a[0].text().len().saturating_mul(times), 0)?;
        Ok(a[0].text().repeat(times).into())
    }),
    f("space", "i -> s", |e, a| {
        let times = usize::try_from(a[0].i()).unwrap_or(0);
        super::bounded(e.name, times, 0)?;
        Ok(" ".repeat(times).into())
    }),
    f("lpad", "X i X? -> $1", |e, a| pad(e, a, true)),
    f("rpad", "X i X? -> $1", |e, a| pad(e, a, false)),
    f("trim", "s s? -> s", |_, a| Ok(trim(a, true, true).into())),
    f("btrim", "s s? -> s", |_, a| Ok(trim(a, true, true).into())),
    f("ltrim", "s s? -> s", |_, a| Ok(trim(&swapped(a), true, false).into())),
    f("rtrim", "s s? -> s", |_, a| Ok(trim(&swapped(a), false, true).into())),
    f("replace", "s s s? -> s", |e, a| {
        let (text, search, with) = (a[0].text(), a[1].text(), a.get(2).map_or("", V::text));
        if search.is_empty() {
            return Ok(text.into());
        }
        super::bounded(e.name, text.len() + text.matches(search).count().saturating_mul(with.len()), 0)?;
        Ok(text.replace(search, with).into())
    }),
    f("translate", "s s s -> s", |_, a| {
        let (from, to): (Vec<char>, Vec<char>) = (a[1].text().chars().collect(), a[2].text().chars().collect());
        let moved = a[0].text().chars().filter_map(|c| match from.iter().position(|f| *f == c) {
            None => Some(c),
            Some(at) => to.get(at).copied(),
        });
        Ok(moved.collect::<String>().into())
    }),
    f("overlay", "X X i i? -> $1", |e, a| {
        let n = a.get(3).map_or_else(|| count(&a[1]), |v| if v.i() < 0 { count(&a[1]) } else { v.i() });
        let head = slice(e, &a[0], 1, a[2].i() - 1)?;
        let tail = slice(e, &a[0], a[2].i() + n, i64::MAX)?;
        Ok(join(&[&head, &a[1], &tail]))
    }),
    f("reverse_string", "s -> s", |_, a| Ok(a[0].text().chars().rev().collect::<String>().into())),
    f("split_part", "s s i -> s", |_, a| {
        let (text, by, n) = (a[0].text(), a[1].text(), a[2].i());
        if n == 0 {
            return Err(fail(
                "INVALID_INDEX_OF_ZERO",
                "22003",
                "The index 0 is invalid. An index shall be either < 0 or > 0 (the first element has index 1).",
            ));
        }
        let parts: Vec<&str> = if by.is_empty() { vec![text] } else { text.split(by).collect() };
        let at = if n > 0 {
            usize::try_from(n - 1).ok()
        } else {
            parts.len().checked_sub(usize::try_from(-n).unwrap_or(usize::MAX))
        };
        Ok(at.and_then(|i| parts.get(i)).copied().unwrap_or("").into())
    }),
    n("concat_ws", "s a* -> s", |e, a| {
        let V::Str(separator) = &a[0] else { return Ok(V::Null) };
        let mut parts = Vec::new();
        for (v, kind) in a.iter().zip(e.kinds).skip(1) {
            match v {
                V::Null => {}
                V::List(items) => {
                    let element = types::element(kind);
                    parts.extend(items.iter().filter(|v| !v.is_null()).map(|v| super::text::text(v, &element)));
                }
                v => parts.push(super::text::text(v, kind)),
            }
        }
        super::bounded(e.name, parts.iter().map(|p| p.len() + separator.len()).sum(), 0)?;
        Ok(parts.join(separator).into())
    }),
    n("elt_strings", "i s* -> s", |_, a| {
        Ok(usize::try_from(a[0].i()).ok().and_then(|i| a.get(i)).cloned().unwrap_or(V::Null))
    }),
    n("elt", "i X X* -> $2", |_, a| {
        if a[0].is_null() {
            return Ok(V::Null);
        }
        match usize::try_from(a[0].i()).ok().filter(|i| (1..a.len()).contains(i)) {
            Some(i) => Ok(a[i].clone()),
            None => Err(fail(
                "INVALID_ARRAY_INDEX",
                "22003",
                &format!(
                    "The index {} is out of bounds. The array has {} elements. Use the SQL function `get()` to tolerate accessing element at invalid index and return NULL instead.",
                    a[0].i(),
                    a.len() - 1
                ),
            )),
        }
    }),
    f("quote", "s -> s", |_, a| Ok(format!("'{}'", a[0].text().replace('\\', "\\\\").replace('\'', "\\'")).into())),
    n("mask", "s s? s? s? s? -> s", |_, a| {
        if a[0].is_null() {
            return Ok(V::Null);
        }
        let with = |i: usize, default: char| match a.get(i) {
            None => Some(default),
            Some(V::Null) => None,
            Some(v) => v.text().chars().next(),
        };
        let (upper, lower, digit) = (with(1, 'X'), with(2, 'x'), with(3, 'n'));
        let other = a.get(4).and_then(|v| v.text().chars().next());
        let masked = a[0].text().chars().map(|c| {
            let to = if c.is_uppercase() {
                upper
            } else if c.is_lowercase() {
                lower
            } else if c.is_numeric() {
                digit
            } else {
                other
            };
            to.unwrap_or(c)
        });
        Ok(masked.collect::<String>().into())
    }),
    f("sentences", "s s? s? -> [[s]]", |_, a| {
        let all = super::sentences::sentences(a[0].text());
        Ok(V::List(all.into_iter().map(|words| V::List(words.into_iter().map(V::from).collect())).collect()))
    }),
    f("is_valid_utf8", "X -> b", |_, a| Ok(std::str::from_utf8(a[0].bytes()).is_ok().into())),
    f("validate_utf8", "X -> s", |_, a| match std::str::from_utf8(a[0].bytes()) {
        Ok(s) => Ok(s.into()),
        Err(_) => {
            let hex: Vec<_> = a[0].bytes().iter().map(|b| format!("\\x{b:02X}")).collect();
            Err(fail(
                "INVALID_UTF8_STRING",
                "22029",
                &format!("Invalid UTF8 byte sequence found in string: {}.", hex.concat()),
            ))
        }
    }),
    f("try_validate_utf8", "X -> s", |_, a| Ok(std::str::from_utf8(a[0].bytes()).ok().map(str::to_owned).into())),
    f("make_valid_utf8", "X -> s", |_, a| Ok(String::from_utf8_lossy(a[0].bytes()).into_owned().into())),
    f("collation", "s -> s", |_, _| Ok("SYSTEM.BUILTIN.UTF8_BINARY".into())),
    n("format_string", "s a* -> s", super::printf::printf),
    n("printf", "s a* -> s", super::printf::printf),
    // NULL is no length at all.
    Def {
        name: "randstr",
        signature: "i i? -> s",
        typing: None,
        eval: |e, a| {
            let n = usize::try_from(a[0].i()).map_err(|_| {
                let text = "Cannot resolve \"randstr\" due to data type mismatch: the `length` must not be negative.";
                fail("DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE", "42K09", text)
            })?;
            super::bounded("randstr", n, 0)?;
            let mut text = String::with_capacity(n);
            for _ in 0..n {
                text.push(e.random.sign(seed(a.get(1)))?);
            }
            Ok(text.into())
        },
        nulls: true,
        volatile: true,
    },
];

fn length(_: &Env<'_>, a: &[V]) -> Result<V> {
    Ok(V::Int(count(&a[0])))
}

fn count(v: &V) -> i64 {
    let n = match v {
        V::Str(s) => s.chars().count(),
        v => v.bytes().len(),
    };
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn chr(_: &Env<'_>, a: &[V]) -> Result<V> {
    let n = a[0].i();
    if n < 0 {
        return Ok("".into());
    }
    Ok(u32::try_from(n & 0xff).ok().and_then(char::from_u32).map(String::from).into())
}

pub(crate) fn initcap(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut start = true;
    for c in text.chars() {
        if start {
            out.extend(c.to_uppercase());
        } else {
            out.extend(c.to_lowercase());
        }
        start = c == ' ';
    }
    out
}

fn find(text: &[u8], search: &[u8]) -> Option<usize> {
    if search.is_empty() {
        return Some(0);
    }
    text.windows(search.len()).position(|w| w == search)
}

/// Counted in characters from 1; 0 if it is not there.
fn locate(search: &str, text: &str, from: i64) -> V {
    let Some(skipped) = usize::try_from(from).ok().and_then(|n| n.checked_sub(1)) else { return V::Int(0) };
    let Some((start, _)) = text.char_indices().chain([(text.len(), ' ')]).nth(skipped) else { return V::Int(0) };
    V::int(text[start..].find(search).map_or(0, |at| text[..start + at].chars().count() + 1))
}

/// 0 and 1 are the first character, -1 the last; a start before the first shortens what is taken.
fn slice(_: &Env<'_>, v: &V, position: i64, length: i64) -> Result<V> {
    let total = count(v);
    let start = if position > 0 {
        position - 1
    } else if position < 0 {
        total.saturating_add(position)
    } else {
        0
    };
    let end = start.saturating_add(length.max(0)).clamp(0, total);
    let start = start.clamp(0, total).min(end);
    let (skip, take) = (usize::try_from(start).unwrap_or(0), usize::try_from(end - start).unwrap_or(0));
    Ok(match v {
        V::Str(s) => s.chars().skip(skip).take(take).collect::<String>().into(),
        v => V::Bin(v.bytes()[skip..skip + take].to_vec()),
    })
}

fn join(parts: &[&V]) -> V {
    if parts.iter().any(|p| matches!(p, V::Bin(_))) {
        return V::Bin(parts.iter().flat_map(|p| p.bytes().iter().copied()).collect());
    }
    parts.iter().map(|p| p.text()).collect::<String>().into()
}

fn substring_index(text: &str, by: &str, n: i64) -> String {
    if n == 0 || by.is_empty() {
        return String::new();
    }
    let at: Vec<usize> = text.match_indices(by).map(|m| m.0).collect();
    let times = usize::try_from(n.abs()).unwrap_or(usize::MAX);
    if at.len() < times {
        return text.to_owned();
    }
    if n > 0 { text[..at[times - 1]].to_owned() } else { text[at[at.len() - times] + by.len()..].to_owned() }
}

fn pad(e: &Env<'_>, a: &[V], before: bool) -> Result<V> {
    let length = usize::try_from(a[1].i()).unwrap_or(0);
    super::bounded(e.name, length, 0)?;
    if let V::Bin(bytes) = &a[0] {
        let fill = a.get(2).map_or(&[0u8][..], V::bytes);
        let kept = bytes.iter().copied().take(length);
        let missing = if fill.is_empty() { 0 } else { length.saturating_sub(bytes.len()) };
        let filling = fill.iter().copied().cycle().take(missing);
        return Ok(V::Bin(if before { filling.chain(kept).collect() } else { kept.chain(filling).collect() }));
    }
    let fill = a.get(2).map_or(" ", V::text);
    let text = a[0].text();
    let missing = if fill.is_empty() { 0 } else { length.saturating_sub(text.chars().count()) };
    let kept = text.chars().take(length);
    let filling = fill.chars().cycle().take(missing);
    Ok(if before { filling.chain(kept).collect::<String>() } else { kept.chain(filling).collect() }.into())
}

/// `trim(text [, characters])`.
fn trim(a: &[V], start: bool, end: bool) -> String {
    let signs: Vec<char> = a.get(1).map_or_else(|| vec![' '], |v| v.text().chars().collect());
    let mut text = a[0].text();
    if start {
        text = text.trim_start_matches(signs.as_slice());
    }
    if end {
        text = text.trim_end_matches(signs.as_slice());
    }
    text.to_owned()
}

/// `ltrim(characters, text)`: these two have the text last.
fn swapped(a: &[V]) -> Vec<V> {
    a.iter().rev().cloned().collect()
}

/// `concat` of strings, binaries or arrays.
pub(crate) const CONCAT: Def = super::function::t(
    "concat",
    |call| {
        use datafusion::arrow::datatypes::DataType;
        let kinds = call.kinds;
        if kinds.iter().any(|k| matches!(k, DataType::List(_))) {
            let shared = kinds.iter().try_fold(DataType::Null, |a, b| types::common(&a, b));
            let shared = shared.ok_or_else(|| super::function::different("concat", kinds))?;
            return Ok(super::function::Shape { kinds: vec![shared.clone(); kinds.len()], result: shared });
        }
        let binary = !kinds.is_empty() && kinds.iter().all(|k| k == &DataType::Binary);
        let kind = if binary { DataType::Binary } else { DataType::Utf8 };
        Ok(super::function::Shape { kinds: vec![kind.clone(); kinds.len()], result: kind })
    },
    |e, a| {
        if matches!(e.result, datafusion::arrow::datatypes::DataType::List(_)) {
            return Ok(V::List(a.iter().flat_map(|v| v.items().iter().cloned()).collect()));
        }
        super::bounded(e.name, a.iter().map(|v| v.bytes().len()).sum(), 0)?;
        if e.result == &datafusion::arrow::datatypes::DataType::Binary {
            return Ok(V::Bin(a.iter().flat_map(|v| v.bytes().iter().copied()).collect()));
        }
        Ok(join(&a.iter().collect::<Vec<_>>()))
    },
);

/// `CAST(… AS STRING)` as a function.
pub(crate) const STRING: Def = f("string", "a -> s", |e, a| cast::cast(&a[0], &e.kinds[0], e.result));
