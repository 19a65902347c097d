//! SHOW CREATE TABLE: the statement that makes a table or view.

use super::super::store::table::{Column, Constraint};
use super::super::store::{About, Name, Relation};

fn text(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn identifier(name: &str) -> String {
    let plain =
        name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.starts_with(|c: char| c.is_ascii_digit());
    if plain { name.to_owned() } else { format!("`{}`", name.replace('`', "``")) }
}

fn column(c: &Column) -> String {
    let mut out = format!("{} {}", identifier(&c.name), c.type_text().to_uppercase());
    if let Some(generated) = &c.generated {
        out.push_str(&format!(" GENERATED ALWAYS AS ({generated})"));
    }
    if let Some(i) = &c.identity {
        let how = if i.always { "ALWAYS" } else { "BY DEFAULT" };
        out.push_str(&format!(" GENERATED {how} AS IDENTITY (START WITH {} INCREMENT BY {})", i.start, i.step));
    }
    if let Some(default) = &c.default {
        out.push_str(&format!(" DEFAULT {default}"));
    }
    if !c.nullable {
        out.push_str(" NOT NULL");
    }
    if let Some(comment) = &c.comment {
        out.push_str(&format!(" COMMENT {}", text(comment)));
    }
    if let Some(mask) = &c.mask {
        out.push_str(&format!(" {}", mask.mask()));
    }
    out
}

fn list(names: &[String]) -> String {
    names.iter().map(|n| identifier(n)).collect::<Vec<_>>().join(", ")
}

fn stated(about: &About) -> String {
    let mut out = String::new();
    if let Some(comment) = &about.comment {
        out.push_str(&format!("COMMENT {}\n", text(comment)));
    }
    if !about.properties.is_empty() {
        let pairs: Vec<_> = about.properties.iter().map(|(k, v)| format!("  {} = {}", text(k), text(v))).collect();
        out.push_str(&format!("TBLPROPERTIES (\n{})\n", pairs.join(",\n")));
    }
    out
}

pub(super) fn statement(name: &Name, relation: &Relation) -> String {
    match relation {
        Relation::View(view) => {
            let kind = if view.temporary { "TEMPORARY VIEW" } else { "VIEW" };
            let columns: Vec<_> = view
                .columns
                .iter()
                .map(|c| match &c.comment {
                    Some(comment) => format!("  {} COMMENT {}", identifier(&c.name), text(comment)),
                    None => format!("  {}", identifier(&c.name)),
                })
                .collect();
            let shown = if view.temporary { name.object.clone() } else { name.plain() };
            format!("CREATE {kind} {shown} (\n{})\n{}AS {}\n", columns.join(",\n"), stated(&view.about), view.text)
        }
        Relation::Table(table) => {
            let state = table.state();
            let mut lines: Vec<_> = state.columns.iter().map(|c| format!("  {}", column(c))).collect();
            for (name, constraint) in &state.constraints {
                match constraint {
                    Constraint::PrimaryKey(columns) => {
                        lines.push(format!("  CONSTRAINT {} PRIMARY KEY ({})", identifier(name), list(columns)));
                    }
                    Constraint::ForeignKey(columns, references) => lines.push(format!(
                        "  CONSTRAINT {} FOREIGN KEY ({}) {references}",
                        identifier(name),
                        list(columns)
                    )),
                    Constraint::Check(check) => {
                        lines.push(format!("  CONSTRAINT {} CHECK ({check})", identifier(name)));
                    }
                }
            }
            let mut out = format!("CREATE TABLE {} (\n{})\nUSING delta\n", name.plain(), lines.join(",\n"));
            if !state.partitions.is_empty() {
                out.push_str(&format!("PARTITIONED BY ({})\n", list(&state.partitions)));
            }
            if !state.clusters.is_empty() {
                out.push_str(&format!("CLUSTER BY ({})\n", list(&state.clusters)));
            }
            out.push_str(&stated(&state.about));
            if let Some(filter) = &state.filter {
                out.push_str(&format!("WITH {}\n", filter.filter()));
            }
            out
        }
    }
}
