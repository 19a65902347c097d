//! Choosing a Databricks runtime.

use std::cmp::Reverse;

use databricks_core::{Error, ErrorKind, Result};
use databricks_models::compute::{NodeType, SparkVersion};

use super::node_type;
use crate::services::compute::Clusters;

impl Clusters {
    /// The key of the newest Databricks runtime that fits, for `spark_version` of a cluster, such as
    /// `16.4.x-scala2.12`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when no runtime fits, or several do and [`latest`](SparkVersionQuery::latest) is
    /// off.
    pub async fn select_spark_version(&self, query: &SparkVersionQuery) -> Result<String> {
        query.select(&self.spark_versions().await?.versions.unwrap_or_default())
    }
}

/// Which Databricks runtime is wanted. Without any setting: the newest plain one, of any version of Scala.
///
/// The kinds (`ml`, `gpu`, `photon` and so on) are exact: without a setting, runtimes of that kind are left out.
#[derive(Clone, Debug)]
pub struct SparkVersionQuery {
    long_term_support: bool,
    beta: bool,
    latest: bool,
    ml: bool,
    genomics: bool,
    gpu: bool,
    photon: bool,
    graviton: bool,
    scala: Option<String>,
    spark: Option<String>,
}

impl Default for SparkVersionQuery {
    fn default() -> Self {
        Self::new()
    }
}

macro_rules! flags {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $name(mut self, wanted: bool) -> Self {
            self.$name = wanted;
            self
        }
    )*};
}

impl SparkVersionQuery {
    /// The newest plain runtime.
    pub fn new() -> Self {
        Self {
            long_term_support: false,
            beta: false,
            latest: true,
            ml: false,
            genomics: false,
            gpu: false,
            photon: false,
            graviton: false,
            scala: None,
            spark: None,
        }
    }

    flags! {
        /// Only runtimes with long-term support. Default: any.
        long_term_support;
        /// Only beta runtimes. Default: none of them.
        beta;
        /// The newest of those that fit; otherwise several that fit are an error. Default: on.
        latest;
        /// Runtimes for machine learning. Default: none of them.
        ml;
        /// Runtimes for genomics. Default: none of them.
        genomics;
        /// Runtimes for GPUs. Default: none of them.
        gpu;
        /// Runtimes whose key names Photon. Default: none of them.
        photon;
        /// Runtimes for ARM processors (AWS Graviton). Default: none of them.
        graviton;
    }

    /// Sets the version of Scala, such as `2.12`. Default: any; runtimes from 17 on exist for Scala 2.13 alone.
    #[must_use]
    pub fn scala(mut self, version: impl Into<String>) -> Self {
        self.scala = Some(version.into());
        self
    }

    /// Sets the machine that the runtime has to fit: for ARM processors, for GPUs (which come with the runtimes for
    /// machine learning), or for neither.
    #[must_use]
    pub fn for_node(mut self, node: &NodeType) -> Self {
        self.graviton = node_type::is_arm(node);
        if node_type::has_gpus(node) {
            (self.gpu, self.ml) = (true, true);
        } else {
            self.gpu = false;
        }
        self
    }

    /// Sets the version of Apache Spark, such as `3.5.0` or `3.5`. Default: any.
    #[must_use]
    pub fn spark(mut self, version: impl Into<String>) -> Self {
        self.spark = Some(version.into());
        self
    }

    fn fits(&self, key: &str, name: &str) -> bool {
        self.scala.as_ref().is_none_or(|version| scala_of(key) == Some(version.as_str()))
            && scala_of(key).is_some()
            && !key.contains("apache-spark-")
            && key.contains("-ml-") == self.ml
            && key.contains("-hls-") == self.genomics
            && key.contains("-gpu-") == self.gpu
            && key.contains("-photon-") == self.photon
            && key.contains("-aarch64-") == self.graviton
            && name.contains("Beta") == self.beta
            && (!self.long_term_support || name.contains("LTS") || key.contains("-esr-"))
            && self.spark.as_ref().is_none_or(|version| name.contains(&format!("Apache Spark {version}")))
    }

