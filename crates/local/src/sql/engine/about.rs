//! What REST and SQL both state of catalogs, schemas, tables and views: comment, owner and properties.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::Engine;
use super::store::operation::{Change, Operation};
use super::store::policy::{Argument, Policy};
use super::store::{About, Name, Relation, View};
use crate::sql::Failure;

/// What is stated of a securable, or what a change states: `None` leaves a member as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stated {
    pub(crate) comment: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) properties: Option<BTreeMap<String, String>>,
}

impl Stated {
    fn of(about: &About) -> Self {
        Self {
            comment: about.comment.clone(),
            owner: about.owner.clone(),
            properties: Some(about.properties.clone()).filter(|p| !p.is_empty()),
        }
    }

    fn apply(self, about: &mut About) {
        if let Some(comment) = self.comment {
            about.comment = Some(comment).filter(|c| !c.is_empty());
        }
        if self.owner.is_some() {
            about.owner = self.owner;
        }
        if let Some(properties) = self.properties {
            about.properties = properties;
        }
    }
}

/// A filter or mask in the form of REST's; `columns` and `arguments` are the names of its members.
fn policy(policy: &Policy, columns: &str, arguments: &str) -> Value {
    let list = policy.arguments.iter().map(|argument| match argument {
        Argument::Column(name) => json!({"column": name}),
        Argument::Literal(text) => json!({"constant": text}),
    });
    let list: Vec<Value> = list.collect();
    let mut out = Map::new();
    out.insert("function_name".to_owned(), json!(policy.name().plain()));
    out.insert(columns.to_owned(), json!(policy.columns().collect::<Vec<_>>()));
    out.insert(arguments.to_owned(), Value::Array(list));
    Value::Object(out)
}

impl Engine {
    /// The row filter of a table, and the masks of its columns by their names.
    pub(crate) fn policies(&self, full_name: &str) -> (Option<Value>, BTreeMap<String, Value>) {
        let parts: Vec<&str> = full_name.split('.').collect();
        let [catalog, schema, object] = parts.as_slice() else { return Default::default() };
        let Some(Relation::Table(table)) = self.core.store.relation(&name(catalog, schema, object)) else {
            return Default::default();
        };
        let state = table.state();
        let filter = state.filter.as_ref().map(|f| policy(f, "input_column_names", "input_arguments"));
        let masked = state.columns.iter().filter_map(|c| Some((c.name.clone(), c.mask.as_ref()?)));
        let masks = masked.map(|(column, mask)| (column, policy(mask, "using_column_names", "using_arguments")));
        (filter, masks.collect())
    }

    /// What is stated of a catalog, schema, table or view, by its full name in lower case.
    pub(crate) fn about(&self, full_name: &str) -> Option<Stated> {
        let store = &self.core.store;
        let parts: Vec<&str> = full_name.split('.').collect();
        match parts.as_slice() {
            [catalog] => store.read(|all| all.get(*catalog).map(|c| Stated::of(&c.about))),
            [catalog, schema] => {
                store.read(|all| all.get(*catalog)?.schemas.get(*schema).map(|s| Stated::of(&s.about)))
            }
            [catalog, schema, object] => match store.relation(&name(catalog, schema, object))? {
                Relation::Table(table) => Some(Stated::of(&table.state().about)),
                Relation::View(view) => Some(Stated::of(&view.about)),
            },
            _ => None,
        }
    }

    /// Changes what is stated of a catalog, schema, table or view.
    pub(crate) async fn state(&self, full_name: &str, stated: Stated, now_ms: i64) -> Result<(), Failure> {
        let store = &self.core.store;
        let parts: Vec<&str> = full_name.split('.').collect();
        let change = |about: &mut About| {
            stated.apply(about);
            Ok(())
        };
        match parts.as_slice() {
            [catalog] => store.change_catalog(catalog, |c| change(&mut c.about)),
            [catalog, schema] => store.change_schema(catalog, schema, |s| change(&mut s.about)),
            [catalog, schema, object] => {
                let name = name(catalog, schema, object);
                match store.relation(&name) {
                    Some(Relation::Table(table)) => {
                        let _writing = table.writer.lock().await;
                        let mut state = table.state().as_ref().clone();
                        change(&mut state.about)?;
                        let operation =
                            Operation::new("SET TBLPROPERTIES").with("properties", properties_json(&state.about));
                        table.commit(state, &Change { store, now_ms, user: None, operation })
                    }
                    Some(Relation::View(view)) => {
                        let mut view = View::clone(&view);
                        change(&mut view.about)?;
                        store.change_schema(catalog, schema, |s| {
                            s.relations.insert(name.object.clone(), Relation::View(Arc::new(view)));
                            Ok(())
                        })
                    }
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}

fn properties_json(about: &About) -> String {
    serde_json::json!(about.properties).to_string()
}

fn name(catalog: &str, schema: &str, object: &str) -> Name {
    Name { catalog: catalog.to_owned(), schema: schema.to_owned(), object: object.to_owned() }
}
