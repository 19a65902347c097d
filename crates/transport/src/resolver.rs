//! From a host name to addresses.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::client::legacy::connect::dns::Name;
use tower::Service;

/// How long to wait before a name that is reported not to exist is looked up again.
const PAUSE: Duration = Duration::from_millis(300);

/// The operating system's name service. A name that does not exist is looked up twice, since a name service can fail
/// for a moment; after that no retry helps.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Resolver;

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let name = name.as_str().to_owned();
        Box::pin(async move { twice(|| lookup(name.clone())).await.map(Vec::into_iter) })
    }
}

async fn lookup(name: String) -> io::Result<Vec<SocketAddr>> {
    Ok(tokio::net::lookup_host((name, 0)).await?.collect())
}

async fn twice<F>(mut lookup: impl FnMut() -> F) -> io::Result<Vec<SocketAddr>>
where
    F: Future<Output = io::Result<Vec<SocketAddr>>>,
{
    match lookup().await {
        Err(error) if no_such_name(&error) => {
            tokio::time::sleep(PAUSE).await;
            lookup().await
        }
        result => result,
    }
}

/// Whether the name service states that the name does not exist or has no address, rather than that it could not find
/// out.
///
/// The standard library hands out the code of `getaddrinfo` on Windows alone; elsewhere its string (of glibc, musl, and
/// the BSDs with macOS) is all there is. No program of Rust's translates it unless it calls `setlocale`.
pub(crate) fn no_such_name(error: &io::Error) -> bool {
    const TEXTS: &[&str] = &[
        "Name or service not known",
        "No address associated with hostname",
        "Name does not resolve",
        "Name has no usable address",
        "nodename nor servname provided, or not known",
        "No address associated with nodename",
    ];
    const HOST_NOT_FOUND: i32 = 11001;
    const NO_DATA: i32 = 11004;
    if cfg!(windows) {
        return matches!(error.raw_os_error(), Some(HOST_NOT_FOUND | NO_DATA));
    }
    let text = error.to_string();
    TEXTS.iter().any(|known| text.contains(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(text: &str) -> io::Error {
        io::Error::other(format!("failed to lookup address information: {text}"))
    }

    /// Runs a script of lookups; how many there were, and whether the last succeeded.
    async fn run(script: &[Result<(), &str>]) -> (usize, bool) {
        let mut script = script.iter();
        let mut count = 0;
        let found = twice(|| {
            count += 1;
            let next = *script.next().expect("a lookup too many");
            async move { next.map(|()| vec![SocketAddr::from(([127, 0, 0, 1], 0))]).map_err(failure) }
        })
        .await;
        (count, found.is_ok())
    }

    #[cfg(not(windows))]
    #[tokio::test(start_paused = true)]
    async fn names_that_do_not_exist_are_looked_up_again_once() {
        const NONE: &str = "Name or service not known";
        const AGAIN: &str = "Temporary failure in name resolution";
        assert_eq!(run(&[Ok(())]).await, (1, true));
        assert_eq!(run(&[Err(NONE), Ok(())]).await, (2, true));
        assert_eq!(run(&[Err(NONE), Err(NONE)]).await, (2, false));
        // What may pass is left to the retries of the call, which know its budget.
        assert_eq!(run(&[Err(AGAIN)]).await, (1, false));
    }

    #[cfg(not(windows))]
    #[test]
    fn temporary_failures_are_told_apart() {
        for text in [
            "Name does not resolve",
            "No address associated with hostname",
            "nodename nor servname provided, or not known",
        ] {
            assert!(no_such_name(&failure(text)), "{text}");
        }
        for text in [
            "Temporary failure in name resolution",
            "Try again",
            "Non-recoverable failure in name resolution",
            "System error",
        ] {
            assert!(!no_such_name(&failure(text)), "{text}");
        }
    }
}
