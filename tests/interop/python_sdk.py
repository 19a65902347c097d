"""The official Python SDK against the local workspace: what passes here is spoken as that client expects it.

Reads DATABRICKS_HOST and DATABRICKS_TOKEN, and for the account and OAuth DATABRICKS_ACCOUNT_ID, LOCAL_CLIENT_ID and
LOCAL_CLIENT_SECRET. Fails with a traceback at the first difference.
"""

import os
import urllib.request
from datetime import timedelta

from databricks.sdk import AccountClient, WorkspaceClient
from databricks.sdk.errors import InvalidState, NotFound, PermissionDenied, ResourceDoesNotExist
from databricks.sdk.service import compute, oauth2, sql

import python_services

WAIT = timedelta(seconds=60)
HOST = os.environ["DATABRICKS_HOST"]


def check(what, holds):
    if not holds:
        raise AssertionError(what)
    print("ok  ", what)


def refused(what, kind, call):
    try:
        call()
    except kind as error:
        print("ok  ", what, "->", type(error).__name__)
    else:
        raise AssertionError(f"{what}: nothing was raised")


def sign_in(w):
    me = w.current_user.me()
    check(f"current_user.me is {me.user_name}", me.active and "@" in me.user_name)
    check("get_workspace_id reads the response's header", w.get_workspace_id() > 0)
    machine = WorkspaceClient(
        host=HOST,
        client_id=os.environ["LOCAL_CLIENT_ID"],
        client_secret=os.environ["LOCAL_CLIENT_SECRET"],
        auth_type="oauth-m2m",
    )
    check("oauth-m2m finds the token endpoint", machine.current_user.me().user_name == os.environ["LOCAL_CLIENT_ID"])
    wrong = WorkspaceClient(host=HOST, token="dapi-wrong", auth_type="pat")
    refused("a wrong token", PermissionDenied, wrong.current_user.me)
    made = w.tokens.create(comment="interop", lifetime_seconds=600)
    check("tokens.create", made.token_value.startswith("dapi"))
    check("tokens.list", any(t.token_id == made.token_info.token_id for t in w.tokens.list()))
    w.tokens.delete(made.token_info.token_id)


def clusters(w):
    starter = [c.cluster_id for c in w.clusters.list()]
    check("clusters.list has the one cluster that the program starts with", len(starter) == 1)
    node = w.clusters.select_node_type(local_disk=True, min_memory_gb=16)
    version = w.clusters.select_spark_version(long_term_support=True)
    check(f"selected {node} and {version}", node and version)
    cluster = w.clusters.create(
        cluster_name="interop", spark_version=version, node_type_id=node, num_workers=1, autotermination_minutes=30
    ).result(timeout=WAIT)
    check("clusters.create(...).result()", cluster.state == compute.State.RUNNING)
    refused("start while running", InvalidState, lambda: w.clusters.start(cluster.cluster_id))
    listed = list(
        w.clusters.list(filter_by=compute.ListClustersFilterBy(cluster_states=[compute.State.RUNNING]), page_size=1)
    )
    check("clusters.list(filter_by=...)", sorted(c.cluster_id for c in listed) == sorted([*starter, cluster.cluster_id]))
    w.clusters.restart(cluster.cluster_id).result(timeout=WAIT)
    check("clusters.events", "RESTARTING" in [e.type.value for e in w.clusters.events(cluster.cluster_id)])
    ended = w.clusters.delete(cluster.cluster_id).result(timeout=WAIT)
    check("clusters.delete(...).result()", ended.state == compute.State.TERMINATED)
    w.clusters.ensure_cluster_is_running(cluster.cluster_id)
    check("ensure_cluster_is_running", w.clusters.get(cluster.cluster_id).state == compute.State.RUNNING)
    refused("get of no cluster", ResourceDoesNotExist, lambda: w.clusters.get("none"))
    return cluster.cluster_id


def warehouses(w):
    warehouse = next(iter(w.warehouses.list()))
    started = w.warehouses.start(warehouse.id).result(timeout=WAIT)
    check("warehouses.start(...).result()", started.state == sql.State.RUNNING)
    made = w.warehouses.create(name="interop", cluster_size="2X-Small", max_num_clusters=1, auto_stop_mins=10)
    made = made.result(timeout=WAIT)
    w.warehouses.stop(made.id).result(timeout=WAIT)
    w.warehouses.delete(made.id)
    refused("get of a deleted warehouse", NotFound, lambda: w.warehouses.get(made.id))
    return warehouse.id


