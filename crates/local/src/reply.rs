//! Responses: JSON values and the error bodies of the platform.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

/// What a handler gives back.
pub(crate) type Reply = Result<Json, ApiError>;

/// A JSON response with status 200.
#[derive(Debug)]
pub(crate) struct Json(pub(crate) Value);

impl Json {
    /// The empty object that calls without a result return.
    pub(crate) fn empty() -> Self {
        Self(json!({}))
    }
}

impl IntoResponse for Json {
    fn into_response(self) -> Response {
        json_response(StatusCode::OK, self.0.to_string())
    }
}

/// A response of `status` whose body is the JSON text `body`.
pub(crate) fn json_response(status: StatusCode, body: impl Into<axum::body::Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Which of the platform's body shapes an error takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// `{"error_code", "message", "details"}`.
    Standard,
    /// `{"error"}`, API 1.2.
    Legacy,
    /// `{"error", "error_description"}`, RFC 6749 section 5.2.
    OAuth,
    /// RFC 7644 section 3.12, with the status as the code.
    Scim,
    /// `{"error_code": 403, "message"}`: the authentication check in front of the APIs writes the number of the status.
    SignIn,
}

/// A refusal in the form that the platform gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    shape: Shape,
    status: StatusCode,
    code: Cow<'static, str>,
    message: String,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { shape: Shape::Standard, status, code: code.into(), message: message.into() }
    }

    /// 400 `INVALID_PARAMETER_VALUE`.
    pub(crate) fn invalid_parameter(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID_PARAMETER_VALUE", message)
    }

    /// 400 `INVALID_STATE`.
    pub(crate) fn invalid_state(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID_STATE", message)
    }

    /// 400 `MALFORMED_REQUEST`.
    pub(crate) fn malformed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "MALFORMED_REQUEST", message)
    }

    /// 404 `RESOURCE_DOES_NOT_EXIST`.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "RESOURCE_DOES_NOT_EXIST", message)
    }

    /// 501 `NOT_IMPLEMENTED` for `what`, which the service has and the embedded workspace has not.
    pub(crate) fn not_implemented(what: impl std::fmt::Display) -> Self {
        let message = format!("The embedded workspace does not support {what}.");
        Self::new(StatusCode::NOT_IMPLEMENTED, "NOT_IMPLEMENTED", message)
    }

    /// 500 `INTERNAL_ERROR`.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR", message)
    }

    /// 401 or 403 of the authentication check.
    pub(crate) fn unauthenticated(status: StatusCode, message: impl Into<String>) -> Self {
        Self { shape: Shape::SignIn, ..Self::new(status, "", message) }
    }

    /// An error of a SCIM service; `kind` is its `scimType` or empty.
    pub(crate) fn scim(status: StatusCode, kind: &'static str, detail: impl Into<String>) -> Self {
        Self { shape: Shape::Scim, ..Self::new(status, kind, detail) }
    }

    /// An error of an OAuth endpoint.
    pub(crate) fn oauth(status: StatusCode, code: &'static str, description: impl Into<String>) -> Self {
        Self { shape: Shape::OAuth, ..Self::new(status, code, description) }
    }

    /// The same refusal in the body shape of API 1.2.
    pub(crate) fn legacy(self) -> Self {
        Self { shape: Shape::Legacy, ..self }
    }

    /// Whether it states that something does not exist.
    pub(crate) fn is_not_found(&self) -> bool {
        self.status == StatusCode::NOT_FOUND
    }

    /// Whether it comes of the authentication check in front of the APIs.
    pub(crate) fn is_unauthenticated(&self) -> bool {
        self.shape == Shape::SignIn
    }

    /// The code, empty where the form has none.
    pub(crate) fn code(&self) -> &str {
        &self.code
    }

    /// The status.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// The explanation that the body carries.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    fn body(&self, request_id: &str) -> Value {
        match self.shape {
            Shape::Standard => json!({
                "error_code": self.code,
                "message": self.message,
                "details": [{
                    "@type": "type.googleapis.com/google.rpc.RequestInfo",
                    "request_id": request_id,
                    "serving_data": "",
                }],
            }),
            Shape::Legacy => json!({"error": format!("{}: {}", self.code, self.message)}),
            Shape::OAuth => json!({"error": self.code, "error_description": self.message}),
            Shape::Scim => {
                let mut body = json!({
                    "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
                    "detail": self.message,
                    "status": self.status.as_u16().to_string(),
                });
                if !self.code.is_empty() {
                    body["scimType"] = json!(self.code);
                }
                body
            }
            Shape::SignIn => json!({
                "error_code": self.status.as_u16(),
                "message": format!("{} [ReqId: {request_id}]", self.message),
            }),
        }
    }

    /// The response, naming `request_id` where the body has room for it.
    pub(crate) fn into_reply(self, request_id: &str) -> Response {
        let mut response = json_response(self.status, self.body(request_id).to_string());
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = match self.shape {
                Shape::OAuth => "Basic realm=\"DatabricksRealm\"",
                _ => "Bearer realm=\"DatabricksRealm\"",
            };
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
        }
        response
    }
}

/// Handlers return the error itself; the gate writes the body, since it knows the request's identifier.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = Response::new(axum::body::Body::empty());
        *response.status_mut() = self.status;
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shape_is_the_platforms() {
        let e = ApiError::invalid_state("no");
        assert_eq!(e.body("r")["error_code"], "INVALID_STATE");
        assert_eq!(e.body("r")["details"][0]["request_id"], "r");
        assert_eq!(e.clone().legacy().body("r"), json!({"error": "INVALID_STATE: no"}));
        let e = ApiError::oauth(StatusCode::UNAUTHORIZED, "invalid_client", "why");
        assert_eq!(e.body("r"), json!({"error": "invalid_client", "error_description": "why"}));
        let e = ApiError::unauthenticated(StatusCode::FORBIDDEN, "Invalid access token.");
        assert_eq!(e.body("r")["error_code"], 403);
    }
}
