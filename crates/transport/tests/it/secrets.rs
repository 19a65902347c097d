//! No secret comes to light, whatever the shape of what it travels in.

use std::io::Write;
use std::sync::{Arc, Mutex};

use databricks_core::{AuthHeaders, Body, Credentials, Error, Result, Secret, SharedCredentials};
use databricks_transport::layers::{
    AttemptLayer, AuthLayer, DebugLogLayer, HeadersLayer, ResponseLayer, RetryLayer, SpanLayer, UserAgentLayer,
};
use databricks_transport::{CallOptions, Environment, RetryPolicy, SharedClock, UserAgent, curl};
use http::{HeaderName, HeaderValue, Request, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;
use serde_json::{Value, json};
use tower::{ServiceBuilder, ServiceExt as _};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;

/// Everything that is logged, spans included.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[derive(Debug)]
struct Token(Secret);

impl Credentials for Token {
    fn auth_type(&self) -> &str {
        "test"
    }
    async fn headers(&self) -> Result<AuthHeaders> {
        AuthHeaders::bearer(&self.0)
    }
}

/// The secrets of one exchange.
#[derive(Clone, Debug)]
struct Secrets {
    token: String,
    client_secret: String,
    signature: String,
    cookie: String,
    password: String,
}

fn secrets() -> impl Strategy<Value = Secrets> {
    ("dapi[0-9a-f]{32}", "dose[0-9a-f]{32}", "[A-Za-z0-9+/]{20,40}=?", "[!#-+\\--:<-\\[\\]-~]{12,30}", "[!-~]{10,24}")
        .prop_map(|(token, client_secret, signature, cookie, password)| Secrets {
            token,
            client_secret,
            signature,
            cookie,
            password,
        })
}

/// What surrounds the secrets.
#[derive(Clone, Debug)]
struct Shape {
    depth: usize,
    in_lists: bool,
    upper: bool,
    names: [usize; 4],
    /// How the service repeats the secrets in its response.
    echo: usize,
    status: u16,
    noise: String,
    padding: usize,
    stream: bool,
}

fn shape() -> impl Strategy<Value = Shape> {
    (
        0usize..6,
        any::<bool>(),
        any::<bool>(),
        any::<[usize; 4]>(),
        0usize..8,
        prop::sample::select(&[200u16, 302, 400, 401, 403, 500, 503][..]),
        "\\PC{0,30}",
        0usize..300,
        any::<bool>(),
    )
        .prop_map(|(depth, in_lists, upper, names, echo, status, noise, padding, stream)| Shape {
            depth,
            in_lists,
            upper,
            names,
            echo,
            status,
            noise,
            padding,
            stream,
        })
}

fn pick(names: &[&'static str], i: usize) -> &'static str {
    names[i % names.len()]
}

const MEMBERS: &[&str] = &[
    "password",
    "token",
    "token_value",
    "client_secret",
    "string_value",
    "access_token",
    "refresh_token",
    "private_key",
    "bytes_value",
    "content",
    "sas_token",
];
const PARAMETERS: &[&str] = &[
    "sig",
    "X-Amz-Signature",
    "X-Amz-Security-Token",
    "X-Goog-Signature",
    "x-amz-credential",
    "client_secret",
    "token",
];
const HEADERS: &[&str] =
    &["cookie", "proxy-authorization", "x-databricks-azure-sp-management-token", "x-api-key", "x-vault-token"];

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// The secrets as members of a message somewhere inside of others.
fn body(secrets: &Secrets, shape: &Shape) -> Value {
    let name = |i: usize| {
        if shape.upper {
            pick(MEMBERS, shape.names[i]).to_uppercase()
        } else {
            pick(MEMBERS, shape.names[i]).to_owned()
        }
    };
    let link = format!(
        "https://s3.example/x?partNumber=1&{}={}",
        pick(PARAMETERS, shape.names[1]),
        escaped(&secrets.signature)
    );
    let mut value = json!({name(0): secrets.password, "link": link, "note": shape.noise, "id": secrets.client_secret, "text": format!("use {} here", secrets.token)});
    for _ in 0..shape.depth {
        value = if shape.in_lists {
            json!([shape.padding, value])
        } else {
            json!({"inner": value, "n": "x".repeat(shape.padding)})
        };
    }
    json!({"message": shape.noise, "more": value})
}

/// The response of a service that repeats what it was sent.
fn response(secrets: &Secrets, shape: &Shape) -> Response<Body> {
    let (media_type, text) = match shape.echo {
        0 => ("application/json", body(secrets, shape).to_string()),
        // JSON as text in a member of JSON.
        1 => ("application/json", json!({"error_code": "X", "message": body(secrets, shape).to_string()}).to_string()),
        2 => (
            "text/plain",
            format!(
                "request was: Authorization: Bearer {}\npassword={}",
                secrets.token,
                secrets.password.replace(['&', '"', '\'', ',', ';', '}', ')', '<', '>', '#'], "x")
            ),
        ),
        3 => {
            ("text/html", format!("<html><pre>token {} at https://b/?sig={}&sv=1</pre></html>", secrets.token, escaped(&secrets.signature)))
        }
        4 => ("text/plain", format!("BAD_REQUEST: GET /x?{}={} failed", pick(PARAMETERS, shape.names[2]), escaped(&secrets.signature))),
        5 => (
            "application/json",
            json!({"error": "invalid_client", "error_description": format!("secret {} is wrong", secrets.client_secret)}).to_string(),
        ),
        6 => ("application/json", body(secrets, shape).to_string().chars().take(120 + shape.padding).collect()),
        // A password in plain prose, without its name, looks like any other word: nothing distinguishes it.
        _ => ("application/octet-stream", format!("{} {}", shape.noise, secrets.token)),
    };
    Response::builder()
        .status(shape.status)
        .header("content-type", media_type)
        .header("set-cookie", HeaderValue::from_str(&format!("session={}", secrets.cookie)).unwrap())
        .header("location", format!("https://other.example/?code={}", escaped(&secrets.signature)))
        .body(Body::from_stream(None, Body::from(text).into_stream()))
        .unwrap()
}

fn request(secrets: &Secrets, shape: &Shape) -> Request<Body> {
    let url = format!(
        "https://h.example/api/2.0/secrets/put?a=1&{}={}",
        pick(PARAMETERS, shape.names[3]),
        escaped(&secrets.signature)
    );
    let form = shape.echo % 2 == 1;
    let (media_type, body) = if form {
        (
            "application/x-www-form-urlencoded",
            format!(
                "grant_type=x&client_secret={}&password={}",
                escaped(&secrets.client_secret),
                escaped(&secrets.password)
            ),
        )
    } else {
        ("application/json", body(secrets, shape).to_string())
    };
    let mut request = Request::post(url).header("content-type", media_type).body(Body::from(body)).unwrap();
    let name = HeaderName::from_static(pick(HEADERS, shape.names[2]));
    request.headers_mut().insert(name, HeaderValue::from_str(&secrets.cookie).unwrap());
    request
        .extensions_mut()
        .insert(CallOptions::new().debug(shape.upper).stream_response(shape.stream).operation("secrets.put_secret"));
    request
}

/// All that can be read of an exchange from outside.
async fn everything(secrets: &Secrets, shape: &Shape) -> String {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_span_events(FmtSpan::FULL)
        .with_writer(log.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let credentials = SharedCredentials::new(Token(Secret::new(&secrets.token)));
    let (secrets_too, shape_too) = (secrets.clone(), shape.clone());
    let service = ServiceBuilder::new()
        .layer(SpanLayer::new())
        .layer(RetryLayer::new(RetryPolicy::fixed(1, std::time::Duration::ZERO), SharedClock::default()))
        .layer(AttemptLayer::new())
        .layer(AuthLayer::new(Some(credentials), None))
        .layer(HeadersLayer::default())
        .layer(UserAgentLayer::new(UserAgent::new(&Environment::empty())))
        .layer(ResponseLayer::default())
        .layer(DebugLogLayer::new(true, 1 << 16))
        .service_fn(move |_| {
            let response = response(&secrets_too, &shape_too);
            async move { Ok::<_, Error>(response) }
        });
    let rendered = curl(&request(secrets, shape));
    let result = service.oneshot(request(secrets, shape)).await;
    drop(guard);
    let mut all = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    all += &rendered;
    if let Err(error) = result {
        all += &format!("{error} {error:?} {error:#?} {} {:?}", error.report(), error.api());
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_secret_comes_to_light(secrets in secrets(), shape in shape()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let all = runtime.block_on(everything(&secrets, &shape));
        prop_assert!(all.contains("POST /api/2.0/secrets/put"), "nothing was logged");
        for secret in [&secrets.token, &secrets.client_secret, &secrets.signature, &secrets.cookie, &secrets.password] {
            let in_json = serde_json::to_string(secret).unwrap();
            for form in [secret.clone(), escaped(secret), in_json.trim_matches('"').to_owned()] {
                prop_assert!(!all.contains(&form), "{} in {}", form, all);
            }
        }
    }
}
