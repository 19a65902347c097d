//! What the environment sets of the caller: upstream SDK, Databricks Runtime, CI system, coding agent.

use super::{is_name, is_name_char};
use crate::Environment;

/// A variable, and the value it must have if any.
type Wanted = (&'static str, Option<&'static str>);

/// CI systems: the variables that must be there, with the value they must have if one is given. The first match counts.
const CICD: &[(&str, &[Wanted])] = &[
    ("github", &[("GITHUB_ACTIONS", Some("true"))]),
    ("gitlab", &[("GITLAB_CI", Some("true"))]),
    ("jenkins", &[("JENKINS_URL", None)]),
    ("azure-devops", &[("TF_BUILD", Some("True"))]),
    ("circle", &[("CIRCLECI", Some("true"))]),
    ("travis", &[("TRAVIS", Some("true"))]),
    ("bitbucket", &[("BITBUCKET_BUILD_NUMBER", None)]),
    ("google-cloud-build", &[("PROJECT_ID", None), ("BUILD_ID", None), ("PROJECT_NUMBER", None), ("LOCATION", None)]),
    ("aws-code-build", &[("CODEBUILD_BUILD_ARN", None)]),
    ("tf-cloud", &[("TFC_RUN_ID", None)]),
];

/// Coding agents: presence of the variable is enough.
const AGENTS: &[(&str, &str)] = &[
    ("AMP_CURRENT_THREAD_ID", "amp"),
    ("ANTIGRAVITY_AGENT", "antigravity"),
    ("AUGMENT_AGENT", "augment"),
    ("CLAUDECODE", "claude-code"),
    ("CLINE_ACTIVE", "cline"),
    ("CODEX_CI", "codex"),
    ("COPILOT_CLI", "copilot-cli"),
    ("CURSOR_AGENT", "cursor"),
    ("GEMINI_CLI", "gemini-cli"),
    ("GOOSE_TERMINAL", "goose"),
    ("KIRO", "kiro"),
    ("OPENCLAW_SHELL", "openclaw"),
    ("OPENCODE", "opencode"),
    ("PI_CODING_AGENT", "pi"),
    ("VSCODE_AGENT", "vscode-agent"),
    ("WINDSURF_AGENT", "windsurf"),
];

/// The detected parts, each with a leading blank.
pub(super) fn detect(env: &Environment) -> String {
    let mut text = String::new();
    let mut add = |name: &str, value: &str| {
        if is_name(value) {
            text.push_str(&format!(" {name}/{value}"));
        }
    };
    if let (Some(name), Some(version)) =
        (env.get("DATABRICKS_SDK_UPSTREAM"), env.get("DATABRICKS_SDK_UPSTREAM_VERSION"))
    {
        add("upstream", name);
        add("upstream-version", version);
    }
    if let Some(runtime) = env.get("DATABRICKS_RUNTIME_VERSION") {
        add("runtime", &sanitize(runtime));
    }
    if let Some(name) = cicd(env) {
        add("cicd", name);
    }
    if let Some(name) = agent(env) {
        add("agent", &name);
    }
    if env.get("OMNIGENT").is_some() {
        add("meta-harness", "omnigent");
    }
    text
}

fn cicd(env: &Environment) -> Option<&'static str> {
    let holds = |(name, wanted): &Wanted| match wanted {
        Some(wanted) => env.get(name) == Some(wanted),
        None => env.get(name).is_some(),
    };
    CICD.iter().find(|(_, variables)| variables.iter().all(holds)).map(|(name, _)| *name)
}

fn agent(env: &Environment) -> Option<String> {
    let mut found = AGENTS.iter().filter(|(variable, _)| env.get(variable).is_some()).map(|(_, name)| *name);
    match (found.next(), found.next()) {
        (Some(_), Some(_)) => Some("multiple".to_owned()),
        (Some(name), None) => Some(name.to_owned()),
        _ => {
            let named = env.get("AGENT").or_else(|| env.get("AI_AGENT"))?;
            Some(sanitize(named).chars().take(64).collect())
        }
    }
}

/// Every character that no user agent may hold becomes `-`.
fn sanitize(text: &str) -> String {
    text.chars().map(|c| if is_name_char(c) { c } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(env: &[(&str, &str)]) -> String {
        detect(&env.iter().copied().collect())
    }

    #[test]
    fn nothing_tells_nothing() {
        assert_eq!(of(&[]), "");
        assert_eq!(of(&[("CLAUDECODE", ""), ("DATABRICKS_RUNTIME_VERSION", ""), ("JENKINS_URL", "")]), "");
        assert_eq!(of(&[("DATABRICKS_SDK_UPSTREAM", "u")]), "");
    }

    #[test]
    fn ci_systems_need_all_their_variables_and_values() {
        assert_eq!(of(&[("TF_BUILD", "true"), ("GITHUB_ACTIONS", "1")]), "");
        assert_eq!(of(&[("TF_BUILD", "True")]), " cicd/azure-devops");
        assert_eq!(of(&[("GITLAB_CI", "true"), ("TFC_RUN_ID", "1")]), " cicd/gitlab");
        let build = [("PROJECT_ID", "p"), ("BUILD_ID", "b"), ("LOCATION", "l"), ("PROJECT_NUMBER", "1")];
        assert_eq!(of(&build), " cicd/google-cloud-build");
        assert_eq!(of(&build[..3]), "");
    }

    #[test]
    fn agents_are_named_once() {
        assert_eq!(of(&[("CODEX_CI", "1"), ("AGENT", "x")]), " agent/codex");
        assert_eq!(of(&[("CODEX_CI", "1"), ("KIRO", "1")]), " agent/multiple");
        assert_eq!(of(&[("AGENT", "my agent/1"), ("AI_AGENT", "y")]), " agent/my-agent-1");
        assert_eq!(of(&[("AI_AGENT", &"é".repeat(100))]), format!(" agent/{}", "-".repeat(64)));
        assert_eq!(of(&[("OMNIGENT", "1")]), " meta-harness/omnigent");
    }
}
