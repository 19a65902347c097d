//! Functions on values as functions of the engine.

use std::any::{Any, type_name};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{Array as _, ArrayRef};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

use super::super::output::wire;
use super::random::Random;
use super::types::{self, common, element, is_interval, is_text, key_value, list, map};
use super::value::{V, build, read};
use super::{cast, fail, zone};

/// What a call looks like before its values are known.
pub(crate) struct Call<'a> {
    pub(crate) name: &'static str,
    pub(crate) kinds: &'a [DataType],
    /// Values of arguments that are constant.
    pub(crate) constants: &'a [Option<V>],
    /// Names of arguments that are columns.
    pub(crate) names: &'a [String],
}

/// The types that the arguments are read as, and that of the result.
pub(crate) struct Shape {
    pub(crate) kinds: Vec<DataType>,
    pub(crate) result: DataType,
}

/// What a function knows besides the values.
pub(crate) struct Env<'a> {
    pub(crate) name: &'static str,
    pub(crate) kinds: &'a [DataType],
    pub(crate) result: &'a DataType,
    /// Values of arguments that are constant.
    pub(crate) constants: &'a [Option<V>],
    /// Where random numbers come from.
    pub(crate) random: &'a Random,
}

pub(crate) type Eval = fn(&Env<'_>, &[V]) -> Result<V>;
pub(crate) type Typing = fn(&Call<'_>) -> Result<Shape>;

/// One function.
#[derive(Clone, Copy)]
pub(crate) struct Def {
    pub(crate) name: &'static str,
    /// Types of arguments and result; empty if `typing` finds them.
    pub(crate) signature: &'static str,
    pub(crate) typing: Option<Typing>,
    pub(crate) eval: Eval,
    /// Whether the function sees NULL; otherwise NULL makes NULL.
    pub(crate) nulls: bool,
    pub(crate) volatile: bool,
}

pub(crate) const fn f(name: &'static str, signature: &'static str, eval: Eval) -> Def {
    Def { name, signature, typing: None, eval, nulls: false, volatile: false }
}

/// A function that sees NULL.
pub(crate) const fn n(name: &'static str, signature: &'static str, eval: Eval) -> Def {
    Def { name, signature, typing: None, eval, nulls: true, volatile: false }
}

/// A function with its own rule for types.
pub(crate) const fn t(name: &'static str, typing: Typing, eval: Eval) -> Def {
    Def { name, signature: "", typing: Some(typing), eval, nulls: false, volatile: false }
}

pub(crate) const fn tn(name: &'static str, typing: Typing, eval: Eval) -> Def {
    Def { name, signature: "", typing: Some(typing), eval, nulls: true, volatile: false }
}

pub(crate) fn wrong_count(name: &str, expected: &str, actual: usize) -> DataFusionError {
    fail(
        "WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
        "42605",
        &format!("The `{name}` requires {expected} parameters but the actual number is {actual}."),
    )
}

pub(crate) fn unexpected(name: &str, index: usize, wanted: &str, kind: &DataType) -> DataFusionError {
    fail(
        "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
        "42K09",
        &format!(
            "Cannot resolve \"{name}\" due to data type mismatch: The parameter {} requires the {wanted} type, however it has the type \
             \"{}\".",
            index + 1,
            types::name(kind)
        ),
    )
}

/// The type that an argument is read as.
fn accept(name: &str, code: &str, index: usize, kind: &DataType) -> Result<DataType> {
    let null = kind == &DataType::Null;
    let atomic = !types::is_nested(kind);
    let wants = |wanted: DataType, ok: bool| {
        if ok || null {
            Ok(wanted)
        } else {
            Err(unexpected(name, index, &format!("\"{}\"", types::name(&wanted)), kind))
        }
    };
    match code {
        "s" => wants(DataType::Utf8, atomic || types::is_variant(kind)),
        "i" => wants(DataType::Int32, kind.is_numeric() || is_text(kind)),
        "l" => wants(DataType::Int64, kind.is_numeric() || is_text(kind)),
        "d" => wants(DataType::Float64, kind.is_numeric() || is_text(kind)),
        "b" => wants(DataType::Boolean, kind == &DataType::Boolean || is_text(kind)),
        "x" => wants(DataType::Binary, kind == &DataType::Binary || is_text(kind)),
        "D" => wants(DataType::Date32, types::is_time(kind) || is_text(kind)),
        "T" => wants(types::timestamp(), types::is_time(kind) || is_text(kind)),
        "N" => wants(types::ntz(), types::is_time(kind) || is_text(kind)),
        "t" => wants(types::time(), matches!(kind, DataType::Time64(_)) || is_text(kind)),
        "v" => wants(types::variant(), types::is_variant(kind) || is_text(kind)),
        // String or binary, as it is.
        "X" => wants(if kind == &DataType::Binary { DataType::Binary } else { DataType::Utf8 }, atomic),
        "n" => match kind {
            DataType::Null => Ok(DataType::Float64),
            kind if is_text(kind) => Ok(DataType::Float64),
            kind if kind.is_numeric() => Ok(kind.clone()),
            kind => Err(unexpected(name, index, "\"NUMERIC\"", kind)),
        },
        "I" => match kind {
            DataType::Null => Ok(types::day_time()),
            kind if is_interval(kind) => Ok(kind.clone()),
            kind => Err(unexpected(name, index, "\"INTERVAL\"", kind)),
        },
        "a" | "=" => Ok(kind.clone()),
        "[a]" => match kind {
            DataType::List(_) => Ok(kind.clone()),
            DataType::Null => Ok(list(DataType::Null)),
            kind => Err(unexpected(name, index, "\"ARRAY\"", kind)),
        },
        "[s]" => match kind {
            DataType::List(_) | DataType::Null => Ok(list(DataType::Utf8)),
            kind => Err(unexpected(name, index, "\"ARRAY<STRING>\"", kind)),
        },
        "{a}" => match kind {
            DataType::Map(_, _) => Ok(kind.clone()),
            DataType::Null => Ok(map(DataType::Null, DataType::Null)),
            kind => Err(unexpected(name, index, "\"MAP\"", kind)),
        },
        "(a)" => match kind {
            DataType::Struct(_) => Ok(kind.clone()),
            kind => Err(unexpected(name, index, "\"STRUCT\"", kind)),
        },
        other => Err(fail("INTERNAL_ERROR", "XX000", &format!("{name} has the signature part {other}"))),
    }
}

fn result(code: &str, kinds: &[DataType], shared: &DataType) -> Option<DataType> {
    let nth = |digits: &str| kinds.get(digits.parse::<usize>().ok()?.checked_sub(1)?).cloned();
    Some(match code {
        "=" => shared.clone(),
        "s" => DataType::Utf8,
        "y" => DataType::Int8,
        "h" => DataType::Int16,
        "i" => DataType::Int32,
        "l" => DataType::Int64,
        "f" => DataType::Float32,
        "d" => DataType::Float64,
        "b" => DataType::Boolean,
        "x" => DataType::Binary,
        "D" => DataType::Date32,
        "T" => types::timestamp(),
        "N" => types::ntz(),
        "t" => types::time(),
        "v" => types::variant(),
        "void" => DataType::Null,
        "ym" => types::year_month(),
        "dt" => types::day_time(),
        "cal" => types::calendar(),
        other => {
            if let Some(digits) = other.strip_prefix('$') {
                return nth(digits);
            }
            if let Some(digits) = other.strip_prefix('e') {
                return nth(digits).map(|k| element(&k));
            }
            if let Some(digits) = other.strip_prefix('k') {
                return nth(digits).map(|k| key_value(&k).0);
            }
            if let Some(digits) = other.strip_prefix('w') {
                return nth(digits).map(|k| key_value(&k).1);
            }
            let inner = other.strip_prefix('[').and_then(|o| o.strip_suffix(']'));
            if let Some(inner) = inner {
                return Some(list(result(inner, kinds, shared)?));
            }
            let inner = other.strip_prefix('{').and_then(|o| o.strip_suffix('}'))?;
            let (k, v) = inner.split_once(':')?;
            map(result(k, kinds, shared)?, result(v, kinds, shared)?)
        }
    })
}

/// Reads the types of a call by a signature.
pub(crate) fn by_signature(signature: &str, call: &Call<'_>) -> Result<Shape> {
    let internal = || fail("INTERNAL_ERROR", "XX000", &format!("{} has a signature that cannot be read", call.name));
    let (left, right) = signature.split_once("->").ok_or_else(internal)?;
    let codes: Vec<&str> = left.split_whitespace().collect();
    let least = codes.iter().filter(|c| !c.ends_with('?') && !c.ends_with('*')).count();
    let open = codes.last().is_some_and(|c| c.ends_with('*'));
    let have = call.kinds.len();
    if have < least || (!open && have > codes.len()) {
        let expected = match (open, least == codes.len()) {
            (true, _) => format!("> {}", least.saturating_sub(1)),
            (false, true) => least.to_string(),
            (false, false) => {
                format!("[{}]", (least..=codes.len()).map(|n| n.to_string()).collect::<Vec<_>>().join(", "))
            }
        };
        return Err(wrong_count(call.name, &expected, have));
    }
    let mut kinds = Vec::with_capacity(have);
    let mut shared = DataType::Null;
    let mut places = Vec::new();
    for (index, kind) in call.kinds.iter().enumerate() {
        let code = codes.get(index).or(codes.last()).ok_or_else(internal)?.trim_end_matches(['?', '*']);
        kinds.push(accept(call.name, code, index, kind)?);
        if code == "=" {
            shared = common(&shared, kind).ok_or_else(|| different(call.name, call.kinds))?;
            places.push(index);
        }
    }
    for index in places {
        kinds[index] = shared.clone();
    }
    let right = right.trim();
    let result = result(right, &kinds, &shared).ok_or_else(internal)?;
    Ok(Shape { kinds, result })
}

pub(crate) fn different(name: &str, kinds: &[DataType]) -> DataFusionError {
    let all: Vec<_> = kinds.iter().map(|k| format!("\"{}\"", types::name(k))).collect();
    fail(
        "DATATYPE_MISMATCH.DATA_DIFF_TYPES",
        "42K09",
        &format!(
            "Cannot resolve \"{name}\" due to data type mismatch: Input to `{name}` should all be the same type, but it's [{}].",
            all.join(", ")
        ),
    )
}

/// The function of the engine.
pub(crate) fn udf(def: Def) -> ScalarUDF {
    ScalarUDF::new_from_impl(Function::new(def))
}

/// The same function with another state, if it has one.
pub(super) fn anew(func: &ScalarUDF) -> Option<Arc<ScalarUDF>> {
    let implementation: &dyn Any = func.inner().as_ref();
    let function = implementation.downcast_ref::<Function>().filter(|function| function.def.volatile)?;
    let function = Function { has_state: true, ..Function::new(function.def) };
    Some(Arc::new(ScalarUDF::new_from_impl(function)))
}

struct Function {
    def: Def,
    random: Random,
    /// Whether it is that of one call, whose last argument is none of its own.
    has_state: bool,
    signature: Signature,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct(type_name::<Self>()).field("name", &self.def.name).finish()
    }
}

/// There is one of each name.
impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.def.name == other.def.name
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.def.name.hash(state);
    }
}

