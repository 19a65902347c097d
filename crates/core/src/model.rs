//! The form in which generated messages are written.
//!
//! One declarative macro per message instead of derives: it costs about half the compile time of derived serde code and
//! decodes at about the same speed (0.95 of it when measured).
//!
//! # Odd values
//!
//! Services move on faster than their clients, and at times send a value in another JSON type than they describe.
//! Reading is lenient, so that one such value does not cost the whole response:
//!
//! - A member that is `null` is the same as an absent one, a missing required member takes its default. Unknown members
//!   are kept as [`Extra`](crate::Extra) and sent back with the message.
//! - A scalar of another JSON type is read where its meaning is certain: `"12"` and `2.0` as integers, `"1.5"` as a
//!   number, `12` and `true` as strings, `"true"`, `0` and `1` as booleans.
//! - Any other value of the wrong type leaves the member absent (a required member at its default). In a list or map it
//!   costs that item or entry alone.
//! - Whatever is left out is named by one warning of `tracing` (target `databricks_core::model`) per member and
//!   process, without the value.
//! - What a listing depends on, its items and the token of its next page, is never left out: a wrong type there is an
//!   error, since a list that lacks items without a word is worse than none.
//!
//! A response that is not valid JSON, or of another type as a whole, is an error. [`from_json_strict`] makes an error
//! of every odd value, for tests that compare a server with the API's description.

mod read;
mod show;

pub use read::{At, Message, Mode, Wire, from_json, from_json_strict};
#[doc(hidden)]
pub use read::{Place, Scalar, member, member_into, message, message_into, message_item, scalar};
pub use show::Mark;
#[doc(hidden)]
pub use show::{debug_field, marks};

