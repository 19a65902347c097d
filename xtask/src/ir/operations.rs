//! Operations: inputs and where they go, bodies, outputs.

use anyhow::{Context, Result, bail, ensure};
use indexmap::IndexMap;

use super::messages::{Lowering, facts};
use super::outputs::output;
use super::{Class, Doc, Input, Mark, Operation, Place, StreamInput, Ty, UpdateMask, names};
use crate::spec::{self, Generate, Kind, Method, ParameterPlace, Schema};

pub(crate) fn operation(
    lowering: &mut Lowering<'_>,
    path: &str,
    method: Method,
    source: &spec::Operation,
) -> Result<Operation> {
    let (_, short) = source.id.split_once('.').context("an id without a service")?;
    let mut request = Request::default();
    for parameter in &source.parameters {
        request
            .parameter(lowering, source, path, parameter)
            .with_context(|| format!("parameter {}", parameter.name))?;
    }
    if let Some(body) = &source.request_body {
        request.body(lowering, source, body).context("request body")?;
    }
    check_path(path, &source.parameters)?;
    let mask = request.mask(lowering, source)?;
    let (inputs, stream) = request.arrange(lowering, source, path);
    let key = idempotency_key(lowering, source, &inputs)?;
    let (output, header_members) = output(lowering, source, short)?;
    let mut doc = Doc {
        text: lowering.texts.operation(&source.id, "").map(str::to_owned),
        facts: vec![format!("`{} {path}`", method.upper())],
        deprecated: source.deprecated,
        retired: source.retired.clone(),
    };
    let preview = lowering.documents.preview.operation(lowering.package, &source.id);
    doc.facts.extend(preview.map(|stage| stage.sentence().to_owned()));
    if let Some(key) = &key {
        doc.facts.push(format!("A fresh idempotency key is sent in `{key}` unless you set one."));
    }
    Ok(Operation {
        id: source.id.clone(),
        name: names::camel(short),
        method_name: names::method(short),
        method,
        path: path.to_owned(),
        scope: source.scope,
        workspace_header: source.workspace_header,
        class: class(lowering, source, key.is_some()),
        preview,
        gated: false,
        doc,
        inputs,
        constants: request.constants,
        json_object: request.json_object,
        stream,
        output,
        header_members,
        paging: None,
        wait: None,
        lro: None,
        key,
        mask,
        data_plane: None,
    })
}

#[derive(Default)]
struct Request {
    /// By wire name.
    inputs: IndexMap<String, Input>,
    constants: Vec<(String, String)>,
    json_object: bool,
    stream: Option<StreamInput>,
}

impl Request {
    fn parameter(
        &mut self,
        lowering: &mut Lowering<'_>,
        source: &spec::Operation,
        path: &str,
        parameter: &spec::Parameter,
    ) -> Result<()> {
        if let Some(setting) = &parameter.from_config {
            let known = setting == "account_id" && parameter.name == "account_id" && path.contains("{account_id}");
            ensure!(known, "only the account id in the path can come from the configuration");
            return Ok(());
        }
        let flat = (parameter.style, parameter.explode, parameter.flatten);
        ensure!(
            matches!(
                flat,
                (None, None, None) | (Some(spec::Style::DeepObject), Some(true), Some(spec::Flatten::Dotted))
            ),
            "a style that is not known: {flat:?}"
        );
        if let Some(value) = &parameter.schema.constant {
            ensure!(parameter.place == ParameterPlace::Query, "a constant outside of the query");
            self.constants.push((parameter.name.clone(), value.clone()));
            return Ok(());
        }
        let slashes = parameter.multi_segment
            || lowering.documents.overrides.multi_segment.contains(&format!("{}.{}", source.id, parameter.name));
        let place = match (parameter.place, slashes) {
            (ParameterPlace::Path, false) => Place::Path,
            (ParameterPlace::Path, true) => Place::Segments,
            (ParameterPlace::Query, false) => Place::Query,
            (ParameterPlace::Header, false) => Place::Header,
            _ => bail!("a value with slashes outside of the path"),
        };
        ensure!(parameter.place != ParameterPlace::Path || parameter.required, "an optional path parameter");
        let ty = lowering.ty(&parameter.schema, "")?;
        ensure!(place != Place::Header || ty == Ty::String, "a header that is no text");
        ensure!(!matches!(place, Place::Path | Place::Segments) || displays(&ty), "a path parameter of type {ty:?}");
        let rust = names::input(&parameter.name, parameter.snake.as_deref());
        let mut doc = input_doc(lowering, source, &parameter.name, parameter.deprecated || parameter.schema.deprecated);
        doc.retired = parameter.retired.clone();
        doc.facts.extend(facts(&rust, &parameter.name, None, &parameter.schema));
        match parameter.patterns.as_slice() {
            [] => {}
            [one] => doc.facts.push(format!("Of the form `{one}`.")),
            several => doc.facts.push(format!("Of one of the forms `{}`.", several.join("`, `"))),
        }
        let input = Input {
            name: rust,
            wire: parameter.name.clone(),
            ty,
            doc,
            required: parameter.required,
            stated_required: parameter.required,
            places: vec![place],
            mark: Mark::None,
        };
        ensure!(self.inputs.insert(parameter.name.clone(), input).is_none(), "given twice");
        Ok(())
    }

