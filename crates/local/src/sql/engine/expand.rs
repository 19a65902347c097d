//! `value.*` for a structure: its members as columns. The planner knows `*` behind the names of relations alone, so that these
//! are found by failing, and the members by planning the value.

use std::ops::ControlFlow;

use datafusion::arrow::datatypes::DataType;
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::ast::{
    Expr, GroupByExpr, Ident, Select, SelectItem, SelectItemQualifiedWildcardKind, Statement, VisitorMut,
    WildcardAdditionalOptions,
};

use super::core::{Core, Setting};
use super::output::wire;
use super::store::providers::Overlay;
use super::{spark, walk};

/// The name before `.*` that is none of a relation.
pub(super) fn structure(error: &DataFusionError) -> Option<String> {
    let DataFusionError::Plan(text) = error.find_root() else { return None };
    text.strip_prefix("Invalid qualifier ").map(|rest| rest.split_whitespace().next().unwrap_or(rest).to_owned())
}

/// Puts the members in place of the first `path.*`; false if it is no structure.
pub(super) async fn members(
    core: &Core,
    statement: &mut Statement,
    path: &str,
    setting: &Setting,
    overlay: &Overlay,
) -> bool {
    let mut first = First { path, found: None, replace: None };
    let _: ControlFlow<()> = walk::change(statement, &mut first);
    let Some((select, value)) = first.found else { return false };
    let with = match &*statement {
        Statement::Query(query) => query.with.as_ref().map(ToString::to_string).unwrap_or_default(),
        _ => String::new(),
    };
    let Ok(planned) = core.plan(&format!("{with} {select}"), setting, overlay).await else { return false };
    let kind = planned.plan.schema().fields().first().map(|f| wire(f.data_type()));
    let Some(DataType::Struct(fields)) = kind.filter(|kind| !spark::types::is_variant(kind)) else { return false };
    let items = fields.iter().map(|field| {
        let member = Ident::with_quote('`', field.name());
        let parts = value.iter().cloned().chain([member.clone()]).collect();
        SelectItem::ExprWithAlias { expr: Expr::CompoundIdentifier(parts), alias: member }
    });
    let mut replace = First { path, found: None, replace: Some(items.collect()) };
    let _: ControlFlow<()> = walk::change(statement, &mut replace);
    true
}

/// Looks for the first SELECT with `path.*`, or replaces it there.
struct First<'a> {
    path: &'a str,
    /// The SELECT of the value alone, and its name.
    found: Option<(Box<Select>, Vec<Ident>)>,
    replace: Option<Vec<SelectItem>>,
}

impl VisitorMut for First<'_> {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let mut name = Vec::new();
        let place = select.projection.iter().position(|item| {
            let SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(object), options) = item
            else {
                return false;
            };
            let parts: Option<Vec<Ident>> = object.0.iter().map(|part| part.as_ident().cloned()).collect();
            name = parts.unwrap_or_default();
            let plain = name.iter().map(|part| part.value.to_lowercase()).collect::<Vec<_>>().join(".");
            options == &WildcardAdditionalOptions::default()
                && plain == self.path.replace(['`', '"'], "").to_lowercase()
        });
        let Some(place) = place else { return ControlFlow::Continue(()) };
        if let Some(items) = self.replace.take() {
            select.projection.splice(place..=place, items);
            return ControlFlow::Break(());
        }
        let expr = match name.as_slice() {
            [one] => Expr::Identifier(one.clone()),
            parts => Expr::CompoundIdentifier(parts.to_vec()),
        };
        let mut alone = select.clone();
        alone.projection = vec![SelectItem::UnnamedExpr(expr)];
        alone.selection = None;
        alone.group_by = GroupByExpr::Expressions(Vec::new(), Vec::new());
        (alone.having, alone.qualify, alone.distinct) = (None, None, None);
        alone.sort_by.clear();
        self.found = Some((Box::new(alone), name));
        ControlFlow::Break(())
    }
}
