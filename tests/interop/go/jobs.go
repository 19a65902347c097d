package main

import (
	"strings"

	"github.com/databricks/databricks-sdk-go/service/jobs"
	"github.com/databricks/databricks-sdk-go/service/workspace"
)

func jobCalls(c *calls) {
	w, ctx := c.w, c.ctx
	do(c, "workspace.mkdirs", func() error { return w.Workspace.MkdirsByPath(ctx, "/Shared/go") })
	do(c, "workspace.upload", func() error {
		return w.Workspace.Upload(ctx, "/Shared/go/task.py", strings.NewReader("import sys\nprint(sys.argv[1:])"), workspace.UploadOverwrite(), workspace.UploadFormat(workspace.ImportFormatAuto))
	})
	tasks := []jobs.Task{{
		TaskKey:         "one",
		SparkPythonTask: &jobs.SparkPythonTask{PythonFile: "/Shared/go/task.py", Parameters: []string{"a", "{{job.parameters.p}}"}},
		EnvironmentKey:  "default",
	}, {
		TaskKey:       "two",
		DependsOn:     []jobs.TaskDependency{{TaskKey: "one"}},
		ConditionTask: &jobs.ConditionTask{Left: "1", Op: jobs.ConditionTaskOpEqualTo, Right: "1"},
	}}
	job := ask(c, "jobs.create", func() (*jobs.CreateResponse, error) {
		return w.Jobs.Create(ctx, jobs.CreateJob{
			Name: "go", Tasks: tasks, Tags: map[string]string{"team": "x"}, MaxConcurrentRuns: 2,
			Parameters: []jobs.JobParameterDefinition{{Name: "p", Default: "b"}},
			Schedule:   &jobs.CronSchedule{QuartzCronExpression: "0 0 3 * * ?", TimezoneId: "UTC", PauseStatus: jobs.PauseStatusPaused},
		})
	}, nil)
	if job == nil {
		return
	}
	ask(c, "jobs.get", func() (*jobs.Job, error) { return w.Jobs.GetByJobId(ctx, job.JobId) }, func(j *jobs.Job) bool {
		return j.Settings.Name == "go" && len(j.Settings.Tasks) == 2 && j.Settings.MaxConcurrentRuns == 2 && j.CreatorUserName != ""
	})
	ask(c, "jobs.list", func() ([]jobs.BaseJob, error) {
		return w.Jobs.ListAll(ctx, jobs.ListJobsRequest{ExpandTasks: true, Limit: 1})
	},
		func(all []jobs.BaseJob) bool { return len(all) >= 1 })
	ask(c, "jobs.get by name", func() (*jobs.BaseJob, error) { return w.Jobs.GetBySettingsName(ctx, "go") },
		func(j *jobs.BaseJob) bool { return j.JobId == job.JobId })
	do(c, "jobs.update", func() error {
		return w.Jobs.Update(ctx, jobs.UpdateJob{JobId: job.JobId, NewSettings: &jobs.JobSettings{TimeoutSeconds: 600}, FieldsToRemove: []string{"tags"}})
	})
	ask(c, "jobs.get after update", func() (*jobs.Job, error) { return w.Jobs.GetByJobId(ctx, job.JobId) },
		func(j *jobs.Job) bool { return j.Settings.TimeoutSeconds == 600 && len(j.Settings.Tags) == 0 })
	run := ask(c, "jobs.run_now", func() (*jobs.Run, error) {
		return w.Jobs.RunNowAndWait(ctx, jobs.RunNow{JobId: job.JobId, JobParameters: map[string]string{"p": "c"}})
	}, func(r *jobs.Run) bool { return r.State.ResultState == jobs.RunResultStateSuccess && len(r.Tasks) == 2 })
	if run != nil {
		ask(c, "jobs.get_run", func() (*jobs.Run, error) { return w.Jobs.GetRun(ctx, jobs.GetRunRequest{RunId: run.RunId}) },
			func(r *jobs.Run) bool { return r.JobId == job.JobId && r.EndTime >= r.StartTime })
		for _, task := range run.Tasks {
			if task.TaskKey == "one" {
				ask(c, "jobs.get_run_output", func() (*jobs.RunOutput, error) { return w.Jobs.GetRunOutputByRunId(ctx, task.RunId) },
					func(o *jobs.RunOutput) bool { return strings.Contains(o.Logs, "['a', 'c']") })
			}
		}
		do(c, "jobs.delete_run", func() error { return w.Jobs.DeleteRunByRunId(ctx, run.RunId) })
	}
	ask(c, "jobs.submit", func() (*jobs.Run, error) {
		return w.Jobs.SubmitAndWait(ctx, jobs.SubmitRun{RunName: "once", Tasks: []jobs.SubmitTask{{
			TaskKey: "only", SparkPythonTask: &jobs.SparkPythonTask{PythonFile: "/Workspace/Shared/go/task.py"},
		}}})
	}, func(r *jobs.Run) bool { return r.State.ResultState == jobs.RunResultStateSuccess })
	ask(c, "jobs.list_runs", func() ([]jobs.BaseRun, error) {
		return w.Jobs.ListRunsAll(ctx, jobs.ListRunsRequest{CompletedOnly: true})
	},
		func(all []jobs.BaseRun) bool { return len(all) == 1 && all[0].RunName == "once" })
	do(c, "jobs.cancel_all_runs", func() error { return w.Jobs.CancelAllRuns(ctx, jobs.CancelAllRuns{JobId: job.JobId}) })
	do(c, "jobs.reset", func() error {
		return w.Jobs.Reset(ctx, jobs.ResetJob{JobId: job.JobId, NewSettings: jobs.JobSettings{Name: "go3", Tasks: tasks}})
	})
	ask(c, "jobs.get_permissions", func() (*jobs.JobPermissions, error) { return w.Jobs.GetPermissionsByJobId(ctx, idOf(job.JobId)) }, nil)
	do(c, "jobs.delete", func() error { return w.Jobs.DeleteByJobId(ctx, job.JobId) })
	refuse(c, "jobs.get a missing one", func() error { _, err := w.Jobs.GetByJobId(ctx, job.JobId); return err },
		func(err error) bool { return strings.Contains(err.Error(), "does not exist") })
}
