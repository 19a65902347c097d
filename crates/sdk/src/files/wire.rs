//! Operations of the Files API that its description leaves out or shows in part.

#![allow(unreachable_pub, missing_docs, unused)] // The macros write what is public elsewhere.

databricks_core::model! {
    Session {
        optional {
            session_token: String = "session_token" (secret),
        }
    }
}

databricks_core::model! {
    Started {
        optional {
            multipart_upload: Session = "multipart_upload",
            resumable_upload: Session = "resumable_upload",
        }
    }
}

databricks_core::operation! {
    StartUpload {
        info: "files.initiate_upload", POST "/api/2.0/fs/files{file_path}", Workspace, workspace_header(false);
        output: Started = databricks_core::ResponseParts::json;
        request { constant("action", "initiate-upload") }
        required {
            file_path: String = segments "file_path",
        }
        optional {
            overwrite: bool = query "overwrite",
        }
    }
}

databricks_core::model! {
    LinkHeader {
        optional {
            name: String = "name",
            value: String = "value" (secret),
        }
    }
}

databricks_core::model! {
    ResumableUrl {
        optional {
            url: String = "url" (secret),
            headers: Vec<LinkHeader> = "headers",
        }
    }
}

databricks_core::model! {
    ResumableUrlResponse {
        optional {
            resumable_upload_url: ResumableUrl = "resumable_upload_url",
        }
    }
}

databricks_core::operation! {
    CreateResumableUploadUrl {
        info: "files.create_resumable_upload_url", POST "/api/2.0/fs/create-resumable-upload-url", Workspace, workspace_header(false), idempotency(databricks_core::Idempotency::Idempotent);
        output: ResumableUrlResponse = databricks_core::ResponseParts::json;
        request { object() }
        required {
            path: String = member "path",
            session_token: String = member "session_token" (secret),
        }
    }
}
