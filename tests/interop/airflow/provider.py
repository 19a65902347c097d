"""Works with hooks and operators of Airflow's Databricks provider on the local workspace, without a scheduler.

Fails at the first difference from what a Databricks workspace does.
"""

import base64
import json
import os
import types
import urllib.parse

HOST = os.environ["DATABRICKS_HOST"]
TOKEN = os.environ["DATABRICKS_TOKEN"]
WAREHOUSE = os.environ["LOCAL_WAREHOUSE_ID"]
CLUSTER = os.environ["LOCAL_CLUSTER_ID"]
ADDRESS = urllib.parse.urlsplit(HOST)
HTTP_PATH = f"/sql/1.0/warehouses/{WAREHOUSE}"
CONNECTION = "databricks_default"
USER = "local.user@example.com"

# A connection of Airflow's, as an administrator states it: the scheme and the port of this workspace among it.
os.environ["AIRFLOW_CONN_DATABRICKS_DEFAULT"] = json.dumps(
    {
        "conn_type": "databricks",
        "host": ADDRESS.hostname,
        "schema": ADDRESS.scheme,
        "port": ADDRESS.port,
        "login": "token",
        "password": TOKEN,
        "extra": {"http_path": HTTP_PATH, "token": TOKEN},
    }
)
# The SQL connector speaks TLS unless it is told the whole address.
PLAIN = {"_connection_uri": f"{HOST}{HTTP_PATH}", "enable_telemetry": False}

from airflow.providers.common.sql.hooks.handlers import fetch_all_handler, fetch_one_handler  # noqa: E402
from airflow.providers.databricks.hooks.databricks import DatabricksHook  # noqa: E402
from airflow.providers.databricks.hooks.databricks_sql import DatabricksSqlHook  # noqa: E402
from airflow.providers.databricks.operators.databricks import (  # noqa: E402
    DatabricksCreateJobsOperator,
    DatabricksNotebookOperator,
    DatabricksRunNowOperator,
    DatabricksSubmitRunOperator,
)
from airflow.providers.databricks.operators.databricks_repos import (  # noqa: E402
    DatabricksReposCreateOperator,
    DatabricksReposDeleteOperator,
    DatabricksReposUpdateOperator,
)
from airflow.providers.databricks.operators.databricks_sql import (  # noqa: E402
    DatabricksCopyIntoOperator,
    DatabricksSqlOperator,
)

NOTEBOOK = f"/Users/{USER}/airflow"


def expect(found, wanted, what):
    assert found == wanted, f"{what}: {found!r}, not {wanted!r}"


def fails(work, part, what):
    try:
        work()
    except Exception as error:  # noqa: BLE001
        assert part in str(error), f"{what}: {error}"
        return
    raise AssertionError(f"{what}: no failure")


def shows(*operations):
    """States which operations a function calls through the provider, for the page of what is covered."""

    def stated(work):
        work.operations = operations
        return work

    return stated


def call(hook, method, path, body=None):
    """A call that the hook has no method for."""
    return hook._do_api_call((method, f"2.0/{path}"), body)


def wait(hook, run_id):
    import time

    while not hook.get_run_state(run_id).is_terminal:
        time.sleep(0.1)
    return hook.get_run_state(run_id)


def notebook(hook, source):
    content = base64.b64encode(source.encode()).decode()
    body = {"path": NOTEBOOK, "language": "PYTHON", "format": "SOURCE", "overwrite": True, "content": content}
    call(hook, "POST", "workspace/import", body)


def task(**more):
    return {"task_key": "only", "existing_cluster_id": CLUSTER, "notebook_task": {"notebook_path": NOTEBOOK, **more}}


