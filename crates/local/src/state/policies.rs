//! Compute policies: what the attributes of a cluster may be, and what they are where its description leaves them out.
//!
//! Rules and paths are those of the documentation's "Compute policy reference".

mod attributes;
mod rule;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::reply::ApiError;
use attributes::{Attribute, found, put, take};
use rule::Rule;

/// What a cluster is made for, which a policy can limit under the path `cluster_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    AllPurpose,
    Job,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::AllPurpose => "all-purpose",
            Self::Job => "job",
        }
    }
}

/// Finds a policy by its identifier.
pub(crate) type Policies<'a> = &'a dyn Fn(&str) -> Result<Policy, ApiError>;

/// The rules of one policy, by the path of the attribute.
#[derive(Debug)]
pub(crate) struct Policy {
    rules: BTreeMap<String, Rule>,
}

/// What a policy changes about a description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) field: String,
    pub(crate) previous: Option<Value>,
    pub(crate) new: Option<Value>,
}

impl Change {
    pub(crate) fn json(&self, place: &str) -> Value {
        let text = |value: &Option<Value>| value.as_ref().map(rule::text).unwrap_or_default();
        json!({
            "field": format!("{place}{}", self.field),
            "previous_value": text(&self.previous),
            "new_value": text(&self.new),
        })
    }
}

impl Policy {
    /// The rules of a definition over those of the family that it belongs to.
    ///
    /// # Errors
    ///
    /// Names the policy where a rule is not one. The service takes such a definition, too, and fails where it is applied.
    pub(crate) fn new(name: &str, definitions: &[Map<String, Value>]) -> Result<Self, ApiError> {
        let mut rules = BTreeMap::new();
        for (path, stated) in definitions.iter().flatten() {
            let rule = Rule::parse(stated).map_err(|why| {
                ApiError::invalid_parameter(format!(
                    "Requests for the policy {name} cannot be satisfied due to the malformed policy definition: {path} {why}. \
                     Please contact your administrator to correct the policy definition"
                ))
            })?;
            rules.insert(path.clone(), rule);
        }
        Ok(Self { rules })
    }

    /// Fills in what the rules fix, and their defaults if those are asked for.
    ///
    /// # Errors
    ///
    /// Names the first attribute that a rule does not allow.
    pub(crate) fn apply(
        &self,
        cluster: &mut Map<String, Value>,
        purpose: Purpose,
        defaults: bool,
    ) -> Result<(), ApiError> {
        for (path, rule) in &self.rules {
            let value = rule.fixed().or_else(|| rule.default().filter(|_| defaults));
            for absent in found(cluster, purpose, path)?.iter().filter(|attribute| attribute.value.is_none()) {
                if let Some(value) = value {
                    put(cluster, &absent.path, value)?;
                }
            }
        }
        match self.violations(cluster, purpose)?.first_key_value() {
            None => Ok(()),
            Some((path, why)) => Err(ApiError::invalid_parameter(format!(
                "Cluster validation error: Validation failed for {path}, {why}"
            ))),
        }
    }

    /// Why attributes are not as the rules allow, by their paths.
    pub(crate) fn violations(
        &self,
        cluster: &Map<String, Value>,
        purpose: Purpose,
    ) -> Result<BTreeMap<String, String>, ApiError> {
        let mut violations = BTreeMap::new();
        for (path, rule) in &self.rules {
            for Attribute { path, value } in found(cluster, purpose, path)? {
                if let Some(why) = rule.violation(value.as_ref())? {
                    violations.insert(path, why);
                }
            }
        }
        Ok(violations)
    }

