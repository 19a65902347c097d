//! Functions on dates, times and intervals.

use datafusion::arrow::datatypes::DataType;
use datafusion::error::{DataFusionError, Result};

use super::date_making::{make_interval, make_timestamp, make_type, parts_type, seconds};
use super::date_parts::{part, part_type};
use super::date_steps::{add_type, bucket, difference, timestamp_add};
use super::function::{Call, Def, Env, Shape, by_signature, f, n, t, tn, unexpected};
use super::times::{self, DAY, SECOND, civil};
use super::types;
use super::value::V;
use super::zone::Zone;
use super::{cast, fail, interval, overflow, pattern, zone};

macro_rules! of_date {
    ($name:literal, $call:expr) => {
        f($name, "D -> i", |_, a| {
            let call: fn(i64) -> i64 = $call;
            Ok(V::Int(call(a[0].i())))
        })
    };
}

pub(crate) const FUNCTIONS: &[Def] = &[
    of_date!("year", |d| civil(d).0),
    of_date!("quarter", |d| (civil(d).1 - 1) / 3 + 1),
    of_date!("month", |d| civil(d).1),
    of_date!("day", |d| civil(d).2),
    of_date!("dayofmonth", |d| civil(d).2),
    of_date!("dayofyear", times::day_of_year),
    of_date!("dayofweek", |d| times::weekday(d) % 7 + 1),
    of_date!("weekday", |d| times::weekday(d) - 1),
    of_date!("weekofyear", |d| times::iso_week(d).1),
    f("dayname", "D -> s", |_, a| Ok(pattern::WEEKDAYS[(times::weekday(a[0].i()) - 1) as usize][..3].into())),
    f("monthname", "D -> s", |_, a| Ok(pattern::MONTHS[(civil(a[0].i()).1 - 1) as usize][..3].into())),
    t("hour", clock_type, |e, a| Ok(V::Int(clock(e, a) / (3600 * SECOND)))),
    t("minute", clock_type, |e, a| Ok(V::Int(clock(e, a) / (60 * SECOND) % 60))),
    t("second", clock_type, |e, a| Ok(V::Int(clock(e, a) / SECOND % 60))),
    f("date_add", "D i -> D", |_, a| day(a[0].i() + a[1].i())),
    f("date_sub", "D i -> D", |_, a| day(a[0].i() - a[1].i())),
    f("datediff_days", "D D -> i", |_, a| Ok(V::Int(a[0].i() - a[1].i()))),
    f("datediff", "D D -> i", |_, a| Ok(V::Int(a[0].i() - a[1].i()))),
    f("date_diff", "D D -> i", |_, a| Ok(V::Int(a[0].i() - a[1].i()))),
    f("dateadd", "D i -> D", |_, a| day(a[0].i() + a[1].i())),
    f("add_months", "D i -> D", |_, a| day(times::add_months(a[0].i(), a[1].i()))),
    f("last_day", "D -> D", |_, a| {
        let (y, m, _) = civil(a[0].i());
        day(times::days(y, m, times::month_length(y, m)))
    }),
    f("next_day", "D s -> D", |_, a| {
        let name = a[1].text().trim().to_ascii_lowercase();
        let found = pattern::WEEKDAYS.iter().position(|w| {
            let w = w.to_ascii_lowercase();
            name == w || name == w[..3] || name == w[..2]
        });
        let Some(wanted) = found else {
            return Err(fail(
                "ILLEGAL_DAY_OF_WEEK",
                "22009",
                &format!("Illegal input for day of week: {}.", a[1].text()),
            ));
        };
        let d = a[0].i();
        let ahead = (wanted as i64 + 1 - times::weekday(d)).rem_euclid(7);
        day(d + if ahead == 0 { 7 } else { ahead })
    }),
    f("make_date", "i i i -> D", |_, a| match times::checked_days(a[0].i(), a[1].i(), a[2].i()) {
        Some(d) => day(d),
        None => Err(no_such_date(a)),
    }),
    f("try_make_date", "i i i -> D", |_, a| times::checked_days(a[0].i(), a[1].i(), a[2].i()).map_or(Ok(V::Null), day)),
    f("date_from_unix_date", "i -> D", |_, a| day(a[0].i())),
    f("unix_date", "D -> i", |_, a| Ok(V::Int(a[0].i()))),
    f("unix_seconds", "T -> l", |_, a| Ok(V::Int(a[0].i().div_euclid(SECOND)))),
    f("unix_millis", "T -> l", |_, a| Ok(V::Int(a[0].i().div_euclid(1000)))),
    f("unix_micros", "T -> l", |_, a| Ok(V::Int(a[0].i()))),
    f("timestamp_seconds", "n -> T", |e, a| {
        Ok(match &a[0] {
            V::Int(n) => V::Ts(n.checked_mul(SECOND).ok_or_else(|| beyond(e.name))?),
            v => cast::cast(v, &e.kinds[0], e.result)?,
        })
    }),
    f("timestamp_millis", "l -> T", |e, a| Ok(V::Ts(a[0].i().checked_mul(1000).ok_or_else(|| beyond(e.name))?))),
    f("timestamp_micros", "l -> T", |_, a| Ok(V::Ts(a[0].i()))),
    f("months_between", "T T b? -> d", |_, a| {
        Ok(V::Double(months_between(a[0].i(), a[1].i(), a.get(2).is_none_or(V::bool))))
    }),
    f("trunc", "D s -> D", |_, a| {
        let d = a[0].i();
        let (y, m, _) = civil(d);
        Ok(match a[1].text().to_ascii_uppercase().as_str() {
            "WEEK" => V::Date((d - times::weekday(d) + 1) as i32),
            "MONTH" | "MON" | "MM" => V::Date(times::days(y, m, 1) as i32),
            "QUARTER" => V::Date(times::days(y, (m - 1) / 3 * 3 + 1, 1) as i32),
            "YEAR" | "YYYY" | "YY" => V::Date(times::days(y, 1, 1) as i32),
            _ => V::Null,
        })
    }),
    t(
        "date_trunc",
        |call| match call.kinds {
            [_, DataType::Timestamp(_, None)] => by_signature("s N -> N", call),
            _ => by_signature("s T -> T", call),
        },
        |e, a| Ok(truncate(a[1].i(), zone::of(&e.kinds[1]), a[0].text()).map_or(V::Null, V::Ts)),
    ),
    t(
        "date_format",
        |call| match call.kinds {
            [DataType::Timestamp(_, None), _] => by_signature("N s -> s", call),
            _ => by_signature("T s -> s", call),
        },
        |e, a| Ok(pattern::moment(a[0].i(), &e.kinds[0], a[1].text())?.into()),
    ),
    f("from_unixtime", "l s? -> s", |e, a| {
        let us = a[0].i().checked_mul(SECOND).ok_or_else(|| overflow(e.name))?;
        Ok(pattern::moment(us, &types::timestamp(), a.get(1).map_or("yyyy-MM-dd HH:mm:ss", V::text))?.into())
    }),
    n("unix_timestamp", "a? s? -> l", unix_timestamp),
    n("to_unix_timestamp", "a s? -> l", unix_timestamp),
    t("to_date", |c| reading(c, DataType::Date32), |e, a| read(e, a, false)),
    t("try_to_date", |c| reading(c, DataType::Date32), |e, a| read(e, a, true)),
    t("date", |c| reading(c, DataType::Date32), |e, a| read(e, a, false)),
    t("to_timestamp", |c| reading(c, types::timestamp()), |e, a| read(e, a, false)),
    t("try_to_timestamp", |c| reading(c, types::timestamp()), |e, a| read(e, a, true)),
    t("to_timestamp_ltz", |c| reading(c, types::timestamp()), |e, a| read(e, a, false)),
    t("to_timestamp_ntz", |c| reading(c, types::ntz()), |e, a| read(e, a, false)),
    t(
        "to_time",
        |c| reading(c, types::time()),
        |e, a| read(e, a, false).map_err(|error| super::clock::unread(a, error)),
    ),
    t("try_to_time", |c| reading(c, types::time()), |e, a| read(e, a, true)),
    f("from_utc_timestamp", "T s -> T", |_, a| Ok(V::Ts(named(a[1].text())?.local(a[0].i())))),
    f("to_utc_timestamp", "T s -> T", |_, a| Ok(V::Ts(named(a[1].text())?.utc(a[0].i())))),
    t(
        "convert_timezone",
        |c| if c.kinds.len() == 2 { by_signature("s N -> N", c) } else { by_signature("s s N -> N", c) },
        |_, a| {
            let (from, to, us) = match a {
                [from, to, us] => (named(from.text())?, named(to.text())?, us.i()),
                _ => (zone::session(), named(a[0].text())?, a[1].i()),
            };
            Ok(V::Ts(to.local(from.utc(us))))
        },
    ),
    t("make_timestamp", |c| make_type(c, types::timestamp()), |e, a| make_timestamp(e, a, false)),
    t("try_make_timestamp", |c| make_type(c, types::timestamp()), |e, a| make_timestamp(e, a, true)),
    t("make_timestamp_ltz", |c| make_type(c, types::timestamp()), |e, a| make_timestamp(e, a, false)),
    t("try_make_timestamp_ltz", |c| make_type(c, types::timestamp()), |e, a| make_timestamp(e, a, true)),
    t("make_timestamp_ntz", |c| make_type(c, types::ntz()), |e, a| make_timestamp(e, a, false)),
    t("try_make_timestamp_ntz", |c| make_type(c, types::ntz()), |e, a| make_timestamp(e, a, true)),
    t("make_interval", |c| parts_type(c, 7, true, types::calendar()), make_interval),
    t("try_make_interval", |c| parts_type(c, 7, true, types::calendar()), |e, a| make_interval(e, a).or(Ok(V::Null))),
    t(
        "make_dt_interval",
        |c| parts_type(c, 4, true, types::day_time()),
        |e, a| {
            let micros = if a.len() > 3 { seconds(&a[3], &e.kinds[3]) } else { Some(0) };
            let n = |i: usize| a.get(i).map_or(0, V::i);
            let total = (|| {
                n(0).checked_mul(DAY)?
                    .checked_add(n(1).checked_mul(3600 * SECOND)?)?
                    .checked_add(n(2).checked_mul(60 * SECOND)?)?
                    .checked_add(micros?)
            })();
            total.map(V::Dt).ok_or_else(|| interval_overflow("make_dt_interval"))
        },
    ),
    t(
        "make_ym_interval",
        |c| parts_type(c, 2, false, types::year_month()),
        |_, a| {
            let n = |i: usize| a.get(i).map_or(0, V::i);
            i32::try_from(n(0) * 12 + n(1)).map(V::Ym).map_err(|_| interval_overflow("make_ym_interval"))
        },
    ),
    t("date_part", part_type, part),
    t("datepart", part_type, part),
    t("extract", part_type, part),
    t("timestampadd", add_type, timestamp_add),
    t(
        "timestampdiff",
        |c| match c.kinds {
            [_, DataType::Timestamp(_, None), DataType::Timestamp(_, None)] => by_signature("s N N -> l", c),
            _ => by_signature("s T T -> l", c),
        },
        difference,
    ),
    f("make_time", "i i d -> t", |e, a| {
        let (h, m, s) = (a[0].i(), a[1].i(), a[2].f());
        if !(0..24).contains(&h) || !(0..60).contains(&m) || !(0.0..60.0).contains(&s) {
            return Err(fail(
                "DATETIME_FIELD_OUT_OF_BOUNDS.WITHOUT_SUGGESTION",
                "22023",
                &format!("A field of {} is out of its bounds.", e.name),
            ));
        }
        Ok(V::Time((h * 3600 + m * 60) * SECOND + (s * 1e6).round() as i64))
    }),
    t(
        "window_time",
        |c| match c.kinds {
            [DataType::Struct(fields)] if fields.len() == 2 => {
                Ok(Shape { kinds: c.kinds.to_vec(), result: fields[1].data_type().clone() })
            }
            [k, ..] => Err(unexpected(c.name, 0, "\"STRUCT\"", k)),
            [] => Err(super::function::wrong_count(c.name, "1", 0)),
        },
        |_, a| Ok(a[0].items().get(1).map_or(V::Null, |v| V::Ts(v.i() - 1))),
    ),
    tn(
        "time_bucket",
        |c| match c.kinds {
            [_, DataType::Timestamp(_, None), ..] => by_signature("I N N? -> N", c),
            [_, DataType::Date32, ..] => by_signature("I D D? -> D", c),
            _ => by_signature("I T T? -> T", c),
        },
        bucket,
    ),
];

