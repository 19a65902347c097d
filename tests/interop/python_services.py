"""Calls of the official Python SDK over the services of the embedded workspace, area by area.

Every call counts once. A call that raises what it should not is noted and the others go on, so that one run shows all
differences.
"""

import base64
import io
import time
import traceback
from datetime import timedelta

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import (
    AlreadyExists,
    BadRequest,
    DatabricksError,
    NotFound,
    NotImplemented,
    PermissionDenied,
    ResourceConflict,
)
from databricks.sdk.service import (
    apps,
    billing,
    catalog,
    compute,
    dashboards,
    iam,
    jobs,
    ml,
    oauth2,
    pipelines,
    provisioning,
    serving,
    settings,
    sharing,
    sql,
    vectorsearch,
    workspace,
)

WAIT = timedelta(seconds=120)
CONFLICT = (AlreadyExists, ResourceConflict, BadRequest)


class Calls:
    """Counts calls, and keeps those that went wrong."""

    def __init__(self):
        self.passed = 0
        self.failed = []

    def call(self, name, work, holds=None):
        """Runs `work`; `holds` states what must be true of its result."""
        try:
            result = work()
            if holds is not None and not holds(result):
                raise AssertionError(f"unexpected result: {str(result)[:300]}")
            self.passed += 1
            return result
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            self.failed.append((name, f"{type(error).__name__}: {str(error)[:300]} ({where.name})"))
            print("FAIL", name, self.failed[-1][1])
            return None

    def refused(self, name, kind, work):
        """Runs `work`, which must raise `kind`."""
        try:
            work()
        except kind:
            self.passed += 1
        except Exception as error:
            self.failed.append((name, f"raised {type(error).__name__}: {error}"))
            print("FAIL", name, self.failed[-1][1])
        else:
            self.failed.append((name, "nothing was raised"))
            print("FAIL", name, "nothing was raised")


def clusters(c, w):
    node = c.call("clusters.select_node_type", lambda: w.clusters.select_node_type(local_disk=True))
    version = c.call("clusters.select_spark_version", lambda: w.clusters.select_spark_version(latest=True))
    c.call("clusters.list_node_types", w.clusters.list_node_types, lambda r: r.node_types)
    c.call("clusters.list_zones", w.clusters.list_zones, lambda r: r.default_zone)
    c.call("clusters.spark_versions", w.clusters.spark_versions, lambda r: r.versions)
    made = c.call(
        "clusters.create_and_wait",
        lambda: w.clusters.create_and_wait(
            cluster_name="services", spark_version=version, node_type_id=node, num_workers=1, timeout=WAIT
        ),
        lambda r: r.state == compute.State.RUNNING,
    )
    id = made.cluster_id
    c.call("clusters.get", lambda: w.clusters.get(id), lambda r: r.cluster_name == "services")
    c.call("clusters.list", lambda: list(w.clusters.list()), lambda r: any(x.cluster_id == id for x in r))
    c.call("clusters.resize_and_wait", lambda: w.clusters.resize_and_wait(id, num_workers=2, timeout=WAIT), lambda r: r.num_workers == 2)
    c.call(
        "clusters.update_and_wait",
        lambda: w.clusters.update_and_wait(
            id, update_mask="cluster_name", cluster=compute.UpdateClusterResource(cluster_name="renamed"), timeout=WAIT
        ),
        lambda r: r.cluster_name == "renamed",
    )
    c.call("clusters.pin", lambda: w.clusters.pin(id))
    c.call("clusters.unpin", lambda: w.clusters.unpin(id))
    c.call("clusters.events", lambda: list(w.clusters.events(id)), lambda r: len(r) > 2)
    c.call("clusters.get_permissions", lambda: w.clusters.get_permissions(id), lambda r: r.access_control_list)
    c.call(
        "clusters.set_permissions",
        lambda: w.clusters.set_permissions(
            id,
            access_control_list=[
                compute.ClusterAccessControlRequest(
                    group_name="users", permission_level=compute.ClusterPermissionLevel.CAN_RESTART
                )
            ],
        ),
        lambda r: any(a.group_name == "users" for a in r.access_control_list),
    )
    c.call("clusters.update_permissions", lambda: w.clusters.update_permissions(id))
    c.call("clusters.get_permission_levels", lambda: w.clusters.get_permission_levels(id), lambda r: r.permission_levels)
    c.call("clusters.restart_and_wait", lambda: w.clusters.restart_and_wait(id, timeout=WAIT))
    c.call("clusters.delete_and_wait", lambda: w.clusters.delete_and_wait(id, timeout=WAIT))
    c.call("clusters.change_owner", lambda: w.clusters.change_owner(id, "another@example.com"))
    c.call("clusters.start_and_wait", lambda: w.clusters.start_and_wait(id, timeout=WAIT))
    c.call("clusters.ensure_cluster_is_running", lambda: w.clusters.ensure_cluster_is_running(id))
    return id, node, version


