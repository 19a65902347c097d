//! The same transfers by curl, which is handed the links.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::{PARALLELISM, PART, PARTS};

pub(crate) fn upload(directory: &Path, url: &str) -> Result<Command> {
    let mut config = String::new();
    for number in 1..=PARTS {
        let part = directory.join(format!("part-{number}"));
        writeln!(config, "upload-file = {part:?}\nurl = \"{url}/parts/{number}\"\noutput = \"/dev/null\"")?;
    }
    command(directory, "upload", &config)
}

pub(crate) fn download(directory: &Path, url: &str) -> Result<Command> {
    let mut config = String::new();
    for number in 0..PARTS {
        let (first, last) = (number * PART, (number + 1) * PART - 1);
        let target = directory.join(format!("range-{number}"));
        let next = if number > 0 { "next\n" } else { "" };
        writeln!(config, "{next}url = \"{url}/content\"\nrange = \"{first}-{last}\"\noutput = {target:?}")?;
    }
    command(directory, "download", &config)
}

fn command(directory: &Path, name: &str, config: &str) -> Result<Command> {
    let file = directory.join(name);
    std::fs::write(&file, config)?;
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--fail", "--http1.1", "--parallel", "--header", "Expect:"]);
    command.args(["--parallel-max", &PARALLELISM.to_string(), "--config"]).arg(file);
    Ok(command)
}
