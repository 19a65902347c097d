package main

import (
	"github.com/databricks/databricks-sdk-go/service/ml"
	"github.com/databricks/databricks-sdk-go/service/pipelines"
	"github.com/databricks/databricks-sdk-go/service/serving"
)

func mlCalls(c *calls) {
	w, ctx := c.w, c.ctx
	experiment := ask(c, "experiments.create", func() (*ml.CreateExperimentResponse, error) {
		return w.Experiments.CreateExperiment(ctx, ml.CreateExperiment{Name: "/Shared/go-experiment"})
	}, nil)
	if experiment != nil {
		run := ask(c, "experiments.create_run", func() (*ml.CreateRunResponse, error) {
			return w.Experiments.CreateRun(ctx, ml.CreateRun{ExperimentId: experiment.ExperimentId, RunName: "r"})
		}, func(r *ml.CreateRunResponse) bool { return r.Run.Info.RunId != "" })
		if run != nil {
			id := run.Run.Info.RunId
			do(c, "experiments.log_metric", func() error {
				return w.Experiments.LogMetric(ctx, ml.LogMetric{RunId: id, Key: "m", Value: 0.5, Timestamp: 1})
			})
			do(c, "experiments.log_param", func() error { return w.Experiments.LogParam(ctx, ml.LogParam{RunId: id, Key: "p", Value: "1"}) })
			ask(c, "experiments.get_run", func() (*ml.GetRunResponse, error) { return w.Experiments.GetRun(ctx, ml.GetRunRequest{RunId: id}) },
				func(r *ml.GetRunResponse) bool {
					return r.Run.Data.Metrics[0].Value == 0.5 && r.Run.Data.Params[0].Value == "1"
				})
			ask(c, "experiments.search_runs", func() ([]ml.Run, error) {
				return w.Experiments.SearchRunsAll(ctx, ml.SearchRuns{ExperimentIds: []string{experiment.ExperimentId}, Filter: "metrics.m > 0.1"})
			}, func(all []ml.Run) bool { return len(all) == 1 })
		}
		do(c, "experiments.delete", func() error {
			return w.Experiments.DeleteExperiment(ctx, ml.DeleteExperiment{ExperimentId: experiment.ExperimentId})
		})
	}
	ask(c, "model_registry.create_model", func() (*ml.CreateModelResponse, error) {
		return w.ModelRegistry.CreateModel(ctx, ml.CreateModelRequest{Name: "go"})
	}, func(m *ml.CreateModelResponse) bool { return m.RegisteredModel.Name == "go" })
	ask(c, "model_registry.list_models", func() ([]ml.Model, error) { return w.ModelRegistry.ListModelsAll(ctx, ml.ListModelsRequest{}) },
		func(all []ml.Model) bool { return len(all) == 1 })
	ask(c, "serving_endpoints.create", func() (*serving.ServingEndpointDetailed, error) {
		return w.ServingEndpoints.CreateAndWait(ctx, serving.CreateServingEndpoint{Name: "go", Config: &serving.EndpointCoreConfigInput{
			ServedEntities: []serving.ServedEntityInput{{EntityName: "local.echo", EntityVersion: "1", ScaleToZeroEnabled: true, WorkloadSize: "Small"}}}})
	}, func(d *serving.ServingEndpointDetailed) bool { return d.State.Ready == serving.EndpointStateReadyReady })
	ask(c, "serving_endpoints.query", func() (*serving.QueryEndpointResponse, error) {
		return w.ServingEndpoints.Query(ctx, serving.QueryEndpointInput{Name: "go", DataframeRecords: []any{map[string]any{"x": 1}}})
	}, func(r *serving.QueryEndpointResponse) bool { return len(r.Predictions) == 1 })
	do(c, "serving_endpoints.delete", func() error { return w.ServingEndpoints.DeleteByName(ctx, "go") })
	pipeline := ask(c, "pipelines.create", func() (*pipelines.CreatePipelineResponse, error) {
		return w.Pipelines.Create(ctx, pipelines.CreatePipeline{Name: "go", Catalog: "main", Schema: "default"})
	}, nil)
	if pipeline != nil {
		ask(c, "pipelines.get", func() (*pipelines.GetPipelineResponse, error) {
			return w.Pipelines.GetByPipelineId(ctx, pipeline.PipelineId)
		},
			func(p *pipelines.GetPipelineResponse) bool { return p.Name == "go" && p.State != "" })
		do(c, "pipelines.delete", func() error { return w.Pipelines.DeleteByPipelineId(ctx, pipeline.PipelineId) })
	}
}