fn beyond(name: &str) -> DataFusionError {
    fail("DATETIME_OVERFLOW", "22008", &format!("Datetime operation overflow: {name}."))
}

pub(super) fn day(d: i64) -> Result<V> {
    i32::try_from(d).map(V::Date).map_err(|_| overflow("date arithmetic"))
}

fn no_such_date(a: &[V]) -> DataFusionError {
    let (y, m, d) = (a[0].i(), a[1].i(), a[2].i());
    fail(
        "DATETIME_FIELD_OUT_OF_BOUNDS.WITHOUT_SUGGESTION",
        "22023",
        &format!("Invalid date {y}-{m}-{d}. Use `try_make_date` to return NULL instead."),
    )
}

pub(super) fn interval_overflow(name: &str) -> DataFusionError {
    fail(
        "INTERVAL_ARITHMETIC_OVERFLOW.WITHOUT_SUGGESTION",
        "22015",
        &format!("Integer overflow while operating with intervals in {name}."),
    )
}

pub(crate) fn named(text: &str) -> Result<Zone> {
    Zone::parse(text).ok_or_else(|| {
        fail(
            "INVALID_TIMEZONE",
            "22009",
            &format!(
                "The timezone: {text} is invalid. The timezone must be either a region-based zone ID or a zone offset."
            ),
        )
    })
}

