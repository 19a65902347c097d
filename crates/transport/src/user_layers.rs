//! Layers of the caller's own, around the call or around each attempt.

use std::sync::Arc;

use databricks_core::{Body, Error};
use http::{Request, Response};
use tower::{Layer, Service};

use crate::HttpService;

/// Layers, the outermost first.
#[derive(Clone, Default)]
pub(crate) struct UserLayers(Vec<Arc<dyn Fn(HttpService) -> HttpService + Send + Sync>>);

impl UserLayers {
    /// Adds a layer inside of those that are there.
    pub(crate) fn push<L>(&mut self, layer: L)
    where
        L: Layer<HttpService> + Send + Sync + 'static,
        L::Service: Service<Request<Body>, Response = Response<Body>, Error = Error> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request<Body>>>::Future: Send + 'static,
    {
        self.0.push(Arc::new(move |service| HttpService::new(layer.layer(service))));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The service with these layers around it.
    pub(crate) fn around(&self, service: HttpService) -> HttpService {
        self.0.iter().rev().fold(service, |service, layer| layer(service))
    }
}

impl std::fmt::Debug for UserLayers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} layers", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use http::{HeaderValue, StatusCode};
    use tower::layer::layer_fn;
    use tower::{ServiceExt as _, service_fn};

    use super::*;
    use crate::layers::testing::{Calls, Script, get, post};
    use crate::{CallOptions, Client, HttpService};

    type Log = Arc<Mutex<Vec<String>>>;

    /// A layer that notes what passes it, and marks requests with its name.
    fn noting(name: &'static str, log: &Log) -> impl Layer<HttpService, Service = HttpService> + Send + Sync + 'static {
        let log = Arc::clone(log);
        layer_fn(move |inner: HttpService| {
            let log = Arc::clone(&log);
            HttpService::new(service_fn(move |mut request: Request<Body>| {
                let (inner, log) = (inner.clone(), Arc::clone(&log));
                async move {
                    request.headers_mut().append("x-passed", HeaderValue::from_static(name));
                    let result = inner.oneshot(request).await;
                    let outcome = match &result {
                        Ok(response) => response.status().as_u16().to_string(),
                        Err(error) => format!("{:?}", error.kind()),
                    };
                    log.lock().unwrap().push(format!("{name} {outcome}"));
                    result
                }
            }))
        })
    }

    fn status(code: u16) -> Response<Body> {
        let mut response = Response::new(Body::from("{}"));
        *response.status_mut() = StatusCode::from_u16(code).unwrap();
        response
    }

    /// A client around a script whose first response refuses.
    fn client(log: &Log) -> (Client, Calls) {
        let (script, calls) = Script::forever(|before| Ok(status(if before == 0 { 503 } else { 200 })));
        let client = Client::builder()
            .connection(HttpService::new(script))
            .call_layer(noting("outer", log))
            .call_layer(noting("inner", log))
            .attempt_layer(noting("attempt", log));
        (client.build().unwrap(), calls)
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_passes_its_layers_once_and_every_attempt_passes_its_own() {
        let log = Log::default();
        let (client, calls) = client(&log);
        let options = CallOptions::new().operation("x.y");
        assert_eq!(client.send_with(post("text"), options).await.unwrap().status(), 200);
        assert_eq!(*log.lock().unwrap(), ["attempt 503", "attempt 200", "inner 200", "outer 200"]);
        for seen in calls.take() {
            let passed: Vec<_> = seen.headers.get_all("x-passed").iter().collect();
            assert_eq!(passed, ["outer", "inner", "attempt"]);
            assert_eq!(seen.body, b"text");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn options_of_a_call_pass_layers_and_so_does_its_error() {
        let log = Log::default();
        let (client, calls) = client(&log);
        let error = client.send_with(get(), CallOptions::new().max_attempts(1).operation("x.y")).await.unwrap_err();
        assert_eq!((error.operation(), calls.count()), (Some("x.y"), 1));
        let kind = format!("{:?}", error.kind());
        assert_eq!(*log.lock().unwrap(), ["attempt 503".to_owned(), format!("inner {kind}"), format!("outer {kind}")]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_can_be_read_once_passes_layers_once() {
        let log = Log::default();
        let (client, calls) = client(&log);
        let once = || post(Body::from_stream(None, Body::from("once").into_stream()));
        client.send(once()).await.unwrap_err();
        assert_eq!(client.send(once()).await.unwrap().status(), 200);
        assert_eq!(calls.take().iter().map(|seen| seen.body.as_slice()).collect::<Vec<_>>(), [b"once", b"once"]);
    }
}
