//! The door of Spark Connect, by which PySpark's client and Databricks Connect come: calls are passed on to an attached
//! engine as they are, once their token and their cluster were checked.
//!
//! Messages are not read: sessions belong to whom the client states in them, as on the engine itself.

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use http::{HeaderMap, StatusCode, Version};

use crate::reply::ApiError;
use crate::state::handles::SparkHandle;
use crate::state::{App, lock};

mod address;
pub(crate) mod attached;
mod sail;
#[cfg(feature = "spark")]
pub(crate) mod sql;
mod upstream;

const SERVICE: &str = "/spark.connect.SparkConnectService/";
/// The cluster that a call is for.
const CLUSTER: &str = "x-databricks-cluster-id";
/// What calls have that are for serverless compute.
const SERVERLESS: &str = "x-databricks-session-id";

/// Whether refusals of `path` go to a client of Spark Connect.
pub(crate) fn serves(path: &str) -> bool {
    path.starts_with(SERVICE)
}

pub(crate) fn routes(state: SparkHandle) -> Router {
    Router::new().route("/spark.connect.SparkConnectService/{method}", any(pass)).with_state(state)
}

async fn pass(
    State(SparkHandle { sql: app, attached }): State<SparkHandle>,
    request: Request,
) -> Result<Response, ApiError> {
    let Some(attached) = attached else {
        return Err(ApiError::new(
            StatusCode::NOT_IMPLEMENTED,
            "NOT_IMPLEMENTED",
            "Spark Connect needs an attached engine: start databricks-local with --spark sail, or with \
             --spark-connect sc://HOST:PORT (in a program: LocalWorkspaceBuilder::spark_sail or ::spark_connect)",
        ));
    };
    if request.version() != Version::HTTP_2 {
        return Err(ApiError::invalid_parameter("Spark Connect is gRPC, which needs HTTP/2"));
    }
    compute_is_up(&app, request.headers()).await?;
    attached.upstream.forward(request).await
}

/// Waits until the cluster runs that a call names, which is started if it is not up.
async fn compute_is_up(app: &App, headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(id) = headers.get(CLUSTER).map(|value| value.to_str().unwrap_or_default()) else {
        if headers.contains_key(SERVERLESS) {
            return Ok(());
        }
        return Err(ApiError::invalid_parameter(format!(
            "A call of Spark Connect names its cluster: add ;{CLUSTER}=ID to the URL, or {SERVERLESS} for serverless \
             compute"
        )));
    };
    let now = app.clock.now_ms();
    let wait = {
        let mut clusters = lock(&app.clusters);
        clusters.get(id, now).map_err(|error| ApiError::not_found(error.message()))?;
        clusters.acquire(id, app.new_spark_context(), now)?
    };
    tokio::time::sleep(std::time::Duration::from_millis(u64::try_from(wait).unwrap_or(0))).await;
    Ok(())
}