@shows("jobs.submit", "jobs.get_run", "jobs.get_run_output")
def runs(hook):
    expect(hook.test_connection(), (True, "Connection successfully tested"), "the connection")
    notebook(hook, "dbutils.widgets.text('name', 'nobody')\ndbutils.notebook.exit('hello ' + dbutils.widgets.get('name'))")
    run_id = hook.submit_run({"run_name": "from airflow", "tasks": [task(base_parameters={"name": "you"})]})
    state = wait(hook, run_id)
    expect((state.life_cycle_state, state.result_state), ("TERMINATED", "SUCCESS"), "a run that went well")
    assert hook.get_run_page_url(run_id).startswith("http"), "the page of a run"
    tasks = hook.get_run_tasks(run_id)
    expect([t["task_key"] for t in tasks], ["only"], "tasks of a run")
    output = hook.get_run_output(tasks[0]["run_id"])
    expect(output["notebook_output"]["result"], "hello you", "output of a notebook")
    expect(hook.get_run(run_id)["run_name"], "from airflow", "name of a run")

    notebook(hook, "raise ValueError('on purpose')")
    run_id = hook.submit_run({"run_name": "broken", "tasks": [task()]})
    expect(wait(hook, run_id).result_state, "FAILED", "a run that failed")
    output = hook.get_run_output(hook.get_run_tasks(run_id)[0]["run_id"])
    assert "on purpose" in output["error"], output
    hook.delete_run(run_id)
    fails(lambda: hook.get_run(run_id), "does not exist", "a run that was deleted")

    notebook(hook, "import time\ntime.sleep(600)")
    run_id = hook.submit_run({"run_name": "long", "tasks": [task()]})
    hook.cancel_run(run_id)
    expect(wait(hook, run_id).result_state, "CANCELED", "a run that was canceled")


@shows("jobs.create", "jobs.list", "jobs.run_now", "jobs.reset", "jobs.update", "jobs.cancel_all_runs", "jobs.repair_run")
def jobs(hook):
    notebook(hook, "dbutils.widgets.text('n', '1')\ndbutils.notebook.exit(str(int(dbutils.widgets.get('n')) + 1))")
    job = hook.create_job({"name": "airflow job", "tasks": [task()]})
    expect(hook.find_job_id_by_name("airflow job"), job, "a job by its name")
    expect(hook.find_job_id_by_name("no such job"), None, "no job by its name")
    assert job in [found["job_id"] for found in hook.list_jobs(limit=1, expand_tasks=True)], "jobs in pages"
    run_id = hook.run_now({"job_id": job, "notebook_params": {"n": "4"}})
    expect(wait(hook, run_id).result_state, "SUCCESS", "a run of a job")
    expect(hook.get_job_id(run_id), job, "the job of a run")
    expect(hook.get_run_output(hook.get_run_tasks(run_id)[0]["run_id"])["notebook_output"]["result"], "5", "a parameter")
    hook.update_job(job, {"tags": {"team": "a"}})
    hook.reset_job(job, {"name": "renamed job", "tasks": [task()], "max_concurrent_runs": 2})
    expect(hook.find_job_id_by_name("renamed job"), job, "a job that was reset")
    access = hook.update_job_permission(job, {"access_control_list": [{"group_name": "users", "permission_level": "CAN_VIEW"}]})
    levels = {entry.get("group_name"): entry["all_permissions"][0]["permission_level"] for entry in access["access_control_list"]}
    expect(levels["users"], "CAN_VIEW", "the permission of a group")
    notebook(hook, "raise ValueError('at first')")
    run_id = hook.run_now({"job_id": job})
    expect(wait(hook, run_id).result_state, "FAILED", "a run that is to be repaired")
    notebook(hook, "dbutils.notebook.exit('at last')")
    expect(hook.get_latest_repair_id(run_id), None, "no repair yet")
    repair = hook.repair_run({"run_id": run_id, "rerun_all_failed_tasks": True})
    expect(wait(hook, run_id).result_state, "SUCCESS", "a run that was repaired")
    expect(hook.get_latest_repair_id(run_id), repair, "the last repair")
    notebook(hook, "import time\ntime.sleep(600)")
    run_id = hook.run_now({"job_id": job})
    hook.cancel_all_runs(job)
    expect(wait(hook, run_id).result_state, "CANCELED", "all runs of a job")
    return job


