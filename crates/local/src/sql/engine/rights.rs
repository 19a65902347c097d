//! What a user may do: privileges that were granted, to the user or to a group of the user's, on a securable or on what
//! holds it. Administrators may do everything, owners everything with what is theirs.

use super::command::cursor::Cursor;
use super::sample;
use super::scope::Scope;
use super::store::providers::INFORMATION;
use super::store::{About, Grant, Name, Relation, Store};
use crate::sql::Failure;

/// A user that is no administrator.
#[derive(Clone, Debug)]
pub(super) struct Rights {
    /// The names that grants are given to: the user's own, and those of groups.
    principals: Vec<String>,
}

/// A securable, from the catalog on.
#[derive(Clone, Copy, Debug)]
enum On<'a> {
    Metastore,
    Catalog(&'a str),
    Schema(&'a str, &'a str),
    /// Of a kind such as `TABLE`.
    Object(&'a str, &'a Name),
}

impl On<'_> {
    fn kind(&self) -> &str {
        match self {
            Self::Metastore => "METASTORE",
            Self::Catalog(_) => "CATALOG",
            Self::Schema(..) => "SCHEMA",
            Self::Object(kind, _) => kind,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Metastore => "metastore".to_owned(),
            Self::Catalog(catalog) => (*catalog).to_owned(),
            Self::Schema(catalog, schema) => format!("{catalog}.{schema}"),
            Self::Object(_, name) => name.plain(),
        }
    }

    /// The securable and what holds it, as grants name them.
    fn places(&self) -> Vec<(String, String)> {
        let mut all = vec![(self.kind().to_owned(), self.name())];
        match self {
            Self::Object(_, name) => {
                all.push(("SCHEMA".to_owned(), format!("{}.{}", name.catalog, name.schema)));
                all.push(("CATALOG".to_owned(), name.catalog.clone()));
            }
            Self::Schema(catalog, _) => all.push(("CATALOG".to_owned(), (*catalog).to_owned())),
            Self::Metastore | Self::Catalog(_) => {}
        }
        all
    }

    fn owner(&self, store: &Store) -> Option<String> {
        let owner = |about: &About| about.owner.clone();
        match self {
            Self::Metastore => None,
            Self::Catalog(catalog) => store.read(|all| all.get(*catalog).and_then(|c| owner(&c.about))),
            Self::Schema(catalog, schema) => {
                store.read(|all| all.get(*catalog)?.schemas.get(*schema).and_then(|s| owner(&s.about)))
            }
            Self::Object("FUNCTION", name) => store.function(name).and_then(|f| owner(&f.about)),
            Self::Object("VOLUME", name) => {
                store.schema(&name.catalog, &name.schema, |s| s.volumes.get(&name.object).and_then(owner)).ok()?
            }
            Self::Object(_, name) => match store.relation(name)? {
                Relation::Table(table) => owner(&table.state().about),
                Relation::View(view) => owner(&view.about),
            },
        }
    }
}

impl Rights {
    /// `principals`: the names that grants to the user are given to.
    pub(super) fn new(mut principals: Vec<String>) -> Self {
        principals.push("account users".to_owned());
        Self { principals }
    }

    fn is(&self, principal: &str) -> bool {
        self.principals.iter().any(|p| p.eq_ignore_ascii_case(principal))
    }

    fn owns(&self, store: &Store, on: On<'_>) -> bool {
        on.owner(store).is_some_and(|owner| self.is(&owner))
    }

    fn has(&self, store: &Store, privilege: &str, on: On<'_>) -> bool {
        // All users may look into the first catalog, and read the samples.
        let common = match on {
            On::Catalog(catalog) => catalog == sample::DEFAULT_CATALOG && privilege == "USE CATALOG",
            _ => false,
        };
        if common || self.owns(store, on) {
            return true;
        }
        let places = on.places();
        let fits = |g: &Grant| {
            (g.privilege == privilege || g.privilege == "ALL PRIVILEGES")
                && self.is(&g.principal)
                && places.iter().any(|(kind, name)| *kind == g.kind && *name == g.object)
        };
        store.grants(|all| all.iter().any(fits))
    }