fn clock_type(c: &Call<'_>) -> Result<Shape> {
    match c.kinds {
        [DataType::Timestamp(_, None)] => by_signature("N -> i", c),
        [DataType::Time64(_)] => by_signature("t -> i", c),
        _ => by_signature("T -> i", c),
    }
}

fn months_between(a: i64, b: i64, round: bool) -> f64 {
    // The time of a day is what has passed since it began, whatever the clocks were set to meanwhile.
    let zone = zone::session();
    let split = |us: i64| {
        let (day, _) = times::split(zone.local(us));
        (day, us - zone.utc(day * DAY))
    };
    let ((da, ta), (db, tb)) = (split(a), split(b));
    let ((ya, ma, a_day), (yb, mb, b_day)) = (civil(da), civil(db));
    let months = ((ya - yb) * 12 + ma - mb) as f64;
    let last = |y, m, d| d == times::month_length(y, m);
    if a_day == b_day || (last(ya, ma, a_day) && last(yb, mb, b_day)) {
        return months;
    }
    let seconds = (a_day - b_day) * 86_400 + ta / SECOND - tb / SECOND;
    let exact = months + seconds as f64 / (31.0 * 86_400.0);
    if round { (exact * 1e8).round() / 1e8 } else { exact }
}

/// Microseconds of the day on the clocks of the session.
fn clock(e: &Env<'_>, a: &[V]) -> i64 {
    zone::of(&e.kinds[0]).local(a[0].i()).rem_euclid(DAY)
}

