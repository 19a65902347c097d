#!/usr/bin/env bash
# Runs the SQL clients of the field against the local workspace: the SQL connector for Python with its three backends,
# databricks-sqlalchemy, dbt-databricks, the SQL connector for Node and the JDBC driver.
#
# What is not on the machine is installed into the target directory: from PyPI with pip, from npm, from Maven Central
# with mvn. A client that cannot be had is named and left out; a client that finds a difference fails the run. Arguments name the
# clients to run, all by default: run_sql_clients.sh thrift sea kernel sqlalchemy dbt node jdbc. DATABRICKS_LOCAL names a
# program that is built already; without it one is built, with the features of the workspace.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
own=$root/tests/interop
target=${CARGO_TARGET_DIR:-$root/target}/sql-clients
python=${PYTHON:-python3}
clients=${*:-thrift sea kernel sqlalchemy dbt node jdbc}
mkdir -p "$target"

program=${DATABRICKS_LOCAL:-}
if [ -z "$program" ]; then
    (cd "$root" && cargo build --quiet --workspace --bin databricks-local)
    program=${CARGO_TARGET_DIR:-$root/target}/debug/databricks-local
fi

work=$(mktemp -d)
server=
stop() {
    [ -z "$server" ] || { kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; }
    rm -rf "$work"
}
trap stop EXIT

"$program" --speed 100 >"$work/output" 2>&1 &
server=$!
for _ in $(seq 300); do
    grep -q 'Ctrl-C' "$work/output" && break
    kill -0 "$server" 2>/dev/null || { cat "$work/output" >&2; echo "databricks-local ended before it was ready" >&2; exit 1; }
    sleep 0.1
done
grep -q 'Ctrl-C' "$work/output" || { cat "$work/output" >&2; echo "databricks-local was not ready in time" >&2; exit 1; }
value() { grep -o "$1=[^ ]*" "$work/output" | head -n 1 | cut -d= -f2-; }
host=$(value DATABRICKS_HOST)

# No other configuration may interfere: neither the caller's variables nor a profile.
clean() {
    env -i PATH="$PATH" HOME="$work" TMPDIR="$work" \
        DATABRICKS_CONFIG_FILE=/nonexistent \
        DATABRICKS_HOST="$host" \
        DATABRICKS_TOKEN="$(value DATABRICKS_TOKEN)" \
        DATABRICKS_WAREHOUSE_ID="$(value DATABRICKS_WAREHOUSE_ID)" \
        DATABRICKS_CLUSTER_ID="$(value DATABRICKS_CLUSTER_ID)" \
        LOCAL_HOST_NAME="${host#http://}" \
        LOCAL_CLIENT_ID="$(value DATABRICKS_CLIENT_ID)" \
        LOCAL_CLIENT_SECRET="$(value DATABRICKS_CLIENT_SECRET)" \
        timeout 900 "$@"
}

# An environment with these packages, `false` if they cannot be had.
environment() {
    local name=$1 venv=$target/$1
    shift
    [ -e "$venv/complete" ] && return 0
    "$python" -m venv "$venv" && "$venv/bin/pip" install --quiet "$@" >"$work/pip" 2>&1 && touch "$venv/complete" && return 0
    tail -n 3 "$work/pip" >&2 || true
    echo "skip $name: its packages cannot be installed ($*)" >&2
    return 1
}

failed=
run() {
    echo "== $1"
    shift
    "$@" || failed="$failed $*"
}

for client in $clients; do
    case $client in
    thrift | sea)
        environment connector databricks-sql-connector pyarrow databricks-sdk || continue
        run "$client" clean "$target/connector/bin/python" "$own/sql_connector.py" "$client"
        ;;
    kernel)
        environment kernel 'databricks-sql-connector[kernel]' pyarrow || continue
        run kernel clean "$target/kernel/bin/python" "$own/sql_connector.py" kernel
        ;;
    sqlalchemy)
        environment alchemy databricks-sqlalchemy databricks-sql-connector pyarrow || continue
        run sqlalchemy clean "$target/alchemy/bin/python" "$own/sqlalchemy_orm.py"
        ;;
    dbt)
        # Newer releases of dbt-core need a file that is not on PyPI.
        environment dbt 'dbt-core<1.11' 'dbt-databricks<1.11' || continue
        run dbt clean "$own/dbt/run" "$target/dbt/bin/dbt" "$work/dbt"
        ;;
    node)
        if ! command -v npm >/dev/null || ! npm install --silent --no-audit --no-fund --prefix "$target/node" @databricks/sql >"$work/npm" 2>&1; then
            echo "skip node: npm is needed, and the package @databricks/sql" >&2
            continue
        fi
        run node clean env NODE_PATH="$target/node/node_modules" node "$own/sql_connector.cjs"
        ;;
    jdbc)
        if ! command -v java >/dev/null || ! command -v mvn >/dev/null; then
            echo "skip jdbc: java 17 and mvn are needed" >&2
            continue
        fi
        if [ ! -e "$target/jdbc/complete" ]; then
            if ! mvn -q -B -f "$own/jdbc/pom.xml" dependency:copy-dependencies -DoutputDirectory="$target/jdbc"; then
                echo "skip jdbc: the driver cannot be had from Maven" >&2
                continue
            fi
            touch "$target/jdbc/complete"
        fi
        run jdbc clean java --add-opens=java.base/java.nio=ALL-UNNAMED -cp "$target/jdbc/*" "$own/jdbc/Jdbc.java"
        ;;
    *)
        echo "there is no client $client" >&2
        exit 2
        ;;
    esac
done
[ -z "$failed" ] || { echo "failed:$failed" >&2; exit 1; }
