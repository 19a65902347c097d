//! String functions with the platform's meaning: positions count from 1 and from the end, NULL makes NULL, and no value
//! grows beyond what the process can hold.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray as _, Int32Array, StringBuilder};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};
use datafusion::common::{exec_datafusion_err, exec_err, resources_datafusion_err};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Signature, SimpleScalarUDF, Volatility};
use datafusion::prelude::SessionContext;

use super::{cells, output};

/// Bytes of one value.
pub(super) const VALUE_LIMIT: usize = 64 << 20;
/// Bytes of the values that one call on a batch of rows makes.
const BATCH_LIMIT: usize = 256 << 20;
/// The function that stands for `CAST(… AS STRING)`.
pub(super) const TO_STRING: &str = "string";

pub(super) fn register(context: &SessionContext) {
    for (name, function) in [
        (TO_STRING, to_string as Text),
        ("concat", concat),
        ("concat_ws", concat_ws),
        ("repeat", repeat),
        ("space", space),
        ("lpad", lpad),
        ("rpad", rpad),
        ("substr", substr),
        ("left", left),
        ("right", right),
        ("replace", replace),
    ] {
        context.register_udf(text(name, function));
    }
    context.register_udf(function("locate", DataType::Int32, |arguments| {
        let rows = (0..arguments.rows).map(|row| locate(arguments, row)).collect::<Result<Int32Array>>()?;
        Ok(Arc::new(rows))
    }));
}

/// The concatenation that `||` stands for.
pub(super) fn concatenation() -> ScalarUDF {
    text("concat", concat)
}

/// Appends the value for a row; `false` is NULL.
type Text = fn(&Arguments, usize, &mut Out) -> Result<bool>;

fn text(name: &'static str, append: Text) -> ScalarUDF {
    function(name, DataType::Utf8, move |arguments| {
        let mut builder = StringBuilder::new();
        let mut out = Out { name: arguments.name, value: String::new(), total: 0 };
        for row in 0..arguments.rows {
            out.value.clear();
            if append(arguments, row, &mut out)? {
                out.total += out.value.len();
                builder.append_value(&out.value);
            } else {
                builder.append_null();
            }
        }
        Ok(Arc::new(builder.finish()))
    })
}

fn function(
    name: &'static str,
    kind: DataType,
    call: impl Fn(&Arguments) -> Result<ArrayRef> + Send + Sync + 'static,
) -> ScalarUDF {
    let run = move |values: &[ColumnarValue]| {
        let scalar = values.iter().all(|v| matches!(v, ColumnarValue::Scalar(_)));
        let arrays = ColumnarValue::values_to_arrays(values)?;
        let rows = arrays.first().map_or(1, |a| a.len());
        let columns = arrays.iter().map(|a| plain(name, a)).collect::<Result<_>>()?;
        let result = call(&Arguments { name, columns, rows })?;
        if scalar {
            return Ok(ColumnarValue::Scalar(datafusion::common::ScalarValue::try_from_array(&result, 0)?));
        }
        Ok(ColumnarValue::Array(result))
    };
    let signature = Signature::variadic_any(Volatility::Immutable);
    SimpleScalarUDF::new_with_signature(name, signature, kind, Arc::new(run)).into()
}

/// As the type that the platform has.
fn plain(name: &str, array: &ArrayRef) -> Result<ArrayRef> {
    if array.data_type().is_nested() || matches!(array.data_type(), DataType::Interval(_) | DataType::Duration(_)) {
        return exec_err!("the function {name} of the embedded workspace does not take {} values", array.data_type());
    }
    Ok(cast_with_options(
        array,
        &output::wire(array.data_type()),
        &CastOptions { safe: false, ..CastOptions::default() },
    )?)
}

struct Arguments {
    name: &'static str,
    columns: Vec<ArrayRef>,
    rows: usize,
}

impl Arguments {
    fn count(&self, allowed: std::ops::RangeInclusive<usize>) -> Result<()> {
        if allowed.contains(&self.columns.len()) {
            return Ok(());
        }
        exec_err!("{} takes {} to {} arguments, got {}", self.name, allowed.start(), allowed.end(), self.columns.len())
    }

    fn text(&self, index: usize, row: usize) -> Option<String> {
        string(self.columns.get(index)?, row)
    }