fn truncate(us: i64, zone: Zone, unit: &str) -> Option<i64> {
    let local = zone.local(us);
    let (d, _) = times::split(local);
    let (y, m, _) = civil(d);
    // Of the hour that is there twice the one that it was.
    let within = |unit: i64| us - local.rem_euclid(unit);
    Some(match unit.to_ascii_uppercase().as_str() {
        "MICROSECOND" => us,
        "MILLISECOND" => within(1000),
        "SECOND" => within(SECOND),
        "MINUTE" => within(60 * SECOND),
        "HOUR" => within(3600 * SECOND),
        "DAY" | "DD" => zone.utc(d * DAY),
        "WEEK" => zone.utc((d - times::weekday(d) + 1) * DAY),
        "MONTH" | "MON" | "MM" => zone.utc(times::days(y, m, 1) * DAY),
        "QUARTER" => zone.utc(times::days(y, (m - 1) / 3 * 3 + 1, 1) * DAY),
        "YEAR" | "YYYY" | "YY" => zone.utc(times::days(y, 1, 1) * DAY),
        _ => return None,
    })
}

fn unix_timestamp(e: &Env<'_>, a: &[V]) -> Result<V> {
    if a.is_empty() {
        return Ok(V::Int(now() / SECOND));
    }
    if a.iter().any(V::is_null) {
        return Ok(V::Null);
    }
    let us = match &a[0] {
        V::Str(text) => by_pattern(text, a.get(1).map_or("yyyy-MM-dd HH:mm:ss", V::text), e.name)?.instant(),
        v => cast::cast(v, &e.kinds[0], &types::timestamp())?.i(),
    };
    Ok(V::Int(us.div_euclid(SECOND)))
}