def compute_records(c, w, cluster, node):
    definition = '{"num_workers": {"type": "fixed", "value": 1}}'
    policy = c.call("cluster_policies.create", lambda: w.cluster_policies.create(name="small", definition=definition))
    id = policy.policy_id
    c.call("cluster_policies.get", lambda: w.cluster_policies.get(id), lambda r: r.definition == definition)
    c.call("cluster_policies.list", lambda: list(w.cluster_policies.list()), lambda r: [p.name for p in r] == ["small"])
    c.call("cluster_policies.edit", lambda: w.cluster_policies.edit(id, name="tiny", definition=definition))
    c.refused("cluster_policies.create twice", CONFLICT, lambda: w.cluster_policies.create(name="tiny", definition="{}"))
    c.refused("cluster_policies.create broken", BadRequest, lambda: w.cluster_policies.create(name="x", definition="{"))
    c.call("cluster_policies.get_permissions", lambda: w.cluster_policies.get_permissions(id))
    c.call("cluster_policies.get_permission_levels", lambda: w.cluster_policies.get_permission_levels(id))
    version = w.clusters.select_spark_version()
    c.refused(
        "clusters.create against a policy",
        BadRequest,
        lambda: w.clusters.create(spark_version=version, node_type_id=node, num_workers=2, policy_id=id),
    )
    held = w.clusters.create(spark_version=version, node_type_id=node, policy_id=id).result(timeout=WAIT)
    c.call("cluster_policies fix values", lambda: w.clusters.get(held.cluster_id), lambda r: r.num_workers == 1)
    w.cluster_policies.edit(id, name="tiny", definition=definition.replace("1", "2"))
    c.call(
        "policy_compliance_for_clusters.list_compliance",
        lambda: list(w.policy_compliance_for_clusters.list_compliance(id)),
        lambda r: [(one.cluster_id, one.is_compliant) for one in r] == [(held.cluster_id, False)],
    )
    c.call(
        "policy_compliance_for_clusters.get_compliance",
        lambda: w.policy_compliance_for_clusters.get_compliance(held.cluster_id),
        lambda r: "num_workers" in r.violations,
    )
    c.call(
        "policy_compliance_for_clusters.enforce_compliance",
        lambda: w.policy_compliance_for_clusters.enforce_compliance(held.cluster_id),
        lambda r: r.has_changes and r.changes[0].new_value == "2",
    )
    c.call(
        "policy_compliance_for_jobs.list_compliance",
        lambda: list(w.policy_compliance_for_jobs.list_compliance(id)),
        lambda r: r == [],
    )
    w.clusters.permanent_delete(held.cluster_id)
    c.call("cluster_policies.delete", lambda: w.cluster_policies.delete(id))
    c.refused("cluster_policies.get deleted", NotFound, lambda: w.cluster_policies.get(id))
    c.call("policy_families.list", lambda: list(w.policy_families.list()), lambda r: len(r) >= 4)
    c.call("policy_families.get", lambda: w.policy_families.get("personal-vm"), lambda r: r.definition)
    pool = c.call(
        "instance_pools.create",
        lambda: w.instance_pools.create(instance_pool_name="pool", node_type_id=node, min_idle_instances=0),
    )
    id = pool.instance_pool_id
    c.call("instance_pools.get", lambda: w.instance_pools.get(id), lambda r: r.state.value == "ACTIVE")
    c.call("instance_pools.list", lambda: list(w.instance_pools.list()), lambda r: len(r) == 1)
    c.call("instance_pools.edit", lambda: w.instance_pools.edit(id, "pool2", node, max_capacity=3))
    c.call("instance_pools.get_permissions", lambda: w.instance_pools.get_permissions(id))
    c.call("instance_pools.delete", lambda: w.instance_pools.delete(id))
    text = base64.b64encode(b"#!/bin/sh\n").decode()
    made = c.call("global_init_scripts.create", lambda: w.global_init_scripts.create(name="s", script=text))
    id = made.script_id
    c.call("global_init_scripts.get", lambda: w.global_init_scripts.get(id), lambda r: r.script == text)
    c.call("global_init_scripts.list", lambda: list(w.global_init_scripts.list()), lambda r: r[0].name == "s")
    c.call("global_init_scripts.update", lambda: w.global_init_scripts.update(id, name="t", script=text, enabled=True))
    c.call("global_init_scripts.delete", lambda: w.global_init_scripts.delete(id))
    arn = "arn:aws:iam::123456789012:instance-profile/x"
    c.call("instance_profiles.add", lambda: w.instance_profiles.add(arn, skip_validation=True))
    c.call("instance_profiles.list", lambda: list(w.instance_profiles.list()), lambda r: r[0].instance_profile_arn == arn)
    c.call("instance_profiles.edit", lambda: w.instance_profiles.edit(arn, iam_role_arn="arn:aws:iam::1:role/x"))
    c.call("instance_profiles.remove", lambda: w.instance_profiles.remove(arn))
    library = compute.Library(pypi=compute.PythonPyPiLibrary(package="simplejson"))
    c.call("libraries.install", lambda: w.libraries.install(cluster, [library]))
    c.call("libraries.cluster_status", lambda: list(w.libraries.cluster_status(cluster)), lambda r: len(r) == 1)
    c.call("libraries.all_cluster_statuses", lambda: list(w.libraries.all_cluster_statuses()), lambda r: len(r) == 1)
    c.call("libraries.uninstall", lambda: w.libraries.uninstall(cluster, [library]))


def warehouses(c, w):
    made = c.call(
        "warehouses.create_and_wait",
        lambda: w.warehouses.create_and_wait(name="services", cluster_size="2X-Small", max_num_clusters=1, timeout=WAIT),
    )
    id = made.id
    c.call("warehouses.get", lambda: w.warehouses.get(id), lambda r: r.name == "services")
    c.call("warehouses.list", lambda: list(w.warehouses.list()), lambda r: len(r) == 2)
    c.call("warehouses.edit_and_wait", lambda: w.warehouses.edit_and_wait(id, name="renamed", cluster_size="2X-Small", timeout=WAIT))
    c.call("warehouses.get_permissions", lambda: w.warehouses.get_permissions(id))
    c.call(
        "warehouses.set_permissions",
        lambda: w.warehouses.set_permissions(
            id,
            access_control_list=[
                sql.WarehouseAccessControlRequest(
                    group_name="users", permission_level=sql.WarehousePermissionLevel.CAN_USE
                )
            ],
        ),
    )
    c.call("warehouses.update_permissions", lambda: w.warehouses.update_permissions(id))
    c.call("warehouses.get_permission_levels", lambda: w.warehouses.get_permission_levels(id))
    c.call("warehouses.get_workspace_warehouse_config", w.warehouses.get_workspace_warehouse_config)
    c.call(
        "warehouses.set_workspace_warehouse_config",
        lambda: w.warehouses.set_workspace_warehouse_config(security_policy=sql.SetWorkspaceWarehouseConfigRequestSecurityPolicy.DATA_ACCESS_CONTROL),
    )
    c.call("warehouses.stop_and_wait", lambda: w.warehouses.stop_and_wait(id, timeout=WAIT))
    c.call("warehouses.start_and_wait", lambda: w.warehouses.start_and_wait(id, timeout=WAIT))
    c.call("warehouses.delete", lambda: w.warehouses.delete(id))
    return next(iter(w.warehouses.list())).id


