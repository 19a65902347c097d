//! The fields that an interval has: a type for each span of them.

use datafusion::arrow::datatypes::{DataType, IntervalUnit};

use super::times::{DAY, SECOND};
use super::types::{day_time, year_month};

/// The fields of an interval, from the widest on: a pair of their positions is its span.
pub(crate) const FIELDS: [&str; 6] = ["YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"];

/// Spans that no type of the engine stands for. Such intervals are bytes, which keep their order; how many they are
/// states the span, so that the engine takes no span for another.
const SPANS: [(u8, u8); 11] = [(0, 0), (1, 1), (2, 2), (2, 3), (2, 4), (3, 3), (3, 4), (3, 5), (4, 4), (4, 5), (5, 5)];
/// Bytes of an interval of the first of these.
const SPAN_WIDTH: i32 = 8;

/// The type of an interval from one field to another.
pub(crate) fn interval(first: u8, last: u8) -> Option<DataType> {
    match (first, last) {
        (0, 1) => Some(year_month()),
        (2, 5) => Some(day_time()),
        pair => {
            let at = SPANS.iter().position(|span| *span == pair)?;
            Some(DataType::FixedSizeBinary(SPAN_WIDTH + i32::try_from(at).ok()?))
        }
    }
}

/// The first and last field of an interval; none for those of months and days at once, and for all other types.
pub(crate) fn span(kind: &DataType) -> Option<(u8, u8)> {
    match kind {
        DataType::Interval(IntervalUnit::YearMonth) => Some((0, 1)),
        DataType::Duration(_) => Some((2, 5)),
        DataType::FixedSizeBinary(width) => SPANS.get(usize::try_from(width - SPAN_WIDTH).ok()?).copied(),
        _ => None,
    }
}

pub(crate) fn is_year_month(kind: &DataType) -> bool {
    span(kind).is_some_and(|(_, last)| last <= 1)
}

pub(crate) fn is_day_time(kind: &DataType) -> bool {
    span(kind).is_some_and(|(first, _)| first >= 2)
}

/// An interval of whole days, which a date stays a date with.
pub(crate) fn is_days(kind: &DataType) -> bool {
    span(kind) == Some((2, 2))
}

/// With all fields of its family, as products and means have them.
pub(crate) fn full(kind: &DataType) -> DataType {
    if is_year_month(kind) { year_month() } else { day_time() }
}

/// One of a field, in months or microseconds.
pub(crate) fn unit(field: u8) -> i64 {
    [12, 1, DAY, 3600 * SECOND, 60 * SECOND, SECOND].get(usize::from(field)).copied().unwrap_or(1)
}

/// `DAY`, `DAY TO SECOND`.
pub(crate) fn fields(first: u8, last: u8) -> String {
    let name = |field: u8| FIELDS.get(usize::from(field)).copied().unwrap_or_default();
    if first == last { name(first).to_owned() } else { format!("{} TO {}", name(first), name(last)) }
}

/// The position of a field by its name.
pub(crate) fn field(name: &str) -> Option<u8> {
    FIELDS.iter().position(|f| f.eq_ignore_ascii_case(name)).and_then(|at| u8::try_from(at).ok())
}
