//! Finding one thing by its name, where the service knows it by an id.

use databricks_core::{Error, ErrorKind, Paginated, Result};

use crate::Call;

/// What was found under a name.
pub(crate) struct Found<T> {
    what: &'static str,
    name: String,
    items: Vec<T>,
    ids: Vec<String>,
    /// A name that differs in case alone.
    similar: Option<String>,
}

/// The items of a list with this name, which is case-sensitive.
///
/// * `what`: what is searched for, such as `cluster`.
/// * `name_of`: the name of an item; `None` for one that does not count.
///
/// # Errors
/// That of the listing.
pub(crate) async fn find<O: Paginated>(
    call: Call<O>,
    what: &'static str,
    name: &str,
    name_of: impl Fn(&O::Item) -> Option<String>,
    id_of: impl Fn(&O::Item) -> Option<String>,
) -> Result<Found<O::Item>> {
    let mut all = call.items();
    let mut found = Found { what, name: name.to_owned(), items: Vec::new(), ids: Vec::new(), similar: None };
    while let Some(item) = all.try_next().await? {
        match name_of(&item) {
            Some(its) if its == name => {
                found.ids.extend(id_of(&item));
                found.items.push(item);
            }
            Some(its) if its.to_lowercase() == name.to_lowercase() => found.similar = Some(its),
            _ => {}
        }
    }
    Ok(found)
}

/// The only item of a list with this name; see [`find`].
///
/// # Errors
/// [`ErrorKind::InvalidInput`] when no item or more than one has the name, or that of the listing.
pub(crate) async fn by_name<O: Paginated>(
    call: Call<O>,
    what: &'static str,
    name: &str,
    name_of: impl Fn(&O::Item) -> Option<String>,
    id_of: impl Fn(&O::Item) -> Option<String>,
) -> Result<O::Item> {
    find(call, what, name, name_of, id_of).await?.one()
}

impl<T> Found<T> {
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when there are several.
    pub(crate) fn at_most_one(mut self) -> Result<Option<T>> {
        let Self { what, name, items, ids, .. } = &mut self;
        if items.len() > 1 {
            let ids = if ids.is_empty() { String::new() } else { format!(": {}", ids.join(", ")) };
            let message = format!("{} of the kind {what} are named {name:?}{ids}", items.len());
            return Err(Error::new(ErrorKind::InvalidInput, message).with_hint("use the id instead of the name"));
        }
        Ok(items.pop())
    }

    /// # Errors
    /// [`ErrorKind::InvalidInput`] when there is none, or several.
    pub(crate) fn one(mut self) -> Result<T> {
        let (what, name, similar) = (self.what, self.name.clone(), self.similar.take());
        self.at_most_one()?.ok_or_else(|| {
            let hint = match similar {
                Some(similar) => format!("names are case-sensitive; there is {similar:?}"),
                None => "names are case-sensitive; perhaps the authenticated identity may not see it".to_owned(),
            };
            Error::new(ErrorKind::InvalidInput, format!("no {what} is named {name:?}")).with_hint(hint)
        })
    }
}
