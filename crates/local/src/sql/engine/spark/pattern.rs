//! Patterns of Java's `DateTimeFormatter`: writing and reading times with them.

use datafusion::arrow::datatypes::DataType;
use datafusion::error::{DataFusionError, Result};

use super::fail;
use super::times::{self, DAY, SECOND};
use super::zone::{self, Zone};

pub(crate) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(crate) const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Letters(char, usize),
    Text(String),
    /// What stands in brackets may be missing when it is read.
    Open,
    Close,
}

fn parts(pattern: &str) -> Result<Vec<Part>> {
    let bad = || {
        fail(
            "INVALID_DATETIME_PATTERN.ILLEGAL_CHARACTER",
            "22007",
            &format!("Unrecognized datetime pattern: {pattern}. Illegal pattern character found in datetime pattern."),
        )
    };
    let mut out = Vec::new();
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        if c == '\'' {
            let mut text = String::new();
            if rest.next_if_eq(&'\'').is_some() {
                text.push('\'');
            } else {
                loop {
                    match rest.next().ok_or_else(bad)? {
                        '\'' if rest.next_if_eq(&'\'').is_some() => text.push('\''),
                        '\'' => break,
                        other => text.push(other),
                    }
                }
            }
            out.push(Part::Text(text));
        } else if c == '[' {
            out.push(Part::Open);
        } else if c == ']' {
            out.push(Part::Close);
        } else if c.is_ascii_alphabetic() {
            let mut n = 1;
            while rest.next_if_eq(&c).is_some() {
                n += 1;
            }
            let known = match c {
                'y' | 'u' => n <= 9,
                'M' | 'L' => n <= 4,
                'G' | 'E' | 'a' | 'O' | 'z' | 'x' | 'X' | 'Z' => n <= 5,
                'D' => n <= 3,
                'd' | 'H' | 'h' | 'k' | 'K' | 'm' | 's' | 'V' => n <= 2,
                'Q' | 'q' => n <= 4,
                'F' => n == 1,
                'S' => n <= 9,
                _ => false,
            };
            if !known {
                return Err(bad());
            }
            out.push(Part::Letters(c, n));
        } else {
            out.push(Part::Text(c.to_string()));
        }
    }
    Ok(out)
}

fn offset_text(seconds: i64, c: char, n: usize) -> String {
    if seconds == 0 && c == 'X' {
        return "Z".to_owned();
    }
    let sign = if seconds < 0 { '-' } else { '+' };
    let s = seconds.abs();
    let (h, m) = (s / 3600, s / 60 % 60);
    match (c, n) {
        ('O', 1) => {
            if s == 0 {
                "GMT".to_owned()
            } else if m == 0 {
                format!("GMT{sign}{h}")
            } else {
                format!("GMT{sign}{h}:{m:02}")
            }
        }
        ('O', _) => {
            if s == 0 {
                "GMT".to_owned()
            } else {
                format!("GMT{sign}{h:02}:{m:02}")
            }
        }
        ('x' | 'X', 1) => {
            if m == 0 {
                format!("{sign}{h:02}")
            } else {
                format!("{sign}{h:02}{m:02}")
            }
        }
        ('x' | 'X', 2 | 4) | ('Z', 1..=3) => format!("{sign}{h:02}{m:02}"),
        ('Z', 4) => {
            if s == 0 {
                "GMT".to_owned()
            } else {
                format!("GMT{sign}{h:02}:{m:02}")
            }
        }
        ('Z', _) if s == 0 => "Z".to_owned(),
        _ => format!("{sign}{h:02}:{m:02}"),
    }
}

fn unnamed(zone: Zone) -> DataFusionError {
    let text = format!(
        "The embedded workspace does not have the name that patterns with 'z' write for the time zone {zone}; use 'VV' or 'XXX'."
    );
    fail("UNSUPPORTED_FEATURE.TIME_ZONE_NAME", "0A000", &text)
}

/// Writes a point in time, or a local one, by its type.
pub(crate) fn moment(us: i64, kind: &DataType, pattern: &str) -> Result<String> {
    let zone = zone::of(kind);
    format(zone.local(us), zone, pattern)
}

