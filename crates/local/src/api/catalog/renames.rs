//! Other names for catalogs and schemas.

use http::StatusCode;

use super::notes::{Kind, plain};
use crate::extract::Fields;
use crate::reply::ApiError;
use crate::state::handles::CatalogHandle;

/// The name that the body gives in place of another one.
pub(super) fn renamed(fields: &Fields, name: &str) -> Result<Option<String>, ApiError> {
    if fields.opt_str("new_name")?.is_none_or(str::is_empty) {
        return Ok(None);
    }
    plain(fields, "new_name").map(|new| Some(new).filter(|new| new != name))
}

/// Gives a catalog or schema another name, with all that it holds.
pub(super) async fn rename(state: &CatalogHandle, kind: Kind, from: &[&str], to: &[&str]) -> Result<(), ApiError> {
    // Those belong to the service.
    if matches!(from, ["samples" | "system", ..] | [_, "information_schema"]) {
        let message = format!("User is not an owner of {} '{}'.", kind.noun, from.join("."));
        return Err(ApiError::new(StatusCode::FORBIDDEN, "PERMISSION_DENIED", message));
    }
    if matches!(to, ["samples" | "system"] | [_, "information_schema"]) {
        return Err(kind.taken(&to.join(".")));
    }
    in_engine(state, kind, from, to).await
}

#[cfg(feature = "engine")]
async fn in_engine(state: &CatalogHandle, kind: Kind, from: &[&str], to: &[&str]) -> Result<(), ApiError> {
    use crate::sql::engine::renames;

    let what = if from.len() == 1 { renames::Kind::Catalog } else { renames::Kind::Schema };
    let renaming = renames::Renaming { kind: what, from, to };
    let done = state.sql.engine.rename(&*state.sql, renaming).await;
    done.map_err(|failure| match failure.message.split_once(']') {
        Some((class, _)) if class.ends_with("ALREADY_EXISTS") => kind.taken(&to.join(".")),
        _ if failure.code == "BAD_REQUEST" => ApiError::invalid_parameter(failure.message),
        _ => ApiError::internal(failure.message),
    })
}

#[cfg(not(feature = "engine"))]
async fn in_engine(_: &CatalogHandle, kind: Kind, from: &[&str], _: &[&str]) -> Result<(), ApiError> {
    Err(kind.not_found(&from.join(".")))
}
