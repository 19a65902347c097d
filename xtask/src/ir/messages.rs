//! Schemas become messages, enums and types.

use anyhow::{Context, Result, bail, ensure};

use super::{Doc, Enum, Mark, Member, Message, Ty, TypeRef, Value, names};
use crate::spec::{Documents, Kind, Schema, Signatures, Source, Texts, Wkt, schema_name};

/// What is gathered while the schemas of one package are read.
pub(crate) struct Lowering<'a> {
    pub(crate) documents: &'a Documents,
    pub(crate) package: &'a str,
    pub(crate) texts: &'a Texts,
    pub(crate) signatures: &'a mut Signatures,
    messages: Vec<Message>,
    enums: Vec<Enum>,
}

impl<'a> Lowering<'a> {
    pub(crate) fn new(documents: &'a Documents, package: &'a str, signatures: &'a mut Signatures) -> Self {
        Self {
            documents,
            package,
            texts: &documents.texts[package],
            signatures,
            messages: Vec::new(),
            enums: Vec::new(),
        }
    }

    pub(crate) fn finish(self) -> (Vec<Message>, Vec<Enum>) {
        let Self { mut messages, mut enums, .. } = self;
        messages.sort_by(|a, b| a.name.cmp(&b.name));
        enums.sort_by(|a, b| a.name.cmp(&b.name));
        (messages, enums)
    }

    /// Adds a member that comes from a header, unless the message has it.
    pub(crate) fn add_header(&mut self, message: &str, member: Member) -> Result<()> {
        let message =
            self.messages.iter_mut().find(|m| m.name == message).with_context(|| format!("no message {message}"))?;
        if !message.members().any(|(known, _)| known.wire == member.wire) {
            message.optional.push(member);
        }
        Ok(())
    }

    /// The members of a message that come from headers.
    pub(crate) fn header_members(&self, message: &str) -> Result<Vec<Member>> {
        let message =
            self.messages.iter().find(|m| m.name == message).with_context(|| format!("no message {message}"))?;
        Ok(message.optional.iter().filter(|member| member.header).cloned().collect())
    }

    /// Whether a schema or a message made from an inline object has this name.
    pub(crate) fn has_type(&self, name: &str) -> bool {
        self.documents.packages[self.package].components.schemas.contains_key(name)
            || self.messages.iter().any(|m| m.name == name)
    }

    /// A schema of the document's list.
    pub(crate) fn schema(&mut self, name: &str, schema: &Schema) -> Result<()> {
        match (schema.kind, &schema.values) {
            (Some(Kind::String), Some(values)) => self.enumeration(name, schema, values),
            (Some(Kind::Object), None) => self.message(name, schema),
            _ => bail!("neither an object nor a list of texts"),
        }
    }

    fn enumeration(&mut self, name: &str, schema: &Schema, values: &[String]) -> Result<()> {
        let more = self.documents.overrides.enum_values.get(&format!("{}.{name}", self.package));
        let all = values.iter().chain(more.into_iter().flatten());
        let values = all
            .map(|wire| Value {
                name: names::variant(wire),
                wire: wire.clone(),
                doc: Doc {
                    text: self.texts.schema(name, wire).map(str::to_owned),
                    facts: vec![format!("`{wire}` on the wire.")],
                    deprecated: schema.deprecated_values.contains(wire),
                    retired: None,
                },
            })
            .collect();
        self.enums.push(Enum { name: name.to_owned(), gated: false, doc: self.doc(name, "", schema), values });
        Ok(())
    }

    /// An object: one of the document's list, or one that stands within another schema.
    pub(crate) fn message(&mut self, name: &str, schema: &Schema) -> Result<()> {
        ensure!(schema.additional.is_none(), "an object with both members and free-form entries");
        let mut message = Message {
            name: name.to_owned(),
            gated: false,
            doc: self.doc(name, "", schema),
            required: vec![],
            optional: vec![],
            stream: None,
        };
        let arguments = self.frozen_arguments(name, schema);
        for (wire, property) in schema.properties.iter().flatten() {
            let mut doc = self.doc(name, wire, property);
            let rust = names::member(wire, property.snake.as_deref());
            match property.source {
                Some(Source::Stream) => {
                    ensure!(message.stream.is_none(), "two members are the body's stream");
                    doc.facts.push("The body of the response.".to_owned());
                    message.stream = Some(Member {
                        name: rust,
                        wire: wire.clone(),
                        ty: Ty::Any,
                        doc,
                        header: false,
                        read_only: true,
                        mark: Mark::None,
                    });
                    continue;
                }
                Some(Source::Header) => doc.facts.push(format!("From the header `{wire}` of the response.")),
                None => {}
            }
            let path = format!("{}.{name}.{wire}", self.package);
            let described = self.documents.overrides.types.get(&path).unwrap_or(property);
            let ty = self
                .ty(described, &format!("{name}{}", names::camel(wire)))
                .with_context(|| format!("member {wire}"))?;
            doc.facts.extend(facts(&rust, wire, property.source, property));
            let relaxed = self.documents.overrides.optional.contains(&format!("{}.{name}.{wire}", self.package));
            if schema.required.contains(wire) && !arguments.contains(wire) && !relaxed {
                doc.facts.push("Required, though not an argument.".to_owned());
            }
            let member = Member {
                name: rust,
                wire: wire.clone(),
                ty,
                doc,
                header: property.source == Some(Source::Header),
                read_only: property.read_only,
                mark: Mark::None,
            };
            if arguments.contains(wire) { &mut message.required } else { &mut message.optional }.push(member);
        }
        // Arguments stand in the order of the frozen list.
        message.required.sort_by_key(|member| arguments.iter().position(|wire| *wire == member.wire));
        self.messages.push(message);
        Ok(())
    }