    pub(super) fn select(&self, versions: &[SparkVersion]) -> Result<String> {
        let texts =
            versions.iter().map(|v| (v.key.as_deref().unwrap_or_default(), v.name.as_deref().unwrap_or_default()));
        let mut fitting: Vec<&str> = texts.filter(|(key, name)| self.fits(key, name)).map(|(key, _)| key).collect();
        // A stable order: of equal numbers the first of the list wins.
        fitting.sort_by_key(|key| Reverse(number(key)));
        match fitting.as_slice() {
            [] => {
                Err(Error::new(ErrorKind::InvalidInput, format!("spark versions query returned no results: {self:?}"))
                    .with_hint(format!(
                        "the workspace offers {} runtimes; list them with spark_versions()",
                        versions.len()
                    )))
            }
            [_, _, ..] if !self.latest => Err(Error::new(
                ErrorKind::InvalidInput,
                format!("spark versions query returned multiple results: {}", fitting.join(", ")),
            )
            .with_hint("turn latest on, or ask for more")),
            [newest, ..] => Ok((*newest).to_owned()),
        }
    }
}

/// The version of Scala in the key of a runtime: `2.13` of `18.2.x-scala2.13`.
fn scala_of(key: &str) -> Option<&str> {
    let (_, rest) = key.split_once("-scala")?;
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    rest.get(..end)
}

/// The number of a runtime, for comparing: `16.4.x-…` is 16, 4, 0. Suffixes without digits count least.
fn number(key: &str) -> [u64; 3] {
    let mut parts = key.split('-').next().unwrap_or_default().split('.').map(|part| part.parse().unwrap_or(0));
    [(); 3].map(|()| parts.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(all: &[(&str, &str)]) -> Vec<SparkVersion> {
        all.iter().map(|(key, name)| SparkVersion::new().key(*key).name(*name)).collect()
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        let all =
            versions(&[("9.1.x-scala2.12", "9.1 LTS"), ("16.10.x-scala2.12", "16.10"), ("16.9.x-scala2.12", "16.9")]);
        assert_eq!(SparkVersionQuery::new().select(&all).unwrap(), "16.10.x-scala2.12");
        assert_eq!(SparkVersionQuery::new().long_term_support(true).select(&all).unwrap(), "9.1.x-scala2.12");
    }

    #[test]
    fn several_are_an_error_without_latest() {
        let all = versions(&[("1.0.x-scala2.12", ""), ("2.0.x-scala2.12", ""), ("3.0.x-scala2.13", "")]);
        assert_eq!(SparkVersionQuery::new().select(&all).unwrap(), "3.0.x-scala2.13", "every Scala counts");
        let error = SparkVersionQuery::new().latest(false).scala("2.12").select(&all).unwrap_err();
        assert!(error.to_string().contains("multiple results: 2.0.x-scala2.12, 1.0.x-scala2.12"), "{error}");
        assert_eq!(SparkVersionQuery::new().latest(false).scala("2.13").select(&all).unwrap(), "3.0.x-scala2.13");
    }

    #[test]
    fn a_scala_that_is_asked_for_is_exact() {
        let all =
            versions(&[("4.0.x-scala2.1", ""), ("4.0.x-scala2.13", ""), ("4.0.x-photon-scala2.13", ""), ("5.0.x", "")]);
        assert_eq!(SparkVersionQuery::new().scala("2.1").latest(false).select(&all).unwrap(), "4.0.x-scala2.1");
        assert_eq!(SparkVersionQuery::new().scala("2.13").photon(true).select(&all).unwrap(), "4.0.x-photon-scala2.13");
        assert!(SparkVersionQuery::new().scala("2.12").select(&all).is_err());
    }

    #[test]
    fn the_runtime_fits_the_machine() {
        let all = versions(&[
            ("16.4.x-aarch64-scala2.12", "16.4 LTS"),
            ("16.4.x-scala2.12", "16.4 LTS"),
            ("17.3.x-cpu-ml-scala2.13", "17.3 LTS ML"),
            ("17.3.x-gpu-ml-scala2.13", "17.3 LTS ML"),
        ]);
        let node = |id: &str| NodeType::new(id, 8192, 4.0, id, id, "General Purpose");
        let fits =
            |node: NodeType| SparkVersionQuery::new().long_term_support(true).for_node(&node).select(&all).unwrap();
        assert_eq!(fits(node("m5d.large")), "16.4.x-scala2.12");
        assert_eq!(fits(node("m6gd.large")), "16.4.x-aarch64-scala2.12");
        assert_eq!(fits(node("g5.xlarge").num_gpus(1)), "17.3.x-gpu-ml-scala2.13");
    }
}
