//! The form in which generated operations are written, and the builder that their requests go through.

use http::HeaderName;
use serde::Serialize;

use crate::body::{Body, Part};
use crate::operation::{JsonObject, OperationInfo, Payload, RequestContext, RequestParts};
use crate::{Error, ErrorKind, Result};

/// Declares an operation of the API: a struct with its inputs, a constructor of the required ones, and its
/// [`Operation`](crate::Operation) implementation.
///
/// Each input states where it goes, by the name of a method of [`RequestBuilder`](crate::request::RequestBuilder). An
/// input that stands in two places names both. `request { … }` lists what does not depend on the inputs.
///
/// ```
/// use databricks_core::{Operation, RequestContext, ResponseParts};
///
/// databricks_core::operation! {
///     /// Renames a room.
///     Rename {
///         info: "rooms.rename", POST "/api/2.0/rooms/{id}/rename", Workspace;
///         output: () = ResponseParts::empty;
///         request { object() }
///         required {
///             /// Which room.
///             id: i64 = path "id",
///         }
///         optional {
///             /// What it is called from now on.
///             new_name: String = optional "newName",
///         }
///     }
/// }
///
/// let mut rename = Rename::new(7);
/// rename.new_name = Some("Lounge".to_owned());
/// let parts = rename.request(&RequestContext::default()).unwrap();
/// assert_eq!(parts.path(), "/api/2.0/rooms/7/rename");
/// ```
///
/// `prepare: |op| …;` before `required` fills what must stay the same over all attempts. A body that may be sent only
/// once goes into `stream { … }` after `optional`; the operation then cannot be cloned. `request`, `required` and
/// `optional` may be left out.
#[doc(hidden)]
#[macro_export]
macro_rules! operation {
    ($(#[$meta:meta])* $name:ident {
        info: $id:literal, $method:ident $path:literal, $scope:ident $(, $set:ident($($value:tt)*))*;
        output: $output:ty = $read:expr;
        $(request { $($call:ident($($arg:literal),*))* })?
        $(prepare: |$op:ident| $prepare:expr;)?
        $(required { $($(#[$rmeta:meta])* $rfield:ident: $rtype:ty = $($rkind:ident $rwire:literal)+ $(($rmark:ident))?,)* })?
        $(optional { $($(#[$ometa:meta])* $ofield:ident: $otype:ty = $($okind:ident $owire:literal)+ $(($omark:ident))?,)* })?
        $(stream { $(#[$smeta:meta])* $sfield:ident = $skind:ident $swire:literal, })?
    }) => {
        $(#[$meta])*
        #[non_exhaustive]
        pub struct $name {
            $($($(#[$rmeta])* pub $rfield: $rtype,)*)?
            $($($(#[$ometa])* pub $ofield: ::core::option::Option<$otype>,)*)?
            $($(#[$smeta])* pub $sfield: $crate::Body,)?
        }

        impl $name {
            /// Makes the call from its required inputs; the optional ones are unset.
            #[allow(clippy::new_without_default, clippy::too_many_arguments)]
            pub fn new(
                $($($rfield: impl ::core::convert::Into<$rtype>,)*)?
                $($sfield: impl ::core::convert::Into<$crate::Body>)?
            ) -> Self {
                Self {
                    $($($rfield: $rfield.into(),)*)?
                    $($($ofield: ::core::option::Option::None,)*)?
                    $($sfield: $sfield.into(),)?
                }
            }
        }

        $crate::__clone_operation!([$name $($($rfield)*)? $($($ofield)*)?] $($sfield)?);

        impl $crate::Operation for $name {
            type Output = $output;
            const INFO: &'static $crate::OperationInfo =
                &$crate::OperationInfo::new($id, $crate::__private::http::Method::$method, $path, $crate::operation::Scope::$scope)
                    $(.$set($($value)*))*;

            #[inline]
            fn request(&self, context: &$crate::RequestContext) -> $crate::Result<$crate::RequestParts> {
                $crate::request::RequestBuilder::new(Self::INFO, context)
                    $($(.$call($($arg),*))*)?
                    $($($(.$rkind($rwire, &self.$rfield))+)*)?
                    $($($(.$okind($owire, &self.$ofield))+)*)?
                    $(.$skind($swire, self.$sfield.try_clone()))?
                    .build()
            }

            $(
                #[inline]
                fn into_request(mut self, context: &$crate::RequestContext) -> $crate::Result<$crate::RequestParts> {
                    // The request is made around an empty body, which then gives way: the stream itself cannot be lent.
                    let body = ::core::mem::take(&mut self.$sfield);
                    ::core::result::Result::Ok($crate::request::put_body(self.request(context)?, body))
                }
            )?

            $(
                #[inline]
                fn prepare(&mut self) {
                    let $op = self;
                    $prepare;
                }
            )?

            #[inline]
            fn response(parts: $crate::ResponseParts) -> $crate::Result<Self::Output> {
                $read(parts)
            }
        }

        impl ::core::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                #[allow(unused_mut)]
                let mut s = f.debug_struct(::core::stringify!($name));
                $($($crate::model::debug_field(&mut s, ::core::stringify!($rfield), $crate::model::mark!($($rmark)?), &self.$rfield);)*)?
                $($(if let ::core::option::Option::Some(value) = &self.$ofield {
                    $crate::model::debug_field(&mut s, ::core::stringify!($ofield), $crate::model::mark!($($omark)?), value);
                })*)?
                $(s.field(::core::stringify!($sfield), &self.$sfield);)?
                s.finish()
            }
        }
    };
}

/// `Clone` for an operation without a stream.
#[doc(hidden)]
#[macro_export]
macro_rules! __clone_operation {
    ([$name:ident $($field:ident)*]) => {
        impl ::core::clone::Clone for $name {
            fn clone(&self) -> Self {
                Self { $($field: ::core::clone::Clone::clone(&self.$field),)* }
            }
        }
    };
    ([$($all:ident)*] $stream:ident) => {};
}

/// Puts a body in the place of the one that the request was made with.
#[doc(hidden)]
pub fn put_body(mut parts: RequestParts, content: Body) -> RequestParts {
    match &mut parts.payload {
        Payload::Body { body, .. } => *body = content,
        Payload::Multipart(form) => {
            // The stream is written last.
            if let Some(part) = form.last_mut() {
                part.body = content;
            }
        }
        Payload::None | Payload::Json(_) => {}
    }
    parts
}

/// Builds the request of a generated operation, input by input; the first thing that cannot be sent is what
/// [`build`](Self::build) reports.
///
/// Methods for optional inputs do nothing when the input is unset.
#[derive(Debug)]
pub struct RequestBuilder {
    parts: Result<RequestParts>,
    object: Option<JsonObject>,
    form: Vec<Part>,
}

impl RequestBuilder {
    /// Starts the request of this operation.
    pub fn new(info: &'static OperationInfo, context: &RequestContext) -> Self {
        Self { parts: RequestParts::new(info, context), object: None, form: Vec::new() }
    }

    /// A path parameter that is one segment.
    #[must_use]
    pub fn path(self, name: &str, value: &(impl std::fmt::Display + ?Sized)) -> Self {
        self.and(|parts| parts.path_param(name, value))
    }

    /// A path parameter that may span segments.
    #[must_use]
    pub fn segments(self, name: &str, value: &(impl std::fmt::Display + ?Sized)) -> Self {
        self.and(|parts| parts.multi_segment_param(name, value))
    }

    /// A query parameter, optional or not.
    #[must_use]
    pub fn query(self, name: &str, value: &(impl Serialize + ?Sized)) -> Self {
        self.and(|parts| parts.query(name, value))
    }

    /// A query parameter that is always the same.
    #[must_use]
    pub fn constant(self, name: &str, value: &str) -> Self {
        self.and(|parts| parts.query(name, value))
    }

    /// A required header.
    #[must_use]
    pub fn header(self, name: &'static str, value: &str) -> Self {
        self.and(|parts| parts.header(HeaderName::from_static(name), Some(value)))
    }

    /// An optional header.
    #[must_use]
    pub fn header_optional(self, name: &'static str, value: &Option<String>) -> Self {
        self.and(|parts| parts.header(HeaderName::from_static(name), value.as_deref()))
    }

    /// Sends a JSON object, `{}` unless members follow.
    #[must_use]
    pub fn object(mut self) -> Self {
        if let Ok(parts) = &self.parts {
            self.object = Some(JsonObject::new(parts.info));
        }
        self
    }

    /// A required member of the JSON object.
    #[must_use]
    pub fn member(self, name: &str, value: &(impl Serialize + ?Sized)) -> Self {
        self.write(|object| object.member(name, value))
    }

    /// An optional member of the JSON object.
    #[must_use]
    pub fn optional(self, name: &str, value: &Option<impl Serialize>) -> Self {
        match value {
            Some(value) => self.member(name, value),
            None => self,
        }
    }

    /// The whole JSON body. `_name` is what the input is called.
    #[must_use]
    pub fn json(self, _name: &str, value: &(impl Serialize + ?Sized)) -> Self {
        self.and(|parts| parts.json(value))
    }

    /// The whole JSON body if it is set, else `{}`.
    #[must_use]
    pub fn json_optional(self, name: &str, value: &Option<impl Serialize>) -> Self {
        match value {
            Some(value) => self.json(name, value),
            None => self.object(),
        }
    }

    /// A field of a form.
    #[must_use]
    pub fn field(mut self, name: &str, value: &(impl std::fmt::Display + ?Sized)) -> Self {
        self.form.push(Part::field(name, value.to_string()));
        self
    }

    /// An optional field of a form.
    #[must_use]
    pub fn field_optional(self, name: &str, value: &Option<impl std::fmt::Display>) -> Self {
        match value {
            Some(value) => self.field(name, value),
            None => self,
        }
    }

    /// A field of a form that is sent as `true` or not at all.
    #[must_use]
    pub fn flag(self, name: &str, value: &Option<bool>) -> Self {
        if *value == Some(true) { self.field(name, "true") } else { self }
    }

    /// A file of a form; `None` stands for a stream that was sent before.
    #[must_use]
    pub fn file(mut self, name: &str, body: Option<Body>) -> Self {
        match body {
            Some(body) => self.form.push(Part::file(name, name, body)),
            None => self.refuse_second_use(),
        }
        self
    }

    /// A body of this media type, as it is; `None` stands for a stream that was sent before.
    #[must_use]
    pub fn raw(mut self, media_type: &'static str, body: Option<Body>) -> Self {
        match body {
            Some(body) => self.and(|parts| Ok(parts.body(media_type, body))),
            None => {
                self.refuse_second_use();
                self
            }
        }
    }

    /// The request.
    ///
    /// # Errors
    /// What the first input that cannot be sent lacks.
    pub fn build(self) -> Result<RequestParts> {
        let mut parts = self.parts?;
        if let Some(object) = self.object {
            parts.payload = object.finish();
        }
        if !self.form.is_empty() {
            parts = parts.multipart(self.form);
        }
        Ok(parts)
    }

    fn and(mut self, step: impl FnOnce(RequestParts) -> Result<RequestParts>) -> Self {
        self.parts = self.parts.and_then(step);
        self
    }

    fn write(mut self, step: impl FnOnce(&mut JsonObject) -> Result<()>) -> Self {
        if let (Ok(_), Some(object)) = (&self.parts, &mut self.object)
            && let Err(error) = step(object)
        {
            self.parts = Err(error);
        }
        self
    }

    fn refuse_second_use(&mut self) {
        if let Ok(parts) = &self.parts {
            self.parts = Err(Error::new(
                ErrorKind::InvalidInput,
                "the body is a stream that can be sent once; give bytes or Body::from_factory to send it again",
            )
            .with_operation(parts.info.id));
        }
    }
}

#[cfg(test)]
#[allow(dead_code, unreachable_pub)]
mod tests {
    use super::*;
    use crate::{Idempotency, Operation, ResponseParts};

    crate::operation! {
        /// Every place an input can stand in.
        Everything {
            info: "things.do", POST "/api/2.0/{parent}/things/{id}", Workspace, idempotency(Idempotency::Keyed);
            output: () = ResponseParts::empty;
            request { object() constant("mode", "full") }
            prepare: |op| crate::idempotency::fill(&mut op.request_id);
            required {
                /// Parent.
                parent: String = segments "parent",
                /// Id.
                id: i64 = path "id" member "id",
            }
            optional {
                /// Filter.
                filter: Vec<String> = query "filter",
                /// Range.
                range: String = header_optional "range",
                /// Key.
                request_id: String = optional "request_id",
            }
        }
    }

    crate::operation! {
        /// A form with a file.
        Import {
            info: "things.import", POST "/api/2.0/things", Workspace;
            output: () = ResponseParts::empty;
            request {}
            required {
                /// Path.
                path: String = field "path",
            }
            optional {
                /// Overwrite.
                overwrite: bool = flag "overwrite",
            }
            stream {
                /// Content.
                content = file "content",
            }
        }
    }

    #[test]
    fn inputs_go_where_they_belong() {
        let mut op = Everything::new("a/b", 7);
        op.filter = Some(vec!["x".to_owned(), "y".to_owned()]);
        op.range = Some("bytes=0-1".to_owned());
        op.prepare();
        let key = op.request_id.clone().unwrap();
        op.prepare();
        assert_eq!(op.request_id.as_ref(), Some(&key), "a key is kept over all attempts");
        let parts = op.request(&RequestContext::default()).unwrap();
        assert_eq!(parts.path_and_query(), "/api/2.0/a/b/things/7?mode=full&filter=x&filter=y");
        assert_eq!(parts.headers["range"], "bytes=0-1");
        assert!(matches!(parts.payload, Payload::Json(text) if text == format!(r#"{{"id":7,"request_id":"{key}"}}"#)));
    }

    #[test]
    fn the_first_error_is_reported() {
        let error = Everything::new("..", 7).request(&RequestContext::default()).unwrap_err();
        assert_eq!((error.kind(), error.operation()), (ErrorKind::InvalidInput, Some("things.do")));
    }

    #[test]
    fn a_stream_is_given_away_once() {
        let bytes = Import::new("/a", "text");
        assert!(bytes.request(&RequestContext::default()).is_ok());
        let stream = Import::new("/a", Body::from_stream(None, Body::from("text").into_stream()));
        assert_eq!(stream.request(&RequestContext::default()).unwrap_err().kind(), ErrorKind::InvalidInput);
        let parts = stream.into_request(&RequestContext::default()).unwrap();
        let Payload::Multipart(form) = parts.payload else { panic!("{:?}", parts.payload) };
        assert_eq!(form.iter().map(|part| part.name.as_str()).collect::<Vec<_>>(), ["path", "content"]);
    }
}
