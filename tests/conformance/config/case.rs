//! Replacing the placeholders of a case.

use std::path::Path;
use std::time::SystemTime;

use jiff::Timestamp;
use serde_json::Value;

/// Where the scripted server seems to be. No socket is behind it.
pub(crate) const SERVER: &str = "http://127.0.0.1:18080";

/// What the placeholders stand for.
pub(crate) struct Places<'a> {
    pub(crate) home: &'a Path,
    pub(crate) bin: &'a Path,
    pub(crate) now: SystemTime,
}

impl Places<'_> {
    /// A case with every placeholder replaced, in names of members too.
    pub(crate) fn fill(&self, value: &Value) -> Result<Value, String> {
        Ok(match value {
            Value::String(text) => match text.strip_prefix("{{int:").and_then(|rest| rest.strip_suffix("}}")) {
                Some(moment) if !moment.contains("}}") => Value::from(self.seconds(moment)?),
                _ => Value::from(self.text(text)?),
            },
            Value::Array(items) => Value::Array(items.iter().map(|item| self.fill(item)).collect::<Result<_, _>>()?),
            Value::Object(members) => {
                let members = members.iter().map(|(name, member)| Ok((self.text(name)?, self.fill(member)?)));
                Value::Object(members.collect::<Result<_, String>>()?)
            }
            other => other.clone(),
        })
    }

    fn text(&self, text: &str) -> Result<String, String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, tail)) = rest.split_once("{{") {
            let (name, after) = tail.split_once("}}").ok_or("a placeholder is not closed")?;
            out.push_str(before);
            out.push_str(&self.placeholder(name)?);
            rest = after;
        }
        Ok(out + rest)
    }

    fn placeholder(&self, name: &str) -> Result<String, String> {
        Ok(match name {
            "server" => SERVER.to_owned(),
            "home" => self.home.display().to_string(),
            "bin" => self.bin.display().to_string(),
            // Only the browser knows.
            "state" => "{{state}}".to_owned(),
            "rsa_pem_json" => super::jwt::PEM.replace('\n', "\\n"),
            _ => match name.split_once(':') {
                None => self.seconds(name)?.to_string(),
                Some(("int", moment)) => self.seconds(moment)?.to_string(),
                Some(("rfc3339", moment)) => self.timestamp(moment)?.to_string(),
                Some(("local", moment)) => self.timestamp(moment)?.strftime("%Y-%m-%d %H:%M:%S").to_string(),
                _ => return Err(format!("the placeholder {name} is not known")),
            },
        })
    }

    fn seconds(&self, moment: &str) -> Result<i64, String> {
        let offset = moment.strip_prefix("now").ok_or_else(|| format!("the placeholder {moment} is not known"))?;
        let offset: i64 = if offset.is_empty() {
            0
        } else {
            offset.parse().map_err(|_| format!("the placeholder {moment} is not known"))?
        };
        let now = self.now.duration_since(SystemTime::UNIX_EPOCH).map_err(|error| error.to_string())?;
        Ok(now.as_secs() as i64 + offset)
    }

    fn timestamp(&self, moment: &str) -> Result<Timestamp, String> {
        Timestamp::from_second(self.seconds(moment)?).map_err(|error| error.to_string())
    }
}