    fn integer(&self, index: usize, row: usize) -> Result<Option<i64>> {
        let Some(column) = self.columns.get(index) else { return Ok(None) };
        if column.is_null(row) || column.data_type() == &DataType::Null {
            return Ok(None);
        }
        if !column.data_type().is_integer() {
            return exec_err!("argument {} of {} must be an integer, got {}", index + 1, self.name, column.data_type());
        }
        let one = cast_with_options(&column.slice(row, 1), &DataType::Int64, &CastOptions::default())?;
        Ok(Some(one.as_primitive::<Int64Type>().value(0)))
    }
}

struct Out {
    name: &'static str,
    value: String,
    total: usize,
}

impl Out {
    /// Makes sure that so many more bytes may come.
    fn reserve(&self, bytes: usize) -> Result<()> {
        let size = self.value.len().saturating_add(bytes);
        if size > VALUE_LIMIT || self.total.saturating_add(size) > BATCH_LIMIT {
            return Err(resources_datafusion_err!(
                "{} would make a value of {size} bytes; the embedded workspace holds {VALUE_LIMIT} bytes in one value and \
                 {BATCH_LIMIT} in one batch of rows",
                self.name
            ));
        }
        Ok(())
    }

    fn push(&mut self, text: &str) -> Result<()> {
        self.reserve(text.len())?;
        self.value.push_str(text);
        Ok(())
    }
}

/// The string that a cast to STRING gives.
fn string(array: &ArrayRef, row: usize) -> Option<String> {
    if matches!(array.data_type(), DataType::Timestamp(_, _)) && !array.is_null(row) {
        let us = array.as_primitive::<TimestampMicrosecondType>().value(row);
        let time = jiff::Timestamp::from_microsecond(us).ok()?;
        let mut text = time.strftime("%Y-%m-%d %H:%M:%S").to_string();
        if us % 1_000_000 != 0 {
            let fraction = format!(".{:06}", us.rem_euclid(1_000_000));
            text.push_str(fraction.trim_end_matches('0'));
        }
        return Some(text);
    }
    if array.data_type() == &DataType::Binary && !array.is_null(row) {
        return Some(String::from_utf8_lossy(array.as_binary::<i32>().value(row)).into_owned());
    }
    cells::text(array, row)
}

fn to_string(a: &Arguments, row: usize, out: &mut Out) -> Result<bool> {
    a.count(1..=1)?;
    let Some(text) = a.text(0, row) else { return Ok(false) };
    out.push(&text).map(|()| true)
}

fn concat(a: &Arguments, row: usize, out: &mut Out) -> Result<bool> {
    for index in 0..a.columns.len() {
        let Some(text) = a.text(index, row) else { return Ok(false) };
        out.push(&text)?;
    }
    Ok(true)
}

fn concat_ws(a: &Arguments, row: usize, out: &mut Out) -> Result<bool> {
    let Some(separator) = a.text(0, row) else { return Ok(false) };
    let mut first = true;
    for text in (1..a.columns.len()).filter_map(|index| a.text(index, row)) {
        if !first {
            out.push(&separator)?;
        }
        first = false;
        out.push(&text)?;
    }
    Ok(true)
}

fn times(text: &str, count: i64, out: &mut Out) -> Result<()> {
    let count = usize::try_from(count).unwrap_or(0);
    out.reserve(text.len().saturating_mul(count))?;
    out.value.push_str(&text.repeat(count));
    Ok(())
}

fn repeat(a: &Arguments, row: usize, out: &mut Out) -> Result<bool> {
    a.count(2..=2)?;
    let (Some(text), Some(count)) = (a.text(0, row), a.integer(1, row)?) else { return Ok(false) };
    times(&text, count, out).map(|()| true)
}

fn space(a: &Arguments, row: usize, out: &mut Out) -> Result<bool> {
    a.count(1..=1)?;
    let Some(count) = a.integer(0, row)? else { return Ok(false) };
    times(" ", count, out).map(|()| true)
}

/// String, wanted length and what fills up; without a length that is positive nothing is left.
fn pad(a: &Arguments, row: usize) -> Result<Option<(String, usize, String)>> {
    a.count(2..=3)?;
    let fill = if a.columns.len() == 3 { a.text(2, row) } else { Some(" ".to_owned()) };
    let (Some(text), Some(length), Some(fill)) = (a.text(0, row), a.integer(1, row)?, fill) else { return Ok(None) };
    Ok(Some((text, usize::try_from(length).unwrap_or(0), fill)))
}