@shows("clusters.get", "clusters.start", "clusters.restart", "clusters.delete", "libraries.install", "libraries.uninstall")
def clusters(hook):
    import time

    def until(reached):
        while not reached(hook.get_cluster_state(CLUSTER)):
            time.sleep(0.1)

    hook.terminate_cluster({"cluster_id": CLUSTER})
    until(lambda state: state.state == "TERMINATED")
    hook.start_cluster({"cluster_id": CLUSTER})
    until(lambda state: state.is_running)
    hook.restart_cluster({"cluster_id": CLUSTER})
    until(lambda state: state.is_running)
    library = {"cluster_id": CLUSTER, "libraries": [{"pypi": {"package": "simplejson"}}]}
    hook.install(library)
    statuses = call(hook, "GET", f"libraries/cluster-status?cluster_id={CLUSTER}")["library_statuses"]
    expect([s["library"] for s in statuses], library["libraries"], "libraries")
    hook.uninstall(library)
    statuses = call(hook, "GET", f"libraries/cluster-status?cluster_id={CLUSTER}")["library_statuses"]
    expect([s["status"] for s in statuses], ["UNINSTALL_ON_RESTART"], "libraries that go")


@shows("repos.create", "repos.update", "repos.delete", "workspace.get_status")
def repos(hook):
    path = f"/Repos/{USER}/airflow"
    made = hook.create_repo({"url": "https://github.com/example/airflow.git", "provider": "gitHub", "path": path})
    expect(hook.get_repo_by_path(path), str(made["id"]), "a repo by its path")
    expect(hook.get_repo_by_path(f"/Repos/{USER}/none"), None, "no repo by its path")
    hook.update_repo(str(made["id"]), {"branch": "release"})
    expect(call(hook, "GET", f"repos/{made['id']}")["branch"], "release", "the branch of a repo")
    hook.delete_repo(str(made["id"]))
    expect(hook.get_repo_by_path(path), None, "a repo that was deleted")


@shows("pipelines.list_pipelines")
def pipelines(hook):
    made = call(hook, "POST", "pipelines", {"name": "airflow pipeline"})["pipeline_id"]
    expect(hook.find_pipeline_id_by_name("airflow pipeline"), made, "a pipeline by its name")
    expect(hook.find_pipeline_id_by_name("no such pipeline"), None, "no pipeline by its name")


@shows("statement_execution.execute_statement", "statement_execution.get_statement", "statement_execution.cancel_execution")
def statements(hook):
    import time

    asked = {"warehouse_id": WAREHOUSE, "statement": "SELECT 1", "wait_timeout": "0s"}
    statement = hook.post_sql_statement(asked)
    while hook.get_sql_statement_state(statement).is_running:
        time.sleep(0.1)
    assert hook.get_sql_statement_state(statement).is_successful, "a statement"
    statement = hook.post_sql_statement({**asked, "statement": "SELECT * FROM no.such.thing"})
    while hook.get_sql_statement_state(statement).is_running:
        time.sleep(0.1)
    state = hook.get_sql_statement_state(statement)
    expect(state.state, "FAILED", "a statement that fails")
    assert "no" in state.error_message, state
    statement = hook.post_sql_statement({**asked, "statement": "SELECT count(*) FROM range(1000000000) a, range(1000) b"})
    hook.cancel_sql_statement(statement)
    while hook.get_sql_statement_state(statement).is_running:
        time.sleep(0.1)
    expect(hook.get_sql_statement_state(statement).state, "CANCELED", "a statement that was canceled")


