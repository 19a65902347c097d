//! Dates and times of the proleptic Gregorian calendar as plain numbers.

use super::zone::Zone;

pub(crate) const SECOND: i64 = 1_000_000;
pub(crate) const DAY: i64 = 86_400 * SECOND;

/// Days since 1970 of a date; month and day must be in range.
pub(crate) fn days(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let of_era = y.rem_euclid(400);
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day.
pub(crate) fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let of_era = z.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let m = (5 * of_year + 2) / 153;
    let day = of_year - (153 * m + 2) / 5 + 1;
    let month = if m < 10 { m + 3 } else { m - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

pub(crate) fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

pub(crate) fn month_length(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The days of a date, if there is such a one.
pub(crate) fn checked_days(year: i64, month: i64, day: i64) -> Option<i64> {
    ((1..=12).contains(&month) && day >= 1 && day <= month_length(year, month)).then(|| days(year, month, day))
}

/// 1 is Monday, 7 is Sunday.
pub(crate) fn weekday(days: i64) -> i64 {
    (days + 3).rem_euclid(7) + 1
}

pub(crate) fn day_of_year(d: i64) -> i64 {
    let (year, _, _) = civil(d);
    d - days(year, 1, 1) + 1
}

/// Year and week of ISO 8601.
pub(crate) fn iso_week(d: i64) -> (i64, i64) {
    let thursday = d - weekday(d) + 4;
    let (year, _, _) = civil(thursday);
    (year, (thursday - days(year, 1, 1)) / 7 + 1)
}

/// The date so many months later; the last day of a shorter month at most.
pub(crate) fn add_months(d: i64, months: i64) -> i64 {
    let (year, month, day) = civil(d);
    let total = year * 12 + month - 1 + months;
    let (year, month) = (total.div_euclid(12), total.rem_euclid(12) + 1);
    days(year, month, day.min(month_length(year, month)))
}

/// Days and microseconds of the day.
pub(crate) fn split(us: i64) -> (i64, i64) {
    (us.div_euclid(DAY), us.rem_euclid(DAY))
}

/// Adds months, days and microseconds; days have the length that the zone gives them.
pub(crate) fn add_interval(us: i64, months: i64, d: i64, micros: i64, zone: &Zone) -> Option<i64> {
    let moved = if months == 0 && d == 0 {
        us
    } else {
        let local = zone.local(us);
        let (day, time) = split(local);
        let day = if months == 0 { day } else { add_months(day, months) };
        zone.utc(day.checked_add(d)?.checked_mul(DAY)?.checked_add(time)?)
    };
    moved.checked_add(micros)
}

/// `HH:MM:SS` with the digits of a fraction that are not zero at the end.
pub(crate) fn clock(us: i64) -> String {
    let s = us / SECOND;
    let mut out = format!("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
    if us % SECOND != 0 {
        let fraction = format!(".{:06}", us % SECOND);
        out.push_str(fraction.trim_end_matches('0'));
    }
    out
}

pub(crate) fn date_text(d: i64) -> String {
    let (year, month, day) = civil(d);
    if year > 9999 {
        format!("+{year}-{month:02}-{day:02}")
    } else if year < 0 {
        format!("-{:04}-{month:02}-{day:02}", -year)
    } else {
        format!("{year:04}-{month:02}-{day:02}")
    }
}

/// As a cast to STRING writes it.
pub(crate) fn timestamp_text(local: i64) -> String {
    let (d, time) = split(local);
    format!("{} {}", date_text(d), clock(time))
}

/// Digits at the start of a string, at most so many.
fn number(rest: &mut &str, least: usize, most: usize) -> Option<i64> {
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    if digits < least || digits > most {
        return None;
    }
    let value = rest[..digits].parse().ok()?;
    *rest = &rest[digits..];
    Some(value)
}

fn date_part(rest: &mut &str) -> Option<i64> {
    let sign = if let Some(r) = rest.strip_prefix('-') {
        *rest = r;
        -1
    } else {
        *rest = rest.strip_prefix('+').unwrap_or(rest);
        1
    };
    let year = sign * number(rest, 4, 6)?;
    let mut parts = [1, 1];
    for part in &mut parts {
        let Some(after) = rest.strip_prefix('-') else { break };
        *rest = after;
        *part = number(rest, 1, 2)?;
    }
    checked_days(year, parts[0], parts[1])
}

/// `yyyy`, `yyyy-M`, `yyyy-M-d`; what follows a blank or `T` does not count.
pub(crate) fn parse_date(text: &str) -> Option<i64> {
    let mut rest = text.trim();
    let d = date_part(&mut rest)?;
    (rest.is_empty() || rest.starts_with([' ', 'T'])).then_some(d)
}

/// Microseconds of the day.
pub(crate) fn parse_clock(rest: &mut &str) -> Option<i64> {
    let mut total = number(rest, 1, 2).filter(|h| *h < 24)? * 3600;
    if let Some(after) = rest.strip_prefix(':') {
        *rest = after;
        total += number(rest, 1, 2).filter(|m| *m < 60)? * 60;
        if let Some(after) = rest.strip_prefix(':') {
            *rest = after;
            total += number(rest, 1, 2).filter(|s| *s < 60)?;
            let mut micros = 0;
            if let Some(after) = rest.strip_prefix('.') {
                let digits = after.bytes().take_while(u8::is_ascii_digit).count();
                let six: String = after[..digits].chars().chain("000000".chars()).take(6).collect();
                micros = six.parse().ok()?;
                *rest = &after[digits..];
            }
            return Some(total * SECOND + micros);
        }
    }
    Some(total * SECOND)
}

/// The local time and the zone, where one is written.
pub(crate) fn parse_timestamp(text: &str) -> Option<(i64, Option<Zone>)> {
    let mut rest = text.trim();
    let d = date_part(&mut rest)?;
    if rest.is_empty() {
        return Some((d.checked_mul(DAY)?, None));
    }
    rest = rest.strip_prefix([' ', 'T'])?;
    if rest.is_empty() {
        return Some((d.checked_mul(DAY)?, None));
    }
    let time = parse_clock(&mut rest)?;
    let rest = rest.trim();
    let zone = if rest.is_empty() { None } else { Some(Zone::parse(rest)?) };
    Some((d.checked_mul(DAY)?.checked_add(time)?, zone))
}