impl Function {
    fn new(def: Def) -> Self {
        let volatility = if def.volatile { Volatility::Volatile } else { Volatility::Immutable };
        let signature = Signature::one_of(vec![TypeSignature::VariadicAny, TypeSignature::Nullary], volatility);
        Self { def, random: Random::default(), has_state: false, signature }
    }

    /// How many of the arguments are its own.
    fn own(&self, arguments: usize) -> usize {
        if self.has_state { arguments.saturating_sub(1) } else { arguments }
    }

    fn shape(&self, fields: &[FieldRef], constants: &[Option<V>]) -> Result<Shape> {
        let kinds: Vec<_> = fields.iter().map(|f| wire(f.data_type())).collect();
        let names: Vec<_> = fields.iter().map(|f| f.name().clone()).collect();
        let call = Call { name: self.def.name, kinds: &kinds, constants, names: &names };
        let shape = match self.def.typing {
            Some(typing) => typing(&call)?,
            None => by_signature(self.def.signature, &call)?,
        };
        for (from, to) in kinds.iter().zip(&shape.kinds) {
            cast::check(from, to)?;
        }
        Ok(shape)
    }
}

/// An array of the type that the platform has for it.
pub(crate) fn plain(array: &ArrayRef) -> Result<ArrayRef> {
    let kind = wire(array.data_type());
    if &kind == array.data_type() {
        return Ok(Arc::clone(array));
    }
    Ok(cast_with_options(array, &kind, &CastOptions { safe: false, ..CastOptions::default() })?)
}

