//! Values for named parameters of a statement.

use databricks_core::Timestamp;

/// A value for a parameter: a string, if it is not NULL, and its SQL type.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parameter {
    /// The value as a string; `None` for NULL. The empty string is a value.
    pub value: Option<String>,
    /// The SQL type, such as `INT` or `DECIMAL(10,2)`.
    pub sql_type: String,
}

impl Parameter {
    /// A value with its SQL type, for types that Rust has no match for: `Parameter::new("12.50", "DECIMAL(10,2)")`.
    pub fn new(value: impl Into<String>, sql_type: impl Into<String>) -> Self {
        Self { value: Some(value.into()), sql_type: sql_type.into() }
    }

    /// NULL of this type.
    pub fn null(sql_type: impl Into<String>) -> Self {
        Self { value: None, sql_type: sql_type.into() }
    }
}

/// What can be bound to a named parameter.
///
/// | Rust | SQL |
/// |---|---|
/// | `bool` | `BOOLEAN` |
/// | `i8`, `i16`, `i32`, `i64` | `TINYINT`, `SMALLINT`, `INT`, `BIGINT` |
/// | `u8`, `u16`, `u32` | `SMALLINT`, `INT`, `BIGINT` |
/// | `f32`, `f64` | `FLOAT`, `DOUBLE` |
/// | `&str`, `String` | `STRING` |
/// | [`Timestamp`] | `TIMESTAMP` |
/// | `Option<T>` | the type of `T`; `None` is NULL |
/// | [`Parameter`] | the one that it states |
pub trait ToParameter {
    /// The SQL type of every value.
    const SQL_TYPE: &'static str;

    /// The parameter for this value.
    fn to_parameter(&self) -> Parameter;
}

macro_rules! by_display {
    ($($t:ty => $sql:literal,)*) => {$(
        impl ToParameter for $t {
            const SQL_TYPE: &'static str = $sql;
            fn to_parameter(&self) -> Parameter {
                Parameter::new(self.to_string(), $sql)
            }
        }
    )*};
}

by_display! {
    bool => "BOOLEAN",
    i8 => "TINYINT",
    i16 => "SMALLINT",
    i32 => "INT",
    i64 => "BIGINT",
    u8 => "SMALLINT",
    u16 => "INT",
    u32 => "BIGINT",
    f32 => "FLOAT",
    f64 => "DOUBLE",
    str => "STRING",
    String => "STRING",
    Timestamp => "TIMESTAMP",
}

impl<T: ToParameter + ?Sized> ToParameter for &T {
    const SQL_TYPE: &'static str = T::SQL_TYPE;
    fn to_parameter(&self) -> Parameter {
        (**self).to_parameter()
    }
}

impl<T: ToParameter> ToParameter for Option<T> {
    const SQL_TYPE: &'static str = T::SQL_TYPE;
    fn to_parameter(&self) -> Parameter {
        self.as_ref().map_or_else(|| Parameter::null(T::SQL_TYPE), T::to_parameter)
    }
}

impl ToParameter for Parameter {
    const SQL_TYPE: &'static str = "STRING";
    fn to_parameter(&self) -> Parameter {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_keeps_its_type_and_empty_text_is_a_value() {
        assert_eq!(None::<i32>.to_parameter(), Parameter::null("INT"));
        assert_eq!(Some(7_i64).to_parameter(), Parameter::new("7", "BIGINT"));
        assert_eq!("".to_parameter(), Parameter::new("", "STRING"));
        assert_eq!(1.5_f64.to_parameter(), Parameter::new("1.5", "DOUBLE"));
        assert_eq!((&&true).to_parameter(), Parameter::new("true", "BOOLEAN"));
    }
}
