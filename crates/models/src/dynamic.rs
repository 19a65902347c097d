//! Operations by name: tables of facts for every package that is built.

use databricks_core::dynamic::OperationSchema;

/// All operations, packages in alphabetical order, ids in order within each.
pub fn operations() -> impl Iterator<Item = &'static OperationSchema> {
    crate::generated::dynamic::PACKAGES.iter().copied().flatten()
}

/// The operation of this id, such as `clusters.list`; `None` if there is none, or its package is not built.
///
/// ```
/// # #[cfg(feature = "compute")] {
/// let list = databricks_models::dynamic::find("clusters.list").unwrap();
/// assert_eq!(list.info.path, "/api/2.1/clusters/list");
/// # }
/// assert!(databricks_models::dynamic::find("clusters.paint").is_none());
/// ```
pub fn find(id: &str) -> Option<&'static OperationSchema> {
    crate::generated::dynamic::PACKAGES.iter().find_map(|operations| {
        let at = operations.binary_search_by(|operation| operation.info.id.cmp(id)).ok()?;
        operations.get(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_found_and_knows_its_path_parameters() {
        for operation in operations() {
            let found = find(operation.id()).unwrap();
            assert!(std::ptr::eq(found, operation), "{}", operation.id());
            for name in
                operation.info.path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name)
            {
                let known =
                    name == "account_id" || operation.inputs.iter().any(|input| input.name == name && input.required);
                assert!(known, "{}: {name}", operation.id());
            }
        }
    }
}
