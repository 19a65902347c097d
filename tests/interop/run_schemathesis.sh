#!/usr/bin/env bash
# Sends made-up requests of all covered operations of workspaces and of the account to the local workspace with schemathesis:
# nothing may be answered with a server error, and every response has to have the form that the API's description states.
#
# Packages to run can be named, all by default, those of the account as account_PACKAGE:
# tests/interop/run_schemathesis.sh sql jobs account_billing
# SCHEMATHESIS_EXAMPLES is the number of requests made up for an operation, beside those at the limits of its inputs.
. "$(dirname "${BASH_SOURCE[0]}")/start_local.sh"

venv=$target/schemathesis
if [ ! -x "$venv/bin/schemathesis" ]; then
    "${PYTHON:-python3}" -m venv "$venv"
    "$venv/bin/pip" install --quiet schemathesis || skip "schemathesis cannot be installed"
fi

start_local
documents=$work/documents
alone "$venv/bin/python" "$root/tests/interop/schemathesis_documents.py" "$root/crates/models/openapi" "$documents"
if [ $# -eq 0 ]; then
    for document in "$documents"/covered_*.json "$documents"/account_*.json; do
        name=$(basename "$document" .json)
        set -- "$@" "${name#covered_}"
    done
fi
failed=
cd "$work"
password=$(printf '%s:%s' "$(value DATABRICKS_USERNAME)" "$(value DATABRICKS_PASSWORD)" | base64 --wrap 0)
for package in "$@"; do
    echo "== $package"
    case $package in
        account_*) document=$package authorization="Basic $password" ;;
        *) document=covered_$package authorization="Bearer $(value DATABRICKS_TOKEN)" ;;
    esac
    # Of an invalid input, as the documents see it, a part is valid to the service; only the responses count.
    alone env PYTHONPATH="$root/tests/interop" SCHEMATHESIS_HOOKS=schemathesis_hooks "$venv/bin/schemathesis" run "$documents/$document.json" \
        --url "$(value DATABRICKS_HOST)" --header "Authorization: $authorization" \
        --checks no_failure,response_schema_conformance,content_type_conformance \
        --phases coverage,fuzzing --max-examples "${SCHEMATHESIS_EXAMPLES:-10}" --seed 1 --continue-on-failure --no-shrink \
        --suppress-health-check all --warnings off --request-timeout 60 >"$package.txt" 2>&1 ||
        { failed="$failed $package"; cat "$package.txt"; }
    grep 'generated' "$package.txt" || true
done
[ -z "$failed" ] || { echo "failures in:$failed" >&2; exit 1; }
