//! The consent page of the authorization code flow: RFC 6749 section 4.1 with PKCE.

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};

use crate::extract::{BODY_LIMIT, Query};
use crate::html::{escape, page_response};
use crate::records::call::text;
use crate::reply::ApiError;
use crate::state::grants::{Code, Grant};
use crate::state::handles::OidcHandle;
use crate::state::identity::Identity;
use crate::state::integrations::published_apps;
use crate::state::{USER_NAME, lock};

/// What a client asks for.
struct Asked {
    code: Code,
    state: Option<String>,
}

fn bad(description: impl Into<String>) -> ApiError {
    ApiError::oauth(StatusCode::BAD_REQUEST, "invalid_request", description)
}

fn asked(identity: &Identity, query: &Query) -> Result<Asked, ApiError> {
    let required = |name: &str| query.get(name).map(str::to_owned).ok_or_else(|| bad(format!("{name} is missing")));
    if query.get("response_type") != Some("code") {
        return Err(bad("response_type must be code"));
    }
    if query.get("code_challenge_method") != Some("S256") {
        return Err(bad("code_challenge_method must be S256: clients need PKCE"));
    }
    let (client_id, redirect_uri) = (required("client_id")?, required("redirect_uri")?);
    let registered = redirects(identity, &client_id)
        .ok_or_else(|| bad(format!("client_id {client_id} is neither a published app nor a custom integration")))?;
    // The page must not send a code to a place that the client has not named beforehand.
    if !(is_loopback(&redirect_uri) || registered.contains(&redirect_uri)) {
        return Err(bad(format!("redirect_uri {redirect_uri} is neither on this machine nor registered")));
    }
    Ok(Asked {
        code: Code {
            grant: Grant { client_id, scope: query.get("scope").unwrap_or("all-apis offline_access").to_owned() },
            redirect_uri,
            challenge: required("code_challenge")?,
        },
        state: query.get("state").map(str::to_owned),
    })
}

/// Where a client may be sent back to besides this machine; `None` for a client that is not known.
fn redirects(identity: &Identity, client_id: &str) -> Option<Vec<String>> {
    if client_id == "databricks-cli" || published_apps().iter().any(|a| a["client_id"] == client_id) {
        return Some(Vec::new());
    }
    let custom = lock(&identity.custom).list();
    let own = custom.iter().find(|a| a["client_id"] == client_id)?.as_object()?;
    let urls = own.get("redirect_urls").and_then(|u| u.as_array()).map_or(&[][..], Vec::as_slice);
    tracing::debug!(name = text(own, "name"), "a custom integration asks for consent");
    Some(urls.iter().filter_map(|u| u.as_str()).map(str::to_owned).collect())
}

fn is_loopback(uri: &str) -> bool {
    let Some(rest) = uri.strip_prefix("http://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

pub(super) async fn page(
    State(OidcHandle { identity, .. }): State<OidcHandle>,
    query: Query,
) -> Result<Response, ApiError> {
    let asked = asked(&identity, &query)?;
    let fields: String = query
        .pairs()
        .map(|(name, value)| format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escape(name), escape(value)))
        .collect();
    let body = format!(
        "<h1>Embedded workspace</h1><p><b>{}</b> asks for access as <b>{USER_NAME}</b>.</p>\
         <p>Scopes: {}</p><form method=\"post\">{fields}\
         <button name=\"decision\" value=\"allow\">Allow</button> \
         <button name=\"decision\" value=\"deny\">Deny</button></form>",
        escape(&asked.code.grant.client_id),
        escape(&asked.code.grant.scope)
    );
    Ok(page_response("Consent", &body))
}

pub(super) async fn decide(
    State(OidcHandle { identity, .. }): State<OidcHandle>,
    request: Request,
) -> Result<Response, ApiError> {
    let body = axum::body::to_bytes(request.into_body(), BODY_LIMIT).await;
    let body = body.map_err(|_| bad("The form could not be read"))?;
    let form = Query::parse(std::str::from_utf8(&body).map_err(|_| bad("The form is not UTF-8"))?);
    let asked = asked(&identity, &form)?;
    let mut parameters = form_urlencoded::Serializer::new(String::new());
    if form.get("decision") == Some("allow") {
        let code = identity
            .grants
            .code(identity.user.clone(), asked.code.clone(), identity.clock.now_ms())
            .map_err(|e| ApiError::oauth(StatusCode::INTERNAL_SERVER_ERROR, "server_error", e.to_string()))?;
        parameters.append_pair("code", &code);
    } else {
        parameters.append_pair("error", "access_denied");
        parameters.append_pair("error_description", "The user denied the access");
    }
    if let Some(state) = &asked.state {
        parameters.append_pair("state", state);
    }
    let uri = &asked.code.redirect_uri;
    let join = if uri.contains('?') { '&' } else { '?' };
    let target = HeaderValue::from_str(&format!("{uri}{join}{}", parameters.finish()));
    let target = target.map_err(|_| bad("redirect_uri has characters that a header cannot hold"))?;
    let mut response = StatusCode::FOUND.into_response();
    response.headers_mut().insert(header::LOCATION, target);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn codes_go_to_this_machine() {
        for yes in ["http://localhost:8020", "http://127.0.0.1:1/x?y=1", "http://localhost"] {
            assert!(is_loopback(yes), "{yes}");
        }
        for no in
            ["http://localhost.example.com", "https://example.com", "http://127.0.0.1@example.com", "ftp://localhost"]
        {
            assert!(!is_loopback(no), "{no}");
        }
    }
}
