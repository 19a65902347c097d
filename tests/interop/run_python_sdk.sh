#!/usr/bin/env bash
# Runs the official Python SDK against the local workspace.
#
# Makes a virtual environment under the target directory, installs the SDK from PyPI, starts the program and ends it
# whatever happens. Exits with the script's status. DATABRICKS_LOCAL names a program that is built already; without it
# one is built, with the features of the workspace, so that the SQL engine is compiled once.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
venv=$target/interop-venv
python=${PYTHON:-python3}

program=${DATABRICKS_LOCAL:-}
if [ -z "$program" ]; then
    (cd "$root" && cargo build --quiet --workspace --bin databricks-local)
    program=$target/debug/databricks-local
fi

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

output=$(mktemp)
"$program" --speed 100 >"$output" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; rm -f "$output"' EXIT

for _ in $(seq 100); do
    grep -q 'Ctrl-C' "$output" && break
    kill -0 "$server" 2>/dev/null || { cat "$output" >&2; echo "databricks-local ended before it was ready" >&2; exit 1; }
    sleep 0.1
done
grep -q 'Ctrl-C' "$output" || { cat "$output" >&2; echo "databricks-local was not ready in time" >&2; exit 1; }

value() { grep -o "$1=[^ ]*" "$output" | head -n 1 | cut -d= -f2-; }
# No other configuration may interfere: neither the caller's variables nor a profile.
run() {
    env -i PATH="$PATH" HOME=/nonexistent \
        DATABRICKS_CONFIG_FILE=/nonexistent \
        DATABRICKS_HOST="$(value DATABRICKS_HOST)" \
        DATABRICKS_TOKEN="$(value DATABRICKS_TOKEN)" \
        DATABRICKS_ACCOUNT_ID="$(value DATABRICKS_ACCOUNT_ID)" \
        LOCAL_CLIENT_ID="$(value DATABRICKS_CLIENT_ID)" \
        LOCAL_CLIENT_SECRET="$(value DATABRICKS_CLIENT_SECRET)" \
        FILES_EXAMPLE="$files" \
        timeout 600 "$venv/bin/python" "$root/tests/interop/$1"
}
# The scripts can be named, to run them alone.
[ $# -gt 0 ] || set -- python_sdk.py python_files.py
for script in "$@"; do
    run "$script"
done
