//! Regular expressions of Java, and LIKE.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use datafusion::error::{DataFusionError, Result};
use fancy_regex::{Captures, Match, Regex};

use super::fail;
use super::function::{Def, Env, f, n};
use super::value::V;

pub(crate) const FUNCTIONS: &[Def] = &[
    f("rlike", "s s -> b", matches),
    f("regexp", "s s -> b", matches),
    f("regexp_like", "s s -> b", matches),
    f("regexp_count", "s s -> i", |e, a| {
        let r = compiled(a[1].text(), e.name)?;
        let mut n = 0;
        each_match(&r, (a[0].text(), a[1].text(), e.name), |_, _| {
            n += 1;
            Ok(Flow::More)
        })?;
        Ok(V::Int(n))
    }),
    f("regexp_instr", "s s i? -> i", |e, a| {
        let found =
            compiled(a[1].text(), e.name)?.find(a[0].text()).map_err(|error| broken(&error, a[1].text(), e.name))?;
        Ok(V::int(found.map_or(0, |m| a[0].text()[..m.start()].chars().count() + 1)))
    }),
    f("regexp_substr", "s s -> s", |e, a| {
        let found =
            compiled(a[1].text(), e.name)?.find(a[0].text()).map_err(|error| broken(&error, a[1].text(), e.name))?;
        Ok(found.map(|m| m.as_str().to_owned()).filter(|found| !found.is_empty()).into())
    }),
    f("regexp_extract", "s s i? -> s", |e, a| {
        let r = compiled(a[1].text(), e.name)?;
        let group = group(&r, a, e)?;
        let found = r.captures(a[0].text()).map_err(|error| broken(&error, a[1].text(), e.name))?;
        Ok(found.and_then(|c| c.get(group).map(|m| m.as_str().to_owned())).unwrap_or_default().into())
    }),
    f("regexp_extract_all", "s s i? -> [s]", |e, a| {
        let r = compiled(a[1].text(), e.name)?;
        let group = group(&r, a, e)?;
        let mut out = Vec::new();
        each_match(&r, (a[0].text(), a[1].text(), e.name), |c, _| {
            out.push(V::str(c.get(group).map_or("", |m| m.as_str())));
            Ok(Flow::More)
        })?;
        Ok(V::List(out))
    }),
    f("regexp_replace", "s s s i? -> s", |e, a| {
        let r = compiled(a[1].text(), e.name)?;
        let (text, from) = (a[0].text(), a.get(3).map_or(1, V::i));
        let Some(skip) = usize::try_from(from).ok().and_then(|n| n.checked_sub(1)) else {
            return Err(super::invalid(e.name, "position", &format!("expects a positive value, but got {from}.")));
        };
        let start = text.char_indices().nth(skip).map_or(text.len(), |c| c.0);
        let (head, tail) = text.split_at(start);
        let mut out = String::from(head);
        let mut last = 0;
        each_match(&r, (tail, a[1].text(), e.name), |c, whole| {
            out.push_str(&tail[last..whole.start()]);
            expand(a[2].text(), c, &mut out)?;
            last = whole.end();
            super::bounded(e.name, out.len(), 0)?;
            Ok(Flow::More)
        })?;
        out.push_str(&tail[last..]);
        Ok(out.into())
    }),
    f("split", "s s i? -> [s]", |_, a| {
        let parts = split_all(a[0].text(), a[1].text(), a.get(2).map_or(-1, V::i))?;
        Ok(V::List(parts.into_iter().map(V::Str).collect()))
    }),
    f("like", "s s s? -> b", |_, a| Ok(like(a[0].text(), a[1].text(), a.get(2).map(V::text), false)?.into())),
    f("ilike", "s s s? -> b", |_, a| Ok(like(a[0].text(), a[1].text(), a.get(2).map(V::text), true)?.into())),
    n("__like_all", "s s* -> b", |_, a| quantified(a, true, false)),
    n("__like_any", "s s* -> b", |_, a| quantified(a, false, false)),
    n("__ilike_all", "s s* -> b", |_, a| quantified(a, true, true)),
    n("__ilike_any", "s s* -> b", |_, a| quantified(a, false, true)),
];