@shows("warehouses.list", "warehouses.get")
def queries():
    def sql():
        # A new one each time: some methods of the hook leave it with a connection that is closed.
        return DatabricksSqlHook(CONNECTION, **PLAIN)

    rows = sql().run("SELECT 1 AS a, 'x' AS b UNION ALL SELECT 2, NULL ORDER BY a", handler=fetch_all_handler)
    expect([tuple(row) for row in rows], [(1, "x"), (2, None)], "rows")
    expect(rows[0]._fields, ("a", "b"), "names of columns")
    row = sql().run("SELECT :n + 1 AS n, :name AS name", parameters={"n": 41, "name": "it's"}, handler=fetch_one_handler)
    expect(tuple(row), (42, "it's"), "parameters")
    both = sql().run("SELECT 1 AS a; SELECT 2 AS b", handler=fetch_all_handler, return_last=False)
    expect([[tuple(row) for row in rows] for rows in both], [[(1,)], [(2,)]], "several statements")
    sql().run(["CREATE OR REPLACE TABLE main.default.airflow (id INT, name STRING)", "INSERT INTO main.default.airflow VALUES (1, 'a'), (2, 'b')"])
    expect(tuple(sql().get_first("SELECT count(*) FROM main.default.airflow")), (2,), "a first row")
    frame = sql().get_df("SELECT * FROM main.default.airflow ORDER BY id") if hasattr(sql(), "get_df") else sql().get_pandas_df(
        "SELECT * FROM main.default.airflow ORDER BY id"
    )
    expect(frame.to_dict("list"), {"id": [1, 2], "name": ["a", "b"]}, "a data frame")
    with sql().get_conn().cursor() as cursor:
        cursor.execute("SELECT id FROM main.default.airflow ORDER BY id")
        expect(cursor.fetchall_arrow().to_pydict(), {"id": [1, 2]}, "an Arrow table")
    fails(lambda: sql().run("SELECT * FROM main.default.nothing"), "TABLE_OR_VIEW_NOT_FOUND", "a table that is missing")
    # By the name of the warehouse the hook asks where it is.
    name = call(DatabricksHook(CONNECTION), "GET", f"sql/warehouses/{WAREHOUSE}")["name"]
    os.environ["AIRFLOW_CONN_NAMED"] = os.environ["AIRFLOW_CONN_DATABRICKS_DEFAULT"].replace(HTTP_PATH, "")
    named = DatabricksSqlHook("named", sql_endpoint_name=name, **PLAIN)
    expect(tuple(named.get_first("SELECT 1")), (1,), "a warehouse by its name")
    expect(named._http_path, HTTP_PATH, "the path of a warehouse")


