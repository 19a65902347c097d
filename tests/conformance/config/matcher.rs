//! Wanted values: literal, or described.

use std::collections::BTreeMap;

use fancy_regex::Regex;
use serde_json::Value;

use super::jwt::Jwt;

/// Compares what is there with what is wanted; the error states how they differ.
///
/// * `challenge`: the code challenge that the browser saw, for verifiers.
pub(crate) fn check(name: &str, wanted: &Value, have: Option<&str>, challenge: Option<&str>) -> Result<(), String> {
    let fail = |why: &str| Err(format!("{name}: {why}, and there is {have:?}"));
    let Some(kind) = wanted.as_object().and_then(|members| members.iter().next()) else {
        let text = wanted.as_str().map_or_else(|| wanted.to_string(), str::to_owned);
        return if have == Some(text.as_str()) { Ok(()) } else { fail(&format!("wanted is {text:?}")) };
    };
    let (kind, argument) = (kind.0.as_str(), kind.1);
    let Some(have) = have else { return if kind == "absent" { Ok(()) } else { fail("something is wanted") } };
    let good = match kind {
        "absent" => false,
        "present" => true,
        "regex" => {
            let pattern = argument.as_str().unwrap_or_default();
            Regex::new(&format!("^(?:{pattern})$"))
                .map_err(|e| e.to_string())?
                .is_match(have)
                .map_err(|e| e.to_string())?
        }
        "contains" => have.contains(argument.as_str().unwrap_or_default()),
        "words" => {
            let sorted = |mut words: Vec<String>| {
                words.sort();
                words
            };
            let wanted =
                argument.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
            sorted(have.split_whitespace().map(str::to_owned).collect()) == sorted(wanted)
        }
        "pkce_verifier" => challenge == Some(challenge_of(have).as_str()),
        "jwt" => return jwt(name, argument, have),
        _ => return fail("the matcher is not known"),
    };
    if good { Ok(()) } else { fail(&format!("wanted is {wanted}")) }
}

/// Compares many; names of `have` are as the caller made them.
pub(crate) fn check_all(
    wanted: Option<&Value>,
    have: &BTreeMap<String, String>,
    challenge: Option<&str>,
) -> Result<(), String> {
    for (name, wanted) in wanted.and_then(Value::as_object).into_iter().flatten() {
        check(name, wanted, have.get(name).map(String::as_str), challenge)?;
    }
    Ok(())
}

/// The challenge that belongs to a verifier (S256).
fn challenge_of(verifier: &str) -> String {
    use base64::Engine as _;
    let digest = ring::digest::digest(&ring::digest::SHA256, verifier.as_bytes());
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest)
}

fn jwt(name: &str, wanted: &Value, have: &str) -> Result<(), String> {
    let jwt = Jwt::verify(have).map_err(|why| format!("{name}: {why}"))?;
    for (part, have) in [("header", &jwt.header), ("claims", &jwt.claims)] {
        for (member, wanted) in wanted.get(part).and_then(Value::as_object).into_iter().flatten() {
            let have = have.get(member).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            check(&format!("{name}.{part}.{member}"), wanted, have.as_deref(), None)?;
        }
    }
    if let Some(life) = wanted.get("lifetime_s").and_then(Value::as_i64) {
        let moment = |claim: &str| jwt.claims.get(claim).and_then(Value::as_i64);
        let have = moment("exp").zip(moment("iat")).map(|(exp, iat)| exp - iat);
        if have != Some(life) {
            return Err(format!("{name}: the JWT should live for {life} s and lives for {have:?}"));
        }
    }
    Ok(())
}

/// Whether a JSON value has at least the members that are wanted.
pub(crate) fn contains_json(wanted: &Value, have: &Value) -> bool {
    match (wanted, have) {
        (Value::Object(wanted), Value::Object(have)) => {
            wanted.iter().all(|(name, wanted)| have.get(name).is_some_and(|have| contains_json(wanted, have)))
        }
        _ => wanted == have,
    }
}