fn quantified(a: &[V], all: bool, is_blind: bool) -> Result<V> {
    if a[0].is_null() {
        return Ok(V::Null);
    }
    let mut unknown = false;
    for p in &a[1..] {
        if p.is_null() {
            unknown = true;
        } else if like(a[0].text(), p.text(), None, is_blind)? != all {
            return Ok(V::Bool(!all));
        }
    }
    Ok(if unknown { V::Null } else { V::Bool(all) })
}

fn matches(e: &Env<'_>, a: &[V]) -> Result<V> {
    let found =
        compiled(a[1].text(), e.name)?.is_match(a[0].text()).map_err(|error| broken(&error, a[1].text(), e.name))?;
    Ok(found.into())
}

fn broken(_: &fancy_regex::Error, pattern: &str, name: &str) -> DataFusionError {
    fail(
        "INVALID_PARAMETER_VALUE.PATTERN",
        "22023",
        &format!("The value of parameter(s) `regexp` in `{name}` is invalid: '{pattern}'."),
    )
}

fn group(r: &Regex, a: &[V], e: &Env<'_>) -> Result<usize> {
    let wanted = a.get(2).map_or(1, V::i);
    let have = r.captures_len() - 1;
    usize::try_from(wanted).ok().filter(|g| *g <= have).ok_or_else(|| {
        fail("INVALID_PARAMETER_VALUE.REGEX_GROUP_INDEX", "22023", &format!("The value of parameter(s) `idx` in `{}` is invalid: Expects group index between 0 and {have}, but got {wanted}.", e.name))
    })
}

enum Flow {
    More,
    Enough,
}

/// Calls a function with each match as Java finds them: one without length may stand right behind another.
fn each_match<'t>(
    r: &Regex,
    (text, pattern, name): (&'t str, &str, &str),
    mut each: impl FnMut(&Captures<'t>, Match<'t>) -> Result<Flow>,
) -> Result<()> {
    let mut from = 0;
    while from <= text.len() {
        let found = r.captures_from_pos(text, from).map_err(|error| broken(&error, pattern, name))?;
        let Some((captures, whole)) = found.and_then(|c| c.get(0).map(|whole| (c, whole))) else { break };
        if let Flow::Enough = each(&captures, whole)? {
            break;
        }
        let next = text[whole.end()..].chars().next().map_or(1, char::len_utf8);
        from = if whole.start() == whole.end() { whole.end() + next } else { whole.end() };
    }
    Ok(())
}

/// A pattern is compiled once for each thread.
pub(crate) fn compiled(pattern: &str, name: &str) -> Result<Arc<Regex>> {
    thread_local! {
        static KEPT: RefCell<HashMap<String, Arc<Regex>>> = RefCell::new(HashMap::new());
    }
    const MOST: usize = 64;
    KEPT.with_borrow_mut(|kept| {
        if let Some(r) = kept.get(pattern) {
            return Ok(Arc::clone(r));
        }
        let r = Arc::new(Regex::new(pattern).map_err(|e| broken(&e, pattern, name))?);
        if kept.len() >= MOST {
            kept.clear();
        }
        kept.insert(pattern.to_owned(), Arc::clone(&r));
        Ok(r)
    })
}

