"""Small calls of the official Python SDK: `python_sdk.py URL CALLS THREADS` prints the CPU time of one."""

import json
import resource
import sys
from concurrent.futures import ThreadPoolExecutor

from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config
from databricks.sdk.version import __version__


def cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    url, calls, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    # What is measured is the client, not its limit.
    config = Config(host=url, token="dapi0123456789", rate_limit=1_000_000, max_connection_pools=1, max_connections_per_pool=threads)
    client = WorkspaceClient(config=config)

    def call(_: int) -> None:
        assert client.current_user.me().user_name

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(call, range(threads)))
        before = cpu()
        list(pool.map(call, range(calls)))
        took = cpu() - before
    print(json.dumps({"version": __version__, "cpu_us": took / calls * 1e6}))


main()
