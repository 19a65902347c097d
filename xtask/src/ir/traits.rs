//! Paging, waiting, long-running work and data planes: what connects an operation with others.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use indexmap::IndexMap;

use super::{
    Argument, DataPlane, Input, Lro, LroMembers, Message, Operation, OperationRef, Package, Paging, PagingKind, Place,
    Step, Ty, TypeRef, Wait,
};
use crate::spec::{self, Bind, BindSource, Documents, PageKind, Schema, TokenPlace, operations_of, schema_name};

/// Fills paging, waits, long-running work and data planes of all operations.
pub(crate) fn resolve(documents: &Documents, packages: &mut BTreeMap<String, Package>) -> Result<()> {
    let mut found = Vec::new();
    for (name, document) in &documents.packages {
        let lookup = Lookup { packages, package: &packages[name] };
        for (_, _, source) in operations_of(document) {
            let connected = lookup.connect(documents, source).with_context(|| format!("operation {}", source.id))?;
            found.push((name.clone(), source.id.clone(), connected));
        }
    }
    for (package, id, connected) in found {
        let operations =
            packages.get_mut(&package).into_iter().flat_map(|p| &mut p.services).flat_map(|s| &mut s.operations);
        for operation in operations.filter(|operation| operation.id == id) {
            let Connected { paging, wait, lro, data_plane } = connected.clone();
            (operation.paging, operation.wait, operation.lro, operation.data_plane) = (paging, wait, lro, data_plane);
        }
    }
    Ok(())
}

#[derive(Clone)]
struct Connected {
    paging: Option<Paging>,
    wait: Option<Wait>,
    lro: Option<Lro>,
    data_plane: Option<DataPlane>,
}

struct Lookup<'a> {
    packages: &'a BTreeMap<String, Package>,
    package: &'a Package,
}

impl<'a> Lookup<'a> {
    fn connect(&self, documents: &Documents, source: &spec::Operation) -> Result<Connected> {
        let (_, operation) = self.operation(&source.id)?;
        let overrides = &documents.overrides;
        let paging = overrides.pagination.get(&source.id).or(source.pagination.as_ref());
        let wait = overrides.wait.get(&source.id).or(source.wait.as_ref());
        Ok(Connected {
            paging: paging
                .map(|paging| self.paging(operation, paging, overrides.token_alone.get(&source.id)))
                .transpose()
                .context("paging")?,
            wait: wait.map(|wait| self.wait(operation, wait)).transpose().context("wait")?,
            lro: source.lro.as_ref().map(|lro| self.lro(operation, lro)).transpose().context("long-running work")?,
            data_plane: source
                .data_plane
                .as_ref()
                .map(|plane| self.data_plane(operation, plane))
                .transpose()
                .context("data plane")?,
        })
    }

    fn operation(&self, id: &str) -> Result<(OperationRef, &'a Operation)> {
        for service in &self.package.services {
            if let Some(operation) = service.operations.iter().find(|operation| operation.id == id) {
                let reference =
                    OperationRef { id: id.to_owned(), module: service.module.clone(), name: operation.name.clone() };
                return Ok((reference, operation));
            }
        }
        bail!("{id} is not an operation of this package")
    }