pub(crate) fn constant(value: &ScalarValue) -> Option<V> {
    let array = plain(&value.to_array().ok()?).ok()?;
    Some(read(&array, 0))
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        self.def.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, kinds: &[DataType]) -> Result<DataType> {
        let fields: Vec<FieldRef> = kinds.iter().map(|k| Arc::new(Field::new("", k.clone(), true))).collect();
        let constants = vec![None; kinds.len()];
        Ok(self.shape(&fields, &constants)?.result)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let own = self.own(args.arg_fields.len());
        let constants: Vec<_> = args.scalar_arguments.iter().take(own).map(|s| s.and_then(constant)).collect();
        let shape = self.shape(&args.arg_fields[..own], &constants)?;
        // `arrays_zip` takes the names of columns and members, and of nothing else.
        let name = match constants.as_slice() {
            [_, Some(V::Str(member))] if self.def.name == "get_member" => member.as_str(),
            _ => "",
        };
        Ok(Arc::new(Field::new(name, shape.result, true)))
    }

    fn invoke_with_args(&self, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let own = self.own(args.args.len());
        args.args.truncate(own);
        args.arg_fields.truncate(own);
        let _zone = zone::Entered::new(zone::of_plan(&args.config_options));
        let constants: Vec<_> = args
            .args
            .iter()
            .map(|a| match a {
                ColumnarValue::Scalar(s) => constant(s),
                ColumnarValue::Array(_) => None,
            })
            .collect();
        let shape = self.shape(&args.arg_fields, &constants)?;
        let result = args.return_field.data_type();
        let scalar = !self.def.volatile && args.args.iter().all(|a| matches!(a, ColumnarValue::Scalar(_)));
        let rows = if scalar { 1 } else { args.number_rows };
        let from: Vec<_> = args.arg_fields.iter().map(|f| wire(f.data_type())).collect();
        let mut columns: Vec<Column> = Vec::with_capacity(args.args.len());
        for ((argument, from), to) in args.args.iter().zip(&from).zip(&shape.kinds) {
            columns.push(match argument {
                ColumnarValue::Scalar(s) => {
                    let array = plain(&s.to_array()?)?;
                    Column::One(cast::cast(&read(&array, 0), &wire(array.data_type()), to)?)
                }
                ColumnarValue::Array(array) => Column::Many(plain(array)?, from.clone(), to.clone()),
            });
        }
        let env = Env { name: self.def.name, kinds: &shape.kinds, result, constants: &constants, random: &self.random };
        let mut out = Vec::with_capacity(rows);
        let mut size = 0usize;
        let mut row_values = Vec::with_capacity(columns.len());
        for row in 0..rows {
            row_values.clear();
            for column in &columns {
                row_values.push(match column {
                    Column::One(v) => v.clone(),
                    Column::Many(array, from, to) => cast::cast(&read(array, row), from, to)?,
                });
            }
            let value = if !self.def.nulls && row_values.iter().any(V::is_null) {
                V::Null
            } else {
                (self.def.eval)(&env, &row_values)?
            };
            if let V::Str(s) = &value {
                size += s.len();
                super::bounded(self.def.name, s.len(), size)?;
            }
            out.push(value);
        }
        let array = build(result, &out)?;
        if scalar {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?));
        }
        debug_assert_eq!(array.len(), rows);
        Ok(ColumnarValue::Array(array))
    }
}

enum Column {
    One(V),
    Many(ArrayRef, DataType, DataType),
}