    fn body(&mut self, lowering: &mut Lowering<'_>, source: &spec::Operation, body: &spec::RequestBody) -> Result<()> {
        let ((media_type, content), 1) = (body.content.first().context("no content")?, body.content.len()) else {
            bail!("several media types");
        };
        let schema = &content.schema;
        match media_type.as_str() {
            "application/json" => match &body.param {
                Some(name) => self.whole_body(lowering, source, name, schema, body.required),
                None => self.json_members(lowering, source, schema, Place::Member),
            },
            "multipart/form-data" => self.json_members(lowering, source, schema, Place::Form),
            _ => {
                ensure!(
                    schema.kind == Some(Kind::String) && schema.format.as_deref() == Some("binary"),
                    "a body of {media_type} that is not a stream"
                );
                let name = body.param.as_deref().unwrap_or("contents");
                self.stream(lowering, source, name, Some(media_type.clone()))
            }
        }
    }

    fn stream(
        &mut self,
        lowering: &Lowering<'_>,
        source: &spec::Operation,
        wire: &str,
        media_type: Option<String>,
    ) -> Result<()> {
        ensure!(self.stream.is_none(), "two streams");
        let doc = input_doc(lowering, source, wire, false);
        self.stream = Some(StreamInput { name: names::input(wire, None), wire: wire.to_owned(), doc, media_type });
        Ok(())
    }

    fn whole_body(
        &mut self,
        lowering: &mut Lowering<'_>,
        source: &spec::Operation,
        wire: &str,
        schema: &Schema,
        required: bool,
    ) -> Result<()> {
        let ty = lowering.ty(schema, "")?;
        let input = Input {
            name: names::input(wire, None),
            wire: wire.to_owned(),
            ty,
            doc: input_doc(lowering, source, wire, schema.deprecated),
            required,
            stated_required: required,
            places: vec![Place::Json],
            mark: Mark::None,
        };
        ensure!(self.inputs.insert(wire.to_owned(), input).is_none(), "the body has the name of a parameter, {wire}");
        Ok(())
    }

    fn json_members(
        &mut self,
        lowering: &mut Lowering<'_>,
        source: &spec::Operation,
        schema: &Schema,
        place: Place,
    ) -> Result<()> {
        ensure!(
            schema.kind == Some(Kind::Object) && schema.additional.is_none(),
            "a body that is neither an argument nor made of them"
        );
        self.json_object = place == Place::Member;
        for (wire, property) in schema.properties.iter().flatten() {
            if property.format.as_deref() == Some("binary") {
                ensure!(place == Place::Form, "bytes within JSON");
                self.stream(lowering, source, wire, None)?;
                continue;
            }
            let (_, short) = source.id.split_once('.').unwrap_or_default();
            let inline = format!("{}Request{}", names::camel(short), names::camel(wire));
            let ty = lowering.ty(property, &inline).with_context(|| format!("member {wire}"))?;
            ensure!(place != Place::Form || displays(&ty), "a form's field of type {ty:?}");
            let required = schema.required.contains(wire);
            if let Some(parameter) = self.inputs.get_mut(wire) {
                ensure!(parameter.ty == ty, "{wire} is both a parameter and in the body, with different types");
                parameter.places.push(place);
                continue;
            }
            let rust = names::input(wire, property.snake.as_deref());
            let mut doc = input_doc(lowering, source, wire, property.deprecated);
            doc.retired = property.retired.clone();
            doc.facts.extend(facts(&rust, wire, None, property));
            self.inputs.insert(
                wire.clone(),
                Input {
                    name: rust,
                    wire: wire.clone(),
                    ty,
                    doc,
                    required,
                    stated_required: required,
                    places: vec![place],
                    mark: Mark::None,
                },
            );
        }
        Ok(())
    }

    /// Makes the mask of an update an input that may be left out, since it follows from what is set.
    fn mask(&mut self, lowering: &Lowering<'_>, source: &spec::Operation) -> Result<Option<UpdateMask>> {
        let Some(mask) = &source.field_mask else { return Ok(None) };
        let decided = lowering.documents.overrides.field_masks.get(&source.id);
        let input =
            self.inputs.get_mut(&mask.input).with_context(|| format!("the mask {} is not an input", mask.input))?;
        if let Some(reason) = decided.and_then(|decided| decided.none.as_ref()) {
            input.doc.facts.push(format!("Not computed: {reason}."));
            return Ok(None);
        }
        let place = match input.places.as_slice() {
            [Place::Query] => Place::Mask,
            [Place::Member] => Place::MaskMember,
            other => bail!("the mask {} stands at {other:?}", mask.input),
        };
        ensure!(matches!(input.ty, Ty::String | Ty::FieldMask), "the mask {} is not a text", mask.input);
        (input.ty, input.places, input.required) = (Ty::FieldMask, vec![place], false);
        input.doc.facts.push(format!("Unless it is set, it names what is set in `{}`.", mask.of));
        if let Some(paths) = decided.map(|decided| &decided.paths).filter(|paths| !paths.is_empty()) {
            input.doc.facts.push(format!("It can hold `{}`.", paths.join("`, `")));
        }
        Ok(Some(UpdateMask { input: mask.input.clone(), of: mask.of.clone(), entries: String::new() }))
    }

