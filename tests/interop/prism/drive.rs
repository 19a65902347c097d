//! One operation, from JSON inputs to a decoded response, on the typed path.

use std::future::Future;
use std::pin::Pin;

use databricks_core::model::Wire;
use databricks_core::{Body, Error, ErrorKind, Operation, Result};
use databricks_sdk::Client;
use serde_json::{Map, Value};

type Run = Box<dyn Fn(&Client, &Inputs) -> Pin<Box<dyn Future<Output = Result<()>>>>>;

/// An operation that can be run.
pub(crate) struct Drive {
    pub(crate) id: &'static str,
    pub(crate) run: Run,
}

/// Inputs by wire name.
pub(crate) struct Inputs(pub(crate) Map<String, Value>);

impl Inputs {
    pub(crate) fn required<T: for<'de> Wire<'de>>(&self, name: &str) -> Result<T> {
        self.optional(name)?.ok_or_else(|| Error::new(ErrorKind::InvalidInput, format!("the driver has no {name}")))
    }

    pub(crate) fn optional<T: for<'de> Wire<'de>>(&self, name: &str) -> Result<Option<T>> {
        let value = self.0.get(name).map(T::read).transpose();
        value.map_err(|error| {
            Error::new(ErrorKind::InvalidInput, format!("the type of {name} does not take the driver's value"))
                .with_source(error)
        })
    }

    pub(crate) fn body(&self) -> Body {
        Body::from("bytes")
    }
}

pub(crate) fn drive<O: Operation>(build: fn(&Inputs) -> Result<O>) -> Drive {
    let run: Run = Box::new(move |client, inputs| {
        let operation = build(inputs);
        let client = client.clone();
        Box::pin(async move { client.call(operation?).await.map(drop) })
    });
    Drive { id: O::INFO.id, run }
}