/// Writes a local time.
pub(crate) fn format(local: i64, zone: Zone, pattern: &str) -> Result<String> {
    let mut out = String::new();
    let (d, time) = times::split(local);
    let (year, month, day) = times::civil(d);
    let (hour, minute, second) = (time / (3600 * SECOND), time / (60 * SECOND) % 60, time / SECOND % 60);
    let pad = |n: i64, width: usize| format!("{n:0width$}");
    for part in parts(pattern)? {
        match part {
            Part::Text(t) => out.push_str(&t),
            Part::Open | Part::Close => {}
            Part::Letters(c, n) => out.push_str(&match c {
                'y' | 'u' if n == 2 => pad(year.rem_euclid(100), 2),
                'y' | 'u' => {
                    if year > 9999 && n >= 4 {
                        format!("+{year}")
                    } else {
                        pad(year, n)
                    }
                }
                'M' | 'L' => match n {
                    1 | 2 => pad(month, n),
                    3 => MONTHS[(month - 1) as usize][..3].to_owned(),
                    _ => MONTHS[(month - 1) as usize].to_owned(),
                },
                'd' => pad(day, n),
                'D' => pad(times::day_of_year(d), n),
                'Q' | 'q' => match n {
                    1 | 2 => pad((month - 1) / 3 + 1, n),
                    3 => format!("Q{}", (month - 1) / 3 + 1),
                    _ => format!("{} quarter", ["1st", "2nd", "3rd", "4th"][((month - 1) / 3) as usize]),
                },
                'E' => {
                    let name = WEEKDAYS[(times::weekday(d) - 1) as usize];
                    if n <= 3 { name[..3].to_owned() } else { name.to_owned() }
                }
                'F' => ((day - 1) % 7 + 1).to_string(),
                'G' => match n {
                    4 => {
                        if year > 0 {
                            "Anno Domini"
                        } else {
                            "Before Christ"
                        }
                    }
                    _ => {
                        if year > 0 {
                            "AD"
                        } else {
                            "BC"
                        }
                    }
                }
                .to_owned(),
                'a' => if hour < 12 { "AM" } else { "PM" }.to_owned(),
                'H' => pad(hour, n),
                'k' => pad(if hour == 0 { 24 } else { hour }, n),
                'K' => pad(hour % 12, n),
                'h' => pad(if hour % 12 == 0 { 12 } else { hour % 12 }, n),
                'm' => pad(minute, n),
                's' => pad(second, n),
                'S' => format!("{:06}000", time % SECOND).chars().take(n).collect(),
                'V' => {
                    if zone == Zone::UTC {
                        "UTC".to_owned()
                    } else {
                        zone.to_string()
                    }
                }
                'z' => {
                    if zone == Zone::UTC {
                        if n < 4 { "UTC" } else { "Coordinated Universal Time" }.to_owned()
                    } else {
                        let short = if n < 4 { zone.abbreviation(zone.utc(local)) } else { None };
                        short.ok_or_else(|| unnamed(zone))?
                    }
                }
                'O' | 'x' | 'X' | 'Z' => offset_text(zone.offset(zone.utc(local)), c, n),
                _ => String::new(),
            }),
        }
    }
    Ok(out)
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn digits(&mut self, least: usize, most: usize) -> Option<i64> {
        let n = self.rest.bytes().take_while(u8::is_ascii_digit).count().min(most);
        if n < least {
            return None;
        }
        let value = self.rest[..n].parse().ok()?;
        self.rest = &self.rest[n..];
        Some(value)
    }

    fn name(&mut self, names: &[&str], short: bool) -> Option<i64> {
        let at = names.iter().position(|name| {
            let name = if short { &name[..3] } else { name };
            self.rest.starts_with(name)
        })?;
        self.rest = &self.rest[if short { 3 } else { names[at].len() }..];
        Some(at as i64 + 1)
    }
}

/// Whether a run of letters is followed by digits without anything between.
fn adjacent(parts: &[Part], at: usize) -> bool {
    matches!(parts.get(at + 1), Some(Part::Letters('y' | 'u' | 'M' | 'd' | 'H' | 'h' | 'm' | 's' | 'S' | 'D' | 'k' | 'K', n)) if *n != 3)
}

/// Reads a local time and its zone; `None` if the text does not follow the pattern.
pub(crate) fn parse(text: &str, pattern: &str) -> Result<Option<(i64, Option<Zone>)>> {
    let parts = parts(pattern)?;
    Ok(read(text, &parts))
}