    /// Brings the inputs into order: arguments as frozen, then the rest as described.
    fn arrange(
        &mut self,
        lowering: &mut Lowering<'_>,
        source: &spec::Operation,
        path: &str,
    ) -> (Vec<Input>, Option<StreamInput>) {
        let mut inputs: Vec<Input> = std::mem::take(&mut self.inputs).into_values().collect();
        let arguments: Vec<String> = match lowering.documents.signatures.operations.get(&source.id) {
            Some(frozen) => frozen
                .iter()
                .filter(|wire| inputs.iter().any(|input| input.wire == **wire && !is_mask(input)))
                .cloned()
                .collect(),
            None => {
                let mut required: Vec<_> = inputs.iter().filter(|input| input.required).collect();
                // Path parameters as the URL has them, then the others.
                required.sort_by_key(|input| path.find(&format!("{{{}}}", input.wire)).unwrap_or(usize::MAX));
                required.into_iter().map(|input| input.wire.clone()).collect()
            }
        };
        for input in &mut inputs {
            let frozen = arguments.contains(&input.wire);
            if input.required && !frozen {
                input.doc.facts.push("Required, though not an argument.".to_owned());
            }
            input.required = frozen;
        }
        inputs.sort_by_key(|input| arguments.iter().position(|wire| *wire == input.wire).unwrap_or(usize::MAX));
        lowering.signatures.operations.insert(source.id.clone(), arguments);
        (inputs, self.stream.take())
    }
}

fn is_mask(input: &Input) -> bool {
    matches!(input.places.as_slice(), [Place::Mask | Place::MaskMember])
}

/// Whether a value can stand in a path or a form.
fn displays(ty: &Ty) -> bool {
    matches!(
        ty,
        Ty::String | Ty::Int | Ty::Bool | Ty::Enum(_) | Ty::Timestamp | Ty::Duration | Ty::FieldMask | Ty::Flag
    )
}

/// The text of an input: its own, else that of the same member of the request's schema.
fn input_doc(lowering: &Lowering<'_>, source: &spec::Operation, wire: &str, deprecated: bool) -> Doc {
    let own = lowering.texts.operation(&source.id, wire);
    let shared = || source.request_name.as_deref().and_then(|schema| lowering.texts.schema(schema, wire));
    Doc { text: own.or_else(shared).map(str::to_owned), facts: Vec::new(), deprecated, retired: None }
}

/// Every parameter of the path exists, and every path parameter is in the path.
fn check_path(path: &str, parameters: &[spec::Parameter]) -> Result<()> {
    let in_path: Vec<&str> =
        path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect();
    for name in &in_path {
        let known =
            parameters.iter().any(|parameter| parameter.place == ParameterPlace::Path && parameter.name == *name);
        ensure!(known, "the path has {{{name}}}, which is not a parameter");
    }
    for parameter in parameters.iter().filter(|parameter| parameter.place == ParameterPlace::Path) {
        ensure!(in_path.contains(&parameter.name.as_str()), "the path has no {{{}}}", parameter.name);
    }
    Ok(())
}

fn idempotency_key(lowering: &Lowering<'_>, source: &spec::Operation, inputs: &[Input]) -> Result<Option<String>> {
    let marked = source.idempotency.as_ref().map(|idempotency| {
        let Generate::Uuid4 = idempotency.generate;
        &idempotency.param
    });
    let Some(wire) = marked.or_else(|| lowering.documents.overrides.idempotency_keys.get(&source.id)) else {
        return Ok(None);
    };
    let input = inputs
        .iter()
        .find(|input| input.wire == *wire)
        .with_context(|| format!("the idempotency key {wire} is not an input"))?;
    ensure!(!input.required && input.ty == Ty::String, "the idempotency key {wire} is not an optional text");
    Ok(Some(input.name.clone()))
}

fn class(lowering: &Lowering<'_>, source: &spec::Operation, keyed: bool) -> Class {
    let overrides = &lowering.documents.overrides;
    match &source.id {
        _ if keyed => Class::Keyed,
        id if overrides.read_only.contains(id) => Class::ReadOnly,
        id if overrides.idempotent.contains(id) => Class::Idempotent,
        id if overrides.not_idempotent.contains(id) => Class::NotIdempotent,
        _ => Class::OfMethod,
    }
}