    fn require(&self, store: &Store, privilege: &str, on: On<'_>) -> Result<(), Failure> {
        if self.has(store, privilege, on) { Ok(()) } else { Err(denied(privilege, on)) }
    }

    fn may_use(&self, store: &Store, catalog: &str, schema: Option<&str>) -> Result<(), Failure> {
        self.require(store, "USE CATALOG", On::Catalog(catalog))?;
        match schema {
            Some(schema) => self.require(store, "USE SCHEMA", On::Schema(catalog, schema)),
            None => Ok(()),
        }
    }

    /// Whether a table or view may be read.
    pub(super) fn may_read(&self, store: &Store, name: &Name) -> Result<(), Failure> {
        if name.catalog == "samples" || name.catalog == "system" || name.schema == INFORMATION {
            return Ok(());
        }
        self.may_use(store, &name.catalog, Some(&name.schema))?;
        self.require(store, "SELECT", On::Object("TABLE", name))
    }

    /// Whether a function in SQL may be called.
    pub(super) fn may_call(&self, store: &Store, name: &Name) -> Result<(), Failure> {
        self.may_use(store, &name.catalog, Some(&name.schema))?;
        self.require(store, "EXECUTE", On::Object("FUNCTION", name))
    }

    fn may_manage(&self, store: &Store, on: On<'_>) -> Result<(), Failure> {
        if self.has(store, "MANAGE", on) { Ok(()) } else { Err(denied("MANAGE", on)) }
    }
}

fn denied(privilege: &str, on: On<'_>) -> Failure {
    let kind = on.kind();
    let kind = format!("{}{}", &kind[..1], kind[1..].to_lowercase());
    Failure::class(
        "INSUFFICIENT_PERMISSIONS",
        &format!("Insufficient privileges:\nUser does not have {privilege} on {kind} '{}'.", on.name()),
        "42501",
    )
}

/// Refuses to read the files of a volume that the user must not read.
pub(super) fn check_volume(scope: &Scope<'_>, path: &str) -> Result<(), Failure> {
    let Some(rights) = &scope.rights else { return Ok(()) };
    let parts: Vec<String> = path.trim_start_matches("/Volumes/").split('/').map(str::to_lowercase).collect();
    let [catalog, schema, object, ..] = parts.as_slice() else { return Err(denied("READ VOLUME", On::Metastore)) };
    let name = Name { catalog: catalog.clone(), schema: schema.clone(), object: object.clone() };
    let store = &scope.core.store;
    rights.may_use(store, catalog, Some(schema))?;
    rights.require(store, "READ VOLUME", On::Object("VOLUME", &name))
}

/// Refuses a statement that changes what the user must not change. What a query reads is checked where it is read.
pub(super) fn check(scope: &Scope<'_>, text: &str) -> Result<(), Failure> {
    let Some(rights) = &scope.rights else { return Ok(()) };
    let store = &scope.core.store;
    let mut c = Cursor::new(text);
    let c = &mut c;
    let inserts = c.eat("INSERT WITH SCHEMA EVOLUTION") || c.eat("INSERT");
    let modifies = (inserts && (c.eat("INTO") || c.eat("OVERWRITE")))
        || c.eat("UPDATE")
        || c.eat("DELETE FROM")
        || c.eat("TRUNCATE")
        || c.eat("RESTORE")
        || c.eat("MERGE WITH SCHEMA EVOLUTION INTO")
        || c.eat("MERGE INTO")
        || c.eat("COPY INTO");
    if modifies {
        c.eat("TABLE");
        let name = scope.resolve(&c.name()?)?;
        if store.relation(&name).is_none() {
            // That it is missing is stated where it is looked for.
            return Ok(());
        }
        rights.may_use(store, &name.catalog, Some(&name.schema))?;
        return rights.require(store, "MODIFY", On::Object("TABLE", &name));
    }
    if c.eat("CREATE") || c.is("REPLACE TABLE") {
        let replaces = c.eat("OR REPLACE") || c.eat("REPLACE");
        return creates(scope, c, replaces);
    }
    let grants = c.eat("GRANT") || c.eat("REVOKE");
    if grants {
        while !c.at_end() && !c.eat("ON") {
            c.skip();
        }
    }
    let upkeep = ["OPTIMIZE", "VACUUM", "REORG TABLE", "ANALYZE TABLE"].iter().any(|word| c.eat(word));
    let manages = grants
        || upkeep
        || ["DROP", "ALTER", "COMMENT ON", "SET TAG ON", "UNSET TAG ON"].iter().any(|word| c.eat(word));
    if manages { managed(scope, c, upkeep) } else { Ok(()) }
}

