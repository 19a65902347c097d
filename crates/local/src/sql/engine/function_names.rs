//! The names of all functions, with their kind and what computes them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::rewrite::{sessions, workspace};
use super::spark;
use crate::functions::{By, Kind};

/// Functions of values that the engine has itself, or that are put together from others.
const VALUES: &[(By, &[&str])] = &[
    (By::Engine, &["coalesce"]),
    (
        By::Here,
        &[
            "ifnull",
            "nvl",
            "nvl2",
            "if",
            "iff",
            "decode",
            "struct",
            "named_struct",
            "decimal",
            "current_date",
            "curdate",
            "current_time",
            "current_timestamp",
            "getdate",
            "now",
            "timediff",
            "window",
            "localtimestamp",
            "current_timezone",
            "monotonically_increasing_id",
            "spark_partition_id",
            // Sessions
            "current_catalog",
            "current_database",
            "current_schema",
            "current_user",
            "is_account_group_member",
            "is_member",
            "session_user",
            "user",
        ],
    ),
];

const AGGREGATES: &[(By, &[&str])] = &[
    (
        By::Engine,
        &[
            "any",
            "any_value",
            "bit_and",
            "bit_or",
            "bit_xor",
            "bool_and",
            "bool_or",
            "corr",
            "count",
            "covar_pop",
            "covar_samp",
            "every",
            "first",
            "first_value",
            "grouping",
            "grouping_id",
            "last",
            "last_value",
            "max",
            "min",
            "some",
            "std",
            "stddev",
            "stddev_pop",
            "stddev_samp",
            "var_pop",
            "var_samp",
            "variance",
        ],
    ),
    // The engine's, with what the platform has otherwise: overflow, rounding, rows without values, percentiles.
    (
        By::Here,
        &[
            "array_agg",
            "avg",
            "collect_list",
            "mean",
            "sum",
            "approx_count_distinct",
            "percentile_cont",
            "percentile_disc",
        ],
    ),
];

/// Functions that need a window.
pub(super) const WINDOWS: &[&str] =
    &["row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "lag", "lead", "nth_value"];

/// Functions of tables that have places of their own.
#[cfg(feature = "delta")]
const TABLES: &[&str] = &["range", "read_files", "table_changes"];
#[cfg(not(feature = "delta"))]
const TABLES: &[&str] = &["range", "read_files"];

/// What the list of functions has and the language writes in another way.
const SYNTAX: &[&str] = &["cube", "div", "in"];

/// Functions of values that stand for operators and are no functions of the platform.
const INNER: &[&str] = &[
    "op_add",
    "op_subtract",
    "op_multiply",
    "op_divide",
    "op_mod",
    "op_div",
    "negate",
    "cast_to",
    "try_cast_to",
    "get_member",
    "subscript",
    "bitwise_not",
    "bit_and_op",
    "bit_or_op",
    "bit_xor_op",
    "__like_any",
    "__like_all",
    "__ilike_any",
    "__ilike_all",
    spark::json_access::NAME_OF_FUNCTION,
    "array_sort_plain",
    "clock_of",
    "reverse_string",
    "elt_strings",
    "isnan_null",
    "nullif_values",
    "datediff_days",
    "time_windows",
    "maybe_null",
    "in_values",
];

static ALL: LazyLock<BTreeMap<&'static str, (Kind, By)>> = LazyLock::new(|| {
    let listed = |kind: Kind, lists: &'static [(By, &'static [&'static str])]| {
        lists.iter().flat_map(move |(by, names)| names.iter().map(move |name| (*name, (kind, *by))))
    };
    let here = |kind: Kind| move |name: &'static str| (name, (kind, By::Here));
    let values = spark::functions().map(|def| def.name).filter(|name| !INNER.contains(name));
    let mut all = BTreeMap::new();
    all.extend(values.chain(spark::lambdas::NAMES.iter().copied()).map(here(Kind::Scalar)));
    all.extend(workspace::VALUES.iter().copied().chain([sessions::NAME]).map(here(Kind::Scalar)));
    all.extend(listed(Kind::Scalar, VALUES));
    all.extend(spark::aggregates::names().map(here(Kind::Aggregate)));
    all.extend(listed(Kind::Aggregate, AGGREGATES));
    all.extend(WINDOWS.iter().map(|name| (*name, (Kind::Window, By::Engine))));
    all.extend(spark::generators::NAMES.iter().copied().map(here(Kind::Generator)));
    all.extend(workspace::TABLES.iter().chain(TABLES).copied().map(here(Kind::Table)));
    all.extend(SYNTAX.iter().map(|name| (*name, (Kind::Syntax, By::Here))));
    all
});

/// Whether a name of one part is a function of the platform's that is here.
pub(super) fn is_builtin(name: &str) -> bool {
    ALL.get(name).is_some_and(|(kind, _)| *kind != Kind::Syntax)
}

/// The names of all built-in functions.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().filter(|(_, (kind, _))| *kind != Kind::Syntax).map(|(name, _)| *name)
}

/// All functions, and what is a function on the platform and written in another way.
pub(crate) fn all() -> impl Iterator<Item = (&'static str, Kind, By)> {
    ALL.iter().map(|(name, (kind, by))| (*name, *kind, *by))
}