    /// Brings a description to what the rules allow, and tells what that changes.
    ///
    /// # Errors
    ///
    /// Names an attribute for which the rules do not state a value.
    pub(crate) fn mend(&self, cluster: &mut Map<String, Value>, purpose: Purpose) -> Result<Vec<Change>, ApiError> {
        let mut changes = Vec::new();
        for (path, rule) in &self.rules {
            for Attribute { path, value } in found(cluster, purpose, path)? {
                let Some(why) = rule.violation(value.as_ref())? else { continue };
                let new = rule.fixed().or_else(|| rule.default()).cloned();
                match &new {
                    Some(new) => put(cluster, &path, new)?,
                    None if rule.is_forbidden() => take(cluster, &path)?,
                    None => {
                        return Err(ApiError::invalid_parameter(format!(
                            "The policy states no value for {path}, so the change cannot be made: {why}"
                        )));
                    }
                }
                changes.push(Change { field: path, previous: value, new });
            }
        }
        Ok(changes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    fn policy(definition: Value) -> Policy {
        Policy::new("p", &[object(definition)]).unwrap()
    }

    fn applied(definition: Value, cluster: Value, defaults: bool) -> Result<Value, String> {
        let mut cluster = object(cluster);
        let done = policy(definition).apply(&mut cluster, Purpose::AllPurpose, defaults);
        done.map(|()| Value::Object(cluster)).map_err(|e| e.message().to_owned())
    }

    #[test]
    fn what_is_fixed_is_filled_in() {
        let definition = json!({
            "autotermination_minutes": {"type": "fixed", "value": 30},
            "spark_conf.spark.databricks.cluster.profile": {"type": "fixed", "value": "singleNode"},
            "spark_conf.spark.speculation": {"type": "fixed", "value": true},
            "aws_attributes.availability": {"type": "fixed", "value": "SPOT"},
            "init_scripts.0.workspace.destination": {"type": "fixed", "value": "/a.sh"},
            "cluster_log_conf.type": {"type": "fixed", "value": "S3"},
            "cluster_log_conf.path": {"type": "fixed", "value": "s3://logs"},
            "cluster_type": {"type": "fixed", "value": "all-purpose"},
        });
        let given = json!({"autotermination_minutes": "30", "aws_attributes": {"zone_id": "auto"}});
        let expected = json!({
            "autotermination_minutes": "30",
            "spark_conf": {"spark.databricks.cluster.profile": "singleNode", "spark.speculation": "true"},
            "aws_attributes": {"zone_id": "auto", "availability": "SPOT"},
            "init_scripts": [{"workspace": {"destination": "/a.sh"}}],
            "cluster_log_conf": {"s3": {"destination": "s3://logs"}},
        });
        assert_eq!(applied(definition.clone(), given, false).unwrap(), expected);
        let other = applied(definition, json!({"cluster_log_conf": {"dbfs": {"destination": "s3://logs"}}}), false);
        assert_eq!(
            other.unwrap_err(),
            "Cluster validation error: Validation failed for cluster_log_conf.type, the value must be S3 (is \"DBFS\")"
        );
    }

    #[test]
    fn every_rule_is_held() {
        let limits = |rule: Value, given: Value| {
            let cluster = if given.is_null() { json!({}) } else { json!({"a": given}) };
            applied(json!({"a": rule}), cluster, false)
                .map(drop)
                .map_err(|text| text.replace("Cluster validation error: ", ""))
        };
        for (rule, fine, wrong, why) in [
            (json!({"type": "fixed", "value": false}), json!(false), json!(true), "must be false (is \"true\")"),
            (json!({"type": "forbidden"}), Value::Null, json!(1), "must not be present"),
            (
                json!({"type": "allowlist", "values": ["x", 2]}),
                json!("2"),
                json!("y"),
                "must be one of x, 2 (is \"y\")",
            ),
            (json!({"type": "blocklist", "values": ["x"]}), json!("y"), json!("x"), "must not be one of x (is \"x\")"),
            (
                json!({"type": "range", "minValue": 2, "maxValue": 5}),
                json!(2),
                json!(6),
                "must be at most 5 (is \"6\")",
            ),
            (json!({"type": "range", "minValue": 2}), json!(2.5), json!("x"), "must be a number (is \"x\")"),
            (json!({"type": "unlimited"}), json!("anything"), Value::Null, "must be present"),
            (json!({"type": "unlimited", "isOptional": true}), Value::Null, Value::Null, ""),
        ] {
            limits(rule.clone(), fine).unwrap();
            if !why.is_empty() {
                assert_eq!(limits(rule, wrong).unwrap_err(), format!("Validation failed for a, the value {why}"));
            }
        }
    }

    #[cfg(feature = "engine")]
    #[test]
    fn an_expression_is_about_the_whole_value() {
        let definition = json!({"node_type_id": {"type": "regex", "pattern": "m5d?\\.(x|2x)large"}});
        applied(definition.clone(), json!({"node_type_id": "m5d.xlarge"}), false).unwrap();
        let message = applied(definition, json!({"node_type_id": "m5d.xlarge2"}), false).unwrap_err();
        assert!(message.contains("must match m5d?\\.(x|2x)large (is \"m5d.xlarge2\")"), "{message}");
    }

    #[test]
    fn defaults_are_taken_where_they_are_asked_for() {
        let definition = json!({"num_workers": {"type": "range", "maxValue": 4, "defaultValue": 2}});
        assert_eq!(applied(definition.clone(), json!({}), true).unwrap(), json!({"num_workers": 2}));
        assert!(applied(definition.clone(), json!({}), false).unwrap_err().contains("must be present"));
        assert_eq!(applied(definition, json!({"num_workers": 3}), true).unwrap(), json!({"num_workers": 3}));
    }

    #[test]
    fn stars_stand_for_all_of_a_list() {
        let definition = json!({"init_scripts.*.dbfs.destination": {"type": "forbidden"}});
        applied(definition.clone(), json!({"init_scripts": [{"workspace": {"destination": "/a"}}]}), false).unwrap();
        let scripts = json!({"init_scripts": [{"workspace": {}}, {"dbfs": {"destination": "dbfs:/x"}}]});
        let message = applied(definition, scripts, false).unwrap_err();
        assert!(message.contains("init_scripts.1.dbfs.destination"), "{message}");
    }

    #[test]
    fn what_cannot_be_held_is_refused_by_name() {
        let price = applied(json!({"dbus_per_hour": {"type": "range", "maxValue": 10}}), json!({}), false);
        assert!(price.unwrap_err().contains("dbus_per_hour"));
        for rule in [json!({"type": "exact"}), json!({"type": "allowlist"}), json!({"type": "fixed"}), json!(5)] {
            let message = Policy::new("team", &[object(json!({"a": rule}))]).unwrap_err().message().to_owned();
            assert!(message.contains("policy team") && message.contains(": a "), "{message}");
        }
    }

    #[test]
    fn clusters_are_mended() {
        let policy = policy(json!({
            "autotermination_minutes": {"type": "fixed", "value": 30},
            "instance_pool_id": {"type": "forbidden"},
            "num_workers": {"type": "range", "maxValue": 4, "defaultValue": 1},
        }));
        let mut cluster = object(json!({"autotermination_minutes": 60, "instance_pool_id": "p", "num_workers": 9}));
        let changes = policy.mend(&mut cluster, Purpose::AllPurpose).unwrap();
        assert_eq!(Value::Object(cluster.clone()), json!({"autotermination_minutes": 30, "num_workers": 1}));
        assert_eq!(
            changes[0].json("spec."),
            json!({"field": "spec.autotermination_minutes", "previous_value": "60", "new_value": "30"})
        );
        assert_eq!(changes.len(), 3);
        assert!(policy.mend(&mut cluster, Purpose::AllPurpose).unwrap().is_empty());
    }
}