def statements(w, warehouse):
    run = w.statement_execution.execute_statement
    got = run(
        warehouse_id=warehouse,
        statement="SELECT id, :s AS s, CAST(NULL AS INT) AS n FROM range(:n)",
        parameters=[sql.StatementParameterListItem("s", value="x"), sql.StatementParameterListItem("n", "INT", "2")],
    )
    check("execute_statement", got.status.state == sql.StatementState.SUCCEEDED)
    check("rows", got.result.data_array == [["0", "x", None], ["1", "x", None]])
    kinds = [c.type_name.value for c in got.manifest.schema.columns]
    check(f"column types {kinds}", kinds == ["LONG", "STRING", "INT"])
    failed = run(warehouse_id=warehouse, statement="SELECT * FROM nothing")
    check("a failed statement is a response", failed.status.state == sql.StatementState.FAILED)
    check(failed.status.error.message, "42P01" in failed.status.error.message)

    linked = run(
        warehouse_id=warehouse,
        statement="SELECT * FROM samples.nyctaxi.trips ORDER BY tpep_pickup_datetime",
        disposition=sql.Disposition.EXTERNAL_LINKS,
        format=sql.Format.CSV,
    )
    link = w.statement_execution.get_statement_result_chunk_n(linked.statement_id, 0).external_links[0]
    with urllib.request.urlopen(link.external_link) as response:
        lines = response.read().decode().splitlines()
    check("EXTERNAL_LINKS in CSV", len(lines) == 5001 and lines[0].startswith("tpep_pickup_datetime,"))

    slow = run(
        warehouse_id=warehouse,
        statement="SELECT count(*) FROM range(4000000000) WHERE (id * 7) % 3 = 1",
        wait_timeout="0s",
    )
    w.statement_execution.cancel_execution(slow.statement_id)
    state = w.statement_execution.get_statement(slow.statement_id).status.state
    check("cancel_execution", state == sql.StatementState.CANCELED)


def commands(w, cluster):
    execution = w.command_execution
    context = execution.create_and_wait(cluster_id=cluster, language=compute.Language.PYTHON, timeout=WAIT)

    def run(code):
        done = execution.execute_and_wait(
            cluster_id=cluster, context_id=context.id, language=compute.Language.PYTHON, command=code, timeout=WAIT
        )
        check(f"{code!r} finished", done.status == compute.CommandStatus.FINISHED)
        return done.results

    run("x = 20")
    check("state is kept", run("print(x + 1)").data == "21")
    table = run("display([{'a': 1, 'b': 'x'}])")
    check("a table", table.result_type == compute.ResultType.TABLE and table.data == [[1, "x"]])
    error = run("1 / 0")
    check("an error", error.result_type == compute.ResultType.ERROR and "ZeroDivisionError" in error.cause)
    started = execution.execute(
        cluster_id=cluster, context_id=context.id, language=compute.Language.PYTHON, command="import time; time.sleep(60)"
    )
    cancelled = execution.cancel_and_wait(
        cluster_id=cluster, context_id=context.id, command_id=started.command_id, timeout=WAIT
    )
    check("cancel_and_wait", cancelled.status == compute.CommandStatus.CANCELLED)
    execution.destroy(cluster, context.id)


def account_client():
    return AccountClient(
        host=HOST,
        account_id=os.environ["DATABRICKS_ACCOUNT_ID"],
        client_id=os.environ["LOCAL_CLIENT_ID"],
        client_secret=os.environ["LOCAL_CLIENT_SECRET"],
        auth_type="oauth-m2m",
    )


def account():
    a = account_client()
    made = a.custom_app_integration.create(name="interop", redirect_urls=["https://example.com"], confidential=True)
    check("custom_app_integration.create", bool(made.client_secret))
    a.custom_app_integration.update(
        made.integration_id, token_access_policy=oauth2.TokenAccessPolicy(access_token_ttl_in_minutes=30)
    )
    check("custom_app_integration.list", [i.name for i in a.custom_app_integration.list()] == ["interop"])
    a.custom_app_integration.delete(made.integration_id)
    app = next(iter(a.o_auth_published_apps.list()))
    integration = a.published_app_integration.create(app_id=app.app_id)
    check("published_app_integration.get", a.published_app_integration.get(integration.integration_id).app_id == app.app_id)


def main():
    w = WorkspaceClient(host=HOST, token=os.environ["DATABRICKS_TOKEN"], auth_type="pat")
    sign_in(w)
    cluster = clusters(w)
    statements(w, warehouses(w))
    commands(w, cluster)
    w.clusters.permanent_delete(cluster)
    account()
    calls = python_services.all_calls(w, account_client())
    check(f"{calls.passed} calls over the services", not calls.failed)
    print("the official Python SDK is content")


if __name__ == "__main__":
    main()
