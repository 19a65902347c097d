//! Objects that are known by their names, and get identifiers when they are made: clusters, warehouses, jobs.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_saphyr::Spanned;

use super::SeedError;
use super::desk::{Desk, check_members, failed};
use super::document::Body;
use crate::state::Parts;

/// One kind of them.
struct Kind {
    noun: &'static str,
    /// What references to it begin with, and how the description calls it.
    plural: &'static str,
    /// The member with its name, and those with identifiers in lists and in responses to the call that makes it.
    name: &'static str,
    id: &'static str,
    list: &'static str,
    create: &'static str,
}

const CLUSTERS: Kind = Kind {
    noun: "cluster",
    plural: "clusters",
    name: "cluster_name",
    id: "cluster_id",
    list: "/api/2.1/clusters/list?page_size=100",
    create: "/api/2.1/clusters/create",
};

const WAREHOUSES: Kind = Kind {
    noun: "warehouse",
    plural: "warehouses",
    name: "name",
    id: "id",
    list: "/api/2.0/sql/warehouses",
    create: "/api/2.0/sql/warehouses",
};

const JOBS: Kind = Kind {
    noun: "job",
    plural: "jobs",
    name: "name",
    id: "job_id",
    list: "/api/2.2/jobs/list?limit=100",
    create: "/api/2.2/jobs/create",
};

/// Identifiers by what refers to them, such as `clusters.small`.
#[derive(Debug)]
pub(super) struct Names(BTreeMap<String, Value>);

impl Names {
    pub(super) fn new(parts: &Parts) -> Self {
        // It is there from the start, whatever it is called.
        let starter = parts.place.starter_warehouse.as_str();
        Self(BTreeMap::from([("warehouses.starter".to_owned(), starter.into())]))
    }

    pub(super) async fn clusters(&mut self, desk: &Desk, all: &[Spanned<Body>]) -> Result<(), SeedError> {
        self.make(desk, &CLUSTERS, all).await
    }

    pub(super) async fn warehouses(&mut self, desk: &Desk, all: &[Spanned<Body>]) -> Result<(), SeedError> {
        self.make(desk, &WAREHOUSES, all).await
    }

    pub(super) async fn jobs(&mut self, desk: &Desk, all: &[Spanned<Body>]) -> Result<(), SeedError> {
        self.make(desk, &JOBS, all).await
    }

    /// Makes those whose names are not there yet.
    async fn make(&mut self, desk: &Desk, kind: &Kind, all: &[Spanned<Body>]) -> Result<(), SeedError> {
        let listed = desk.list(kind.list, kind.plural).await;
        let listed = listed.map_err(|error| SeedError::at(None, format!("{}: {}", kind.plural, error.message())))?;
        for object in listed {
            let name = object[kind.name].as_str().or_else(|| object["settings"][kind.name].as_str());
            if let Some(name) = name {
                self.0.insert(format!("{}.{name}", kind.plural), object[kind.id].clone());
            }
        }
        for object in all {
            let (line, noun) = (object.referenced.line(), kind.noun);
            let name = object.value.get(kind.name).and_then(Value::as_str).filter(|name| !name.is_empty());
            let name = name.ok_or_else(|| SeedError::at(line, format!("a {noun} needs a {}", kind.name)))?;
            let key = format!("{}.{name}", kind.plural);
            if self.0.contains_key(&key) {
                continue;
            }
            let what = format!("the {noun} {name}");
            let wrong = |why: String| SeedError::at(line, format!("cannot make {what}: {why}"));
            check_members(kind.create, noun, &object.value).map_err(wrong)?;
            let mut body = Value::Object(object.value.clone());
            self.resolve(&mut body).map_err(wrong)?;
            let made = desk.post(kind.create, &body).await.map_err(failed(line, &what))?;
            self.0.insert(key, made[kind.id].clone());
        }
        Ok(())
    }

    /// Puts identifiers in place of references, such as `${clusters.small}`.
    fn resolve(&self, value: &mut Value) -> Result<(), String> {
        match value {
            Value::String(text) => {
                let Some(name) = text.strip_prefix("${").and_then(|text| text.strip_suffix('}')) else { return Ok(()) };
                let kinds = [CLUSTERS.plural, WAREHOUSES.plural, JOBS.plural];
                let kind = name.split_once('.').map(|(kind, _)| kind);
                // What notebooks and dashboards put in at run time has braces as well, of other words.
                if !kind.is_some_and(|kind| kinds.contains(&kind)) {
                    return Ok(());
                }
                let id = self.0.get(name).ok_or_else(|| format!("there is no {name}, which {text} refers to"))?;
                *value = id.clone();
                Ok(())
            }
            Value::Array(all) => all.iter_mut().try_for_each(|item| self.resolve(item)),
            Value::Object(members) => members.values_mut().try_for_each(|member| self.resolve(member)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_become_identifiers() {
        let names = Names(BTreeMap::from([("clusters.a b".to_owned(), json!("1-2")), ("jobs.j".to_owned(), json!(7))]));
        let mut body = json!({"tasks": [{"existing_cluster_id": "${clusters.a b}", "run": {"job_id": "${jobs.j}"}}]});
        names.resolve(&mut body).unwrap();
        assert_eq!(body, json!({"tasks": [{"existing_cluster_id": "1-2", "run": {"job_id": 7}}]}));
        let mut other = json!(["${spark.x}", "a ${jobs.j}", "{{job.id}}"]);
        names.resolve(&mut other).unwrap();
        assert_eq!(other, json!(["${spark.x}", "a ${jobs.j}", "{{job.id}}"]));
        assert!(names.resolve(&mut json!("${jobs.k}")).unwrap_err().contains("no jobs.k"));
    }
}
