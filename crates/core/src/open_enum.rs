//! Enums that a newer server may extend.

/// Declares an enum of wire strings that keeps the strings it does not know.
///
/// Each variant is written with its string on the wire. One that matches none becomes `Unknown`, is kept and is sent
/// back unchanged, so that values introduced by the service after this release pass through unharmed. The default is
/// `Unknown` of the empty string: what a message holds when the server left the member out.
///
/// ```
/// databricks_core::open_enum! {
///     /// Life cycle of a light bulb.
///     Bulb {
///         /// It shines.
///         On = "ON",
///         /// It does not.
///         Off = "OFF",
///     }
/// }
///
/// assert_eq!(Bulb::from("ON"), Bulb::On);
/// assert_eq!(Bulb::from("DIMMED").as_str(), "DIMMED");
/// assert_eq!(serde_json::to_string(&Bulb::Off).unwrap(), "\"OFF\"");
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! open_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $wire:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$vmeta])* $variant,)*
            /// A value that this release does not know. [`as_str`](Self::as_str) returns its string.
            Unknown($crate::open_enum::UnknownValue),
        }

        impl $name {
            /// Every value known to this release, in the order of the API description.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant,)*];

            /// The string on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $wire,)*
                    Self::Unknown(text) => text.as_str(),
                }
            }
        }

        impl ::core::default::Default for $name {
            #[inline]
            fn default() -> Self {
                Self::Unknown($crate::open_enum::UnknownValue::new(""))
            }
        }

        impl ::core::convert::From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($wire => Self::$variant,)*
                    _ => Self::Unknown($crate::open_enum::UnknownValue::new(text)),
                }
            }
        }

        impl ::core::convert::From<::std::string::String> for $name {
            #[inline]
            fn from(text: ::std::string::String) -> Self {
                Self::from(text.as_str())
            }
        }

        impl ::core::fmt::Display for $name {
            #[inline]
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::__private::serde::Serialize for $name {
            fn serialize<S: $crate::__private::serde::Serializer>(&self, s: S) -> ::core::result::Result<S::Ok, S::Error> {
                s.serialize_str(self.as_str())
            }
        }

        impl $crate::model::Scalar for $name {
            const IS_TEXT: bool = true;
            #[inline]
            fn from_text(text: &str) -> ::core::option::Option<Self> {
                ::core::option::Option::Some(Self::from(text))
            }
        }

        $crate::__wire!($name, scalar);
    };
}

/// The string of an enum value that this release does not know.
///
/// It cannot be made outside of the macro's `From` implementations, so a known string is never hidden in an unknown
/// value.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnknownValue(Box<str>);

impl UnknownValue {
    #[doc(hidden)]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The string as the server sent it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for UnknownValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&*crate::redact::text(&self.0), f)
    }
}
