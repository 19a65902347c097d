//! Errors about objects that are missing, are there already, or are of another kind.

use super::{Name, quoted};
use crate::sql::Failure;

pub(in super::super) fn table<S: AsRef<str>>(parts: &[S]) -> Failure {
    Failure::class(
        "TABLE_OR_VIEW_NOT_FOUND",
        &format!(
            "The table or view {} cannot be found. Verify the spelling and correctness of the schema and catalog.\n\
             If you did not qualify the name with a schema, verify the current_schema() output, or qualify the name with the \
             correct schema and catalog.\n\
             To tolerate the error on drop use DROP VIEW IF EXISTS or DROP TABLE IF EXISTS.",
            quoted(parts)
        ),
        "42P01",
    )
}

pub(in super::super) fn schema(catalog: &str, schema: &str) -> Failure {
    Failure::class(
        "SCHEMA_NOT_FOUND",
        &format!(
            "The schema {} cannot be found. Verify the spelling and correctness of the schema and catalog.\n\
             If you did not qualify the name with a catalog, verify the current_schema() output, or qualify the name with the \
             correct catalog.\n\
             To tolerate the error on drop use DROP SCHEMA IF EXISTS.",
            quoted(&[catalog, schema])
        ),
        "42704",
    )
}

pub(in super::super) fn catalog(name: &str) -> Failure {
    Failure::class(
        "NO_SUCH_CATALOG_EXCEPTION",
        &format!(
            "Catalog '{name}' was not found. Please verify the catalog name and then retry the query or command again."
        ),
        "42704",
    )
}

pub(in super::super) fn routine<S: AsRef<str>>(parts: &[S]) -> Failure {
    Failure::class(
        "ROUTINE_NOT_FOUND",
        &format!(
            "The routine {} cannot be found. Verify the spelling and correctness of the schema and catalog.\n\
             If you did not qualify the name with a schema and catalog, verify the current_schema() output, or qualify the \
             name with the correct schema and catalog.\n\
             To tolerate the error on drop use DROP ... IF EXISTS.",
            quoted(parts)
        ),
        "42883",
    )
}

pub(in super::super) fn volume(name: &Name) -> Failure {
    Failure::class("VOLUME_DOES_NOT_EXIST", &format!("Volume {} does not exist.", name.quoted()), "42704")
}

pub(in super::super) fn table_exists(name: &Name) -> Failure {
    Failure::class(
        "TABLE_OR_VIEW_ALREADY_EXISTS",
        &format!(
            "Cannot create table or view {} because it already exists.\n\
             Choose a different name, drop or replace the existing object, add the IF NOT EXISTS clause to tolerate pre-existing \
             objects, or add the OR REFRESH clause to refresh the existing streaming table.",
            name.quoted()
        ),
        "42P07",
    )
}

pub(in super::super) fn exists(class: &str, what: &str, name: &str, state: &str) -> Failure {
    Failure::class(
        class,
        &format!(
            "Cannot create {what} {name} because it already exists.\n\
             Choose a different name, drop or replace the existing {what}, or add the IF NOT EXISTS clause to tolerate a \
             pre-existing {what}."
        ),
        state,
    )
}

pub(in super::super) fn not_a_table(name: &Name) -> Failure {
    Failure::class(
        "EXPECT_TABLE_NOT_VIEW.NO_ALTERNATIVE",
        &format!("The operation expects a table but {} is a view.", name.quoted()),
        "42809",
    )
}

pub(in super::super) fn not_a_view(name: &Name) -> Failure {
    Failure::class(
        "EXPECT_VIEW_NOT_TABLE.NO_ALTERNATIVE",
        &format!("The operation expects a view but {} is a table.", name.quoted()),
        "42809",
    )
}

/// DROP of another kind of object.
pub(in super::super) fn wrong_command(name: &Name, found: &str, wanted: &str) -> Failure {
    Failure::class(
        "WRONG_COMMAND_FOR_OBJECT_TYPE",
        &format!(
            "The operation DROP {wanted} requires a {wanted}. But {} is a {found}. Use DROP {found} instead.",
            name.quoted()
        ),
        "42809",
    )
}

/// What the embedded workspace does not have.
pub(in super::super) fn feature(what: &str) -> Failure {
    Failure::class("UNSUPPORTED_FEATURE", &format!("The embedded workspace does not support {what}."), "0A000")
}