@shows("jobs.submit", "jobs.run_now", "repos.create")
def operators(hook, job):
    quick = {"polling_period_seconds": 1, "do_xcom_push": False}
    notebook(hook, "dbutils.notebook.exit('operated')")
    submit = DatabricksSubmitRunOperator(task_id="submit", json={"run_name": "operator", "tasks": [task()]}, **quick)
    submit.execute(context={})
    expect(hook.get_run_state(submit.run_id).result_state, "SUCCESS", "a run of an operator")
    now = DatabricksRunNowOperator(task_id="now", job_name="renamed job", **quick)
    now.execute(context={})
    expect(hook.get_job_id(now.run_id), job, "a job of an operator")
    created = DatabricksCreateJobsOperator(task_id="create", json={"name": "operator job", "tasks": [task()]})
    expect(created.execute(context={}), hook.find_job_id_by_name("operator job"), "a job that an operator made")
    notebook(hook, "raise ValueError('operated on')")
    broken = DatabricksSubmitRunOperator(task_id="broken", json={"run_name": "broken", "tasks": [task()]}, **quick)
    fails(lambda: broken.execute(context={}), "operated on", "an operator whose run fails")

    notebook(hook, "dbutils.widgets.text('of', 'nobody')\ndbutils.notebook.exit('of ' + dbutils.widgets.get('of'))")
    alone = DatabricksNotebookOperator(
        task_id="alone",
        databricks_task_key="alone",
        notebook_path=NOTEBOOK,
        source="WORKSPACE",
        existing_cluster_id=CLUSTER,
        notebook_params={"of": "mine"},
        polling_period_seconds=1,
    )
    # What Airflow gives an operator to leave values for others.
    left = {}
    context = {"ti": types.SimpleNamespace(xcom_push=lambda key, value: left.update({key: value}))}
    alone.execute(context=context)
    run = hook.get_run_tasks(alone.databricks_run_id)[0]["run_id"]
    expect(hook.get_run_output(run)["notebook_output"]["result"], "of mine", "a notebook of an operator")
    notebook(hook, "raise ValueError('a notebook of its own')")
    broken = DatabricksNotebookOperator(
        task_id="broken_notebook",
        databricks_task_key="broken",
        notebook_path=NOTEBOOK,
        source="WORKSPACE",
        existing_cluster_id=CLUSTER,
        polling_period_seconds=1,
    )
    fails(lambda: broken.execute(context=context), "a notebook of its own", "a notebook operator whose run fails")

    select = DatabricksSqlOperator(
        task_id="select", databricks_conn_id=CONNECTION, sql="SELECT 6 * 7 AS answer", client_parameters=PLAIN, do_xcom_push=True
    )
    found = select.execute(context={})
    assert "42" in str(found), found
    path = os.path.join(os.environ["TMPDIR"], "rows.csv")
    DatabricksSqlOperator(
        task_id="export",
        databricks_conn_id=CONNECTION,
        sql="SELECT * FROM main.default.airflow ORDER BY id",
        client_parameters=PLAIN,
        output_path=path,
        output_format="csv",
    ).execute(context={})
    with open(path) as file:
        expect(file.read().splitlines(), ["id,name", "1,a", "2,b"], "a file of rows")

    import requests

    target = f"{HOST}/api/2.0/fs/files/Volumes/main/default/airflow/in/rows.csv"
    sent = requests.put(target, data=b"id,name\n3,c\n4,d\n", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30)
    expect(sent.status_code, 204, "an upload")
    DatabricksSqlHook(CONNECTION, **PLAIN).run("CREATE VOLUME IF NOT EXISTS main.default.airflow")
    DatabricksCopyIntoOperator(
        task_id="copy",
        databricks_conn_id=CONNECTION,
        table_name="main.default.airflow",
        file_location="/Volumes/main/default/airflow/in",
        file_format="CSV",
        format_options={"header": "true", "inferSchema": "true"},
        client_parameters=PLAIN,
    ).execute(context={})
    rows = DatabricksSqlHook(CONNECTION, **PLAIN).get_records("SELECT * FROM main.default.airflow ORDER BY id")
    expect([tuple(row) for row in rows], [(1, "a"), (2, "b"), (3, "c"), (4, "d")], "rows that were copied")

    repo = f"/Repos/{USER}/operated"
    create = DatabricksReposCreateOperator(
        task_id="repo", git_url="https://github.com/example/operated", repo_path=repo, branch="main"
    )
    made = create.execute(context={})
    expect(hook.get_repo_by_path(repo), str(made), "a repo of an operator")
    DatabricksReposUpdateOperator(task_id="update", repo_path=repo, branch="next").execute(context={})
    expect(call(hook, "GET", f"repos/{made}")["branch"], "next", "a branch of an operator")
    DatabricksReposDeleteOperator(task_id="delete", repo_path=repo).execute(context={})
    expect(hook.get_repo_by_path(repo), None, "a repo that an operator deleted")


def main():
    hook = DatabricksHook(CONNECTION)
    runs(hook)
    job = jobs(hook)
    clusters(hook)
    repos(hook)
    pipelines(hook)
    statements(hook)
    queries()
    operators(hook, job)
    works = [runs, jobs, clusters, repos, pipelines, statements, queries, operators]
    print(f"airflow: {', '.join(operation for work in works for operation in work.operations)}")


main()
