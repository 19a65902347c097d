#!/usr/bin/env bash
# Runs the official Python SDK against the local workspace.
#
# Makes a virtual environment under the target directory and installs the SDK from PyPI. Exits with the script's status.
. "$(dirname "${BASH_SOURCE[0]}")/start_local.sh"

venv=$target/interop-venv
python=${PYTHON:-python3}

# Built by `cargo test --workspace`, too; with its features, so that nothing is compiled a second time.
files=$target/debug/examples/files
[ -x "$files" ] || (cd "$root" && cargo build --quiet --workspace --example files)

[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
if ! "$venv/bin/python" -c 'import databricks.sdk' 2>/dev/null; then
    # Without its requirements: an index that lags behind may lack the newest of them, and pip would then quietly take an
    # older SDK. These three are what it needs.
    "$venv/bin/pip" install --quiet requests google-auth protobuf
    "$venv/bin/pip" install --quiet --no-deps databricks-sdk
fi

start_local
# The scripts can be named, to run them alone.
[ $# -gt 0 ] || set -- python_sdk.py python_files.py
for script in "$@"; do
    # The first looks for the account, the second for our program.
    alone env DATABRICKS_ACCOUNT_ID="$(value DATABRICKS_ACCOUNT_ID)" FILES_EXAMPLE="$files" \
        "$venv/bin/python" "$root/tests/interop/$script"
done
