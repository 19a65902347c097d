"""Requests that the client makes in hand-written code, too irregular to read.

Their facts are stated here; the check fails when such a request appears or goes.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from facts import camel
from services import request_calls

# (file, class, method) -> the operation that describes the request, or why none is needed.
HANDWRITTEN_CALLS = {
    ("__init__.py", "WorkspaceClient", "get_workspace_id"): "current_user.me",
    ("core.py", "ApiClient", "do"): "transport, not an operation",
    ("dbutils.py", "_SecretsUtil", "getBytes"): "secrets.get_secret",
    ("mixins/files.py", "_FilesApiMultipartSession", "complete"): "files.complete_upload",
    ("mixins/files.py", "_FilesApiV2EndpointClient", "initiate_upload"): "files.initiate_upload",
    ("mixins/files.py", "_FilesApiV2EndpointClient", "put_file"): "files.upload",
    ("mixins/files.py", "_PresignedEndpointClient", "initiate_upload"): "files.initiate_upload",
    ("mixins/files.py", "_PresignedMultipartSession", "complete"): "files.complete_upload",
    ("mixins/files.py", "_PresignedUrlRequestBuilder", "build_download_url"): "files.create_download_url",
    ("mixins/files.py", "_PresignedUrlRequestBuilder", "build_upload_part_urls"): "files.create_upload_part_urls",
    ("mixins/open_ai_client.py", "ServingEndpointsExt", "http_request"): "serving_endpoints.http_request",
    ("mixins/sharing.py", "SharesExt", "list"): "shares.list_shares",
    ("mixins/workspace.py", "WorkspaceExt", "download"): "workspace.download",
    ("mixins/workspace.py", "WorkspaceExt", "upload"): "workspace.upload",
}

# The same of releases before 0.161, which spell their requests in other functions.
EARLIER_CALLS = {
    ("mixins/files.py", "FilesExt", "_complete_multipart_upload"): "files.complete_upload",
    ("mixins/files.py", "FilesExt", "_init_download_response_files_api"): "files.download",
    ("mixins/files.py", "FilesExt", "_initiate_multipart_upload"): "files.initiate_upload",
    ("mixins/files.py", "FilesExt", "_parallel_download_files_api"): "files.download",
    ("mixins/files.py", "FilesExt", "_resolve_workspace_id"): "current_user.me",
    ("mixins/files.py", "_PresignedUrlRequestBuilder", "build_resumable_upload_url"): "not described: gone since",
}


def handwritten_calls(sdk: Path) -> Iterator[tuple[str, str, str]]:
    for path in sorted(p for p in sdk.rglob("*.py") if p.parent.name != "service"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef):
                for method in request_calls(node):
                    owner = (path.relative_to(sdk).as_posix(), node.name, method)
                    # Clients of other hosts (token endpoints, metadata services) are not API calls.
                    if owner[0] not in ("oauth.py", "_base_client.py", "oidc_token_supplier.py"):
                        yield owner


def obj(required: str = "", /, **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": dict(sorted(properties.items()))}
    if required:
        schema["required"] = sorted(required.split())
    return schema


STR = {"type": "string"}
INT = {"type": "integer", "format": "int32"}
BOOL = {"type": "boolean"}
STREAM = {"type": "string", "format": "binary"}
TIME = {"type": "string", "format": "date-time"}


def query(name: str, schema: dict[str, Any], required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": required, "schema": schema}


def header(name: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "schema": STR}


def fixed(name: str, value: str) -> dict[str, Any]:
    return query(name, {"type": "string", "const": value}, True)


FILE_PATH = {"name": "file_path", "in": "path", "required": True, "schema": STR, "x-databricks-multi-segment": True}
UPLOAD_PART = obj("etag part_number", etag=STR, part_number=INT)
PRESIGNED_HEADERS = {"type": "array", "items": obj("name value", name=STR, value=STR)}


def handwritten(
    operation_id: str,
    *,
    parameters: list[dict] = (),
    body: dict | None = None,
    response: dict | None = None,
    **extra: Any,
) -> dict[str, Any]:
    """An operation object.  `body` and `response` map a media type to a schema."""
    operation: dict[str, Any] = {"operationId": operation_id, "tags": [operation_id.split(".")[0]]}
    if parameters:
        operation["parameters"] = list(parameters)
    if body:
        operation["requestBody"] = {"content": {k: {"schema": v} for k, v in body.items()}, "required": True}
    operation["responses"] = {"200": {"description": ""}}
    if response:
        operation["responses"]["200"]["content"] = {k: {"schema": v} for k, v in response.items()}
    operation["x-databricks-level"] = "workspace"
    operation["x-databricks-accessor"] = f"w.{operation_id.split('.')[0]}"
    operation["x-databricks-origin"] = "handwritten"
    operation["x-databricks-request-name"] = camel(operation_id.split(".")[1]) + "Request"
    return operation | {f"x-databricks-{k.replace('_', '-')}": v for k, v in extra.items()}


def _multipart_file_operations(version: str, session: list[dict], initiated: dict) -> list[tuple]:
    """The multipart upload calls of Files API 2.0 and 3.0, which differ in the session key."""
    path = f"/api/{version}/fs/files{{file_path}}"
    suffix = "" if version == "2.0" else "_v3"
    part_session = [p for p in session if p["name"] != "action"]
    return [
        ("files", "post", path, handwritten(
            f"files.initiate_upload{suffix}",
            parameters=[FILE_PATH, fixed("action", "initiate-upload"), query("overwrite", BOOL)],
            response={"application/json": initiated})),
        ("files", "post", path, handwritten(
            f"files.complete_upload{suffix}",
            parameters=[FILE_PATH, fixed("action", "complete-upload"), *session],
            body={"application/json": obj("parts", parts={"type": "array", "items": UPLOAD_PART})})),
        ("files", "post", path, handwritten(
            f"files.abort_upload{suffix}",
            parameters=[FILE_PATH, fixed("action", "abort-upload"), *session])),
        ("files", "put", path, handwritten(
            f"files.upload_part{suffix}",
            parameters=[FILE_PATH, *part_session, query("part_number", INT, True)],
            body={"application/octet-stream": STREAM})
            | {"responses": {"200": {"description": "", "headers": {"ETag": {"schema": STR}}}}}),
    ]  # fmt: skip


# (package, method, path, operation)
HANDWRITTEN_OPERATIONS = [
    ("workspace", "post", "/api/2.0/workspace/import", handwritten(
        "workspace.upload",
        body={"multipart/form-data": obj(
            "content path", content=STREAM, path=STR, overwrite={"type": "string", "enum": ["true"]},
            format={"$ref": "#/components/schemas/ImportFormat"},
            language={"$ref": "#/components/schemas/Language"})},
        workspace_header=True)),
    ("workspace", "get", "/api/2.0/workspace/export", handwritten(
        "workspace.download",
        parameters=[fixed("direct_download", "true"), query("format", {"$ref": "#/components/schemas/ExportFormat"}),
                    query("path", STR, True)],
        response={"application/octet-stream": STREAM}, raw=True, workspace_header=True)),
    ("files", "get", "/api/2.0/fs/endpoints", handwritten(
        "files.list_endpoints",
        response={"application/json": obj(endpoints={"type": "array", "items": obj(
            api={"type": "string", "examples": ["IO_OFFLOAD", "FILES_API"]}, api_version=STR,
            hostname=STR, multipart_upload_supported=BOOL, scheme=STR)})})),
    ("files", "post", "/api/2.0/fs/create-download-url", handwritten(
        "files.create_download_url",
        parameters=[query("expire_time", TIME, True), query("path", STR, True)],
        response={"application/json": obj("url", headers=PRESIGNED_HEADERS, url=STR)})),
    ("files", "post", "/api/2.0/fs/create-upload-part-urls", handwritten(
        "files.create_upload_part_urls",
        body={"application/json": obj("count expire_time path session_token start_part_number", count=INT,
                                      expire_time=TIME, path=STR, session_token=STR, start_part_number=INT)},
        response={"application/json": obj(upload_part_urls={"type": "array", "items": obj(
            "part_number url", headers=PRESIGNED_HEADERS, part_number=INT, url=STR)})})),
    *_multipart_file_operations(
        "2.0", [query("session_token", STR, True), fixed("upload_type", "multipart")],
        obj(multipart_upload=obj("session_token", session_token=STR))),
    *_multipart_file_operations("3.0", [query("upload_id", STR, True)], obj("upload_id", upload_id=STR)),
    ("files", "get", "/api/3.0/fs/files{file_path}", handwritten(
        "files.download_v3", parameters=[
            FILE_PATH,
            header("If-Unmodified-Since"),
            header("Range")],
        response={"application/octet-stream": STREAM}, raw=True)),
    ("files", "put", "/api/3.0/fs/files{file_path}", handwritten(
        "files.upload_v3", parameters=[FILE_PATH, query("overwrite", BOOL)],
        body={"application/octet-stream": STREAM}, workspace_header=True)),
]  # fmt: skip

# Facts about generated operations that only hand-written code uses.
HANDWRITTEN_EXTRAS = {
    "current_user.me": {"responses": {"headers": {"X-Databricks-Org-Id": {"schema": INT | {"format": "int64"}}}}},
    "serving_endpoints.http_request": {"responses": {"headers": {"mcp-session-id": {"schema": STR}}}},
    "files.download": {"parameters": [
        header("If-Unmodified-Since") | {"x-databricks-origin": "handwritten"},
        header("Range") | {"x-databricks-origin": "handwritten"}]},
}  # fmt: skip

