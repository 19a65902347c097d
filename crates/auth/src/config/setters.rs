//! The setters of the attributes: one for each row of the table.

use super::attributes::Key;
use super::builder::Config;
use super::raw::Raw;
use super::table::attribute_table;

macro_rules! setters {
    ($(
        $(#[doc = $doc:literal])+
        $key:ident $setter:ident: $kind:ident $(($min:expr, $max:expr))?, names $names:expr, variables $variables:expr,
        sensitive $sensitive:literal $(, family $family:literal)?;
    )*) => {
        /// One setter for each attribute. A value set here wins over the environment and over the profile file.
        impl Config {
            $(setters!(@one $kind $(#[doc = $doc])+ $key $setter);)*
        }
    };
    (@one Bool $(#[doc = $doc:literal])+ $key:ident $setter:ident) => {
        $(#[doc = $doc])+
        #[must_use]
        pub fn $setter(self, value: bool) -> Self {
            self.put(Key::$key, Raw::Bool(value))
        }
    };
    (@one Int $(#[doc = $doc:literal])+ $key:ident $setter:ident) => {
        $(#[doc = $doc])+
        #[must_use]
        pub fn $setter(self, value: i64) -> Self {
            self.put(Key::$key, Raw::Int(value))
        }
    };
    (@one List $(#[doc = $doc:literal])+ $key:ident $setter:ident) => {
        $(#[doc = $doc])+
        #[must_use]
        pub fn $setter<T: Into<String>>(self, value: impl IntoIterator<Item = T>) -> Self {
            self.put(Key::$key, Raw::List(value.into_iter().map(Into::into).collect()))
        }
    };
    (@one $kind:ident $(#[doc = $doc:literal])+ $key:ident $setter:ident) => {
        $(#[doc = $doc])+
        #[must_use]
        pub fn $setter(self, value: impl Into<String>) -> Self {
            self.put(Key::$key, Raw::Text(value.into().into()))
        }
    };
}

attribute_table!(setters);