fn read(text: &str, parts: &[Part]) -> Option<(i64, Option<Zone>)> {
    let mut r = Reader { rest: text };
    let (mut year, mut month, mut day, mut day_of_year) = (1970, 1, 1, None);
    let (mut hour, mut minute, mut second, mut micros, mut half) = (0, 0, 0, 0, None);
    let mut zone = None;
    let mut optional = 0;
    let mut at = 0;
    while at < parts.len() {
        let mut step = || -> Option<()> {
            match &parts[at] {
                Part::Open => optional += 1,
                Part::Close => optional -= 1,
                Part::Text(t) => r.rest = r.rest.strip_prefix(t.as_str())?,
                Part::Letters(c, n) => {
                    let n = *n;
                    let most = if adjacent(parts, at) { n } else { 19 };
                    match c {
                        'y' | 'u' if n == 2 => year = 2000 + r.digits(2, 2)?,
                        'y' | 'u' => {
                            let negative = r.rest.starts_with('-');
                            r.rest = r.rest.strip_prefix(['-', '+']).unwrap_or(r.rest);
                            year = r.digits(n, if most == 19 { if n == 4 { 6 } else { 9 } } else { n })?;
                            if negative {
                                year = -year;
                            }
                        }
                        'M' | 'L' if n >= 3 => month = r.name(&MONTHS, n == 3)?,
                        'M' | 'L' => month = r.digits(n, 2)?,
                        'd' => day = r.digits(n, 2)?,
                        'D' => day_of_year = Some(r.digits(n, 3)?),
                        'E' => {
                            r.name(&WEEKDAYS, n <= 3)?;
                        }
                        'a' => {
                            half = Some(i64::from(r.rest.get(..2)?.eq_ignore_ascii_case("PM")));
                            r.rest = &r.rest[2..];
                        }
                        'H' => hour = r.digits(n, 2)?,
                        'k' => hour = r.digits(n, 2)? % 24,
                        'h' | 'K' => {
                            hour = r.digits(n, 2)? % 12;
                            half = half.or(Some(0));
                        }
                        'm' => minute = r.digits(n, 2)?,
                        's' => second = r.digits(n, 2)?,
                        'S' => {
                            let digits = r.rest.bytes().take_while(u8::is_ascii_digit).count().min(n);
                            if digits < 1 {
                                return None;
                            }
                            let six: String = r.rest[..digits].chars().chain("000000".chars()).take(6).collect();
                            micros = six.parse().ok()?;
                            r.rest = &r.rest[digits..];
                        }
                        'X' | 'x' | 'Z' | 'O' | 'V' | 'z' => {
                            let end = r
                                .rest
                                .find(|c: char| {
                                    !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | ':' | '/' | '_'))
                                })
                                .unwrap_or(r.rest.len());
                            zone = Some(Zone::parse(&r.rest[..end])?);
                            r.rest = &r.rest[end..];
                        }
                        _ => return None,
                    }
                }
            }
            Some(())
        };
        if step().is_none() {
            if optional == 0 {
                return None;
            }
            // What is optional is skipped up to its end.
            while at < parts.len() && parts[at] != Part::Close {
                at += 1;
            }
            optional -= 1;
        }
        at += 1;
    }
    if !r.rest.is_empty() || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    if let Some(pm) = half
        && hour < 12
    {
        hour += 12 * pm;
    }
    let d = match day_of_year {
        Some(n) => {
            times::days(year, 1, 1) + (1..=365 + i64::from(times::is_leap(year))).contains(&n).then_some(n - 1)?
        }
        None => times::checked_days(year, month, day)?,
    };
    Some((d * DAY + ((hour * 60 + minute) * 60 + second) * SECOND + micros, zone))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_write_and_read() {
        let t = times::days(2024, 2, 29) * DAY + (13 * 3600 + 5 * 60 + 9) * SECOND + 120_000;
        for (pattern, text) in [
            ("yyyy/MM/dd", "2024/02/29"),
            ("d. MMM yy 'at' HH:mm:ss.SSS", "29. Feb 24 at 13:05:09.120"),
            ("EEEE, h a ''", "Thursday, 1 PM '"),
            ("D QQQ", "60 Q1"),
        ] {
            assert_eq!(format(t, Zone::UTC, pattern).unwrap(), text);
        }
        assert!(format(t, Zone::UTC, "w").is_err());
        assert_eq!(parse("29/2/2024 1:05 PM", "d/M/yyyy h:mm a").unwrap().unwrap().0, t - 9_120_000);
        assert_eq!(parse("20240229", "yyyyMMdd").unwrap().unwrap().0, times::days(2024, 2, 29) * DAY);
        assert_eq!(parse("2023-02-29", "yyyy-MM-dd").unwrap(), None);
        assert_eq!(parse("2024-02-29", "yyyy-MM-dd[ HH:mm]").unwrap().unwrap().0, times::days(2024, 2, 29) * DAY);
    }
}
