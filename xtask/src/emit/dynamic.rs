//! Operations as tables of facts, for the feature `dynamic`.

use anyhow::Result;
use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

use super::doc;
use super::source::{Source, tokens};
use crate::ir::{Api, Argument, Input, Lro, Operation, Package, Paging, PagingKind, Place, Step, Ty, Wait};

/// The tables of one package, in the order of ids.
pub(crate) fn tables(package: &Package, version: &str) -> Result<String> {
    let doc = format!("The operations of the package `{}` as tables of facts.", package.name);
    let mut source = Source::new(version, &[doc]);
    let mut all: Vec<_> = package
        .services
        .iter()
        .flat_map(|service| service.operations.iter().map(move |operation| (service, operation)))
        .collect();
    all.sort_by(|(_, a), (_, b)| a.id.cmp(&b.id));
    let tables = all
        .into_iter()
        .map(|(service, operation)| {
            let table = table(&tokens(&format!("super::{}::{}", service.module, operation.name))?, operation)?;
            // The docs of a table need not state the feature.
            let gate = operation.gated.then(|| quote!(#[cfg(feature = "preview")]));
            Ok(quote!(#gate #table))
        })
        .collect::<Result<Vec<_>>>()?;
    source.items(quote! {
        use databricks_core::dynamic::{Completion, OperationSchema, Input, Kind, Lro, Paging, Location, Source, PageStyle, Wait};
        use databricks_core::Operation;

        /// The operations, in the order of their ids.
        pub static OPERATIONS: &[OperationSchema] = &[#(#tables),*];
    })?;
    let text = source.finish()?;
    // A package need not have an example of everything that a table can state.
    Ok(text.replacen("use databricks_core::dynamic", "#[allow(unused_imports)]\nuse databricks_core::dynamic", 1))
}

/// The list of all packages that are built.
pub(crate) fn index(api: &Api) -> Result<String> {
    let mut source = Source::new(&api.version, &["All operations as tables of facts.".to_owned()]);
    let packages = api.packages.values().map(|package| {
        let (module, feature) = (format_ident!("{}", package.module), package.feature());
        quote!(#[cfg(feature = #feature)] super::#module::dynamic::OPERATIONS)
    });
    source.items(quote! {
        use databricks_core::dynamic::OperationSchema;

        /// The operations of every package that is built, in the order of their ids within each.
        pub(crate) static PACKAGES: &[&[OperationSchema]] = &[#(#packages),*];
    })?;
    source.finish()
}

fn table(ty: &TokenStream, operation: &Operation) -> Result<TokenStream> {
    let summary = doc::summary(&operation.doc);
    let inputs = operation.inputs.iter().map(input);
    let object = operation.json_object.then(|| quote!(.object()));
    let constants = (!operation.constants.is_empty()).then(|| {
        let pairs = operation.constants.iter().map(|(name, value)| quote!((#name, #value)));
        quote!(.constants(&[#(#pairs),*]))
    });
    let stream = operation.stream.as_ref().map(|stream| {
        let name = &stream.wire;
        let media_type = option(stream.media_type.as_ref().map(|it| quote!(#it)));
        quote!(.stream(#name, #media_type))
    });
    let headers = (!operation.header_members.is_empty()).then(|| {
        let names = operation.header_members.iter().map(|member| &member.wire);
        quote!(.headers(&[#(#names),*]))
    });
    let key =
        operation.key.as_ref().and_then(|key| operation.inputs.iter().find(|input| input.name == *key)).map(|input| {
            let wire = &input.wire;
            quote!(.key(#wire))
        });
    let mask = operation.mask.as_ref().map(|mask| {
        let (of, entries) = (&mask.of, &mask.entries);
        quote!(.masked(#of, #entries))
    });
    let paging = operation.paging.as_ref().map(paging);
    let completion = match (&operation.wait, &operation.lro) {
        (Some(it), _) => Some(wait(it)),
        (None, Some(it)) => Some(lro(it)),
        (None, None) => None,
    };
    Ok(
        quote!(OperationSchema::new(#ty::INFO, #summary, &[#(#inputs),*]) #object #constants #stream #headers #key #mask #paging #completion),
    )
}

fn input(input: &Input) -> TokenStream {
    let name = &input.wire;
    let constructor = if input.required { quote!(required) } else { quote!(optional) };
    let kind = match &input.ty {
        Ty::String | Ty::Timestamp | Ty::Duration | Ty::FieldMask | Ty::Enum(_) => quote!(Text),
        Ty::Int => quote!(Integer),
        Ty::Float => quote!(Number),
        Ty::Bool | Ty::Flag => quote!(Boolean),
        Ty::List(_) => quote!(List),
        Ty::Object | Ty::Map(_) | Ty::Message(_) | Ty::Boxed(_) => quote!(Object),
        // `null` is a value of these, too.
        Ty::Any | Ty::Nullable(_) => quote!(Any),
    };
    let places = input.places.iter().map(|place| match place {
        Place::Path => quote!(Location::Path),
        Place::Segments => quote!(Location::Segments),
        Place::Query => quote!(Location::Query),
        Place::Header => {
            let header = name.to_ascii_lowercase();
            quote!(Location::Header(#header))
        }
        Place::Member => quote!(Location::Member),
        Place::Json => quote!(Location::Json),
        Place::Mask => quote!(Location::Mask),
        Place::MaskMember => quote!(Location::MaskMember),
        Place::Form if input.ty == Ty::Flag => quote!(Location::Flag),
        Place::Form => quote!(Location::Field),
    });
    quote!(Input::#constructor(#name, Kind::#kind, &[#(#places),*]))
}

fn option(value: Option<TokenStream>) -> TokenStream {
    value.map_or_else(|| quote!(None), |value| quote!(Some(#value)))
}

fn paging(paging: &Paging) -> TokenStream {
    let items = &paging.items.wire;
    let turn = match &paging.kind {
        PagingKind::Single => quote!(PageStyle::Single),
        PagingKind::Token { request, response, .. } => {
            let (request, response) = (&request.wire, &response.wire);
            quote!(PageStyle::Token { request: #request, response: #response })
        }
        PagingKind::Index { request } => {
            let request = &request.wire;
            quote!(PageStyle::Index(#request))
        }
        PagingKind::Page { request } => {
            let request = &request.wire;
            quote!(PageStyle::Number(#request))
        }
        PagingKind::Body { response, .. } => {
            let response = &response.wire;
            quote!(PageStyle::Body(#response))
        }
    };
    let pairs = |values: &[(Input, serde_json::Value)]| {
        let pairs = values.iter().filter_map(|(input, value)| {
            let (name, value) = (&input.wire, Literal::i64_unsuffixed(value.as_i64()?));
            Some(quote!((#name, #value)))
        });
        quote!(&[#(#pairs),*])
    };
    let start = (!paging.initial.is_empty() || !paging.defaults.is_empty()).then(|| {
        let (initial, defaults) = (pairs(&paging.initial), pairs(&paging.defaults));
        quote!(.start(#initial, #defaults))
    });
    let key = paging.key.as_ref().map(|step| {
        let wire = &step.wire;
        quote!(.key(#wire))
    });
    let clears = match &paging.kind {
        PagingKind::Token { clears, .. } if !clears.is_empty() => {
            let names = clears.iter().map(|input| &input.wire);
            Some(quote!(.clears(&[#(#names),*])))
        }
        _ => None,
    };
    quote!(.paging(Paging::new(#items, #turn) #start #key #clears))
}

fn wires(steps: &[Step]) -> TokenStream {
    let names = steps.iter().map(|step| &step.wire);
    quote!(&[#(#names),*])
}

fn wait(wait: &Wait) -> TokenStream {
    let poll = &wait.poll.id;
    let bind = wait.poll_inputs.iter().zip(&wait.arguments).map(|(name, argument)| {
        let source = match argument {
            Argument::Request(input) => {
                let wire = &input.wire;
                quote!(Source::Request(#wire))
            }
            Argument::Response(step) => {
                let wire = &step.wire;
                quote!(Source::Response(#wire))
            }
        };
        quote!((#name, #source))
    });
    let (status, message) = (wires(&wait.status), wires(wait.message.as_deref().unwrap_or_default()));
    let (success, failure) = (&wait.success, &wait.failure);
    let seconds = Literal::u64_unsuffixed(wait.timeout_seconds);
    quote! {
        .completion(Completion::State(Wait {
            poll: #poll,
            bind: &[#(#bind),*],
            status: #status,
            message: #message,
            success: &[#(#success),*],
            failure: &[#(#failure),*],
            timeout_seconds: #seconds,
        }))
    }
}

fn lro(lro: &Lro) -> TokenStream {
    let (poll, input) = (&lro.poll.id, &lro.poll_input);
    let cancel = option(lro.cancel.as_ref().map(|(cancel, input)| {
        let id = &cancel.id;
        quote!((#id, #input))
    }));
    let name = &lro.members.name.wire;
    let result = lro.result.is_some();
    quote!(.completion(Completion::Operation(Lro { poll: (#poll, #input), cancel: #cancel, name: #name, result: #result })))
}