fn padded(text: &str, length: usize, fill: &str, before: bool, out: &mut Out) -> Result<()> {
    let have = text.chars().count();
    let missing = if fill.is_empty() { 0 } else { length.saturating_sub(have) };
    let widest = fill.chars().map(char::len_utf8).max().unwrap_or(1);
    out.reserve(text.len().saturating_add(missing.saturating_mul(widest)))?;
    let kept = text.chars().take(length);
    let filling = fill.chars().cycle().take(missing);
    if before {
        out.value.extend(filling.chain(kept));
    } else {
        out.value.extend(kept.chain(filling));
    }
    Ok(())
}

fn lpad(a: &Arguments, row: usize, out: &mut Out) -> Result<bool> {
    let Some((text, length, fill)) = pad(a, row)? else { return Ok(false) };
    padded(&text, length, &fill, true, out).map(|()| true)
}

fn rpad(a: &Arguments, row: usize, out: &mut Out) -> Result<bool> {
    let Some((text, length, fill)) = pad(a, row)? else { return Ok(false) };
    padded(&text, length, &fill, false, out).map(|()| true)
}

fn substr(a: &Arguments, row: usize, out: &mut Out) -> Result<bool> {
    a.count(2..=3)?;
    let (Some(text), Some(position)) = (a.text(0, row), a.integer(1, row)?) else { return Ok(false) };
    let length = match (a.columns.len(), a.integer(2, row)?) {
        (3, None) => return Ok(false),
        (3, Some(length)) => length,
        _ => i64::MAX,
    };
    let count = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    // 0 and 1 are the first character, -1 the last; a start before the first shortens what is taken.
    let start = if position > 0 {
        position - 1
    } else if position < 0 {
        count.saturating_add(position)
    } else {
        0
    };
    let end = start.saturating_add(length.max(0)).clamp(0, count);
    let start = start.clamp(0, count);
    let skip = usize::try_from(start).unwrap_or(0);
    let take = usize::try_from(end - start).unwrap_or(0);
    out.reserve(text.len())?;
    out.value.extend(text.chars().skip(skip).take(take));
    Ok(true)
}

fn left(a: &Arguments, row: usize, out: &mut Out) -> Result<bool> {
    a.count(2..=2)?;
    let (Some(text), Some(count)) = (a.text(0, row), a.integer(1, row)?) else { return Ok(false) };
    out.reserve(text.len())?;
    out.value.extend(text.chars().take(usize::try_from(count).unwrap_or(0)));
    Ok(true)
}

fn right(a: &Arguments, row: usize, out: &mut Out) -> Result<bool> {
    a.count(2..=2)?;
    let (Some(text), Some(count)) = (a.text(0, row), a.integer(1, row)?) else { return Ok(false) };
    out.reserve(text.len())?;
    let skipped = text.chars().count().saturating_sub(usize::try_from(count).unwrap_or(0));
    out.value.extend(text.chars().skip(skipped));
    Ok(true)
}

fn replace(a: &Arguments, row: usize, out: &mut Out) -> Result<bool> {
    a.count(2..=3)?;
    let with = if a.columns.len() == 3 { a.text(2, row) } else { Some(String::new()) };
    let (Some(text), Some(search), Some(with)) = (a.text(0, row), a.text(1, row), with) else { return Ok(false) };
    if search.is_empty() {
        return out.push(&text).map(|()| true);
    }
    let found = text.matches(&search).count();
    out.reserve((text.len() - found * search.len()).saturating_add(found.saturating_mul(with.len())))?;
    out.value.push_str(&text.replace(&search, &with));
    Ok(true)
}

/// `locate(searched, string [, from])`, counted in characters from 1; 0 if it is not there.
fn locate(a: &Arguments, row: usize) -> Result<Option<i32>> {
    a.count(2..=3)?;
    let from = if a.columns.len() == 3 { a.integer(2, row)? } else { Some(1) };
    let (Some(search), Some(text), Some(from)) = (a.text(0, row), a.text(1, row), from) else { return Ok(None) };
    let Some(skipped) = usize::try_from(from).ok().and_then(|n| n.checked_sub(1)) else { return Ok(Some(0)) };
    let Some((start, _)) = text.char_indices().chain([(text.len(), ' ')]).nth(skipped) else { return Ok(Some(0)) };
    let found = text[start..].find(&search).map(|at| text[..start + at].chars().count() + 1);
    i32::try_from(found.unwrap_or(0)).map(Some).map_err(|_| exec_datafusion_err!("the position does not fit INT"))
}