def statements(c, w, warehouse):
    run = w.statement_execution.execute_statement
    one = c.call("execute_statement", lambda: run("SELECT 1", warehouse), lambda r: r.result.data_array == [["1"]])
    c.call("get_statement", lambda: w.statement_execution.get_statement(one.statement_id))
    c.call("get_statement_result_chunk_n", lambda: w.statement_execution.get_statement_result_chunk_n(one.statement_id, 0))
    c.call("cancel_execution", lambda: w.statement_execution.cancel_execution(one.statement_id))
    c.call("query_history.list", lambda: w.query_history.list(max_results=5), lambda r: len(r.res) >= 1)
    c.call(
        "query_history.list filtered",
        lambda: w.query_history.list(filter_by=sql.QueryFilter(statuses=[sql.QueryStatus.FINISHED])),
        lambda r: all(q.status == sql.QueryStatus.FINISHED for q in r.res),
    )
    query = c.call(
        "queries.create",
        lambda: w.queries.create(
            query=sql.CreateQueryRequestQuery(display_name="q", query_text="SELECT 1", warehouse_id=warehouse)
        ),
    )
    c.call("queries.get", lambda: w.queries.get(query.id), lambda r: r.query_text == "SELECT 1")
    c.call("queries.list", lambda: list(w.queries.list()), lambda r: [q.display_name for q in r] == ["q"])
    c.call(
        "queries.update",
        lambda: w.queries.update(query.id, "display_name", query=sql.UpdateQueryRequestQuery(display_name="r")),
        lambda r: r.display_name == "r" and r.query_text == "SELECT 1",
    )
    c.call("queries.list_visualizations", lambda: list(w.queries.list_visualizations(query.id)))
    picture = c.call(
        "query_visualizations.create",
        lambda: w.query_visualizations.create(
            visualization=sql.CreateVisualizationRequestVisualization(display_name="v", query_id=query.id, type="TABLE")
        ),
    )
    c.call("query_visualizations.delete", lambda: w.query_visualizations.delete(picture.id))
    condition = sql.AlertCondition(
        op=sql.AlertOperator.GREATER_THAN,
        operand=sql.AlertConditionOperand(column=sql.AlertOperandColumn(name="1")),
        threshold=sql.AlertConditionThreshold(value=sql.AlertOperandValue(double_value=1)),
    )
    alert = c.call(
        "alerts.create",
        lambda: w.alerts.create(
            alert=sql.CreateAlertRequestAlert(display_name="a", query_id=query.id, condition=condition)
        ),
    )
    c.call("alerts.get", lambda: w.alerts.get(alert.id), lambda r: r.condition.op == sql.AlertOperator.GREATER_THAN)
    c.call("alerts.list", lambda: list(w.alerts.list()), lambda r: len(r) == 1)
    c.call(
        "alerts.update",
        lambda: w.alerts.update(alert.id, "display_name", alert=sql.UpdateAlertRequestAlert(display_name="b")),
    )
    c.call("alerts.delete", lambda: w.alerts.delete(alert.id))
    c.call("queries.delete", lambda: w.queries.delete(query.id))
    c.call("data_sources.list", lambda: list(w.data_sources.list()), lambda r: r[0].warehouse_id == warehouse)
    old = c.call("queries_legacy.create", lambda: w.queries_legacy.create(name="old", query="SELECT 1"))
    c.call("queries_legacy.list", lambda: list(w.queries_legacy.list()), lambda r: len(r) == 1)
    c.call("queries_legacy.get", lambda: w.queries_legacy.get(old.id))
    c.call("queries_legacy.update", lambda: w.queries_legacy.update(old.id, name="older"))
    c.call("queries_legacy.delete", lambda: w.queries_legacy.delete(old.id))


def commands(c, w, cluster):
    e = w.command_execution
    context = c.call("command_execution.create_and_wait", lambda: e.create_and_wait(cluster_id=cluster, language=compute.Language.PYTHON))

    def run(code, language=compute.Language.PYTHON):
        return e.execute_and_wait(cluster_id=cluster, context_id=context.id, language=language, command=code).results

    c.call("command print", lambda: run("print(1)"), lambda r: r.data == "1")
    c.call("command_execution.context_status", lambda: e.context_status(cluster, context.id))
    c.call("command %sql", lambda: run("%sql\nSELECT 1 AS a"), lambda r: r.data == [[1]])
    c.call("command spark.sql", lambda: run("print(spark.sql('SELECT 2 AS a').collect()[0][0])"), lambda r: r.data == "2")
    c.call("command display(spark.sql)", lambda: run("display(spark.sql('SELECT 2 AS a'))"), lambda r: r.data == [[2]])
    c.call("command %sh", lambda: run("%sh echo hello"), lambda r: r.data == "hello")
    c.call("command dbutils.widgets", lambda: run("dbutils.widgets.text('a', 'b'); print(dbutils.widgets.get('a'))"), lambda r: r.data == "b")
    c.call("command dbutils.notebook.exit", lambda: run("dbutils.notebook.exit('done')"), lambda r: "done" in str(r.data))
    c.call("command dbutils.fs", lambda: run("dbutils.fs.put('/tmp/x.txt', 'hi', True); print(dbutils.fs.head('/tmp/x.txt'))"), lambda r: "hi" in r.data)
    c.call("command taskValues", lambda: run("dbutils.jobs.taskValues.set('k', 1)"))
    c.call("command_execution.destroy", lambda: e.destroy(cluster, context.id))


def notebooks(c, w, home):
    def upload(path, text, language=workspace.Language.PYTHON):
        w.workspace.import_(
            path,
            content=base64.b64encode(text.encode()).decode(),
            format=workspace.ImportFormat.SOURCE,
            language=language,
            overwrite=True,
        )

    c.call("workspace.mkdirs", lambda: w.workspace.mkdirs(f"{home}/services"))
    c.call("workspace.import_", lambda: upload(f"{home}/services/n", "# Databricks notebook source\nprint('hi')\ndbutils.notebook.exit('done')"))
    c.call("workspace.get_status", lambda: w.workspace.get_status(f"{home}/services/n"), lambda r: r.object_id)
    c.call("workspace.list", lambda: list(w.workspace.list(f"{home}/services")), lambda r: len(r) == 1)
    c.call("workspace.export", lambda: w.workspace.export(f"{home}/services/n", format=workspace.ExportFormat.SOURCE))
    directory = w.workspace.get_status(f"{home}/services").object_id
    c.call("workspace.get_permissions", lambda: w.workspace.get_permissions("directories", str(directory)))
    c.call("workspace.get_permission_levels", lambda: w.workspace.get_permission_levels("directories", str(directory)))
    repo = c.call("repos.create", lambda: w.repos.create("https://github.com/org/thing.git", "gitHub"))
    c.call("repos.get", lambda: w.repos.get(repo.id), lambda r: r.path.endswith("/thing"))
    c.call("repos.list", lambda: list(w.repos.list()), lambda r: len(r) == 1)
    c.call("repos.update", lambda: w.repos.update(repo.id, branch="dev"))
    c.call("repos.get_permissions", lambda: w.repos.get_permissions(str(repo.id)))
    c.call("repos.delete", lambda: w.repos.delete(repo.id))
    made = c.call("git_credentials.create", lambda: w.git_credentials.create("gitHub", git_username="u", personal_access_token="t"))
    c.call("git_credentials.get", lambda: w.git_credentials.get(made.credential_id), lambda r: r.git_username == "u")
    c.call("git_credentials.list", lambda: list(w.git_credentials.list()), lambda r: len(r) == 1)
    c.call("git_credentials.update", lambda: w.git_credentials.update(made.credential_id, "gitHub", git_username="v"))
    c.call("git_credentials.delete", lambda: w.git_credentials.delete(made.credential_id))
    return f"{home}/services/n", upload


