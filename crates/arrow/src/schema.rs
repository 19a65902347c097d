//! Checks of a schema as it comes: each type that it names must be one that Arrow has.
//!
//! The conversion to Arrow's own types takes that for granted and panics otherwise.

use arrow_array::types::{
    Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, validate_decimal_precision_and_scale,
};
use arrow_ipc::{
    DateUnit, DictionaryKind, Endianness, Field, IntervalUnit, Precision, Schema, TimeUnit, Type, UnionMode,
};

use crate::frames::Invalid;

/// Types nested deeper than this are refused, since each level takes a piece of the stack.
const DEEPEST: usize = 60;

pub(crate) fn check(schema: Schema<'_>) -> Result<(), Invalid> {
    if schema.endianness() != Endianness::Little {
        return Err("its numbers are big-endian".into());
    }
    let fields = schema.fields().ok_or("its schema has no list of fields")?;
    fields.iter().try_for_each(|field| check_field(field, 0))
}

fn check_field(field: Field<'_>, depth: usize) -> Result<(), Invalid> {
    if depth > DEEPEST {
        return Err(format!("its types are nested more than {DEEPEST} levels deep").into());
    }
    if let Some(dictionary) = field.dictionary() {
        let index = dictionary.indexType().ok_or("a dictionary has no type of index")?;
        if !matches!(index.bitWidth(), 8 | 16 | 32 | 64) || dictionary.dictionaryKind() != DictionaryKind::DenseArray {
            return Err(invalid(field, "is a dictionary of an unknown kind"));
        }
    }
    check_type(field)?;
    let children = field.children().map_or(0, |children| children.len());
    let wanted = match field.type_type() {
        Type::List | Type::LargeList | Type::ListView | Type::LargeListView | Type::FixedSizeList | Type::Map => {
            Some(1)
        }
        Type::RunEndEncoded => Some(2),
        Type::Struct_ | Type::Union => None,
        // Children of a type that has none are ignored.
        _ => return Ok(()),
    };
    if wanted.is_some_and(|wanted| wanted != children) {
        return Err(invalid(field, &format!("has {children} children")));
    }
    let all = || field.children().into_iter().flatten();
    match field.type_type() {
        Type::Map => {
            let entries =
                all().next().filter(|child| child.type_type() == Type::Struct_ && child.dictionary().is_none());
            if entries.and_then(|entries| entries.children()).is_none_or(|members| members.len() != 2) {
                return Err(invalid(field, "is a map without keys and values"));
            }
        }
        Type::RunEndEncoded => {
            let ends = all().next().filter(|child| child.dictionary().is_none()).and_then(|child| child.type_as_int());
            if !ends.is_some_and(|ends| ends.is_signed() && matches!(ends.bitWidth(), 16 | 32 | 64)) {
                return Err(invalid(field, "has run ends that are not integers"));
            }
        }
        Type::Union => check_union(field, children)?,
        _ => {}
    }
    all().try_for_each(|child| check_field(child, depth + 1))
}

fn invalid(field: Field<'_>, what: &str) -> Invalid {
    // Names are data of the table, but they are the only way to state which column it is.
    let name: String = field.name().unwrap_or_default().chars().filter(|c| !c.is_control()).take(100).collect();
    format!("the field {name:?} {what}").into()
}

fn check_union(field: Field<'_>, children: usize) -> Result<(), Invalid> {
    if children > 127 {
        return Err(invalid(field, "is a union of too many types"));
    }
    let Some(ids) = field.type_as_union().and_then(|union| union.typeIds()) else { return Ok(()) };
    let mut seen = [false; 128];
    for id in ids {
        match usize::try_from(id).ok().and_then(|id| seen.get_mut(id)) {
            Some(seen) if !*seen => *seen = true,
            _ => return Err(invalid(field, "is a union with impossible type ids")),
        }
    }
    if ids.len() == children { Ok(()) } else { Err(invalid(field, "is a union with other type ids than types")) }
}

/// Checks the parameters of a type.
fn check_type(field: Field<'_>) -> Result<(), Invalid> {
    let known = match field.type_type() {
        Type::Null
        | Type::Bool
        | Type::Binary
        | Type::BinaryView
        | Type::LargeBinary
        | Type::Utf8
        | Type::Utf8View
        | Type::LargeUtf8
        | Type::List
        | Type::LargeList
        | Type::ListView
        | Type::LargeListView
        | Type::Struct_
        | Type::RunEndEncoded => true,
        Type::Int => field.type_as_int().is_some_and(|int| matches!(int.bitWidth(), 8 | 16 | 32 | 64)),
        Type::FloatingPoint => {
            let precisions = [Precision::HALF, Precision::SINGLE, Precision::DOUBLE];
            field.type_as_floating_point().is_some_and(|float| precisions.contains(&float.precision()))
        }
        Type::FixedSizeBinary => field.type_as_fixed_size_binary().is_some_and(|binary| binary.byteWidth() >= 0),
        Type::FixedSizeList => field.type_as_fixed_size_list().is_some_and(|list| list.listSize() >= 0),
        Type::Map => field.type_as_map().is_some(),
        Type::Date => {
            field.type_as_date().is_some_and(|date| [DateUnit::DAY, DateUnit::MILLISECOND].contains(&date.unit()))
        }
        Type::Time => field.type_as_time().is_some_and(|time| match time.unit() {
            TimeUnit::SECOND | TimeUnit::MILLISECOND => time.bitWidth() == 32,
            TimeUnit::MICROSECOND | TimeUnit::NANOSECOND => time.bitWidth() == 64,
            _ => false,
        }),
        Type::Timestamp => field.type_as_timestamp().is_some_and(|timestamp| is_time_unit(timestamp.unit())),
        Type::Duration => field.type_as_duration().is_some_and(|duration| is_time_unit(duration.unit())),
        Type::Interval => {
            let units = [IntervalUnit::YEAR_MONTH, IntervalUnit::DAY_TIME, IntervalUnit::MONTH_DAY_NANO];
            field.type_as_interval().is_some_and(|interval| units.contains(&interval.unit()))
        }
        Type::Decimal => field.type_as_decimal().is_some_and(|decimal| {
            let (Ok(precision), Ok(scale)) = (u8::try_from(decimal.precision()), i8::try_from(decimal.scale())) else {
                return false;
            };
            match decimal.bitWidth() {
                32 => validate_decimal_precision_and_scale::<Decimal32Type>(precision, scale),
                64 => validate_decimal_precision_and_scale::<Decimal64Type>(precision, scale),
                128 => validate_decimal_precision_and_scale::<Decimal128Type>(precision, scale),
                256 => validate_decimal_precision_and_scale::<Decimal256Type>(precision, scale),
                _ => return false,
            }
            .is_ok()
        }),
        Type::Union => {
            field.type_as_union().is_some_and(|union| [UnionMode::Dense, UnionMode::Sparse].contains(&union.mode()))
        }
        _ => false,
    };
    if known { Ok(()) } else { Err(invalid(field, "has a type that Arrow does not have")) }
}

fn is_time_unit(unit: TimeUnit) -> bool {
    [TimeUnit::SECOND, TimeUnit::MILLISECOND, TimeUnit::MICROSECOND, TimeUnit::NANOSECOND].contains(&unit)
}
