//! Sequences of numbers and of times.

use datafusion::error::Result;

use super::function::{Call, Env, Shape, different};
use super::times::{self, DAY};
use super::types::{self, common, list};
use super::value::V;
use super::{fail, overflow, text, zone};

pub(super) fn sequence_type(c: &Call<'_>) -> Result<Shape> {
    let (Some(a), Some(b)) = (c.kinds.first(), c.kinds.get(1)) else {
        return Err(super::function::wrong_count(c.name, "[2, 3]", c.kinds.len()));
    };
    let shared = common(a, b).ok_or_else(|| different(c.name, c.kinds))?;
    let mut kinds = vec![shared.clone(), shared.clone()];
    if let Some(step) = c.kinds.get(2) {
        kinds.push(if shared.is_integer() { shared.clone() } else { step.clone() });
    }
    if !shared.is_integer() && !types::is_time(&shared) {
        return Err(super::function::unexpected(c.name, 0, "\"INTEGRAL\" or \"TIMESTAMP\" or \"DATE\"", &shared));
    }
    Ok(Shape { kinds, result: list(shared) })
}

pub(super) fn sequence(e: &Env<'_>, a: &[V]) -> Result<V> {
    const MOST: usize = 4 << 20;
    let boundary = || {
        fail(
            "_LEGACY_ERROR_TEMP_ILLEGAL_SEQUENCE_BOUNDARIES",
            "22023",
            &format!(
                "Illegal sequence boundaries: {} to {}.",
                text::text(&a[0], &e.kinds[0]),
                text::text(&a[1], &e.kinds[1])
            ),
        )
    };
    let too_long = || super::bounded(e.name, usize::MAX, 0);
    let mut out = Vec::new();
    if let (V::Int(from), V::Int(to)) = (&a[0], &a[1]) {
        let step = a.get(2).map_or(if from <= to { 1 } else { -1 }, V::i);
        if (step == 0 && from != to) || (step > 0 && from > to) || (step < 0 && from < to) {
            return Err(boundary());
        }
        let mut n = *from;
        loop {
            if out.len() > MOST {
                too_long()?;
            }
            out.push(V::Int(n));
            match n.checked_add(step) {
                Some(m) if step != 0 && (if step > 0 { m <= *to } else { m >= *to }) => n = m,
                _ => break,
            }
        }
        return Ok(V::List(out));
    }
    let us = |v: &V| match v {
        V::Date(d) => i64::from(*d) * DAY,
        v => v.i(),
    };
    let (from, to) = (us(&a[0]), us(&a[1]));
    let back = |us: i64| if matches!(a[0], V::Date(_)) { V::Date(us.div_euclid(DAY) as i32) } else { V::Ts(us) };
    let (m, d, t) = match a.get(2) {
        None => (0, if from <= to { 1 } else { -1 }, 0),
        Some(V::Ym(m)) => (i64::from(*m), 0, 0),
        Some(V::Dt(us)) => (0, us / DAY, us % DAY),
        Some(V::Cal(m, d, us)) => (i64::from(*m), i64::from(*d), *us),
        Some(_) => return Err(boundary()),
    };
    let zone = zone::of(&e.kinds[0]);
    let up = m > 0 || d > 0 || t > 0;
    if (m == 0 && d == 0 && t == 0) || (up && from > to) || (!up && from < to) {
        return Err(boundary());
    }
    for i in 0i64.. {
        let n = times::add_interval(from, m * i, d * i, t * i, &zone).ok_or_else(|| overflow("sequence"))?;
        if (up && n > to) || (!up && n < to) {
            break;
        }
        if out.len() > MOST {
            too_long()?;
        }
        out.push(back(n));
    }
    Ok(V::List(out))
}