    fn frozen_arguments(&mut self, name: &str, schema: &Schema) -> Vec<String> {
        let key = format!("{}.{name}", self.package);
        let exists =
            |wire: &&String| schema.properties.as_ref().is_some_and(|properties| properties.contains_key(*wire));
        let arguments: Vec<String> = match self.documents.signatures.messages.get(&key) {
            Some(frozen) => frozen.iter().filter(exists).cloned().collect(),
            None => {
                let relaxed = |wire: &&String| !self.documents.overrides.optional.contains(&format!("{key}.{wire}"));
                schema.required.iter().filter(exists).filter(relaxed).cloned().collect()
            }
        };
        self.signatures.messages.insert(key, arguments.clone());
        arguments
    }

    /// The doc of a schema, or of a member of it that `described` describes.
    fn doc(&self, schema: &str, member: &str, described: &Schema) -> Doc {
        Doc {
            text: self.texts.schema(schema, member).map(str::to_owned),
            facts: Vec::new(),
            deprecated: described.deprecated,
            retired: described.retired.clone(),
        }
    }

    /// The type of a value. An object with members that stands here becomes a message named `inline`.
    pub(crate) fn ty(&mut self, schema: &Schema, inline: &str) -> Result<Ty> {
        if let Some(reference) = &schema.reference {
            return self.reference(reference);
        }
        let Some(kind) = schema.kind else {
            return Ok(Ty::Any);
        };
        Ok(match (kind, schema.format.as_deref(), schema.wkt) {
            (Kind::String, Some("date-time"), None | Some(Wkt::Timestamp)) => Ty::Timestamp,
            (Kind::String, Some("duration"), Some(Wkt::Duration)) => Ty::Duration,
            (Kind::String, None, Some(Wkt::FieldMask)) => Ty::FieldMask,
            (Kind::String, None, None) => match schema.values.as_deref() {
                None => Ty::String,
                Some([only]) if only == "true" => Ty::Flag,
                Some(values) => bail!("a list of texts that is not a schema of its own: {values:?}"),
            },
            (Kind::Integer, Some("int32" | "int64"), None) => Ty::Int,
            (Kind::Number, Some("double"), None) => Ty::Float,
            (Kind::Boolean, None, None) => Ty::Bool,
            (Kind::Array, None, None) => {
                let items = schema.items.as_deref().context("a list of unknown items")?;
                Ty::List(Box::new(self.ty(items, inline)?))
            }
            (Kind::Object, None, None) => match (&schema.additional, &schema.properties) {
                (Some(values), None) if values.kind.is_none() && values.reference.is_none() => Ty::Object,
                (Some(values), None) => Ty::Map(Box::new(self.ty(values, inline)?)),
                (None, Some(_)) => {
                    ensure!(!self.has_type(inline), "an object within needs a name, and {inline} is taken");
                    self.message(inline, schema)?;
                    Ty::Message(TypeRef { package: self.package.to_owned(), name: inline.to_owned() })
                }
                (None, None) => Ty::Object,
                (Some(_), Some(_)) => bail!("an object with both members and free-form entries"),
            },
            (kind, format, wkt) => bail!("a value of type {kind:?}, format {format:?}, {wkt:?}"),
        })
    }

    fn reference(&self, reference: &str) -> Result<Ty> {
        let (package, name) = schema_name(reference, self.package)?;
        let target = self
            .documents
            .packages
            .get(package)
            .and_then(|document| document.components.schemas.get(name))
            .with_context(|| format!("{reference} does not exist"))?;
        let name = TypeRef { package: package.to_owned(), name: name.to_owned() };
        Ok(if target.values.is_some() { Ty::Enum(name) } else { Ty::Message(name) })
    }
}

/// What is known of a member or an input without a text.
pub(crate) fn facts(rust: &str, wire: &str, source: Option<Source>, schema: &Schema) -> Vec<String> {
    let mut facts = Vec::new();
    if rust.trim_end_matches('_') != wire && source.is_none() {
        facts.push(format!("`{wire}` on the wire."));
    }
    if !schema.examples.is_empty() {
        facts.push(format!("Such as `{}`.", schema.examples.join("`, `")));
    }
    facts
}