    fn message(&self, ty: &Ty) -> Result<&'a Message> {
        let (Ty::Message(name) | Ty::Boxed(name)) = ty else { bail!("{ty:?} has no members") };
        let TypeRef { package, name } = name;
        let messages = self.packages.get(package).into_iter().flat_map(|package| &package.messages);
        messages.into_iter().find(|message| message.name == *name).with_context(|| format!("no message {name}"))
    }

    fn step(&self, ty: &Ty, wire: &str) -> Result<Step> {
        let message = self.message(ty)?;
        let (member, required) =
            message.member(wire).with_context(|| format!("{} has no member {wire}", message.name))?;
        Ok(Step { name: member.name.clone(), wire: wire.to_owned(), required, ty: member.ty.clone() })
    }

    /// Follows a dotted path.
    fn steps(&self, ty: &Ty, path: &str) -> Result<Vec<Step>> {
        let mut ty = ty.clone();
        path.split('.')
            .map(|wire| {
                let step = self.step(&ty, wire)?;
                ty = step.ty.clone();
                Ok(step)
            })
            .collect()
    }

    fn output(&self, operation: &Operation) -> Result<Ty> {
        operation.output.ty().with_context(|| format!("{} responds with nothing", operation.id))
    }

    fn schema_ty(&self, schema: &Schema) -> Result<Ty> {
        let reference = schema.reference.as_deref().context("no reference to a schema")?;
        let (package, name) = schema_name(reference, &self.package.name)?;
        let name = TypeRef { package: package.to_owned(), name: name.to_owned() };
        let is_message =
            self.packages.get(package).is_some_and(|package| package.messages.iter().any(|m| m.name == name.name));
        Ok(if is_message { Ty::Message(name) } else { Ty::Enum(name) })
    }

    /// * `alone`: the inputs that may stand beside the token, if others may not.
    fn paging(&self, operation: &Operation, paging: &spec::Pagination, alone: Option<&Vec<String>>) -> Result<Paging> {
        let output = self.output(operation)?;
        let items = self.step(&output, &paging.items)?;
        let Ty::List(item) = &items.ty else { bail!("{} is not a list", paging.items) };
        let item = (**item).clone();
        if paging.item.reference.is_some() {
            ensure!(self.schema_ty(&paging.item)? == item, "the items are {item:?}, not as stated");
        }
        let input = |wire: &Option<String>| {
            let wire = wire.as_deref().context("no request token")?;
            let input = operation.input(wire).with_context(|| format!("no input {wire}"))?;
            ensure!(!input.required, "{wire} is required");
            let place = match paging.place {
                Some(TokenPlace::Query) => Place::Query,
                Some(TokenPlace::Body) => Place::Member,
                None => bail!("no place of the token"),
            };
            ensure!(input.places == [place], "{wire} is not where it is said to be");
            Ok(input.clone())
        };
        let typed_input = |ty: Ty| {
            let input = input(&paging.request_token)?;
            ensure!(input.ty == ty, "{} is no {ty:?}", input.wire);
            Ok(input)
        };
        let response = || self.step(&output, paging.response_token.as_deref().context("no response token")?);
        let kind = match paging.kind {
            PageKind::Single => PagingKind::Single,
            PageKind::Token => {
                let response = response()?;
                ensure!(response.ty == Ty::String, "the token is no text");
                let request = typed_input(Ty::String)?;
                for name in alone.into_iter().flatten() {
                    ensure!(operation.input(name).is_some(), "no input {name} stands beside the token");
                }
                let cleared = |input: &&Input| {
                    alone.is_some_and(|kept| !kept.contains(&input.wire)) && input.wire != request.wire
                };
                let clears = operation.optional().filter(cleared).cloned().collect();
                PagingKind::Token { request, response, clears }
            }
            PageKind::StartIndex => PagingKind::Index { request: typed_input(Ty::Int)? },
            PageKind::Page => PagingKind::Page { request: typed_input(Ty::Int)? },
            PageKind::NextBody => {
                let response = response()?;
                ensure!(!response.required, "the next request is always there");
                let next = self.message(&response.ty)?;
                let inputs = operation
                    .optional()
                    .filter_map(|input| {
                        next.member(&input.wire).map(|_| Ok((input.clone(), self.step(&response.ty, &input.wire)?)))
                    })
                    .collect::<Result<_>>()?;
                PagingKind::Body { response, inputs }
            }
        };
        let values = |values: &IndexMap<String, serde_json::Value>| {
            values
                .iter()
                .map(|(wire, value)| {
                    let input = operation.input(wire).with_context(|| format!("no input {wire}"))?;
                    ensure!(
                        !input.required && input.ty == Ty::Int && value.is_i64(),
                        "{wire} is not an optional integer"
                    );
                    Ok((input.clone(), value.clone()))
                })
                .collect::<Result<Vec<_>>>()
        };
        let key = paging.dedup.as_deref().map(|wire| self.step(&item, wire)).transpose()?;
        ensure!(
            key.as_ref().is_none_or(|key| key.ty == Ty::String),
            "items are distinguished by something else than a string"
        );
        Ok(Paging { items, item, kind, initial: values(&paging.initial)?, defaults: values(&paging.defaults)?, key })
    }

    /// The arguments of an operation that follows, each from the request or the response.
    fn arguments(
        &self,
        operation: &Operation,
        follower: &Operation,
        bind: &IndexMap<String, Bind>,
    ) -> Result<Vec<Argument>> {
        for wire in bind.keys() {
            ensure!(follower.required().any(|input| input.wire == *wire), "{} has no argument {wire}", follower.id);
        }
        follower
            .required()
            .map(|wanted| {
                let bind = bind
                    .get(&wanted.wire)
                    .with_context(|| format!("nothing gives {} of {}", wanted.wire, follower.id))?;
                let (argument, ty) = match bind.from {
                    BindSource::Request => {
                        let input = operation.input(&bind.field).with_context(|| format!("no input {}", bind.field))?;
                        (Argument::Request(input.clone()), input.ty.clone())
                    }
                    BindSource::Response => {
                        let step = self.step(&self.output(operation)?, &bind.field)?;
                        let ty = step.ty.clone();
                        (Argument::Response(step), ty)
                    }
                };
                ensure!(
                    ty == wanted.ty,
                    "{} of {} is {:?}, and what is to give it {ty:?}",
                    wanted.wire,
                    follower.id,
                    wanted.ty
                );
                Ok(argument)
            })
            .collect()
    }

    fn wait(&self, operation: &Operation, wait: &spec::Wait) -> Result<Wait> {
        let (poll, polled) = self.operation(&wait.poll)?;
        let output = self.output(polled)?;
        ensure!(self.schema_ty(&wait.result)? == output, "the result is not what {} returns", wait.poll);
        let status = self.steps(&output, &wait.status)?;
        ensure!(status.last().is_some_and(|step| matches!(step.ty, Ty::Enum(_) | Ty::String)), "the status is no text");
        let message = wait.message.as_deref().map(|path| self.steps(&output, path)).transpose()?;
        ensure!(
            message.as_ref().and_then(|steps| steps.last()).is_none_or(|step| step.ty == Ty::String),
            "the message is no text"
        );
        Ok(Wait {
            poll,
            poll_inputs: polled.required().map(|input| input.wire.clone()).collect(),
            arguments: self.arguments(operation, polled, &wait.bind)?,
            status,
            message,
            success: wait.success.clone(),
            failure: wait.failure.clone(),
            timeout_seconds: wait.timeout_seconds,
        })
    }

    fn lro(&self, operation: &Operation, lro: &spec::Lro) -> Result<Lro> {
        let (poll, polled) = self.operation(&lro.poll)?;
        let output = self.output(operation)?;
        ensure!(self.schema_ty(&lro.operation)? == output && self.output(polled)? == output, "the responses differ");
        let arguments = self.arguments(operation, polled, &lro.bind)?;
        let [Argument::Response(name)] = arguments.as_slice() else {
            bail!("{} is not polled by name alone", lro.poll);
        };
        let cancel = match &lro.cancel {
            Some(id) => {
                let (cancel, cancelling) = self.operation(id)?;
                let inputs: Vec<_> = cancelling.required().collect();
                let [input] = inputs.as_slice() else { bail!("{id} does not cancel by name alone") };
                Some((cancel, input.wire.clone()))
            }
            None => None,
        };
        let error = self.step(&output, &lro.error)?;
        let members = LroMembers {
            name: name.clone(),
            done: self.step(&output, &lro.done)?,
            error_code: self.step(&error.ty, "error_code")?,
            error_message: self.step(&error.ty, "message")?,
            error,
            response: self.step(&output, &lro.response)?,
            metadata: self.step(&output, &lro.metadata)?,
        };
        let all = [
            &members.done,
            &members.error,
            &members.error_code,
            &members.error_message,
            &members.response,
            &members.metadata,
        ];
        ensure!(all.iter().all(|step| !step.required), "members of an operation resource are required");
        ensure!(
            members.response.ty == Ty::Object && members.metadata.ty == Ty::Object,
            "result and metadata are no free-form objects"
        );
        let ty = |schema: &Option<Schema>| schema.as_ref().map(|schema| self.schema_ty(schema)).transpose();
        let poll_input = lro.bind.keys().next().cloned().unwrap_or_default();
        Ok(Lro { poll, poll_input, cancel, result: ty(&lro.result_type)?, metadata: ty(&lro.metadata_type)?, members })
    }

    fn data_plane(&self, operation: &Operation, plane: &spec::DataPlane) -> Result<DataPlane> {
        let (control, controlling) = self.operation(&plane.control_operation)?;
        let output = self.output(controlling)?;
        Ok(DataPlane {
            control,
            arguments: self.arguments(operation, controlling, &plane.bind)?,
            url: self.steps(&output, &plane.url)?,
            authorization_details: self.steps(&output, &plane.authorization_details)?,
        })
    }
}
