//! What is known about each attribute of the configuration: the rows of the table as [`Key`] and [`ATTRIBUTES`].

use super::table::attribute_table;

/// How the string of an attribute is parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Any string.
    Text,
    /// A file path; a leading `~` means the home directory.
    Path,
    /// `true`, `false` and their short forms.
    Bool,
    /// An integer from a minimum to a maximum, both included.
    Int(i64, i64),
    /// Words separated by commas or spaces.
    List,
}

/// A row of the table.
#[derive(Debug)]
pub(crate) struct Attribute {
    pub(crate) key: Key,
    /// The names in profile files and for `Config::set`; messages show the first one.
    pub(crate) names: &'static [&'static str],
    /// The environment variables; the first that is set wins.
    pub(crate) variables: &'static [&'static str],
    pub(crate) kind: Kind,
    pub(crate) sensitive: bool,
    /// The family of credentials: attributes of two families at once are an error unless `auth_type` decides.
    pub(crate) family: Option<&'static str>,
}

impl Attribute {
    pub(crate) fn name(&self) -> &'static str {
        self.names[0]
    }
}

impl Key {
    pub(crate) fn attribute(self) -> &'static Attribute {
        &ATTRIBUTES[self as usize]
    }

    pub(crate) fn name(self) -> &'static str {
        self.attribute().name()
    }

    /// The attribute of this name or alias, in any case of letters.
    pub(crate) fn find(name: &str) -> Option<Self> {
        ATTRIBUTES.iter().find(|a| a.names.iter().any(|n| n.eq_ignore_ascii_case(name))).map(|a| a.key)
    }

    /// `token (DATABRICKS_TOKEN)`: the form in which messages name what is missing.
    pub(crate) fn described(self) -> String {
        let attribute = self.attribute();
        match attribute.variables.first() {
            Some(variable) => format!("{} ({variable})", attribute.name()),
            None => attribute.name().to_owned(),
        }
    }
}

macro_rules! family {
    () => {
        None
    };
    ($family:literal) => {
        Some($family)
    };
}

macro_rules! keys {
    ($(
        $(#[doc = $doc:literal])+
        $key:ident $setter:ident: $kind:ident $(($min:expr, $max:expr))?, names $names:expr, variables $variables:expr,
        sensitive $sensitive:literal $(, family $family:literal)?;
    )*) => {
        /// The attributes, in the order of the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum Key {
            $($key,)*
        }

        /// The table.
        pub(crate) static ATTRIBUTES: &[Attribute] = &[
            $(Attribute {
                key: Key::$key,
                names: &$names,
                variables: &$variables,
                kind: Kind::$kind $(($min, $max))?,
                sensitive: $sensitive,
                family: family!($($family)?),
            },)*
        ];
    };
}

attribute_table!(keys);

/// The names that `auth_type` may have, in the order of the chain; those after the chain are used only when named.
pub(crate) const AUTH_TYPES: &[&str] = &[
    "pat",
    "basic",
    "oauth-m2m",
    "databricks-cli",
    "metadata-service",
    "github-oidc",
    "azure-devops-oidc",
    "env-oidc",
    "file-oidc",
    "github-oidc-azure",
    "azure-msi",
    "azure-client-secret",
    "azure-cli",
    "google-credentials",
    "google-id",
    "model-serving",
    "netrc",
    "external-browser",
    "azure-pat",
    "runtime",
    "runtime-oauth",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_keys() {
        for (index, attribute) in ATTRIBUTES.iter().enumerate() {
            assert_eq!(attribute.key as usize, index, "{}", attribute.name());
        }
    }

    #[test]
    fn names_and_variables_belong_to_one_attribute_each() {
        let mut names: Vec<_> = ATTRIBUTES.iter().flat_map(|a| a.names).collect();
        let mut variables: Vec<_> = ATTRIBUTES.iter().flat_map(|a| a.variables).collect();
        let counts = (names.len(), variables.len());
        names.sort();
        names.dedup();
        variables.sort();
        variables.dedup();
        assert_eq!((names.len(), variables.len()), counts);
    }

    #[test]
    fn aliases_find_their_attribute() {
        assert_eq!(Key::find("audience"), Some(Key::TokenAudience));
        assert_eq!(Key::find("Databricks_Id_Token_Filepath"), Some(Key::OidcTokenFilepath));
        assert_eq!(Key::find("nothing"), None);
    }
}
