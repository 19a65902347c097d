//! Windows of time: those of a fixed length that a point in time is in.

use datafusion::arrow::datatypes::DataType;
use datafusion::error::{DataFusionError, Result};

use super::function::{Call, Def, Env, Shape, t, unexpected, wrong_count};
use super::times::DAY;
use super::value::V;
use super::{fail, interval, overflow, types};

/// Windows that one row may be in.
const MOST: i64 = 100_000;

/// `window(time, duration[, slide[, start]])` as an array of all the windows, of which each makes a row.
pub(crate) const FUNCTIONS: &[Def] = &[t("time_windows", windows_type, windows)];

fn windows_type(c: &Call<'_>) -> Result<Shape> {
    if !(2..=4).contains(&c.kinds.len()) {
        return Err(wrong_count("window", "[2, 4]", c.kinds.len()));
    }
    // A window is one of the times in it: those of longer windows are made of it.
    let time = match &c.kinds[0] {
        DataType::Timestamp(_, None) => types::ntz(),
        DataType::Struct(fields) if is_window(fields) => c.kinds[0].clone(),
        kind if types::is_time(kind) || types::is_text(kind) => types::timestamp(),
        kind => return Err(unexpected("window", 0, "(\"TIMESTAMP\" or \"TIMESTAMP_NTZ\")", kind)),
    };
    let moment = if let DataType::Struct(fields) = &time { fields[0].data_type().clone() } else { time.clone() };
    let mut kinds = vec![time];
    kinds.resize(c.kinds.len(), DataType::Utf8);
    let window = types::structure([("start".to_owned(), moment.clone()), ("end".to_owned(), moment)]);
    let lengths = c.constants[1..].iter().zip(&c.kinds[1..]).map(|(v, kind)| match v {
        Some(V::Str(text)) => length(text).map(Some),
        // Types alone are asked for, too.
        None if kind == &DataType::Utf8 => Ok(None),
        _ => {
            let text = "The duration and time inputs to window must be string literals.";
            Err(fail("_LEGACY_ERROR_TEMP_1207", "42601", text))
        }
    });
    // Before there are rows.
    if let [Some(duration), rest @ ..] = lengths.collect::<Result<Vec<_>>>()?.as_slice() {
        Steps::new(*duration, rest.first().copied().flatten(), rest.get(1).copied().flatten())?;
    }
    Ok(Shape { kinds, result: types::list(window) })
}

fn is_window(fields: &datafusion::arrow::datatypes::Fields) -> bool {
    let names: Vec<&str> = fields.iter().map(|f| f.name().as_str()).collect();
    names == ["start", "end"] && fields.iter().all(|f| matches!(f.data_type(), DataType::Timestamp(_, _)))
}

/// Microseconds of a length; months have none.
fn length(text: &str) -> Result<i64> {
    let words = text.trim();
    let words = words.get(..9).filter(|w| w.eq_ignore_ascii_case("interval ")).map_or(words, |_| &words[9..]);
    let Some((months, days, us)) = interval::parse_units(words) else {
        return Err(fail(
            "CANNOT_PARSE_INTERVAL",
            "22006",
            &format!(
                "Unable to parse '{text}'. Please ensure that the value provided is in a valid format for defining an interval."
            ),
        ));
    };
    if months != 0 {
        let text = format!("Intervals greater than a month is not supported ({text}).");
        return Err(fail("_LEGACY_ERROR_TEMP_3231", "42601", &text));
    }
    days.checked_mul(DAY).and_then(|d| d.checked_add(us)).ok_or_else(|| overflow("window"))
}

struct Steps {
    duration: i64,
    slide: i64,
    start: i64,
}

impl Steps {
    fn new(duration: i64, slide: Option<i64>, start: Option<i64>) -> Result<Self> {
        let (slide, start) = (slide.unwrap_or(duration), start.unwrap_or(0));
        for (name, value) in [("window_duration", duration), ("slide_duration", slide)] {
            if value <= 0 {
                let text = format!(
                    "Cannot resolve \"window\" due to data type mismatch: The `{name}` must be between (0, 9223372036854775807] \
                     (current value = {value}L)."
                );
                return Err(fail("DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE", "42K09", &text));
            }
        }
        let broken = |constraint: &str| {
            let text = format!(
                "Cannot resolve \"window\" due to data type mismatch: The lengths break the rule that {constraint}."
            );
            Err(fail("DATATYPE_MISMATCH.PARAMETER_CONSTRAINT_VIOLATION", "42K09", &text))
        };
        if slide > duration {
            return broken("the slide is at most the duration");
        }
        if start.abs() >= slide {
            return broken("the start is less than the slide");
        }
        if duration / slide >= MOST {
            return Err(super::invalid("window", "slide_duration", &format!("a row is in {MOST} windows at most")));
        }
        Ok(Self { duration, slide, start })
    }

    /// Starts of the windows around a time, the latest first.
    fn around(&self, time: i64) -> Option<Vec<i64>> {
        let latest = time.checked_sub((time.checked_sub(self.start)?).rem_euclid(self.slide))?;
        let starts = std::iter::successors(Some(latest), |start| start.checked_sub(self.slide));
        Some(starts.take_while(|start| start.checked_add(self.duration).is_some_and(|end| end > time)).collect())
    }
}

fn windows(_: &Env<'_>, a: &[V]) -> Result<V> {
    let lengths = a[1..].iter().map(|v| length(v.text())).collect::<Result<Vec<_>>>()?;
    let steps = Steps::new(lengths[0], lengths.get(1).copied(), lengths.get(2).copied())?;
    let time = match &a[0] {
        // The last moment of a window is what stands for it.
        V::Struct(ends) => ends.get(1).map_or(0, V::i) - 1,
        v => v.i(),
    };
    let starts = steps.around(time).ok_or_else(beyond)?;
    Ok(V::List(starts.into_iter().map(|s| V::Struct(vec![V::Ts(s), V::Ts(s + steps.duration)])).collect()))
}

fn beyond() -> DataFusionError {
    fail("DATETIME_OVERFLOW", "22008", "Datetime operation overflow: window.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_in_as_many_windows_as_slides_fit() {
        let starts = |duration, slide, start, time| Steps::new(duration, slide, start).unwrap().around(time).unwrap();
        assert_eq!(starts(10, None, None, 25), [20]);
        assert_eq!(starts(10, None, None, 30), [30]);
        assert_eq!(starts(10, None, Some(3), 25), [23]);
        assert_eq!(starts(10, Some(5), None, 12), [10, 5]);
        assert_eq!(starts(10, Some(5), None, -1), [-5, -10]);
        assert_eq!(starts(10, Some(7), None, 6), [0], "the window before ends at 3");
        assert_eq!(starts(10, Some(7), None, 9), [7, 0]);
    }

    #[test]
    fn lengths_are_positive_and_have_no_months() {
        assert_eq!(length("10 minutes").unwrap(), 600_000_000);
        assert_eq!(length("interval 1 day").unwrap(), DAY);
        assert!(length("1 month").unwrap_err().to_string().contains("month"));
        assert!(length("soon").is_err());
        assert!(Steps::new(0, None, None).is_err());
        assert!(Steps::new(10, Some(11), None).is_err());
        assert!(Steps::new(10, Some(5), Some(5)).is_err());
    }
}
