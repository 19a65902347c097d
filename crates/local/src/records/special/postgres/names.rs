//! Names of resources: `projects/{project}/branches/{branch}` and so on.

use super::forms::Form;
use crate::extract::missing;
use crate::records::call::Call;
use crate::reply::ApiError;

/// The resource that holds the one of that name.
pub(super) fn parent(name: &str) -> &str {
    let above = name.rsplit_once('/').map_or("", |(above, _)| above);
    // One that is alone in its parent has no segment for its kind.
    if matches!(last(name), "data-api" | "snapshot-schedule") {
        return above;
    }
    above.rsplit_once('/').map_or("", |(parent, _)| parent)
}

pub(super) fn last(name: &str) -> &str {
    name.rsplit_once('/').map_or(name, |(_, last)| last)
}

pub(super) fn full(form: &Form, parent: Option<&str>, id: &str) -> String {
    let own = if form.alone { form.collection.to_owned() } else { format!("{}/{id}", form.collection) };
    parent.map_or_else(|| own.clone(), |parent| format!("{parent}/{own}"))
}

/// The identifier that a new resource is given, or one that is made for it.
pub(super) fn given(form: &Form, call: &Call<'_>) -> Result<String, ApiError> {
    if form.alone {
        return Ok(String::new());
    }
    let Some(member) = form.id else { return Err(ApiError::internal("a resource without an identifier")) };
    match call.input(member) {
        Some(id) if form.is_id(&id) => Ok(id),
        Some(id) => {
            Err(ApiError::invalid_parameter(format!("{member}: '{id}' is not valid; it is {}", form.id_form())))
        }
        None if form.optional_id => Ok(format!("{}-{}", &form.noun[..2], call.desk.ids.hex16())),
        None => Err(missing(member)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_hold_what_their_names_begin() {
        assert_eq!(parent("projects/p"), "");
        assert_eq!(parent("projects/p/branches/b"), "projects/p");
        assert_eq!(parent("projects/p/branches/b/snapshot-schedule"), "projects/p/branches/b");
        assert_eq!(parent("projects/p/branches/b/databases/d/data-api"), "projects/p/branches/b/databases/d");
        assert_eq!(last("projects/p/branches/b"), "b");
    }
}