/// Microseconds since 1970.
pub(crate) fn now() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

/// What a text says: a time on a clock, and where that hangs.
struct Said {
    local: i64,
    zone: Option<Zone>,
}

impl Said {
    fn instant(&self) -> i64 {
        self.zone.unwrap_or_else(zone::session).utc(self.local)
    }
}

fn by_pattern(text: &str, pattern: &str, name: &str) -> Result<Said> {
    match pattern::parse(text, pattern)? {
        Some((local, zone)) => Ok(Said { local, zone }),
        None => Err(fail(
            "CANNOT_PARSE_TIMESTAMP",
            "22007",
            &format!(
                "Text '{text}' could not be parsed by {name} with the pattern '{pattern}'. Use `try_to_timestamp` to tolerate invalid input string and return NULL instead."
            ),
        )),
    }
}

fn reading(c: &Call<'_>, result: DataType) -> Result<Shape> {
    match c.kinds {
        [kind] => Ok(Shape { kinds: vec![kind.clone()], result }),
        [kind, _] => {
            let kind = if types::is_time(kind) { kind.clone() } else { DataType::Utf8 };
            Ok(Shape { kinds: vec![kind, DataType::Utf8], result })
        }
        other => Err(super::function::wrong_count(c.name, "[1, 2]", other.len())),
    }
}

fn read(e: &Env<'_>, a: &[V], lenient: bool) -> Result<V> {
    let value = match a {
        [V::Str(text), V::Str(p)] => by_pattern(text, p, e.name).and_then(|said| match e.result {
            DataType::Timestamp(_, None) => Ok(V::Ts(said.local)),
            DataType::Time64(_) => Ok(V::Time(said.local.rem_euclid(DAY))),
            kind => cast::cast(&V::Ts(said.instant()), &types::timestamp(), kind),
        }),
        [v, ..] => cast::cast(v, &e.kinds[0], e.result),
        [] => Ok(V::Null),
    };
    match value {
        // A mistake in the pattern is one in the `try_` form too.
        Err(error) if lenient && !error.to_string().contains("pattern character") => Ok(V::Null),
        other => other,
    }
}

/// The value of an interval literal; what is written stands in the call.
pub(crate) const INTERVAL: Def = t(
    "interval_literal",
    |c| match c.constants {
        [Some(V::Str(text)), Some(V::Str(from)), Some(V::Str(to))] => {
            let kind = || interval::literal(text, from, to).and_then(|_| interval::literal_type(text, from, to));
            let result = kind().ok_or_else(|| {
                fail("INVALID_INTERVAL_FORMAT.INPUT_IS_EMPTY", "22006", &format!("Error parsing '{text}' to interval. Please ensure that the value provided is in a valid format for defining an interval."))
            })?;
            if result == types::calendar() {
                let text = format!("Cannot mix year-month and day-time fields: INTERVAL {text}.");
                return Err(fail("_LEGACY_ERROR_TEMP_0029", "42601", &text));
            }
            Ok(Shape { kinds: vec![DataType::Utf8; 3], result })
        }
        _ => Err(fail("PARSE_SYNTAX_ERROR", "42601", "The value of an interval must be a literal.")),
    },
    |_, a| Ok(interval::literal(a[0].text(), a[1].text(), a[2].text()).unwrap_or(V::Null)),
);