def job_calls(c, w, cluster, warehouse, notebook, upload):
    task = jobs.Task(task_key="a", existing_cluster_id=cluster, notebook_task=jobs.NotebookTask(notebook))
    job = c.call("jobs.create", lambda: w.jobs.create(name="services", tasks=[task]))
    id = job.job_id
    c.call("jobs.get", lambda: w.jobs.get(id), lambda r: r.settings.name == "services")
    c.call("jobs.list", lambda: list(w.jobs.list(name="services")), lambda r: len(r) == 1)
    run = c.call("jobs.run_now_and_wait", lambda: w.jobs.run_now_and_wait(id, timeout=WAIT), lambda r: r.state.result_state == jobs.RunResultState.SUCCESS)
    c.call("jobs.get_run", lambda: w.jobs.get_run(run.run_id))
    c.call("jobs.get_run_output", lambda: w.jobs.get_run_output(run.tasks[0].run_id), lambda r: r.notebook_output.result == "done")
    c.call("jobs.list_runs", lambda: list(w.jobs.list_runs(job_id=id)), lambda r: len(r) == 1)
    c.call("jobs.update", lambda: w.jobs.update(id, new_settings=jobs.JobSettings(name="renamed")))
    c.call("jobs.reset", lambda: w.jobs.reset(id, jobs.JobSettings(name="reset", tasks=[task])))
    c.call("jobs.get_permissions", lambda: w.jobs.get_permissions(str(id)))
    c.call("jobs.get_permission_levels", lambda: w.jobs.get_permission_levels(str(id)))
    c.call(
        "jobs.set_permissions",
        lambda: w.jobs.set_permissions(
            str(id),
            access_control_list=[jobs.JobAccessControlRequest(group_name="users", permission_level=jobs.JobPermissionLevel.CAN_VIEW)],
        ),
    )
    c.call("jobs.update_permissions", lambda: w.jobs.update_permissions(str(id)))
    c.call("jobs.export_run", lambda: w.jobs.export_run(run.tasks[0].run_id), lambda r: r.views)
    c.call("jobs.delete_run", lambda: w.jobs.delete_run(run.run_id))

    def submit(*tasks):
        return w.jobs.submit_and_wait(run_name="services", tasks=list(tasks), timeout=WAIT)

    good = lambda r: r.state.result_state == jobs.RunResultState.SUCCESS
    Sub = jobs.SubmitTask
    upload(f"{notebook}.py", "import sys\nprint(sys.argv[1:])\n")
    c.call(
        "jobs.submit python file",
        lambda: submit(Sub(task_key="a", existing_cluster_id=cluster, spark_python_task=jobs.SparkPythonTask(f"{notebook}.py", parameters=["x"]))),
        good,
    )
    c.call(
        "jobs.submit condition",
        lambda: submit(
            Sub(task_key="a", condition_task=jobs.ConditionTask(jobs.ConditionTaskOp.EQUAL_TO, "1", "1")),
            Sub(task_key="b", depends_on=[jobs.TaskDependency("a", outcome="true")], existing_cluster_id=cluster, notebook_task=jobs.NotebookTask(notebook)),
        ),
        good,
    )
    c.call(
        "jobs.submit for each",
        lambda: w.jobs.run_now_and_wait(
            w.jobs.create(
                name="each",
                tasks=[
                    jobs.Task(
                        task_key="a",
                        for_each_task=jobs.ForEachTask(
                            inputs="[1, 2]",
                            task=jobs.Task(task_key="b", existing_cluster_id=cluster, notebook_task=jobs.NotebookTask(notebook, base_parameters={"x": "{{input}}"})),
                        ),
                    )
                ],
            ).job_id,
            timeout=WAIT,
        ),
        good,
    )
    c.call("jobs.submit run job", lambda: submit(Sub(task_key="a", run_job_task=jobs.RunJobTask(id))), good)
    c.call("jobs.cancel_all_runs", lambda: w.jobs.cancel_all_runs(job_id=id))
    c.call("jobs.delete", lambda: w.jobs.delete(id))


def dbfs_and_secrets(c, w):
    c.call("dbfs.mkdirs", lambda: w.dbfs.mkdirs("/services"))
    c.call("dbfs.put", lambda: w.dbfs.put("/services/a", contents=base64.b64encode(b"hi").decode(), overwrite=True))
    c.call("dbfs.get_status", lambda: w.dbfs.get_status("/services/a"), lambda r: r.file_size == 2)
    c.call("dbfs.read", lambda: w.dbfs.read("/services/a"), lambda r: base64.b64decode(r.data) == b"hi")
    c.call("dbfs.list", lambda: list(w.dbfs.list("/services")), lambda r: len(r) == 1)
    c.call("dbfs.upload", lambda: w.dbfs.upload("/services/b", io.BytesIO(b"x" * 100), overwrite=True))
    c.call("dbfs.download", lambda: w.dbfs.download("/services/b").read(), lambda r: len(r) == 100)
    c.call("dbfs.move", lambda: w.dbfs.move("/services/b", "/services/c"))
    c.call("dbfs.delete", lambda: w.dbfs.delete("/services", recursive=True))
    c.call("secrets.create_scope", lambda: w.secrets.create_scope("scope"))
    c.call("secrets.put_secret", lambda: w.secrets.put_secret("scope", "key", string_value="v"))
    c.call("secrets.get_secret", lambda: w.secrets.get_secret("scope", "key"), lambda r: base64.b64decode(r.value) == b"v")
    c.call("secrets.list_secrets", lambda: list(w.secrets.list_secrets("scope")), lambda r: r[0].key == "key")
    c.call("secrets.list_scopes", lambda: list(w.secrets.list_scopes()), lambda r: len(r) == 1)
    c.call("secrets.put_acl", lambda: w.secrets.put_acl("scope", "users", workspace.AclPermission.READ))
    c.call("secrets.get_acl", lambda: w.secrets.get_acl("scope", "users"))
    c.call("secrets.list_acls", lambda: list(w.secrets.list_acls("scope")))
    c.call("secrets.delete_acl", lambda: w.secrets.delete_acl("scope", "users"))
    c.call("secrets.delete_secret", lambda: w.secrets.delete_secret("scope", "key"))
    c.call("secrets.delete_scope", lambda: w.secrets.delete_scope("scope"))
    entity = serving.ServedEntityInput(entity_name="main.default.m", entity_version="1", workload_size="Small", scale_to_zero_enabled=True)
    config = serving.EndpointCoreConfigInput(name="e", served_entities=[entity])
    c.call("serving_endpoints.create_and_wait", lambda: w.serving_endpoints.create_and_wait("e", config=config, timeout=WAIT))
    c.call("serving_endpoints.get", lambda: w.serving_endpoints.get("e"))
    c.call("serving_endpoints.list", lambda: list(w.serving_endpoints.list()), lambda r: len(r) >= 1)
    c.call("serving_endpoints.query", lambda: w.serving_endpoints.query("e", inputs=[1]))
    c.call("serving_endpoints.update_config_and_wait", lambda: w.serving_endpoints.update_config_and_wait("e", served_entities=[entity], timeout=WAIT))
    c.call("serving_endpoints.patch", lambda: w.serving_endpoints.patch("e", add_tags=[serving.EndpointTag("k", "v")]))
    c.call("serving_endpoints.get_permissions", lambda: w.serving_endpoints.get_permissions(w.serving_endpoints.get("e").id))
    c.call("serving_endpoints.delete", lambda: w.serving_endpoints.delete("e"))


