//! What it means that a connection did not come about: whether a retry may help, and what to change.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use databricks_core::{Error, ErrorKind, Origin};
use http::Uri;
use rustls::{AlertDescription, CertificateError};

use crate::proxy::Proxy;
use crate::resolver::no_such_name;

/// Who is at the other end of a connection.
#[derive(Clone, Debug)]
pub(crate) enum Peer {
    Server(String),
    Proxy(Arc<Proxy>),
}

impl Peer {
    /// The server of a URL.
    pub(crate) fn server(uri: &Uri) -> Self {
        Self::Server(Origin::of(uri).map_or_else(|| "the server".to_owned(), |origin| origin.to_string()))
    }

    /// What to do when it cannot be reached.
    fn reach(&self) -> String {
        match self {
            Self::Server(_) => {
                "check that the host is right and reachable from this machine (firewall, VPN, HTTPS_PROXY)".to_owned()
            }
            Self::Proxy(proxy) => {
                format!("check {}, or list the host in NO_PROXY to connect without a proxy", proxy.source())
            }
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(origin) => f.write_str(origin),
            Self::Proxy(proxy) => write!(f, "the proxy {proxy}"),
        }
    }
}

/// An [`Error`] on its way through hyper, which hands errors out by reference alone; it is taken out at the other end.
pub(crate) struct Failure(Mutex<Option<Error>>);

impl Failure {
    pub(crate) fn new(error: Error) -> Self {
        Self(Mutex::new(Some(error)))
    }

    pub(crate) fn take(&self) -> Option<Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0.lock().unwrap_or_else(PoisonError::into_inner), f)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("connecting failed")
    }
}

impl StdError for Failure {}

/// The errors of a chain, also those that `io::Error` wraps and does not name as its source.
pub(crate) fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |this| {
        let this: &'a (dyn StdError + 'static) = *this;
        match this.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn StdError + 'static)),
            None => this.source(),
        }
    })
}

fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    chain(error).find_map(|this| this.downcast_ref::<T>())
}

fn cannot_connect(peer: &Peer, why: &str) -> Error {
    Error::new(ErrorKind::Connect, format!("cannot connect to {peer}: {why}"))
}

/// No TCP connection.
pub(crate) fn tcp(peer: &Peer, uri: &Uri, error: impl StdError + Send + Sync + 'static) -> Error {
    let host = uri.host().unwrap_or_default();
    let io = find::<io::Error>(&error);
    let lookup = chain(&error).any(|this| this.to_string().contains("dns error"));
    if lookup {
        return if io.is_some_and(no_such_name) {
            cannot_connect(peer, &format!("its name cannot be resolved, since there is no host {host}"))
                .with_hint(unknown_name(peer, host))
                .with_permanent()
                .with_source(error)
        } else {
            cannot_connect(peer, "its name cannot be resolved at the moment")
                .with_hint("check this machine's connection and name service (DNS)")
                .with_source(error)
        };
    }
    let why = match io.map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => "the connection was refused",
        Some(io::ErrorKind::TimedOut) => "no response in time",
        Some(io::ErrorKind::ConnectionReset) => "the connection was reset",
        Some(io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable) => "the network cannot be reached",
        _ => "no connection came about",
    };
    cannot_connect(peer, why).with_hint(peer.reach()).with_source(error)
}

/// What to write in place of a name that does not exist.
fn unknown_name(peer: &Peer, host: &str) -> String {
    match peer {
        Peer::Server(_) if !host.contains('.') => {
            format!(
                "did you mean https://{host}.cloud.databricks.com? set the host to the URL that the browser shows for the workspace"
            )
        }
        Peer::Server(_) => {
            "check the host for typing errors; if this machine resolves names through a proxy alone, set HTTPS_PROXY"
                .to_owned()
        }
        Peer::Proxy(_) => peer.reach(),
    }
}

/// A step of connecting that took too long.
pub(crate) fn late(peer: &Peer, step: &str, limit: Duration) -> Error {
    cannot_connect(peer, &format!("{step} did not complete within {limit:?} (connect timeout)")).with_hint(peer.reach())
}

/// Whether a response that begins with this byte is TLS: an alert or a handshake (RFC 8446, section 5.1). HTTP never
/// begins so.
pub(crate) fn is_tls(first: u8) -> bool {
    matches!(first, 0x15 | 0x16)
}

/// The other end speaks TLS where plain HTTP was expected.
pub(crate) fn speaks_tls(peer: &Peer) -> Error {
    let hint = match peer {
        Peer::Server(_) => "write https:// in the host".to_owned(),
        Peer::Proxy(proxy) => format!("write https:// in {}", proxy.source()),
    };
    cannot_connect(peer, "it speaks TLS on this port, not plain http").with_hint(hint).with_permanent()
}

