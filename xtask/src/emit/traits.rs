//! Implementations beside an operation: paging, waiting, long-running work, data planes.

use anyhow::{Context, Result};
use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

use super::source::{Place, tokens};
use crate::ir::{Argument, DataPlane, Input, Lro, Operation, OperationRef, Paging, PagingKind, Step, Ty, Wait};

pub(crate) fn implementations(operation: &Operation, place: Place<'_>) -> Result<TokenStream> {
    let name = format_ident!("{}", operation.name);
    let paging = operation.paging.as_ref().map(|it| paging(&name, it, place)).transpose()?;
    let wait = operation.wait.as_ref().map(|it| wait(&name, it, place)).transpose()?;
    let lro = operation.lro.as_ref().map(|it| lro(&name, it, place)).transpose()?;
    anyhow::ensure!(operation.wait.is_none() || operation.lro.is_none(), "{} completes in two ways", operation.id);
    let data_plane = operation.data_plane.as_ref().map(|it| data_plane(&name, it)).transpose()?;
    Ok(quote!(#paging #wait #lro #data_plane))
}

fn paging(name: &proc_macro2::Ident, paging: &Paging, place: Place<'_>) -> Result<TokenStream> {
    let item = place.tokens(&paging.item)?;
    let items = format_ident!("{}", paging.items.name);
    let items = if paging.items.required { quote!(output.#items) } else { quote!(output.#items.unwrap_or_default()) };
    let optional = |step: &Step| {
        let member = format_ident!("{}", step.name);
        if step.required { quote!(Some(output.#member)) } else { quote!(output.#member) }
    };
    let initial = |wanted: &Input| {
        let value =
            paging.initial.iter().find(|(input, _)| input.name == wanted.name).and_then(|(_, value)| value.as_i64());
        value.map(Literal::i64_unsuffixed).with_context(|| format!("nothing says where {} starts", wanted.wire))
    };
    let (next, received, advance) = match &paging.kind {
        PagingKind::Single => (quote!(databricks_core::Continuation::End), quote!(_received), quote!(next.refuse())),
        PagingKind::Token { request, response, clears } => {
            let (request, response) = (format_ident!("{}", request.name), optional(response));
            let clears = clears.iter().map(|input| format_ident!("{}", input.name));
            let next = quote!(databricks_core::Continuation::from_token(#response));
            (next, quote!(_received), quote!(self.#request = Some(next.token()?); #(self.#clears = None;)* Ok(())))
        }
        PagingKind::Index { request } | PagingKind::Page { request } => {
            let (first, field) = (initial(request)?, format_ident!("{}", request.name));
            let by = if matches!(paging.kind, PagingKind::Page { .. }) {
                (quote!(_received), quote!(1))
            } else {
                (quote!(received), quote!(received))
            };
            let (parameter, step) = by;
            let advance = quote!(self.#field = Some(next.index(self.#field.unwrap_or(#first), #step)?); Ok(()));
            (quote!(databricks_core::Continuation::Count), parameter, advance)
        }
        PagingKind::Body { response, inputs } => {
            let ty = place.tokens(&response.ty)?;
            let response = optional(response);
            let copies = inputs.iter().map(|(input, step)| {
                let (field, member) = (format_ident!("{}", input.name), format_ident!("{}", step.name));
                if step.required {
                    quote!(self.#field = Some(body.#member);)
                } else {
                    quote!(self.#field = body.#member;)
                }
            });
            let advance = quote!(let body: #ty = next.body()?; #(#copies)* Ok(()));
            (quote!(databricks_core::Continuation::from_body(#response)), quote!(_received), advance)
        }
    };
    let sets = paging
        .initial
        .iter()
        .map(|(input, value)| (input, value, false))
        .chain(paging.defaults.iter().map(|(i, v)| (i, v, true)));
    let sets: Vec<_> = sets
        .filter_map(|(input, value, keep)| {
            let (field, value) = (format_ident!("{}", input.name), Literal::i64_unsuffixed(value.as_i64()?));
            Some(if keep { quote!(self.#field.get_or_insert(#value);) } else { quote!(self.#field = Some(#value);) })
        })
        .collect();
    let start = (!sets.is_empty()).then(|| quote!(#[inline] fn start(&mut self) { #(#sets)* }));
    let key = paging.key.as_ref().map(|step| {
        let member = format_ident!("{}", step.name);
        let key = if step.required { quote!(Some(item.#member.as_str())) } else { quote!(item.#member.as_deref()) };
        quote!(#[inline] fn key(item: &Self::Item) -> Option<&str> { #key })
    });
    Ok(quote! {
        impl databricks_core::Paginated for #name {
            type Item = #item;
            #start
            #[inline]
            fn split(output: Self::Output) -> databricks_core::Page<Self::Item> {
                databricks_core::Page::new(#items, #next)
            }
            #[inline]
            fn advance(&mut self, next: &databricks_core::Continuation, #received: usize) -> databricks_core::Result<()> { #advance }
            #key
        }
    })
}

/// The type of another operation of the package, seen from a service's module.
fn operation_path(reference: &OperationRef) -> Result<TokenStream> {
    tokens(&format!("super::{}::{}", reference.module, reference.name))
}

/// The arguments of a following operation, and whether they need the response.
fn arguments(arguments: &[Argument]) -> (Vec<TokenStream>, bool) {
    let list = arguments
        .iter()
        .map(|argument| {
            let (base, name, wire, required) = match argument {
                Argument::Request(input) => (quote!(self), &input.name, &input.wire, input.required),
                Argument::Response(step) => (quote!(output), &step.name, &step.wire, step.required),
            };
            let name = format_ident!("{}", name);
            if required {
                quote!(#base.#name.clone())
            } else {
                quote!(databricks_core::wait::required(#base.#name.as_ref(), #wire)?)
            }
        })
        .collect();
    (list, arguments.iter().any(|argument| matches!(argument, Argument::Response(_))))
}

/// An optional reference to what lies at the end of a path.
fn follow(base: &TokenStream, steps: &[Step]) -> TokenStream {
    let mut chain = TokenStream::new();
    for (i, step) in steps.iter().enumerate() {
        let name = format_ident!("{}", step.name);
        chain = match (i, step.required) {
            (0, true) => quote!(Some(&#base.#name)),
            (0, false) => quote!(#base.#name.as_ref()),
            (_, true) => quote!(#chain.map(|it| &it.#name)),
            (_, false) => quote!(#chain.and_then(|it| it.#name.as_ref())),
        };
    }
    chain
}

fn wait(name: &proc_macro2::Ident, wait: &Wait, place: Place<'_>) -> Result<TokenStream> {
    let poll = operation_path(&wait.poll)?;
    let (arguments, uses_output) = arguments(&wait.arguments);
    let output = if uses_output { quote!(output) } else { quote!(_output) };
    let polled = quote!(polled);
    let state = follow(&polled, &wait.status);
    let ty = place.tokens(&wait.status.last().context("the path to the state is empty")?.ty)?;
    let message = wait.message.as_ref().map_or_else(
        || quote!(None),
        |steps| {
            let message = follow(&polled, steps);
            quote!(#message.cloned())
        },
    );
    let (success, failure) = (&wait.success, &wait.failure);
    let seconds = Literal::u64_unsuffixed(wait.timeout_seconds);
    Ok(quote! {
        impl databricks_core::Waitable for #name {
            type Poll = #poll;
            type State = #ty;
            const SUCCESS: &'static [&'static str] = &[#(#success),*];
            const FAILURE: &'static [&'static str] = &[#(#failure),*];
            const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(#seconds);
            #[inline]
            fn poll(&self, #output: &Self::Output) -> databricks_core::Result<Self::Poll> {
                Ok(#poll::new(#(#arguments),*))
            }
            #[inline]
            fn state(polled: &<Self::Poll as databricks_core::Operation>::Output) -> Option<&Self::State> { #state }
            #[inline]
            fn status(polled: &<Self::Poll as databricks_core::Operation>::Output) -> databricks_core::WaitStatus {
                let state = Self::state(polled).map(|it| it.as_str()).unwrap_or_default();
                databricks_core::WaitStatus::new(state, #message)
            }
        }
    })
}

fn lro(name: &proc_macro2::Ident, lro: &Lro, place: Place<'_>) -> Result<TokenStream> {
    let poll = operation_path(&lro.poll)?;
    let (cancel, cancelling) = match &lro.cancel {
        Some((reference, _)) => {
            let cancel = operation_path(reference)?;
            let body = quote!(#[inline] fn cancel(name: &str) -> Option<Self::Cancel> { Some(#cancel::new(name)) });
            (cancel, body)
        }
        None => (poll.clone(), TokenStream::new()),
    };
    let result = lro.result.as_ref().map_or_else(|| Ok(quote!(())), |ty| place.tokens(ty))?;
    let metadata = place.tokens(lro.metadata.as_ref().unwrap_or(&Ty::Object))?;
    let m = &lro.members;
    let ident = |step: &Step| format_ident!("{}", step.name);
    let (named, wire) = (ident(&m.name), &m.name.wire);
    let named = if m.name.required { quote!(Some(&output.#named)) } else { quote!(output.#named.as_ref()) };
    let (done, error, response, meta) = (ident(&m.done), ident(&m.error), ident(&m.response), ident(&m.metadata));
    let (code, message) = (ident(&m.error_code), ident(&m.error_message));
    let error = quote!(output.#error.as_ref().map(|it| (it.#code.as_ref().map(|code| code.as_str().to_owned()), it.#message.clone())));
    let state = match lro.result {
        Some(_) => quote!(databricks_core::lro::state(output.#done, #error, output.#response.as_ref())),
        None => quote!(Ok(databricks_core::lro::state_without_result(output.#done, #error))),
    };
    Ok(quote! {
        impl databricks_core::LongRunning for #name {
            type Poll = #poll;
            type Cancel = #cancel;
            type Result = #result;
            type Metadata = #metadata;
            #[inline]
            fn name(output: &Self::Output) -> databricks_core::Result<String> {
                databricks_core::wait::required(#named, #wire)
            }
            #[inline]
            fn poll(name: &str) -> Self::Poll { #poll::new(name) }
            #cancelling
            #[inline]
            fn state(output: &Self::Output) -> databricks_core::Result<databricks_core::lro::LroState<Self::Result>> { #state }
            #[inline]
            fn metadata(output: &Self::Output) -> databricks_core::Result<Option<Self::Metadata>> {
                databricks_core::lro::decode(output.#meta.as_ref())
            }
        }
    })
}

fn data_plane(name: &proc_macro2::Ident, plane: &DataPlane) -> Result<TokenStream> {
    let control = operation_path(&plane.control)?;
    let (arguments, uses_output) = arguments(&plane.arguments);
    anyhow::ensure!(!uses_output, "a control operation is called before there is a response");
    let output = quote!(output);
    let (url, details) = (follow(&output, &plane.url), follow(&output, &plane.authorization_details));
    Ok(quote! {
        impl databricks_core::DataPlane for #name {
            type Control = #control;
            #[inline]
            fn control(&self) -> databricks_core::Result<Self::Control> { Ok(#control::new(#(#arguments),*)) }
            #[inline]
            fn target(output: &<Self::Control as databricks_core::Operation>::Output) -> Option<databricks_core::data_plane::Target> {
                databricks_core::data_plane::Target::new(#url, #details)
            }
        }
    })
}