def tokens(c, w):
    made = c.call("tokens.create", lambda: w.tokens.create(comment="services", lifetime_seconds=600))
    id = made.token_info.token_id
    c.call("tokens.list", lambda: list(w.tokens.list()), lambda r: any(t.token_id == id for t in r))
    c.call("token_management.list", lambda: list(w.token_management.list()), lambda r: any(t.token_id == id for t in r))
    c.call("token_management.get", lambda: w.token_management.get(id), lambda r: r.token_info.comment == "services")
    c.call("token_management.get_permissions", w.token_management.get_permissions)
    c.call("token_management.get_permission_levels", w.token_management.get_permission_levels)
    c.call(
        "token_management.set_permissions",
        lambda: w.token_management.set_permissions(
            access_control_list=[
                settings.TokenAccessControlRequest(
                    group_name="users", permission_level=settings.TokenPermissionLevel.CAN_USE
                )
            ]
        ),
    )
    c.call("token_management.delete", lambda: w.token_management.delete(id))
    principal = w.service_principals.create(display_name="bot")
    other = c.call(
        "token_management.create_obo_token",
        lambda: w.token_management.create_obo_token(application_id=principal.application_id, lifetime_seconds=60),
    )
    bot = WorkspaceClient(host=w.config.host, token=other.token_value, auth_type="pat")
    c.call("current_user.me of a service principal", bot.current_user.me, lambda r: r.user_name == principal.application_id)
    c.call("tokens.delete", lambda: w.tokens.delete(w.tokens.create(comment="x").token_info.token_id))
    c.call("permissions.get", lambda: w.permissions.get("clusters", "x"))
    c.call(
        "permissions.update",
        lambda: w.permissions.update(
            "authorization",
            "passwords",
            access_control_list=[iam.AccessControlRequest(group_name="admins", permission_level=iam.PermissionLevel.CAN_USE)],
        ),
    )
    c.call(
        "permissions.set",
        lambda: w.permissions.set(
            "notebooks", "1", access_control_list=[iam.AccessControlRequest(group_name="users", permission_level=iam.PermissionLevel.CAN_READ)]
        ),
    )
    c.call("permissions.get_permission_levels", lambda: w.permissions.get_permission_levels("jobs", "1"))


def scim(c, w, prefix="", suffix=""):
    users, groups, bots = w.users, w.groups, w.service_principals
    user = c.call(prefix + "users.create", lambda: users.create(user_name=f"ada{suffix}@example.com", display_name="Ada"))
    c.call(prefix + "users.get", lambda: users.get(user.id), lambda r: r.display_name == "Ada")
    found = f'userName eq "ADA{suffix}@example.com"'
    c.call(prefix + "users.list", lambda: list(users.list(filter=found)), lambda r: [u.id for u in r] == [user.id])
    c.refused(prefix + "users.create twice", CONFLICT, lambda: users.create(user_name=f"ada{suffix}@example.com"))
    replace = iam.Patch(op=iam.PatchOp.REPLACE, path="displayName", value="Ada L.")
    schema = [iam.PatchSchema.URN_IETF_PARAMS_SCIM_API_MESSAGES_2_0_PATCH_OP]
    c.call(prefix + "users.patch", lambda: users.patch(user.id, operations=[replace], schemas=schema))
    c.call(prefix + "users.update", lambda: users.update(user.id, user_name=f"ada{suffix}@example.com", active=False))
    group = c.call(
        prefix + "groups.create",
        lambda: groups.create(display_name=f"team{suffix}", members=[iam.ComplexValue(value=user.id)]),
    )
    c.call(prefix + "groups.get", lambda: groups.get(group.id), lambda r: r.members[0].value == user.id)
    c.call(prefix + "groups.list", lambda: list(groups.list(filter=f"displayName eq team{suffix}")), lambda r: len(r) == 1)
    remove = iam.Patch(op=iam.PatchOp.REMOVE, path=f'members[value eq "{user.id}"]')
    c.call(prefix + "groups.patch", lambda: groups.patch(group.id, operations=[remove], schemas=schema))
    c.call(prefix + "groups.update", lambda: groups.update(group.id, display_name=f"team{suffix}2"))
    c.call(prefix + "groups.delete", lambda: groups.delete(group.id))
    bot = c.call(prefix + "service_principals.create", lambda: bots.create(display_name="robot"))
    c.call(prefix + "service_principals.get", lambda: bots.get(bot.id), lambda r: r.application_id)
    c.call(prefix + "service_principals.list", lambda: list(bots.list()), lambda r: any(b.id == bot.id for b in r))
    c.call(prefix + "service_principals.patch", lambda: bots.patch(bot.id, operations=[replace], schemas=schema))
    c.call(prefix + "service_principals.update", lambda: bots.update(bot.id, display_name="robot 2"))
    c.call(prefix + "service_principals.delete", lambda: bots.delete(bot.id))
    c.call(prefix + "users.delete", lambda: users.delete(user.id))
    c.refused(prefix + "users.get deleted", NotFound, lambda: users.get(user.id))


