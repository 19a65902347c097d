//! The shape of VARIANT values, as `schema_of_variant` writes it.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

/// Digits that a decimal has at most.
const DIGITS: usize = 38;
/// Digits of a BIGINT as a decimal.
const LONG: usize = 20;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum VariantShape {
    Void,
    Boolean,
    Long,
    /// Digits before the point, and behind it.
    Decimal(usize, usize),
    Double,
    String,
    Array(Box<VariantShape>),
    /// Members by name.
    Object(BTreeMap<String, VariantShape>),
    /// What has no shape in common.
    Variant,
}

impl VariantShape {
    pub(crate) fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Void,
            Value::Bool(_) => Self::Boolean,
            Value::Number(n) if n.is_i64() => Self::Long,
            Value::Number(n) => number(&n.to_string()),
            Value::String(_) => Self::String,
            Value::Array(items) => {
                Self::Array(Box::new(items.iter().map(Self::of).reduce(Self::merged).unwrap_or(Self::Void)))
            }
            Value::Object(members) => {
                Self::Object(members.iter().map(|(name, value)| (name.clone(), Self::of(value))).collect())
            }
        }
    }

    /// The shape that values of both have.
    pub(crate) fn merged(self, other: Self) -> Self {
        use VariantShape::{Array, Decimal, Double, Long, Object, Variant, Void};
        match (self, other) {
            (a, b) if a == b => a,
            (Void, one) | (one, Void) => one,
            (Double, Long | Decimal(..)) | (Long | Decimal(..), Double) => Double,
            (Long, Decimal(whole, fraction)) | (Decimal(whole, fraction), Long) => decimal(whole.max(LONG), fraction),
            (Decimal(a, x), Decimal(b, y)) => decimal(a.max(b), x.max(y)),
            (Array(a), Array(b)) => Array(Box::new(a.merged(*b))),
            (Object(mut all), Object(more)) => {
                for (name, shape) in more {
                    let own = all.remove(&name).unwrap_or(Void);
                    all.insert(name, own.merged(shape));
                }
                Object(all)
            }
            _ => Variant,
        }
    }
}

fn decimal(whole: usize, fraction: usize) -> VariantShape {
    if whole + fraction > DIGITS { VariantShape::Double } else { VariantShape::Decimal(whole, fraction) }
}

/// A number that is no BIGINT.
fn number(text: &str) -> VariantShape {
    let fraction = text.split_once('.').map_or(0, |(_, digits)| digits.len());
    let digits = text.trim_start_matches(['-', '0', '.']).bytes().filter(u8::is_ascii_digit).count();
    if text.contains(['e', 'E']) || digits > DIGITS {
        return VariantShape::Double;
    }
    VariantShape::Decimal(digits.max(fraction).max(1) - fraction, fraction)
}

impl fmt::Display for VariantShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Void => f.write_str("VOID"),
            Self::Boolean => f.write_str("BOOLEAN"),
            Self::Long => f.write_str("BIGINT"),
            Self::Decimal(whole, fraction) => write!(f, "DECIMAL({},{fraction})", whole + fraction),
            Self::Double => f.write_str("DOUBLE"),
            Self::String => f.write_str("STRING"),
            Self::Array(of) => write!(f, "ARRAY<{of}>"),
            Self::Object(members) => {
                f.write_str("OBJECT<")?;
                for (at, (name, shape)) in members.iter().enumerate() {
                    write!(f, "{}{name}: {shape}", if at == 0 { "" } else { ", " })?;
                }
                f.write_str(">")
            }
            Self::Variant => f.write_str("VARIANT"),
        }
    }
}