/// What kept a TLS handshake from completing.
pub(crate) fn tls(peer: &Peer, error: Box<dyn StdError + Send + Sync>) -> Error {
    if let Some(found) = find::<rustls::Error>(&*error) {
        return refused(peer, found).with_source(error);
    }
    let why = match find::<io::Error>(&*error).map(io::Error::kind) {
        Some(io::ErrorKind::UnexpectedEof) => "it closed the connection during the TLS handshake".to_owned(),
        Some(io::ErrorKind::ConnectionReset) => "it reset the connection during the TLS handshake".to_owned(),
        _ => "the TLS handshake failed".to_owned(),
    };
    cannot_connect(peer, &why).with_hint(plain(peer)).with_source(error)
}

/// What to set if the other end does not speak TLS at all.
fn plain(peer: &Peer) -> String {
    match peer {
        Peer::Server(_) => "if this port serves plain http, write http:// in the host".to_owned(),
        Peer::Proxy(proxy) => format!("if the proxy speaks plain http, write http:// in {}", proxy.source()),
    }
}

/// What the TLS library objects to.
pub(crate) fn refused(peer: &Peer, error: &rustls::Error) -> Error {
    use rustls::Error as E;
    match error {
        E::InvalidCertificate(why) => {
            let (why, hint) = certificate(why);
            let hint = hint.or(match peer {
                Peer::Server(_) => None,
                Peer::Proxy(proxy) => Some(format!("check {}", proxy.source())),
            });
            let error = Error::new(ErrorKind::Connect, format!("the certificate of {peer} is not trusted: {why}"))
                .with_permanent();
            match hint {
                Some(hint) => error.with_hint(hint),
                None => error,
            }
        }
        E::InvalidMessage(_) => {
            cannot_connect(peer, "it does not speak TLS on this port").with_hint(plain(peer)).with_permanent()
        }
        E::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
            | AlertDescription::NoCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateUnknown,
        ) => {
            cannot_connect(peer, &format!("it does not accept the certificate of this client, or wants one ({error})"))
                .with_hint("give one with TlsOptions::client_certificate")
                .with_permanent()
        }
        E::AlertReceived(
            AlertDescription::HandshakeFailure
            | AlertDescription::ProtocolVersion
            | AlertDescription::InsufficientSecurity
            | AlertDescription::NoApplicationProtocol
            | AlertDescription::UnrecognisedName,
        )
        | E::PeerIncompatible(_)
        | E::NoApplicationProtocol => {
            cannot_connect(peer, &format!("it and this client have no way of TLS in common ({error})"))
                .with_hint("it must offer TLS 1.2 or 1.3 for the name in the host")
                .with_permanent()
        }
        _ => cannot_connect(peer, &format!("the TLS handshake failed ({error})")),
    }
}

/// Why a certificate is not trusted, and what helps.
fn certificate(why: &CertificateError) -> (String, Option<String>) {
    const TRUST: &str = "if your company or the server signs certificates itself, save its certificate as a PEM file and name the file in SSL_CERT_FILE or with TlsOptions::ca_file";
    const RENEW: &str = "check this machine's clock; else the server's operator must renew it";
    use CertificateError as E;
    match why {
        E::Expired | E::ExpiredContext { .. } => ("it has expired".to_owned(), Some(RENEW.to_owned())),
        E::NotValidYet | E::NotValidYetContext { .. } => {
            ("it is not valid yet; check this machine's clock".to_owned(), None)
        }
        E::UnknownIssuer => ("no trusted authority signed it".to_owned(), Some(TRUST.to_owned())),
        E::NotValidForNameContext { presented, .. } if !presented.is_empty() => {
            // rustls writes them as `DnsName("example.com")`.
            let names: Vec<_> =
                presented.iter().take(5).map(|name| name.split('"').nth(1).unwrap_or(name).to_owned()).collect();
            (
                format!("it is for another name ({})", names.join(", ")),
                Some("check the host for typing errors".to_owned()),
            )
        }
        E::NotValidForName | E::NotValidForNameContext { .. } => {
            ("it is for another name".to_owned(), Some("check the host for typing errors".to_owned()))
        }
        E::Revoked => ("it was revoked".to_owned(), None),
        E::BadSignature => ("its signature is wrong".to_owned(), Some(TRUST.to_owned())),
        // Self-signed certificates come here, since an authority's certificate must not be a server's.
        E::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            ("it is self-signed".to_owned(), Some(TRUST.to_owned()))
        }
        other => (format!("it cannot be verified ({other})"), Some(TRUST.to_owned())),
    }
}