def unity_catalog(c, w, warehouse):
    run = lambda text: w.statement_execution.execute_statement(text, warehouse)
    c.call("metastores.current", w.metastores.current, lambda r: r.metastore_id)
    c.call("metastores.summary", w.metastores.summary, lambda r: r.name)
    c.call("metastores.list", lambda: list(w.metastores.list()), lambda r: len(r) == 1)
    c.call("catalogs.create", lambda: w.catalogs.create("services", comment="c"), lambda r: r.full_name == "services")
    c.call("catalogs.get", lambda: w.catalogs.get("services"), lambda r: r.comment == "c")
    c.call("catalogs.list", lambda: list(w.catalogs.list()), lambda r: {"main", "samples", "services"} <= {x.name for x in r})
    c.call("catalogs.update", lambda: w.catalogs.update("services", comment="d"), lambda r: r.comment == "d")
    c.call("schemas.create", lambda: w.schemas.create("s", "services"), lambda r: r.full_name == "services.s")
    c.call("schemas.get", lambda: w.schemas.get("services.s"))
    c.call("schemas.list", lambda: list(w.schemas.list("services")), lambda r: "s" in [x.name for x in r])
    c.call("schemas.update", lambda: w.schemas.update("services.s", comment="x"), lambda r: r.comment == "x")
    run("CREATE TABLE services.s.t (id BIGINT, name STRING)")
    c.call("tables.list", lambda: list(w.tables.list("services", "s")), lambda r: [x.name for x in r] == ["t"])
    c.call("tables.get", lambda: w.tables.get("services.s.t"), lambda r: [x.name for x in r.columns] == ["id", "name"])
    c.call("tables.exists", lambda: w.tables.exists("services.s.t"), lambda r: r.table_exists)
    c.call("tables.list_summaries", lambda: list(w.tables.list_summaries("services")), lambda r: len(r) == 1)
    c.call("tables.update", lambda: w.tables.update("services.s.t", owner="another@example.com"))
    c.refused("tables.get missing", NotFound, lambda: w.tables.get("services.s.none"))
    change = catalog.PermissionsChange(principal="users", add=[catalog.Privilege.SELECT])
    c.call("grants.update", lambda: w.grants.update("table", "services.s.t", changes=[change]), lambda r: r.privilege_assignments)
    c.call("grants.get", lambda: w.grants.get("table", "services.s.t"), lambda r: r.privilege_assignments[0].principal == "users")
    c.call("grants.get_effective", lambda: w.grants.get_effective("table", "services.s.t"))
    c.call("tables.delete", lambda: w.tables.delete("services.s.t"))
    role = catalog.AwsIamRoleRequest(role_arn="arn:aws:iam::1:role/x")
    c.call("storage_credentials.create", lambda: w.storage_credentials.create("cred", aws_iam_role=role))
    c.call("storage_credentials.get", lambda: w.storage_credentials.get("cred"))
    c.call("storage_credentials.list", lambda: list(w.storage_credentials.list()), lambda r: len(r) == 1)
    c.call("storage_credentials.update", lambda: w.storage_credentials.update("cred", comment="x"))
    c.call("external_locations.create", lambda: w.external_locations.create("loc", "s3://bucket/x", "cred"))
    c.call("external_locations.get", lambda: w.external_locations.get("loc"), lambda r: r.credential_id)
    c.call("external_locations.list", lambda: list(w.external_locations.list()), lambda r: len(r) == 1)
    c.call("external_locations.update", lambda: w.external_locations.update("loc", comment="x"))
    c.call("external_locations.delete", lambda: w.external_locations.delete("loc"))
    c.call("storage_credentials.delete", lambda: w.storage_credentials.delete("cred"))
    c.call(
        "connections.create",
        lambda: w.connections.create("conn", catalog.ConnectionType.POSTGRESQL, {"host": "h", "port": "1", "user": "u", "password": "p"}),
        lambda r: "password" not in (r.options or {}),
    )
    c.call("connections.get", lambda: w.connections.get("conn"))
    c.call("connections.list", lambda: list(w.connections.list()), lambda r: len(r) == 1)
    c.call("connections.update", lambda: w.connections.update("conn", {"host": "i"}))
    c.call("connections.delete", lambda: w.connections.delete("conn"))
    c.call("registered_models.create", lambda: w.registered_models.create(catalog_name="services", schema_name="s", name="m"))
    c.call("registered_models.get", lambda: w.registered_models.get("services.s.m"))
    c.call("registered_models.list", lambda: list(w.registered_models.list()), lambda r: len(r) == 1)
    c.call("registered_models.update", lambda: w.registered_models.update("services.s.m", comment="x"))
    c.call("model_versions.list", lambda: list(w.model_versions.list("services.s.m")))
    c.call("registered_models.delete", lambda: w.registered_models.delete("services.s.m"))
    c.call("functions.list", lambda: list(w.functions.list("services", "s")))
    c.call("workspace_bindings.get_bindings", lambda: list(w.workspace_bindings.get_bindings("catalog", "services")))
    c.call("artifact_allowlists.get", lambda: w.artifact_allowlists.get(catalog.ArtifactType.INIT_SCRIPT))
    c.call("shares.create", lambda: w.shares.create("share"))
    c.call("shares.get", lambda: w.shares.get("share"))
    c.call("shares.list_shares", lambda: list(w.shares.list_shares()), lambda r: len(r) == 1)
    c.call("shares.share_permissions", lambda: w.shares.share_permissions("share"))
    c.call("shares.delete", lambda: w.shares.delete("share"))
    c.call("recipients.create", lambda: w.recipients.create("rec", sharing.AuthenticationType.TOKEN))
    c.call("recipients.list", lambda: list(w.recipients.list()), lambda r: len(r) == 1)
    c.call("recipients.rotate_token", lambda: w.recipients.rotate_token("rec", 0))
    c.call("recipients.delete", lambda: w.recipients.delete("rec"))
    volume = catalog.VolumeType.MANAGED
    c.call("volumes.create", lambda: w.volumes.create("services", "s", "v", volume), lambda r: r.full_name == "services.s.v")
    c.call("volumes.read", lambda: w.volumes.read("services.s.v"))
    c.call("volumes.list", lambda: list(w.volumes.list("services", "s")), lambda r: len(r) == 1)
    c.call("volumes.update", lambda: w.volumes.update("services.s.v", comment="x"))
    root = "/Volumes/services/s/v"
    c.call("files.create_directory", lambda: w.files.create_directory(root + "/d"))
    c.call("files.upload", lambda: w.files.upload(root + "/d/a.txt", io.BytesIO(b"hello"), overwrite=True))
    c.call("files.download", lambda: w.files.download(root + "/d/a.txt").contents.read(), lambda r: r == b"hello")
    c.call("files.get_metadata", lambda: w.files.get_metadata(root + "/d/a.txt"), lambda r: r.content_length == 5)
    c.call("files.get_directory_metadata", lambda: w.files.get_directory_metadata(root + "/d"))
    c.call("files.list_directory_contents", lambda: list(w.files.list_directory_contents(root + "/d")), lambda r: len(r) == 1)
    c.call("files.delete", lambda: w.files.delete(root + "/d/a.txt"))
    c.call("files.delete_directory", lambda: w.files.delete_directory(root + "/d"))
    c.call("volumes.delete", lambda: w.volumes.delete("services.s.v"))
    c.call("schemas.delete", lambda: w.schemas.delete("services.s", force=True))
    c.call("catalogs.delete", lambda: w.catalogs.delete("services", force=True))


