package main

import (
	"strings"

	"github.com/databricks/databricks-sdk-go/service/compute"
)

func computeCalls(c *calls) {
	w, ctx := c.w, c.ctx
	versions := ask(c, "clusters.spark_versions", func() (*compute.GetSparkVersionsResponse, error) { return w.Clusters.SparkVersions(ctx) },
		func(v *compute.GetSparkVersionsResponse) bool { return len(v.Versions) > 0 })
	version, err := versions.Select(compute.SparkVersionRequest{Latest: true, LongTermSupport: true})
	if err != nil {
		c.failed = append(c.failed, "spark version: "+err.Error())
	}
	nodes := ask(c, "clusters.list_node_types", func() (*compute.ListNodeTypesResponse, error) { return w.Clusters.ListNodeTypes(ctx) }, nil)
	node, err := nodes.Smallest(compute.NodeTypeRequest{LocalDisk: true})
	if err != nil {
		c.failed = append(c.failed, "node type: "+err.Error())
	}
	ask(c, "clusters.list_zones", func() (*compute.ListAvailableZonesResponse, error) { return w.Clusters.ListZones(ctx) }, nil)
	cluster := ask(c, "clusters.create", func() (*compute.ClusterDetails, error) {
		return w.Clusters.CreateAndWait(ctx, compute.CreateCluster{ClusterName: "go", SparkVersion: version, NodeTypeId: node, NumWorkers: 1, AutoterminationMinutes: 30})
	}, func(d *compute.ClusterDetails) bool { return d.State == compute.StateRunning })
	if cluster == nil {
		return
	}
	id := cluster.ClusterId
	ask(c, "clusters.get", func() (*compute.ClusterDetails, error) { return w.Clusters.GetByClusterId(ctx, id) },
		func(d *compute.ClusterDetails) bool { return d.ClusterName == "go" && len(d.Executors) == 1 })
	ask(c, "clusters.list", func() ([]compute.ClusterDetails, error) {
		return w.Clusters.ListAll(ctx, compute.ListClustersRequest{PageSize: 1})
	},
		func(all []compute.ClusterDetails) bool { return len(all) == 2 })
	ask(c, "clusters.list filtered", func() ([]compute.ClusterDetails, error) {
		return w.Clusters.ListAll(ctx, compute.ListClustersRequest{FilterBy: &compute.ListClustersFilterBy{ClusterStates: []compute.State{compute.StateTerminated}}})
	}, func(all []compute.ClusterDetails) bool { return len(all) == 0 })
	ask(c, "clusters.get by name", func() (*compute.ClusterDetails, error) { return w.Clusters.GetByClusterName(ctx, "go") },
		func(d *compute.ClusterDetails) bool { return d.ClusterId == id })
	ask(c, "clusters.resize", func() (*compute.ClusterDetails, error) {
		return w.Clusters.ResizeAndWait(ctx, compute.ResizeCluster{ClusterId: id, NumWorkers: 2})
	}, func(d *compute.ClusterDetails) bool { return d.NumWorkers == 2 })
	ask(c, "clusters.edit", func() (*compute.ClusterDetails, error) {
		return w.Clusters.EditAndWait(ctx, compute.EditCluster{ClusterId: id, ClusterName: "go2", SparkVersion: version, NodeTypeId: node, NumWorkers: 1})
	}, func(d *compute.ClusterDetails) bool { return d.ClusterName == "go2" })
	ask(c, "clusters.restart", func() (*compute.ClusterDetails, error) {
		return w.Clusters.RestartAndWait(ctx, compute.RestartCluster{ClusterId: id})
	}, nil)
	do(c, "clusters.pin", func() error { return w.Clusters.Pin(ctx, compute.PinCluster{ClusterId: id}) })
	do(c, "clusters.unpin", func() error { return w.Clusters.Unpin(ctx, compute.UnpinCluster{ClusterId: id}) })
	ask(c, "clusters.events", func() ([]compute.ClusterEvent, error) {
		return w.Clusters.EventsAll(ctx, compute.GetEvents{ClusterId: id})
	},
		func(all []compute.ClusterEvent) bool { return len(all) > 3 })
	do(c, "libraries.install", func() error {
		return w.Libraries.Install(ctx, compute.InstallLibraries{ClusterId: id, Libraries: []compute.Library{{Pypi: &compute.PythonPyPiLibrary{Package: "six"}}}})
	})
	ask(c, "libraries.cluster_status", func() ([]compute.LibraryFullStatus, error) {
		return w.Libraries.ClusterStatusAll(ctx, compute.ClusterStatus{ClusterId: id})
	}, func(all []compute.LibraryFullStatus) bool {
		return len(all) == 1 && all[0].Library.Pypi.Package == "six"
	})
	executor := ask(c, "commands.start", func() (*compute.CommandExecutorV2, error) {
		return w.CommandExecution.Start(ctx, id, compute.LanguagePython)
	}, nil)
	if executor != nil {
		ask(c, "commands.execute", func() (*compute.Results, error) { return executor.Execute(ctx, "print(6 * 7)") },
			func(r *compute.Results) bool { return strings.TrimSpace(r.Text()) == "42" })
		ask(c, "commands.execute an error", func() (*compute.Results, error) { return executor.Execute(ctx, "1 / 0") },
			func(r *compute.Results) bool { return r.Failed() && strings.Contains(r.Error(), "division by zero") })
		do(c, "commands.destroy", func() error { return executor.Destroy(ctx) })
	}
	ask(c, "clusters.delete", func() (*compute.ClusterDetails, error) { return w.Clusters.DeleteByClusterIdAndWait(ctx, id) },
		func(d *compute.ClusterDetails) bool { return d.State == compute.StateTerminated })
	do(c, "clusters.permanent_delete", func() error { return w.Clusters.PermanentDeleteByClusterId(ctx, id) })
	refuse(c, "clusters.get a missing one", func() error { _, err := w.Clusters.GetByClusterId(ctx, id); return err },
		func(err error) bool { return strings.Contains(err.Error(), "does not exist") })

	policy := ask(c, "cluster_policies.create", func() (*compute.CreatePolicyResponse, error) {
		return w.ClusterPolicies.Create(ctx, compute.CreatePolicy{Name: "go", Definition: `{"spark_conf.x":{"type":"fixed","value":"1"}}`})
	}, nil)
	if policy != nil {
		ask(c, "cluster_policies.get", func() (*compute.Policy, error) { return w.ClusterPolicies.GetByPolicyId(ctx, policy.PolicyId) },
			func(p *compute.Policy) bool { return p.Name == "go" })
		ask(c, "cluster_policies.list", func() ([]compute.Policy, error) {
			return w.ClusterPolicies.ListAll(ctx, compute.ListClusterPoliciesRequest{})
		}, func(all []compute.Policy) bool { return len(all) > 0 })
		do(c, "cluster_policies.delete", func() error { return w.ClusterPolicies.DeleteByPolicyId(ctx, policy.PolicyId) })
	}
	pool := ask(c, "instance_pools.create", func() (*compute.CreateInstancePoolResponse, error) {
		return w.InstancePools.Create(ctx, compute.CreateInstancePool{InstancePoolName: "go", NodeTypeId: node})
	}, nil)
	if pool != nil {
		ask(c, "instance_pools.get", func() (*compute.GetInstancePool, error) {
			return w.InstancePools.GetByInstancePoolId(ctx, pool.InstancePoolId)
		}, func(p *compute.GetInstancePool) bool { return p.State == compute.InstancePoolStateActive })
		ask(c, "instance_pools.list", func() ([]compute.InstancePoolAndStats, error) { return w.InstancePools.ListAll(ctx) },
			func(all []compute.InstancePoolAndStats) bool { return len(all) == 1 })
		do(c, "instance_pools.delete", func() error { return w.InstancePools.DeleteByInstancePoolId(ctx, pool.InstancePoolId) })
	}
	script := ask(c, "global_init_scripts.create", func() (*compute.CreateResponse, error) {
		return w.GlobalInitScripts.Create(ctx, compute.GlobalInitScriptCreateRequest{Name: "go", Script: "ZWNobyAx", Enabled: true})
	}, nil)
	if script != nil {
		ask(c, "global_init_scripts.get", func() (*compute.GlobalInitScriptDetailsWithContent, error) {
			return w.GlobalInitScripts.GetByScriptId(ctx, script.ScriptId)
		}, func(s *compute.GlobalInitScriptDetailsWithContent) bool { return s.Script == "ZWNobyAx" && s.Enabled })
		do(c, "global_init_scripts.delete", func() error { return w.GlobalInitScripts.DeleteByScriptId(ctx, script.ScriptId) })
	}
}
