//! Notebooks as source files and as Jupyter documents.

use serde_json::{Value, json};

use crate::reply::ApiError;

/// What a source file says in its first line to be a notebook.
const MARK: &str = "Databricks notebook source";

/// How a language begins a comment.
fn comment(language: &str) -> &'static str {
    match language {
        "SQL" => "--",
        "SCALA" => "//",
        _ => "#",
    }
}

/// The language that the ending of a file name stands for.
pub(crate) fn language_of(path: &str) -> Option<&'static str> {
    Some(match path.rsplit_once('.')?.1 {
        "py" => "PYTHON",
        "sql" => "SQL",
        "scala" => "SCALA",
        "r" | "R" => "R",
        _ => return None,
    })
}

/// The path of a notebook that comes from a file of that name: without the ending.
pub(crate) fn without_ending(path: &str) -> String {
    let known = language_of(path).is_some() || path.ends_with(".ipynb");
    path.rsplit_once('.').filter(|_| known).map_or(path, |(stem, _)| stem).to_owned()
}

/// Whether the first line makes a notebook of a source file.
pub(crate) fn is_marked(content: &[u8]) -> bool {
    std::str::from_utf8(content).is_ok_and(|text| text.lines().next().is_some_and(|line| line.contains(MARK)))
}

/// The source with its mark in the first line.
pub(crate) fn marked(language: &str, content: Vec<u8>) -> Vec<u8> {
    if is_marked(&content) {
        return content;
    }
    [format!("{} {MARK}\n", comment(language)).into_bytes(), content].concat()
}

/// The language and the source of a Jupyter document.
pub(crate) fn from_jupyter(content: &[u8]) -> Result<(&'static str, Vec<u8>), ApiError> {
    let wrong = |why: String| ApiError::invalid_parameter(format!("The content is not a Jupyter notebook: {why}"));
    let document: Value = serde_json::from_slice(content).map_err(|e| wrong(e.to_string()))?;
    let cells = document["cells"].as_array().ok_or_else(|| wrong("it has no cells".to_owned()))?;
    let stated = document["metadata"]["application/vnd.databricks.v1+notebook"]["language"].as_str();
    let language = match stated.or_else(|| document["metadata"]["kernelspec"]["language"].as_str()).unwrap_or("python")
    {
        "sql" => "SQL",
        "scala" => "SCALA",
        "r" | "R" => "R",
        _ => "PYTHON",
    };
    let comment = comment(language);
    let sources = cells.iter().map(|cell| {
        let text = match &cell["source"] {
            Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
            other => other.as_str().unwrap_or_default().to_owned(),
        };
        match (cell["cell_type"].as_str(), text.starts_with('%')) {
            (Some("markdown"), _) => magic(comment, &format!("%md\n{text}")),
            (_, true) => magic(comment, &text),
            _ => text,
        }
    });
    let source = sources.collect::<Vec<_>>().join(&format!("\n\n{comment} COMMAND ----------\n\n"));
    Ok((language, marked(language, source.into_bytes())))
}

/// A cell of another language, commented out.
fn magic(comment: &str, text: &str) -> String {
    text.lines().map(|line| format!("{comment} MAGIC {line}")).collect::<Vec<_>>().join("\n")
}

/// The Jupyter document of a notebook.
pub(crate) fn to_jupyter(language: &str, content: &[u8]) -> Value {
    let text = String::from_utf8_lossy(content);
    let body = if is_marked(content) { text.split_once('\n').map_or("", |(_, rest)| rest) } else { &text };
    let comment = comment(language);
    let between = format!("{comment} COMMAND ----------");
    let cells = body.split(&between).map(|cell| {
        let prefix = format!("{comment} MAGIC ");
        let lines: Vec<&str> = cell.trim().lines().map(|line| line.strip_prefix(&prefix).unwrap_or(line)).collect();
        let source = lines.join("\n");
        match source.strip_prefix("%md") {
            Some(text) => json!({"cell_type": "markdown", "metadata": {}, "source": lines_of(text.trim_start())}),
            None => json!({
                "cell_type": "code",
                "execution_count": null,
                "metadata": {},
                "outputs": [],
                "source": lines_of(&source),
            }),
        }
    });
    let language = language.to_lowercase();
    json!({
        "cells": cells.collect::<Vec<_>>(),
        "metadata": {
            "application/vnd.databricks.v1+notebook": {"language": language},
            "language_info": {"name": language},
        },
        "nbformat": 4,
        "nbformat_minor": 0,
    })
}

/// Lines with their ends, as Jupyter keeps them.
fn lines_of(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jupyter_documents_become_source_and_come_back() {
        let document = json!({
            "cells": [
                {"cell_type": "markdown", "source": ["# Title\n", "text"]},
                {"cell_type": "code", "source": "print(1)\nprint(2)"},
                {"cell_type": "code", "source": ["%sql\n", "SELECT 1"]},
            ],
            "metadata": {"kernelspec": {"language": "python"}},
        });
        let (language, source) = from_jupyter(document.to_string().as_bytes()).unwrap();
        assert_eq!(language, "PYTHON");
        let text = String::from_utf8(source.clone()).unwrap();
        assert_eq!(
            text,
            "# Databricks notebook source\n# MAGIC %md\n# MAGIC # Title\n# MAGIC text\n\n# COMMAND ----------\n\n\
             print(1)\nprint(2)\n\n# COMMAND ----------\n\n# MAGIC %sql\n# MAGIC SELECT 1"
        );
        let back = to_jupyter(language, &source);
        let sources: Vec<_> = back["cells"].as_array().unwrap().iter().map(|c| c["source"].clone()).collect();
        assert_eq!(sources[0], json!(["# Title\n", "text"]));
        assert_eq!(sources[1], json!(["print(1)\n", "print(2)"]));
        assert_eq!(sources[2], json!(["%sql\n", "SELECT 1"]));
        assert!(from_jupyter(b"{}").is_err() && from_jupyter(b"print(1)").is_err());
    }

    #[test]
    fn sources_are_marked_once() {
        assert_eq!(marked("SQL", b"SELECT 1".to_vec()), b"-- Databricks notebook source\nSELECT 1");
        let once = marked("PYTHON", b"1".to_vec());
        assert_eq!(marked("PYTHON", once.clone()), once);
        assert_eq!(without_ending("/a/b.c/n.py"), "/a/b.c/n");
        assert_eq!(without_ending("/a/b.c/n"), "/a/b.c/n");
    }
}
