//! The form in which generated operations are written, and the builder that their requests go through.

mod builder;

pub use builder::RequestBuilder;
#[doc(hidden)]
pub use builder::put_body;

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
            #[inline]
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                #[allow(unused_mut)]
                let mut s = f.debug_struct(::core::stringify!($name));
                $($($crate::model::debug_field(&mut s, ::core::stringify!($rfield), &[$($crate::model::marks::$rmark)?], &self.$rfield);)*)?
                $($(if let ::core::option::Option::Some(value) = &self.$ofield {
                    $crate::model::debug_field(&mut s, ::core::stringify!($ofield), &[$($crate::model::marks::$omark)?], value);
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
            #[inline]
            fn clone(&self) -> Self {
                Self { $($field: ::core::clone::Clone::clone(&self.$field),)* }
            }
        }
    };
    ([$($all:ident)*] $stream:ident) => {};
}

#[cfg(test)]
#[allow(dead_code, unreachable_pub)]
mod tests {
    use crate::operation::Payload;
    use crate::{Body, ErrorKind, FieldMask, Idempotency, Operation, RequestContext, ResponseParts};

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

    crate::model! {
        /// A room.
        Room {
            optional {
                /// Name.
                name: String = "name",
                /// Size.
                size: i64 = "size",
                /// Within.
                inner: Box<Room> = "inner",
            }
        }
    }

    crate::operation! {
        /// The message is the body, its mask in the query.
        Update {
            info: "rooms.update", PATCH "/api/2.0/rooms/{name}", Workspace;
            output: () = ResponseParts::empty;
            request { masked("room", "inner/ -name") }
            required {
                /// Which.
                name: String = path "name",
                /// Room.
                room: Room = json "room",
            }
            optional {
                /// Mask.
                update_mask: FieldMask = mask "update_mask",
            }
        }
    }

    crate::operation! {
        /// The message and its mask are members of the body.
        Edit {
            info: "rooms.edit", POST "/api/2.0/rooms/edit", Workspace;
            output: () = ResponseParts::empty;
            request { object() masked("room", "") }
            optional {
                /// Mask.
                field_mask: FieldMask = mask_member "field_mask",
                /// Room.
                room: Room = optional "room",
            }
        }
    }

    fn sent(op: &impl Operation) -> (String, serde_json::Value) {
        let parts = op.request(&RequestContext::default()).unwrap();
        let Payload::Json(text) = &parts.payload else { panic!("{:?}", parts.payload) };
        (parts.query_string().to_owned(), serde_json::from_slice(text).unwrap())
    }

    #[test]
    fn masks_follow_from_what_is_set() {
        let room = Room::new().size(3).inner(Room::new().name("i").with_extra("added", 1));
        let mut update = Update::new("r", room.clone().name("r"));
        assert_eq!(sent(&update).0, "update_mask=inner.added%2Cinner.name%2Csize");
        update.update_mask = Some("size".into());
        assert_eq!(sent(&update).0, "update_mask=size");
        let cleared = Update::new("r", Room::new().with_extra("size", serde_json::Value::Null));
        assert_eq!(sent(&cleared), ("update_mask=size".to_owned(), serde_json::json!({"size": null})));
        let error = Update::new("r", Room::new().name("r")).request(&RequestContext::default()).unwrap_err();
        assert_eq!((error.kind(), error.operation()), (ErrorKind::InvalidInput, Some("rooms.update")));

        let mut edit = Edit::new();
        edit.room = Some(room);
        assert_eq!(sent(&edit).1["field_mask"], "inner,size");
        edit.field_mask = Some(["a", "b"].into_iter().collect());
        assert_eq!(sent(&edit).1["field_mask"], "a,b");
        assert!(Edit::new().request(&RequestContext::default()).is_err());
    }

    #[test]
    fn a_member_that_is_added_by_name_is_in_the_mask() {
        let parts = |op: &Update| op.request(&RequestContext::default()).unwrap();
        let mut update = Update::new("r", Room::new().size(3));
        let added = parts(&update).extra_input("hue", &serde_json::json!(1)).unwrap();
        assert_eq!(added.query_string(), "update_mask=size%2Chue");
        update.update_mask = Some("size".into());
        let given = parts(&update).extra_input("hue", &serde_json::json!(1)).unwrap();
        assert_eq!(given.query_string(), "update_mask=size");
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