/// Declares a message of the API: a struct with public fields, a constructor of the required ones, chainable setters of
/// the optional ones, and serde code in both directions.
///
/// ```
/// databricks_core::model! {
///     /// A bucket of paint.
///     Paint {
///         required {
///             /// What it looks like.
///             color: String = "color",
///         }
///         optional {
///             /// How much is left, in millilitres.
///             volume: i64 = "volumeMl",
///         }
///     }
/// }
///
/// let paint = Paint::new("red").volume(750);
/// assert_eq!(serde_json::to_string(&paint).unwrap(), r#"{"color":"red","volumeMl":750}"#);
///
/// let paint: Paint = serde_json::from_str(r#"{"volumeMl":"12","lid":null}"#).unwrap();
/// assert_eq!((paint.color.as_str(), paint.volume), ("", Some(12)));
/// ```
///
/// A mark in parentheses after the wire name states what a member needs: `(secret)` hides its value in `Debug`,
/// `(settings)` hides values of a map but flags and small numbers, `(essential)` makes a wrong type an error instead of
/// a warning.
///
/// A section without members may be left out.
#[doc(hidden)]
#[macro_export]
macro_rules! model {
    ($(#[$meta:meta])* $name:ident { required { $($member:tt)* } }) => {
        $crate::model! { $(#[$meta])* $name { required { $($member)* } optional {} } }
    };
    ($(#[$meta:meta])* $name:ident { $(optional { $($member:tt)* })? }) => {
        $crate::model! { $(#[$meta])* $name { required {} optional { $($($member)*)? } } }
    };
    ($(#[$meta:meta])* $name:ident {
        required { $($(#[$rmeta:meta])* $rfield:ident: $rtype:ty = $rwire:literal $(($rmark:ident))?,)* }
        optional { $($(#[$ometa:meta])* $ofield:ident: $otype:ty = $owire:literal $(($omark:ident))?,)* }
    }) => {
        $(#[$meta])*
        #[derive(Clone, Default, PartialEq)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$rmeta])* pub $rfield: $rtype,)*
            $($(#[$ometa])* pub $ofield: ::core::option::Option<$otype>,)*
            __extra: $crate::Extra,
        }

        // The text of a setter is put together where there are docs, since that takes time; each has one.
        #[allow(missing_docs)]
        impl $name {
            /// Makes one from its required members; the optional ones are unset.
            #[allow(clippy::new_without_default, clippy::too_many_arguments)]
            #[inline]
            pub fn new($($rfield: impl ::core::convert::Into<$rtype>),*) -> Self {
                Self { $($rfield: $rfield.into(),)* $($ofield: ::core::option::Option::None,)* __extra: ::core::default::Default::default() }
            }

            /// Members that this release does not know, as the service sent them.
            #[inline]
            pub fn extra(&self) -> &$crate::Extra {
                &self.__extra
            }

            /// The same, to be changed.
            #[inline]
            pub fn extra_mut(&mut self) -> &mut $crate::Extra {
                &mut self.__extra
            }

            /// Sets a member by its name on the wire, whether this release knows it or not; `null` is sent as such.
            #[inline]
            #[must_use]
            pub fn with_extra(mut self, name: &str, value: impl ::core::convert::Into<$crate::__private::serde_json::Value>) -> Self {
                $crate::Extra::set(&mut self, name, value.into(), Self::extra_mut);
                self
            }

            $(
                #[cfg_attr(doc, doc = ::core::concat!("Sets [`", ::core::stringify!($ofield), "`](Self#structfield.", ::core::stringify!($ofield), ")."))]
                #[must_use]
                pub fn $ofield(mut self, value: impl ::core::convert::Into<$otype>) -> Self {
                    self.$ofield = ::core::option::Option::Some(value.into());
                    self
                }
            )*
        }

        impl ::core::fmt::Debug for $name {
            // Few programs show more than a few messages, so it is compiled where it is used.
            #[inline]
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                #[allow(unused_mut)]
                let mut s = f.debug_struct(::core::stringify!($name));
                $($crate::model::debug_field(&mut s, ::core::stringify!($rfield), &[$($crate::model::marks::$rmark)?], &self.$rfield);)*
                $(if let ::core::option::Option::Some(value) = &self.$ofield {
                    $crate::model::debug_field(&mut s, ::core::stringify!($ofield), &[$($crate::model::marks::$omark)?], value);
                })*
                if !self.__extra.is_empty() {
                    s.field("extra", &self.__extra);
                }
                s.finish_non_exhaustive()
            }
        }

        impl $crate::model::Message for $name {
            fn member<'de, A: $crate::__private::serde::de::MapAccess<'de>>(
                &mut self,
                name: &str,
                map: &mut A,
                mode: $crate::model::Mode,
            ) -> ::core::result::Result<(), A::Error> {
                match name {
                    $($rwire => {
                        let place = &$crate::model::Place {
                            message: ::core::stringify!($name),
                            member: $rwire,
                            marks: &[$($crate::model::marks::$rmark)?],
                        };
                        if let ::core::option::Option::Some(value) = $crate::model::member(map, $crate::model::At::new(place, mode))? {
                            self.$rfield = value;
                        }
                    })*
                    $($owire => {
                        let place = &$crate::model::Place {
                            message: ::core::stringify!($name),
                            member: $owire,
                            marks: &[$($crate::model::marks::$omark)?],
                        };
                        $crate::model::member_into(map, $crate::model::At::new(place, mode), &mut self.$ofield)?;
                    })*
                    _ => self.__extra.read(name, map, mode)?,
                }
                ::core::result::Result::Ok(())
            }
        }


        impl $crate::__private::serde::Serialize for $name {
            fn serialize<S: $crate::__private::serde::Serializer>(&self, s: S) -> ::core::result::Result<S::Ok, S::Error> {
                #[allow(unused_mut)]
                let mut members = $crate::extra::Members::new(s.serialize_map(::core::option::Option::None)?, &self.__extra);
                $(members.required($rwire, &self.$rfield)?;)*
                $(members.optional($owire, &self.$ofield)?;)*
                members.finish()
            }
        }

        $crate::__wire!($name, message);
    };
}

/// How a type that a macro declares is read: `message` or `scalar` is the function that does it.
#[doc(hidden)]
#[macro_export]
macro_rules! __wire {
    ($name:ident, scalar) => {
        $crate::__wire!(@deserialize $name);

        impl<'de> $crate::model::Wire<'de> for $name {
            const NAME: &'static str = ::core::stringify!($name);
            fn read_at<D: $crate::__private::serde::Deserializer<'de>>(
                d: D,
                at: $crate::model::At,
            ) -> ::core::result::Result<::core::option::Option<Self>, D::Error> {
                $crate::model::scalar(d, at)
            }
        }
    };
    // Messages may be large: each is read where it stays.
    ($name:ident, message) => {
        $crate::__wire!(@deserialize $name);

        impl<'de> $crate::model::Wire<'de> for $name {
            const NAME: &'static str = ::core::stringify!($name);
            fn read_at<D: $crate::__private::serde::Deserializer<'de>>(
                d: D,
                at: $crate::model::At,
            ) -> ::core::result::Result<::core::option::Option<Self>, D::Error> {
                $crate::model::message(d, at)
            }
            fn read_into<D: $crate::__private::serde::Deserializer<'de>>(
                place: &mut ::core::option::Option<Self>,
                d: D,
                at: $crate::model::At,
            ) -> ::core::result::Result<(), D::Error> {
                $crate::model::message_into(place, d, at)
            }
            fn read_item<D: $crate::__private::serde::Deserializer<'de>>(
                list: &mut ::std::vec::Vec<Self>,
                d: D,
                at: $crate::model::At,
            ) -> ::core::result::Result<(), D::Error> {
                $crate::model::message_item(list, d, at)
            }
        }
    };
    (@deserialize $name:ident) => {
        impl<'de> $crate::__private::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::__private::serde::Deserializer<'de>>(
                d: D,
            ) -> ::core::result::Result<Self, D::Error> {
                <Self as $crate::model::Wire<'de>>::read(d)
            }
        }
    };
}

#[cfg(test)]
#[allow(dead_code, unreachable_pub)]
mod tests;
