"""Writes the API's documents with the operations that the embedded workspace covers: a file per package for those of
workspaces, `covered_PACKAGE.json`, and one for those of the account, `account_PACKAGE.json`.

Usage: documents.py OPENAPI RESULT

Takes the workspace from DATABRICKS_HOST and DATABRICKS_TOKEN, and the account from LOCAL_ACCOUNT_ID, LOCAL_USERNAME and
LOCAL_PASSWORD: a token of a workspace does not reach the account. What the workspace does not cover it says itself, with
status 501.
"""

import base64
import json
import os
import re
import sys
import urllib.error
import urllib.request
from pathlib import Path

METHODS = ("get", "put", "post", "patch", "delete")
# They take away the token that the others are called with.
LEFT_OUT = {"token_management.delete", "tokens.delete"}

# They go in and do not come out.
SECRETS = {"AzureServicePrincipal": "client_secret", "CloudflareApiToken": "secret_access_key"}


def is_covered(host, authorization, method, path):
    url = host + re.sub(r"\{[^}]*\}", "0", path)
    request = urllib.request.Request(url, method=method.upper(), headers={"Authorization": authorization})
    if method != "get":
        # Not an object: no operation does anything with it.
        request.data = b"[]"
        request.add_header("Content-Type", "application/json")
    try:
        urllib.request.urlopen(request, timeout=30).close()
    except urllib.error.HTTPError as error:
        return error.code != 501
    return True


def plain(text):
    """The document without what the service's responses are not held to."""
    document = json.loads(text)
    # A duration is that of Protocol Buffers ("3.5s"), and not that of ISO 8601.
    durations(document)
    for schema, secret in SECRETS.items():
        held = document["components"]["schemas"].get(schema)
        if held:
            held["required"] = [name for name in held["required"] if name != secret]
    # A response that is asked for as a stream is one.
    for path, methods in document["paths"].items():
        if path.endswith("/invocations"):
            methods["post"]["responses"]["200"]["content"]["text/event-stream"] = {}
    return document


def durations(value):
    if isinstance(value, dict):
        if value.get("format") == "duration":
            del value["format"]
        for inner in value.values():
            durations(inner)
    elif isinstance(value, list):
        for inner in value:
            durations(inner)


def without_account(operation):
    """The operation without the parameter that names the account, whose identifier stands in the path."""
    others = [p for p in operation.get("parameters", []) if p.get("name") != "account_id"]
    return {**operation, "parameters": others}


def main():
    source, result = map(Path, sys.argv[1:])
    host, account = os.environ["DATABRICKS_HOST"], os.environ["LOCAL_ACCOUNT_ID"]
    password = f"{os.environ['LOCAL_USERNAME']}:{os.environ['LOCAL_PASSWORD']}"
    authorizations = {
        "covered": f"Bearer {os.environ['DATABRICKS_TOKEN']}",
        "account": f"Basic {base64.b64encode(password.encode()).decode()}",
    }
    result.mkdir(parents=True, exist_ok=True)
    totals = dict.fromkeys(authorizations, 0)
    for file in sorted(source.glob("*.json")):
        text = file.read_text()
        if "openapi" not in json.loads(text):
            continue
        document = plain(text)
        (result / file.name).write_text(json.dumps(document))
        paths = document["paths"]
        for kind, authorization in authorizations.items():
            kept = {}
            for path, methods in paths.items():
                if ("{account_id}" in path) != (kind == "account"):
                    continue
                path = path.replace("{account_id}", account)
                for method, operation in methods.items():
                    if method not in METHODS or operation["operationId"] in LEFT_OUT:
                        continue
                    if any(p.get("style") == "deepObject" for p in operation.get("parameters", [])):
                        continue
                    if is_covered(host, authorization, method, path):
                        kept.setdefault(path, {})[method] = without_account(operation)
                        totals[kind] += 1
            if kept:
                document["paths"] = kept
                (result / f"{kind}_{file.name}").write_text(json.dumps(document))
    print(f"{totals['covered']} operations of workspaces and {totals['account']} of the account are covered")


if __name__ == "__main__":
    main()
