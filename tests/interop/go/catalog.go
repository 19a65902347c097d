package main

import (
	"errors"

	"github.com/databricks/databricks-sdk-go/apierr"
	"github.com/databricks/databricks-sdk-go/service/catalog"
	"github.com/databricks/databricks-sdk-go/service/sql"
)

func catalogCalls(c *calls) {
	w, ctx := c.w, c.ctx
	ask(c, "catalogs.create", func() (*catalog.CatalogInfo, error) {
		return w.Catalogs.Create(ctx, catalog.CreateCatalog{Name: "go_cat", Comment: "x"})
	}, func(i *catalog.CatalogInfo) bool { return i.FullName == "go_cat" })
	ask(c, "catalogs.list", func() ([]catalog.CatalogInfo, error) { return w.Catalogs.ListAll(ctx, catalog.ListCatalogsRequest{}) },
		func(all []catalog.CatalogInfo) bool { return len(all) >= 3 })
	ask(c, "schemas.create", func() (*catalog.SchemaInfo, error) {
		return w.Schemas.Create(ctx, catalog.CreateSchema{CatalogName: "go_cat", Name: "s"})
	}, func(i *catalog.SchemaInfo) bool { return i.FullName == "go_cat.s" })
	ask(c, "schemas.list", func() ([]catalog.SchemaInfo, error) {
		return w.Schemas.ListAll(ctx, catalog.ListSchemasRequest{CatalogName: "go_cat"})
	},
		func(all []catalog.SchemaInfo) bool { return len(all) >= 1 })
	warehouses, err := w.Warehouses.ListAll(ctx, sql.ListWarehousesRequest{})
	if err == nil && len(warehouses) > 0 {
		ask(c, "statements.execute makes a table", func() (*sql.StatementResponse, error) {
			return w.StatementExecution.ExecuteAndWait(ctx, sql.ExecuteStatementRequest{WarehouseId: warehouses[0].Id, Statement: "CREATE TABLE go_cat.s.t (id INT, name STRING)"})
		}, nil)
	}
	ask(c, "tables.get", func() (*catalog.TableInfo, error) { return w.Tables.GetByFullName(ctx, "go_cat.s.t") },
		func(t *catalog.TableInfo) bool {
			return len(t.Columns) == 2 && t.Columns[0].TypeName == catalog.ColumnTypeNameInt
		})
	ask(c, "tables.list", func() ([]catalog.TableInfo, error) {
		return w.Tables.ListAll(ctx, catalog.ListTablesRequest{CatalogName: "go_cat", SchemaName: "s"})
	}, func(all []catalog.TableInfo) bool { return len(all) == 1 })
	ask(c, "tables.exists", func() (*catalog.TableExistsResponse, error) { return w.Tables.ExistsByFullName(ctx, "go_cat.s.t") },
		func(t *catalog.TableExistsResponse) bool { return t.TableExists })
	ask(c, "volumes.create", func() (*catalog.VolumeInfo, error) {
		return w.Volumes.Create(ctx, catalog.CreateVolumeRequestContent{CatalogName: "go_cat", SchemaName: "s", Name: "v", VolumeType: catalog.VolumeTypeManaged})
	}, func(v *catalog.VolumeInfo) bool { return v.FullName == "go_cat.s.v" })
	ask(c, "volumes.read", func() (*catalog.VolumeInfo, error) { return w.Volumes.ReadByName(ctx, "go_cat.s.v") }, nil)
	ask(c, "grants.update", func() (*catalog.UpdatePermissionsResponse, error) {
		return w.Grants.Update(ctx, catalog.UpdatePermissions{SecurableType: "schema", FullName: "go_cat.s",
			Changes: []catalog.PermissionsChange{{Principal: "users", Add: []catalog.Privilege{catalog.PrivilegeUseSchema}}}})
	}, func(r *catalog.UpdatePermissionsResponse) bool { return len(r.PrivilegeAssignments) == 1 })
	ask(c, "grants.get", func() (*catalog.GetPermissionsResponse, error) {
		return w.Grants.GetBySecurableTypeAndFullName(ctx, "schema", "go_cat.s")
	}, func(r *catalog.GetPermissionsResponse) bool { return r.PrivilegeAssignments[0].Principal == "users" })
	do(c, "volumes.delete", func() error { return w.Volumes.DeleteByName(ctx, "go_cat.s.v") })
	do(c, "tables.delete", func() error { return w.Tables.DeleteByFullName(ctx, "go_cat.s.t") })
	do(c, "schemas.delete", func() error { return w.Schemas.DeleteByFullName(ctx, "go_cat.s") })
	do(c, "catalogs.delete", func() error { return w.Catalogs.Delete(ctx, catalog.DeleteCatalogRequest{Name: "go_cat", Force: true}) })
	refuse(c, "catalogs.get a missing one", func() error { _, err := w.Catalogs.GetByName(ctx, "go_cat"); return err },
		func(err error) bool { return errors.Is(err, apierr.ErrNotFound) })
}
