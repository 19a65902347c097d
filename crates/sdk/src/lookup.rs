//! Finding one thing by its name, where the service knows it by an id.

use databricks_core::{Error, ErrorKind, Paginated, Result};

use crate::Call;

/// The only item of a list with this name.
///
/// * `what`: what is looked for, such as `cluster`.
/// * `name_of`: the name of an item.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] when no item or more than one has the name, or that of the listing.
pub(crate) async fn by_name<O>(call: Call<O>, what: &str, name: &str, name_of: impl Fn(&O::Item) -> Option<&str>) -> Result<O::Item>
where
    O: Paginated + Unpin,
    O::Item: Unpin,
{
    let mut items = call.items();
    let mut found = Vec::new();
    while let Some(item) = items.next().await? {
        if name_of(&item) == Some(name) {
            found.push(item);
        }
    }
    match (found.pop(), found.len()) {
        (Some(item), 0) => Ok(item),
        (None, _) => Err(Error::new(ErrorKind::InvalidInput, format!("there is no {what} with the name {name:?}"))
            .with_hint("names must match in every letter; perhaps the signed-in identity may not see it")),
        (Some(_), others) => {
            let message = format!("there are {} of the kind {what} with the name {name:?}", others + 1);
            Err(Error::new(ErrorKind::InvalidInput, message).with_hint("use the id instead of the name"))
        }
    }
}