fn creates(scope: &Scope<'_>, c: &mut Cursor<'_>, replaces: bool) -> Result<(), Failure> {
    let Some(rights) = &scope.rights else { return Ok(()) };
    let store = &scope.core.store;
    if c.eat("TEMPORARY") || c.eat("TEMP") {
        return Ok(());
    }
    let Some(kind) = c.any(&["TABLE", "VIEW", "FUNCTION", "VOLUME", "SCHEMA", "DATABASE", "CATALOG"]) else {
        return Ok(());
    };
    c.eat("IF NOT EXISTS");
    let parts = c.name()?;
    if kind == "CATALOG" {
        return rights.require(store, "CREATE CATALOG", On::Metastore);
    }
    if matches!(kind, "SCHEMA" | "DATABASE") {
        let (catalog, _) = scope.resolve_schema(&parts)?;
        rights.may_use(store, &catalog, None)?;
        return rights.require(store, "CREATE SCHEMA", On::Catalog(&catalog));
    }
    let name = scope.resolve(&parts)?;
    rights.may_use(store, &name.catalog, Some(&name.schema))?;
    let of = if kind == "VIEW" { "TABLE" } else { kind };
    let there = match of {
        "FUNCTION" => store.function(&name).is_some(),
        _ => store.relation(&name).is_some(),
    };
    if replaces && there {
        return rights.may_manage(store, On::Object(of, &name));
    }
    rights.require(store, &format!("CREATE {of}"), On::Schema(&name.catalog, &name.schema))
}

fn managed(scope: &Scope<'_>, c: &mut Cursor<'_>, upkeep: bool) -> Result<(), Failure> {
    let Some(rights) = &scope.rights else { return Ok(()) };
    let store = &scope.core.store;
    let stated =
        c.any(&["TABLE", "VIEW", "FUNCTION", "VOLUME", "SCHEMA", "DATABASE", "CATALOG", "COLUMN", "METASTORE"]);
    let kind = match stated {
        None if c.is("TEMPORARY") || c.is("VARIABLE") => return Ok(()),
        Some("METASTORE") => return rights.may_manage(store, On::Metastore),
        None | Some("VIEW" | "COLUMN") => "TABLE",
        Some("DATABASE") => "SCHEMA",
        Some(kind) => kind,
    };
    c.eat("IF EXISTS");
    let mut parts = c.name()?;
    if stated == Some("COLUMN") {
        parts.pop();
    }
    if kind == "CATALOG" {
        let name = parts.first().map(|p| p.to_lowercase()).unwrap_or_default();
        let there = store.read(|all| all.contains_key(&name));
        return if there { rights.may_manage(store, On::Catalog(&name)) } else { Ok(()) };
    }
    if kind == "SCHEMA" {
        let (catalog, schema) = scope.resolve_schema(&parts)?;
        let there = store.schema(&catalog, &schema, |_| ()).is_ok();
        return if there { rights.may_manage(store, On::Schema(&catalog, &schema)) } else { Ok(()) };
    }
    if let [one] = parts.as_slice()
        && scope.session.lock().views.contains_key(&one.to_lowercase())
    {
        return Ok(());
    }
    let name = scope.resolve(&parts)?;
    let there = match kind {
        "FUNCTION" => store.function(&name).is_some(),
        "VOLUME" => {
            store.schema(&name.catalog, &name.schema, |s| s.volumes.contains_key(&name.object)).unwrap_or(false)
        }
        _ => store.relation(&name).is_some(),
    };
    if !there {
        return Ok(());
    }
    let on = On::Object(kind, &name);
    if upkeep && rights.has(store, "MODIFY", on) { Ok(()) } else { rights.may_manage(store, on) }
}
