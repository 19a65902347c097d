//! What the clients of a workspace and of an account have in common.

/// Implements the methods of a client that wraps a [`Client`](crate::Client) in its field `client`.
macro_rules! client_methods {
    ($client:ident) => {
        impl $client {
            /// A client with settings from the environment and the profile file.
            ///
            /// # Errors
            /// When a setting is wrong; the message names it and where it came from. Nothing is sent.
            pub fn from_env() -> $crate::Result<Self> {
                Self::new($crate::Config::from_env())
            }

            /// A client with these settings; what they leave open comes from the environment and the profile file.
            ///
            /// # Errors
            /// As [`from_env`](Self::from_env).
            pub fn new(config: $crate::Config) -> $crate::Result<Self> {
                Ok(Self { client: $crate::Client::from_config(config)? })
            }

            /// A builder, for settings that no profile has: user agent, TLS, proxy, retries.
            pub fn builder() -> $crate::ClientBuilder<Self> {
                $crate::ClientBuilder::new($crate::Config::from_env())
            }

            /// Calls an operation that is described in code: by [`models`](crate::models), or by a type of your own.
            pub fn call<O: $crate::Operation>(&self, operation: O) -> $crate::Call<O> {
                self.client.call(operation)
            }

            /// Calls an operation by its id; see [`Client::operation`](crate::Client::operation).
            ///
            /// # Errors
            /// As there.
            #[cfg(feature = "dynamic")]
            #[cfg_attr(docsrs, doc(cfg(feature = "dynamic")))]
            pub fn operation(&self, id: &str) -> $crate::Result<$crate::DynamicCall> {
                self.client.operation(id)
            }

            /// Authenticates a person through a browser and stores the login; see
            /// [`Client::login`](crate::Client::login).
            ///
            /// # Errors
            /// As there.
            pub async fn login(&self) -> $crate::Result<$crate::LoginOutcome> {
                self.client.login().await
            }

            /// The connection, credentials and settings below.
            pub fn client(&self) -> &$crate::Client {
                &self.client
            }

            /// A request to an endpoint that has no method of its own; see [`RawRequest`](crate::RawRequest).
            pub fn raw(&self, method: ::http::Method, url: &str) -> $crate::RawRequest {
                $crate::RawRequest::new(self.client.clone(), method, url)
            }
        }

        impl From<$crate::Client> for $client {
            fn from(client: $crate::Client) -> Self {
                Self { client }
            }
        }
    };
}
pub(crate) use client_methods;
