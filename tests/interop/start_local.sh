# Sourced by the runners: `start_local ARGUMENTS …` starts the local workspace, and ends it with the shell whatever happens.
#
# DATABRICKS_LOCAL names a program that is built already; without it one is built, with the features of the workspace,
# so that the SQL engine is compiled once. Sets `root` and `target`; `value NAME` gives what the program printed, and
# `alone COMMAND …` runs a command with the workspace's address and token and no other configuration.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}

# Ends the runner without a failure, and says what was not run and why.
skip() {
    echo "skipped: $1"
    exit 0
}

start_local() {
    program=${DATABRICKS_LOCAL:-}
    if [ -z "$program" ]; then
        (cd "$root" && cargo build --quiet --workspace --bin databricks-local)
        program=$target/debug/databricks-local
    fi
    output=$(mktemp)
    "$program" --speed 100 "$@" >"$output" 2>&1 &
    server=$!
    trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; rm -rf "$output" "$output.d"' EXIT
    for _ in $(seq 300); do
        grep -q 'Ctrl-C' "$output" && break
        kill -0 "$server" 2>/dev/null || { cat "$output" >&2; echo "databricks-local ended before it was ready" >&2; exit 1; }
        sleep 0.1
    done
    grep -q 'Ctrl-C' "$output" || { cat "$output" >&2; echo "databricks-local was not ready in time" >&2; exit 1; }
    # A directory of the runner's own, removed with the server.
    work=$output.d
    mkdir -p "$work"
}

value() { grep -o "$1=[^ ]*" "$output" | head -n 1 | cut -d= -f2-; }

# Neither the caller's variables nor a profile may interfere.
alone() {
    env -i PATH="$PATH" HOME="$work" \
        DATABRICKS_CONFIG_FILE=/nonexistent \
        DATABRICKS_HOST="$(value DATABRICKS_HOST)" \
        DATABRICKS_TOKEN="$(value DATABRICKS_TOKEN)" \
        LOCAL_WAREHOUSE_ID="$(value DATABRICKS_WAREHOUSE_ID)" \
        LOCAL_CLUSTER_ID="$(value DATABRICKS_CLUSTER_ID)" \
        LOCAL_ACCOUNT_ID="$(value DATABRICKS_ACCOUNT_ID)" \
        LOCAL_CLIENT_ID="$(value DATABRICKS_CLIENT_ID)" \
        LOCAL_CLIENT_SECRET="$(value DATABRICKS_CLIENT_SECRET)" \
        LOCAL_USERNAME="$(value DATABRICKS_USERNAME)" \
        LOCAL_PASSWORD="$(value DATABRICKS_PASSWORD)" \
        timeout 600 "$@"
}
