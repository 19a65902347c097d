package main

import (
	"strconv"
	"strings"

	"github.com/databricks/databricks-sdk-go/service/sql"
)

func idOf(number int64) string { return strconv.FormatInt(number, 10) }

func sqlCalls(c *calls) {
	w, ctx := c.w, c.ctx
	made := ask(c, "warehouses.create", func() (*sql.GetWarehouseResponse, error) {
		return w.Warehouses.CreateAndWait(ctx, sql.CreateWarehouseRequest{Name: "go", ClusterSize: "2X-Small", MaxNumClusters: 1, AutoStopMins: 10})
	}, func(r *sql.GetWarehouseResponse) bool { return r.State == sql.StateRunning })
	if made == nil {
		return
	}
	id := made.Id
	ask(c, "warehouses.list", func() ([]sql.EndpointInfo, error) { return w.Warehouses.ListAll(ctx, sql.ListWarehousesRequest{}) },
		func(all []sql.EndpointInfo) bool { return len(all) >= 2 })
	ask(c, "warehouses.edit", func() (*sql.GetWarehouseResponse, error) {
		return w.Warehouses.EditAndWait(ctx, sql.EditWarehouseRequest{Id: id, Name: "go2", ClusterSize: "Small", MaxNumClusters: 1, AutoStopMins: 20})
	}, func(r *sql.GetWarehouseResponse) bool { return r.Name == "go2" && r.AutoStopMins == 20 })
	ask(c, "statements.execute", func() (*sql.StatementResponse, error) {
		return w.StatementExecution.ExecuteAndWait(ctx, sql.ExecuteStatementRequest{
			WarehouseId: id, Statement: "SELECT :a AS a, id FROM range(3)",
			Parameters: []sql.StatementParameterListItem{{Name: "a", Value: "7", Type: "INT"}},
		})
	}, func(r *sql.StatementResponse) bool {
		return r.Status.State == sql.StatementStateSucceeded && r.Manifest.TotalRowCount == 3 && r.Result.DataArray[2][1] == "2"
	})
	external := ask(c, "statements.execute with links", func() (*sql.StatementResponse, error) {
		return w.StatementExecution.ExecuteStatement(ctx, sql.ExecuteStatementRequest{
			WarehouseId: id, Statement: "SELECT id FROM range(1000)", WaitTimeout: "30s",
			Disposition: sql.DispositionExternalLinks, Format: sql.FormatArrowStream,
		})
	}, func(r *sql.StatementResponse) bool { return len(r.Result.ExternalLinks) == 1 })
	if external != nil {
		ask(c, "statements.get", func() (*sql.StatementResponse, error) {
			return w.StatementExecution.GetStatementByStatementId(ctx, external.StatementId)
		}, func(r *sql.StatementResponse) bool { return r.Manifest.TotalRowCount == 1000 })
		ask(c, "statements.get_chunk", func() (*sql.ResultData, error) {
			return w.StatementExecution.GetStatementResultChunkNByStatementIdAndChunkIndex(ctx, external.StatementId, 0)
		}, func(r *sql.ResultData) bool { return strings.HasPrefix(r.ExternalLinks[0].ExternalLink, "http") })
	}
	ask(c, "statements.execute a mistake", func() (*sql.StatementResponse, error) {
		return w.StatementExecution.ExecuteStatement(ctx, sql.ExecuteStatementRequest{WarehouseId: id, Statement: "SELEC 1", WaitTimeout: "30s"})
	}, func(r *sql.StatementResponse) bool {
		return r.Status.State == sql.StatementStateFailed && strings.Contains(r.Status.Error.Message, "PARSE_SYNTAX_ERROR")
	})
	ask(c, "query_history.list", func() (*sql.ListQueriesResponse, error) {
		return w.QueryHistory.List(ctx, sql.ListQueryHistoryRequest{MaxResults: 2})
	}, func(r *sql.ListQueriesResponse) bool { return len(r.Res) == 2 && r.HasNextPage })
	query := ask(c, "queries.create", func() (*sql.Query, error) {
		return w.Queries.Create(ctx, sql.CreateQueryRequest{Query: &sql.CreateQueryRequestQuery{DisplayName: "go", QueryText: "SELECT 1", WarehouseId: id}})
	}, func(q *sql.Query) bool { return q.Id != "" && q.LifecycleState == sql.LifecycleStateActive })
	if query != nil {
		ask(c, "queries.get", func() (*sql.Query, error) { return w.Queries.GetById(ctx, query.Id) },
			func(q *sql.Query) bool { return q.QueryText == "SELECT 1" })
		ask(c, "queries.update", func() (*sql.Query, error) {
			return w.Queries.Update(ctx, sql.UpdateQueryRequest{Id: query.Id, UpdateMask: "query_text", Query: &sql.UpdateQueryRequestQuery{QueryText: "SELECT 2"}})
		}, func(q *sql.Query) bool { return q.QueryText == "SELECT 2" && q.DisplayName == "go" })
		do(c, "queries.delete", func() error { return w.Queries.DeleteById(ctx, query.Id) })
	}
	ask(c, "warehouses.stop", func() (*sql.GetWarehouseResponse, error) {
		return w.Warehouses.StopAndWait(ctx, sql.StopRequest{Id: id})
	}, func(r *sql.GetWarehouseResponse) bool { return r.State == sql.StateStopped })
	ask(c, "warehouses.start", func() (*sql.GetWarehouseResponse, error) {
		return w.Warehouses.StartAndWait(ctx, sql.StartRequest{Id: id})
	}, nil)
	do(c, "warehouses.delete", func() error { return w.Warehouses.DeleteById(ctx, id) })
}
