//! Operations that are sent to another host than the workspace's, with a token of their own.

use crate::{Operation, Result};

/// Where such an operation is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Target {
    /// The whole URL of the endpoint.
    pub url: String,
    /// What the token is for: JSON, the `authorization_details` of RFC 9396.
    pub authorization_details: String,
}

impl Target {
    /// A target; `None` unless both its URL and its authorization details are known.
    pub fn new(url: Option<&String>, authorization_details: Option<&String>) -> Option<Self> {
        Some(Self { url: url?.clone(), authorization_details: authorization_details?.clone() })
    }
}

/// An operation of the data plane. The control plane names the URL it is sent to.
pub trait DataPlane: Operation {
    /// The operation of the control plane whose response names the target.
    type Control: Operation;

    /// The request that asks for the target.
    ///
    /// # Errors
    /// When this operation lacks an input that the request needs.
    fn control(&self) -> Result<Self::Control>;

    /// The target, if the resource is reachable on the data plane.
    fn target(output: &<Self::Control as Operation>::Output) -> Option<Target>;
}