/// Java's replacement: `$1` is a group, a backslash takes the next sign as it is.
fn expand(replacement: &str, c: &fancy_regex::Captures<'_>, out: &mut String) -> Result<()> {
    let mut rest = replacement.chars().peekable();
    while let Some(sign) = rest.next() {
        match sign {
            '\\' => out.extend(rest.next()),
            '$' => {
                if rest.next_if_eq(&'{').is_some() {
                    let mut name = String::new();
                    for c in rest.by_ref() {
                        if c == '}' {
                            break;
                        }
                        name.push(c);
                    }
                    out.push_str(c.name(&name).map_or("", |m| m.as_str()));
                    continue;
                }
                let mut group = match rest.next().and_then(|d| d.to_digit(10)) {
                    Some(d) if (d as usize) < c.len() => d as usize,
                    _ => {
                        return Err(fail(
                            "INVALID_PARAMETER_VALUE.REGEX_GROUP_INDEX",
                            "22023",
                            &format!("The replacement '{replacement}' names a group that the pattern does not have."),
                        ));
                    }
                };
                while let Some(d) = rest.peek().and_then(|d| d.to_digit(10)) {
                    let longer = group * 10 + d as usize;
                    if longer >= c.len() {
                        break;
                    }
                    group = longer;
                    rest.next();
                }
                out.push_str(c.get(group).map_or("", |m| m.as_str()));
            }
            other => out.push(other),
        }
    }
    Ok(())
}

/// Java's `split`: a match at the very start without length makes no empty string.
pub(crate) fn split_all(text: &str, pattern: &str, limit: i64) -> Result<Vec<String>> {
    let most = usize::try_from(limit).ok().filter(|n| *n > 0).unwrap_or(usize::MAX);
    if pattern.is_empty() {
        let mut parts: Vec<String> = text.chars().map(String::from).collect();
        if parts.len() > most {
            let rest = parts.split_off(most - 1).concat();
            parts.push(rest);
        }
        return Ok(if parts.is_empty() { vec![String::new()] } else { parts });
    }
    let r = compiled(pattern, "split")?;
    let mut out = Vec::new();
    let mut last = 0;
    each_match(&r, (text, pattern, "split"), |_, m| {
        if out.len() + 1 >= most {
            return Ok(Flow::Enough);
        }
        if m.end() > 0 {
            out.push(text[last..m.start()].to_owned());
            last = m.end();
        }
        Ok(Flow::More)
    })?;
    out.push(text[last..].to_owned());
    Ok(out)
}

pub(crate) fn like(text: &str, pattern: &str, escape: Option<&str>, blind: bool) -> Result<bool> {
    let escape = escape.map_or(Some('\\'), |e| e.chars().next());
    let fold = |s: &str| if blind { s.to_lowercase() } else { s.to_owned() };
    let (text, pattern) = (fold(text), fold(pattern));
    let mut parts: Vec<Option<char>> = Vec::new();
    let mut many = Vec::new();
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        if Some(c) == escape {
            match rest.next() {
                Some(n) if n == '%' || n == '_' || Some(n) == escape => {
                    parts.push(Some(n));
                    many.push(false);
                }
                Some(n) => {
                    return Err(fail(
                        "INVALID_FORMAT.ESC_IN_THE_MIDDLE",
                        "42601",
                        &format!(
                            "The format is invalid: '{pattern}'. The escape character is not allowed to precede '{n}'."
                        ),
                    ));
                }
                None => {
                    return Err(fail(
                        "INVALID_FORMAT.ESC_AT_THE_END",
                        "42601",
                        &format!(
                            "The format is invalid: '{pattern}'. The escape character is not allowed to end with."
                        ),
                    ));
                }
            }
        } else {
            parts.push(if c == '%' || c == '_' { None } else { Some(c) });
            many.push(c == '%');
        }
    }
    // The usual walk with one place to go back to.
    let text: Vec<char> = text.chars().collect();
    let (mut i, mut j, mut star, mut mark) = (0, 0, None, 0);
    while i < text.len() {
        if j < parts.len() && !many[j] && parts[j].is_none_or(|c| c == text[i]) {
            i += 1;
            j += 1;
        } else if j < parts.len() && many[j] {
            star = Some(j);
            mark = i;
            j += 1;
        } else if let Some(s) = star {
            j = s + 1;
            mark += 1;
            i = mark;
        } else {
            return Ok(false);
        }
    }
    Ok(many[j..].iter().all(|m| *m))
}