def machine_learning(c, w):
    made = c.call("experiments.create_experiment", lambda: w.experiments.create_experiment("/Shared/exp"))
    id = made.experiment_id
    c.call("experiments.get_experiment", lambda: w.experiments.get_experiment(id), lambda r: r.experiment.name == "/Shared/exp")
    c.call("experiments.get_by_name", lambda: w.experiments.get_by_name("/Shared/exp"))
    c.call("experiments.list_experiments", lambda: list(w.experiments.list_experiments()), lambda r: len(r) == 1)
    c.call("experiments.search_experiments", lambda: list(w.experiments.search_experiments(filter="name LIKE '/Shared%'")), lambda r: len(r) == 1)
    c.call("experiments.set_experiment_tag", lambda: w.experiments.set_experiment_tag(id, "k", "v"))
    run = c.call("experiments.create_run", lambda: w.experiments.create_run(experiment_id=id, run_name="r", start_time=1))
    rid = run.run.info.run_id
    c.call("experiments.log_param", lambda: w.experiments.log_param("p", "1", run_id=rid))
    c.call("experiments.log_metric", lambda: w.experiments.log_metric("m", 0.5, int(time.time() * 1000), run_id=rid, step=1))
    c.call("experiments.log_batch", lambda: w.experiments.log_batch(run_id=rid, params=[ml.Param("q", "2")], tags=[ml.RunTag("t", "u")]))
    c.call("experiments.set_tag", lambda: w.experiments.set_tag("a", "b", run_id=rid))
    c.call("experiments.get_history", lambda: list(w.experiments.get_history("m", run_id=rid)), lambda r: r[0].value == 0.5)
    c.call("experiments.get_run", lambda: w.experiments.get_run(rid), lambda r: {p.key for p in r.run.data.params} == {"p", "q"})
    c.call("experiments.search_runs", lambda: list(w.experiments.search_runs(experiment_ids=[id], filter="metrics.m > 0.1")), lambda r: len(r) == 1)
    c.call("experiments.update_run", lambda: w.experiments.update_run(run_id=rid, status=ml.UpdateRunStatus.FINISHED))
    c.call("experiments.delete_run", lambda: w.experiments.delete_run(rid))
    c.call("experiments.restore_run", lambda: w.experiments.restore_run(rid))
    c.call("experiments.get_permissions", lambda: w.experiments.get_permissions(id))
    c.call("experiments.delete_experiment", lambda: w.experiments.delete_experiment(id))
    c.call("model_registry.create_model", lambda: w.model_registry.create_model("model"))
    version = c.call("model_registry.create_model_version", lambda: w.model_registry.create_model_version("model", "dbfs:/x"))
    c.call("model_registry.get_model", lambda: w.model_registry.get_model("model"), lambda r: r.registered_model_databricks.latest_versions)
    c.call("model_registry.list_models", lambda: list(w.model_registry.list_models()), lambda r: len(r) == 1)
    c.call("model_registry.search_model_versions", lambda: list(w.model_registry.search_model_versions(filter="name = 'model'")), lambda r: len(r) == 1)
    c.call(
        "model_registry.transition_stage",
        lambda: w.model_registry.transition_stage("model", version.model_version.version, "Staging", False),
    )
    c.call("model_registry.get_latest_versions", lambda: list(w.model_registry.get_latest_versions("model")), lambda r: len(r) == 1)
    pipeline = c.call("pipelines.create", lambda: w.pipelines.create(name="p", catalog="main", target="default"))
    pid = pipeline.pipeline_id
    c.call("pipelines.get", lambda: w.pipelines.get(pid), lambda r: r.name == "p")
    c.call("pipelines.list_pipelines", lambda: list(w.pipelines.list_pipelines(filter="name LIKE 'p%'")), lambda r: len(r) == 1)
    c.call("pipelines.update", lambda: w.pipelines.update(pid, name="q"))
    update = c.call("pipelines.start_update", lambda: w.pipelines.start_update(pid))
    c.call("pipelines.get_update", lambda: w.pipelines.get_update(pid, update.update_id), lambda r: r.update.state)
    c.call("pipelines.list_updates", lambda: w.pipelines.list_updates(pid), lambda r: len(r.updates) == 1)
    c.call("pipelines.list_pipeline_events", lambda: list(w.pipelines.list_pipeline_events(pid)))
    c.call("pipelines.stop_and_wait", lambda: w.pipelines.stop_and_wait(pid, timeout=WAIT))
    c.call("pipelines.delete", lambda: w.pipelines.delete(pid))
    c.call("apps.create_and_wait", lambda: w.apps.create_and_wait(apps.App(name="my-app"), timeout=WAIT))
    c.call("apps.get", lambda: w.apps.get("my-app"), lambda r: r.url)
    c.call("apps.list", lambda: list(w.apps.list()), lambda r: len(r) == 1)
    c.call("apps.update", lambda: w.apps.update("my-app", apps.App(name="my-app", description="x")), lambda r: r.description == "x")
    c.call(
        "apps.deploy_and_wait",
        lambda: w.apps.deploy_and_wait("my-app", apps.AppDeployment(source_code_path="/Workspace/x"), timeout=WAIT),
    )
    c.call("apps.list_deployments", lambda: list(w.apps.list_deployments("my-app")), lambda r: len(r) == 1)
    c.call("apps.stop_and_wait", lambda: w.apps.stop_and_wait("my-app", timeout=WAIT))
    c.call("apps.start_and_wait", lambda: w.apps.start_and_wait("my-app", timeout=WAIT))
    c.call("apps.delete", lambda: w.apps.delete("my-app"))
    board = c.call("lakeview.create", lambda: w.lakeview.create(dashboards.Dashboard(display_name="board")))
    c.call("lakeview.get", lambda: w.lakeview.get(board.dashboard_id))
    c.call("lakeview.list", lambda: list(w.lakeview.list()), lambda r: len(r) == 1)
    c.call("lakeview.update", lambda: w.lakeview.update(board.dashboard_id, dashboards.Dashboard(display_name="b2")), lambda r: r.display_name == "b2")
    c.call("lakeview.publish", lambda: w.lakeview.publish(board.dashboard_id))
    c.call("lakeview.get_published", lambda: w.lakeview.get_published(board.dashboard_id), lambda r: r.display_name == "b2")
    c.call("lakeview.unpublish", lambda: w.lakeview.unpublish(board.dashboard_id))
    c.call("lakeview.trash", lambda: w.lakeview.trash(board.dashboard_id))
    c.call(
        "vector_search_endpoints.create_endpoint",
        lambda: w.vector_search_endpoints.create_endpoint_and_wait("vs", vectorsearch.EndpointType.STANDARD, timeout=WAIT),
    )
    c.call("vector_search_endpoints.list_endpoints", lambda: list(w.vector_search_endpoints.list_endpoints()), lambda r: len(r) == 1)
    c.call("vector_search_endpoints.delete_endpoint", lambda: w.vector_search_endpoints.delete_endpoint("vs"))


