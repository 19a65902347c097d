#!/usr/bin/env bash
# Runs mlflow against the local workspace: runs with metrics and artifacts, models of Unity Catalog and of the workspace.
#
# Makes a virtual environment under the target directory and installs mlflow from PyPI.
. "$(dirname "${BASH_SOURCE[0]}")/start_local.sh"

venv=$target/ml-clients/mlflow
if [ ! -e "$venv/complete" ]; then
    # The small package, and what models of Python need beside it.
    "${PYTHON:-python3}" -m venv "$venv"
    "$venv/bin/pip" install --quiet mlflow-skinny databricks-sdk pandas numpy ||
        skip "mlflow: its packages cannot be installed"
    touch "$venv/complete"
fi

start_local
alone env TMPDIR="$work" "$venv/bin/python" "$root/tests/interop/mlflow_runs.py"
