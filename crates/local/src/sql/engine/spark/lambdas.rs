//! Functions that take functions: `transform(array, x -> x + 1)`.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::error::Result;
use datafusion::execution::FunctionRegistry as _;
use datafusion::logical_expr::{
    ColumnarValue, HigherOrderFunctionArgs, HigherOrderReturnFieldArgs, HigherOrderSignature, HigherOrderUDF,
    HigherOrderUDFImpl, LambdaParametersProgress, ValueOrLambda, Volatility,
};
use datafusion::prelude::SessionContext;

use super::super::output::wire;
use super::function::{plain, unexpected, wrong_count};
use super::lambda_rows::Rows;
use super::types::{common, key_value, list, map};
use super::value::build;
use super::{cast, zone};

pub(crate) const NAMES: &[&str] = &[
    "transform",
    "filter",
    "exists",
    "forall",
    "aggregate",
    "reduce",
    "zip_with",
    "array_sort",
    "map_filter",
    "transform_keys",
    "transform_values",
    "map_zip_with",
];

pub(crate) fn register(context: &SessionContext) {
    for name in NAMES {
        let function = HigherOrder { name, signature: HigherOrderSignature::variadic_any(Volatility::Immutable) };
        // The registry of a new session takes every name.
        let _ = context
            .state_ref()
            .write()
            .register_higher_order_function(Arc::new(HigherOrderUDF::new_from_impl(function)));
    }
}

#[derive(Debug)]
struct HigherOrder {
    name: &'static str,
    signature: HigherOrderSignature,
}

impl PartialEq for HigherOrder {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for HigherOrder {}

impl Hash for HigherOrder {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

fn field(name: &str, kind: DataType) -> FieldRef {
    Arc::new(Field::new(name, kind, true))
}

impl HigherOrder {
    /// Types of the values in front of the first function.
    fn kinds<L>(&self, fields: &[ValueOrLambda<FieldRef, L>]) -> Vec<DataType> {
        fields
            .iter()
            .filter_map(|f| match f {
                ValueOrLambda::Value(f) => Some(wire(f.data_type())),
                ValueOrLambda::Lambda(_) => None,
            })
            .collect()
    }

    fn array(&self, kinds: &[DataType], at: usize) -> Result<DataType> {
        match kinds.get(at) {
            Some(DataType::List(f)) => Ok(f.data_type().clone()),
            Some(DataType::Null) => Ok(DataType::Null),
            Some(kind) => Err(unexpected(self.name, at, "\"ARRAY\"", kind)),
            None => Err(wrong_count(self.name, "2", kinds.len())),
        }
    }

    fn entries(&self, kinds: &[DataType], at: usize) -> Result<(DataType, DataType)> {
        match kinds.get(at) {
            Some(kind @ DataType::Map(_, _)) => Ok(key_value(kind)),
            Some(kind) => Err(unexpected(self.name, at, "\"MAP\"", kind)),
            None => Err(wrong_count(self.name, "2", kinds.len())),
        }
    }
}

impl HigherOrderUDFImpl for HigherOrder {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &HigherOrderSignature {
        &self.signature
    }

    fn lambda_parameters(
        &self,
        _: usize,
        fields: &[ValueOrLambda<FieldRef, Option<FieldRef>>],
    ) -> Result<LambdaParametersProgress> {
        let kinds = self.kinds(fields);
        let lambdas: Vec<_> =
            fields.iter().filter_map(|f| if let ValueOrLambda::Lambda(l) = f { Some(l) } else { None }).collect();
        let params = match self.name {
            "transform" | "filter" => vec![vec![field("x", self.array(&kinds, 0)?), field("i", DataType::Int32)]],
            "exists" | "forall" => vec![vec![field("x", self.array(&kinds, 0)?)]],
            "array_sort" => {
                let e = self.array(&kinds, 0)?;
                vec![vec![field("l", e.clone()), field("r", e)]]
            }
            "zip_with" => vec![vec![field("x", self.array(&kinds, 0)?), field("y", self.array(&kinds, 1)?)]],
            "map_filter" | "transform_keys" | "transform_values" => {
                let (k, v) = self.entries(&kinds, 0)?;
                vec![vec![field("k", k), field("v", v)]]
            }
            "map_zip_with" => {
                let ((k, v), (l, w)) = (self.entries(&kinds, 0)?, self.entries(&kinds, 1)?);
                let key = common(&k, &l).ok_or_else(|| super::function::different(self.name, &kinds))?;
                vec![vec![field("k", key), field("v", v), field("w", w)]]
            }
            _ => {
                let e = self.array(&kinds, 0)?;
                let start = kinds.get(1).cloned().unwrap_or(DataType::Null);
                // The state has the type of the start.
                let mut all = vec![vec![field("acc", start.clone()), field("x", e)]];
                if lambdas.len() > 1 {
                    all.push(vec![field("acc", start)]);
                }
                all
            }
        };
        if params.len() != lambdas.len() {
            return Err(wrong_count(self.name, &(kinds.len() + params.len()).to_string(), fields.len()));
        }
        Ok(LambdaParametersProgress::Complete(params))
    }

    fn return_field_from_args(&self, args: HigherOrderReturnFieldArgs<'_>) -> Result<FieldRef> {
        let kinds = self.kinds(args.arg_fields);
        let body = |at: usize| {
            let bodies = args
                .arg_fields
                .iter()
                .filter_map(|f| if let ValueOrLambda::Lambda(l) = f { Some(wire(l.data_type())) } else { None });
            bodies.clone().nth(at)
        };
        let first = body(0).unwrap_or(DataType::Null);
        let kind = match self.name {
            "transform" | "zip_with" => list(first),
            "filter" | "array_sort" | "map_filter" => kinds.first().cloned().unwrap_or(DataType::Null),
            "exists" | "forall" => DataType::Boolean,
            "transform_keys" => map(first, self.entries(&kinds, 0)?.1),
            "transform_values" => map(self.entries(&kinds, 0)?.0, first),
            "map_zip_with" => {
                let ((k, _), (l, _)) = (self.entries(&kinds, 0)?, self.entries(&kinds, 1)?);
                map(common(&k, &l).unwrap_or(k), first)
            }
            _ => {
                let start = kinds.get(1).cloned().unwrap_or(DataType::Null);
                cast::check(&first, &start)?;
                body(1).unwrap_or(start)
            }
        };
        Ok(field("", kind))
    }

    fn invoke_with_args(&self, args: HigherOrderFunctionArgs) -> Result<ColumnarValue> {
        let _zone = zone::Entered::new(zone::of_plan(&args.config_options));
        let rows = args.number_rows;
        let mut values = Vec::new();
        let mut lambdas = Vec::new();
        for (argument, f) in args.args.iter().zip(&args.arg_fields) {
            match (argument, f) {
                (ValueOrLambda::Value(v), _) => values.push(plain(&v.to_array(rows)?)?),
                (ValueOrLambda::Lambda(l), ValueOrLambda::Lambda(f)) => lambdas.push((l, wire(f.data_type()))),
                _ => {}
            }
        }
        let call = Rows { function: self.name, values, lambdas, rows };
        let out = call.run(args.return_field.data_type())?;
        Ok(ColumnarValue::Array(build(args.return_field.data_type(), &out)?))
    }
}
