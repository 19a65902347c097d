//! Who is calling: the value of the `User-Agent` header.

mod detect;

use databricks_core::{Error, ErrorKind, Result};
use http::HeaderValue;

use crate::Environment;

/// The parts of the user agent: product, SDK, language and operating system, auth type, and what the environment names.
///
/// `product/version databricks-sdk-rust/x.y.z rust/x.y os/linux auth/pat extras… upstream/u upstream-version/v
/// runtime/r cicd/c agent/a`
///
/// ```
/// use databricks_transport::{Environment, UserAgent};
///
/// let agent = UserAgent::new(&Environment::empty()).product("my-app", "1.2.3").unwrap().extra("partner", "acme").unwrap();
/// let text = agent.render(Some("pat"), &[]);
/// assert!(text.starts_with("my-app/1.2.3 databricks-sdk-rust/"));
/// assert!(text.ends_with(" auth/pat partner/acme"));
/// ```
#[derive(Clone, Debug)]
pub struct UserAgent {
    product: String,
    extras: Vec<(String, String)>,
    /// What the environment names, with a leading blank; found once.
    detected: String,
}

impl UserAgent {
    /// The user agent of an unnamed product in this environment, from which upstream SDK, Databricks Runtime, CI system
    /// and coding agent are read.
    pub fn new(env: &Environment) -> Self {
        Self { product: "unknown/0.0.0".to_owned(), extras: Vec::new(), detected: detect::detect(env) }
    }

    /// Sets the name and version of the program that uses the SDK.
    ///
    /// * `name`: letters, digits and `_.+-`.
    /// * `version`: a semantic version such as `1.2.3-rc.1+b7`; minor and patch may be `x`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when one of them has another form.
    pub fn product(mut self, name: &str, version: &str) -> Result<Self> {
        if !is_name(name) {
            return Err(bad("product", name, "use letters, digits and _.+-"));
        }
        if !is_semver(version) {
            return Err(bad("product version", version, "use a semantic version such as 1.2.3"));
        }
        self.product = format!("{name}/{version}");
        Ok(self)
    }

    /// Adds a part `name/value`. Exact repetitions are dropped, different values of a name kept in order.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when one of them has characters other than letters, digits and `_.+-`.
    pub fn extra(mut self, name: &str, value: &str) -> Result<Self> {
        if !is_name(name) || !is_name(value) {
            return Err(bad("user agent part", &format!("{name}/{value}"), "use letters, digits and _.+-"));
        }
        let part = (name.to_owned(), value.to_owned());
        if !self.extras.contains(&part) {
            self.extras.push(part);
        }
        Ok(self)
    }

    /// The whole value of the header.
    ///
    /// * `auth_type`: how the request is authenticated, if it is.
    /// * `extras`: parts of this one call; those of another form are left out.
    pub fn render(&self, auth_type: Option<&str>, extras: &[(String, String)]) -> String {
        let mut text = format!(
            "{} databricks-sdk-rust/{} rust/{} os/{}",
            self.product,
            env!("CARGO_PKG_VERSION"),
            env!("CARGO_PKG_RUST_VERSION"),
            std::env::consts::OS
        );
        if let Some(auth_type) = auth_type.filter(|auth_type| is_name(auth_type)) {
            text.push_str(" auth/");
            text.push_str(auth_type);
        }
        let of_call = extras.iter().enumerate().filter(|(i, part)| {
            is_name(&part.0) && is_name(&part.1) && !self.extras.contains(part) && !extras[..*i].contains(part)
        });
        for (name, value) in self.extras.iter().chain(of_call.map(|(_, part)| part)) {
            text.push(' ');
            text.push_str(name);
            text.push('/');
            text.push_str(value);
        }
        text.push_str(&self.detected);
        text
    }

    pub(crate) fn header(&self, auth_type: Option<&str>, extras: &[(String, String)]) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.render(auth_type, extras)).ok()
    }
}

impl Default for UserAgent {
    /// The user agent of an unnamed product in the environment of this process.
    fn default() -> Self {
        Self::new(&Environment::process())
    }
}

fn bad(what: &str, value: &str, advice: &str) -> Error {
    Error::new(ErrorKind::Config, format!("the {what} {value:?} cannot stand in a user agent; {advice}"))
}

pub(crate) fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '+' | '-')
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_name_char)
}

/// Semantic versions (semver.org), of which minor and patch may be missing or `x`.
fn is_semver(text: &str) -> bool {
    let text = text.strip_prefix('v').unwrap_or(text);
    let (rest, build) = text.split_once('+').map_or((text, None), |(rest, build)| (rest, Some(build)));
    let (core, pre) = rest.split_once('-').map_or((rest, None), |(core, pre)| (core, Some(pre)));
    let identifiers = |text: &str| {
        text.split('.').all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
    };
    let number = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
    let parts: Vec<_> = core.split('.').collect();
    (1..=3).contains(&parts.len())
        && number(parts[0])
        && parts[1..].iter().all(|part| number(part) || *part == "x")
        && pre.is_none_or(identifiers)
        && build.is_none_or(identifiers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_checked() {
        let agent = || UserAgent::new(&Environment::empty());
        for version in ["1.2.3", "1.2.3-rc.1+b7", "1.x", "1.2.x", "0.0.0-SNAPSHOT"] {
            assert!(agent().product("p", version).is_ok(), "{version}");
        }
        for version in ["", "x", "1..2", "1.2.3.4", "1.2.3 ", "1.2.3-", "1.2/3"] {
            assert!(agent().product("p", version).is_err(), "{version}");
        }
        for name in ["", "a b", "a/b", "a\r\nX: y", "ä"] {
            assert!(agent().product(name, "1.0.0").is_err(), "{name}");
            assert!(agent().extra(name, "1").is_err(), "{name}");
            assert!(agent().extra("n", name).is_err(), "{name}");
        }
    }

    #[test]
    fn extras_keep_their_order_and_do_not_repeat() {
        let agent = UserAgent::new(&Environment::empty());
        let agent = agent.extra("foo", "1").unwrap().extra("foo", "2").unwrap().extra("foo", "1").unwrap();
        let of_call = [("foo", "2"), ("sdk-feature", "pagination"), ("sdk-feature", "pagination"), ("bad one", "x")];
        let of_call = of_call.map(|(n, v)| (n.to_owned(), v.to_owned()));
        assert!(agent.render(Some("pat"), &of_call).ends_with(" auth/pat foo/1 foo/2 sdk-feature/pagination"));
        assert!(agent.render(None, &[]).ends_with("os/linux foo/1 foo/2") || !cfg!(target_os = "linux"));
    }
}