def workspace_settings(c, w):
    c.call("workspace_conf.set_status", lambda: w.workspace_conf.set_status({"enableIpAccessLists": "true"}))
    c.call("workspace_conf.get_status", lambda: w.workspace_conf.get_status("enableIpAccessLists"), lambda r: r["enableIpAccessLists"] == "true")
    made = c.call("ip_access_lists.create", lambda: w.ip_access_lists.create("office", settings.ListType.ALLOW, ip_addresses=["10.0.0.0/8"]))
    id = made.ip_access_list.list_id
    c.call("ip_access_lists.get", lambda: w.ip_access_lists.get(id), lambda r: r.ip_access_list.address_count == 1)
    c.call("ip_access_lists.list", lambda: list(w.ip_access_lists.list()), lambda r: len(r) == 1)
    c.call("ip_access_lists.update", lambda: w.ip_access_lists.update(id, enabled=False))
    c.call("ip_access_lists.replace", lambda: w.ip_access_lists.replace(id, "o", settings.ListType.BLOCK, True))
    c.call("ip_access_lists.delete", lambda: w.ip_access_lists.delete(id))
    space = c.call("settings.default_namespace.get", lambda: w.settings.default_namespace.get())
    c.call(
        "settings.default_namespace.update",
        lambda: w.settings.default_namespace.update(
            True,
            settings.DefaultNamespaceSetting(namespace=settings.StringMessage("main"), etag=space.etag),
            "namespace.value",
        ),
        lambda r: r.namespace.value == "main",
    )
    config = settings.Config(email=settings.EmailConfig(addresses=["a@example.com"]))
    sent = c.call("notification_destinations.create", lambda: w.notification_destinations.create(config=config, display_name="mail"))
    c.call("notification_destinations.list", lambda: list(w.notification_destinations.list()), lambda r: len(r) == 1)
    c.call("notification_destinations.delete", lambda: w.notification_destinations.delete(sent.id))
    c.refused("an operation that is not covered", NotImplemented, lambda: w.temporary_table_credentials.generate_temporary_table_credentials())


def account_records(c, a):
    c.call("workspaces.list", lambda: list(a.workspaces.list()), lambda r: len(r) == 1)
    id = next(iter(a.workspaces.list())).workspace_id
    c.call("workspaces.get", lambda: a.workspaces.get(id), lambda r: r.workspace_status == provisioning.WorkspaceStatus.RUNNING)
    role = provisioning.CreateCredentialAwsCredentials(provisioning.CreateCredentialStsRole("arn:aws:iam::1:role/x"))
    made = c.call("credentials.create", lambda: a.credentials.create("cred", role))
    c.call("credentials.get", lambda: a.credentials.get(made.credentials_id))
    c.call("credentials.list", lambda: list(a.credentials.list()), lambda r: len(r) == 1)
    store = c.call("storage.create", lambda: a.storage.create("store", provisioning.RootBucketInfo("bucket")))
    c.call("storage.get", lambda: a.storage.get(store.storage_configuration_id))
    c.call("storage.list", lambda: list(a.storage.list()), lambda r: len(r) == 1)
    net = c.call("networks.create", lambda: a.networks.create(network_name="net", vpc_id="v", subnet_ids=["a", "b"], security_group_ids=["s"]))
    c.call("networks.list", lambda: list(a.networks.list()), lambda r: len(r) == 1)
    c.call(
        "workspaces.create_and_wait",
        lambda: a.workspaces.create_and_wait(
            workspace_name="second", credentials_id=made.credentials_id, storage_configuration_id=store.storage_configuration_id, timeout=WAIT
        ),
    )
    c.call("networks.delete", lambda: a.networks.delete(net.network_id))
    c.call("storage.delete", lambda: a.storage.delete(store.storage_configuration_id))
    c.call("credentials.delete", lambda: a.credentials.delete(made.credentials_id))
    policy = c.call("federation_policy.create", lambda: a.federation_policy.create(oauth2.FederationPolicy(description="x")))
    c.call("federation_policy.list", lambda: list(a.federation_policy.list()), lambda r: len(r) == 1)
    c.call("federation_policy.get", lambda: a.federation_policy.get(policy.policy_id))
    c.call("federation_policy.delete", lambda: a.federation_policy.delete(policy.policy_id))
    bot = a.service_principals.create(display_name="machine")
    secret = c.call("service_principal_secrets.create", lambda: a.service_principal_secrets.create(bot.id))
    c.call("service_principal_secrets.list", lambda: list(a.service_principal_secrets.list(bot.id)), lambda r: len(r) == 1)
    own = WorkspaceClient(host=a.config.host, client_id=bot.application_id, client_secret=secret.secret, auth_type="oauth-m2m")
    c.call("me by a secret of its own", own.current_user.me, lambda r: r.user_name == bot.application_id)
    c.call("service_principal_secrets.delete", lambda: a.service_principal_secrets.delete(bot.id, secret.id))
    budget = c.call("budgets.create", lambda: a.budgets.create(billing.CreateBudgetConfigurationBudget(display_name="b")))
    c.call("budgets.get", lambda: a.budgets.get(budget.budget.budget_configuration_id))
    c.call("budgets.list", lambda: list(a.budgets.list()), lambda r: len(r) == 1)
    c.call("workspace_assignment.update", lambda: a.workspace_assignment.update(id, int(bot.id), permissions=[iam.WorkspacePermission.USER]))
    c.call("workspace_assignment.list", lambda: list(a.workspace_assignment.list(id)), lambda r: len(r) == 1)
    c.call("workspace_assignment.delete", lambda: a.workspace_assignment.delete(id, int(bot.id)))
    name = f"accounts/{a.config.account_id}/servicePrincipals/{bot.application_id}/ruleSets/default"
    c.call("access_control.get_rule_set", lambda: a.access_control.get_rule_set(name, ""), lambda r: r.name == name)
    c.call("access_control.get_assignable_roles_for_resource", lambda: a.access_control.get_assignable_roles_for_resource(name.rsplit("/", 2)[0]))
    c.call("settings.personal_compute.get", lambda: a.settings.personal_compute.get())


def all_calls(w, a):
    c = Calls()

    def area(name, work, *arguments):
        before, failed = c.passed, len(c.failed)
        try:
            result = work(c, *arguments)
        except Exception as error:
            c.failed.append((name, f"the area ended: {type(error).__name__}: {error}"))
            print("FAIL", *c.failed[-1])
            result = None
        print(f"{name}: {c.passed - before} passed, {len(c.failed) - failed} failed")
        return result

    me = w.current_user.me()
    cluster, node, _ = area("clusters", clusters, w)
    area("policies, pools, libraries, scripts, profiles", compute_records, w, cluster, node)
    warehouse = area("warehouses", warehouses, w)
    area("sql", statements, w, warehouse)
    area("commands", commands, w, cluster)
    made = area("workspace, repos", notebooks, w, f"/Users/{me.user_name}")
    if made is not None:
        area("jobs", job_calls, w, cluster, warehouse, *made)
    area("dbfs, secrets, serving", dbfs_and_secrets, w)
    area("tokens, permissions", tokens, w)
    area("scim", scim, w)
    area("scim of the account", scim, a, "account ", "-account")
    area("unity catalog", unity_catalog, w, warehouse)
    area("ml, pipelines, apps", machine_learning, w)
    area("settings", workspace_settings, w)
    area("account", account_records, a)
    print(f"{c.passed} calls passed, {len(c.failed)} failed")
    return c
