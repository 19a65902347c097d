//! Encrypted connections, with a certificate that the workspace makes itself.

use std::fmt;
use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};

/// A certificate of an authority that exists as long as the workspace runs.
#[derive(Clone)]
pub(crate) struct SelfSigned {
    acceptor: TlsAcceptor,
    authority: Arc<str>,
}

impl SelfSigned {
    /// Makes authority and certificate.
    ///
    /// * `names`: names and IP addresses by which clients reach the workspace.
    pub(crate) fn new(names: Vec<String>) -> io::Result<Self> {
        // Of a name of its own, since some clients look up who signed a certificate by the name alone.
        let id = crate::random::to_hex(&crate::random::bytes::<8>()?);
        let authority = authority(&format!("databricks-local {id}")).map_err(io::Error::other)?;
        let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
        params.distinguished_name = DistinguishedName::new();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        // Python 3.13 refuses certificates that do not name the key which signed them.
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = params.signed_by(&key, &authority).map_err(io::Error::other)?;
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key.into())
            .map_err(io::Error::other)?;
        // Clients of gRPC insist on it.
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), authority: authority.pem().into() })
    }

    /// The authority's certificate, which clients are to trust, as PEM.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// The same without HTTP/2, which cloud storage does not speak.
    pub(crate) fn without_http2(&self) -> Self {
        let mut config = ServerConfig::clone(self.acceptor.config());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self { acceptor: TlsAcceptor::from(Arc::new(config)), authority: Arc::clone(&self.authority) }
    }

    /// The stream on which the handshake happens as soon as it is used.
    pub(crate) fn accept(&self, stream: TcpStream) -> Encrypted {
        Encrypted(Box::new(State::Handshake(self.acceptor.accept(stream))))
    }
}

impl fmt::Debug for SelfSigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SelfSigned").finish_non_exhaustive()
    }
}

fn authority(name: &str) -> Result<CertifiedIssuer<'static, KeyPair>, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate()?)
}

/// A connection over TLS. A handshake that fails or stays out holds up nothing but itself.
pub(crate) struct Encrypted(Box<State>);

enum State {
    Handshake(Accept<TcpStream>),
    Open(TlsStream<TcpStream>),
    Failed,
}

impl fmt::Debug for Encrypted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encrypted").finish_non_exhaustive()
    }
}

impl Encrypted {
    /// The stream after the handshake.
    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Pin<&mut TlsStream<TcpStream>>>> {
        if let State::Handshake(accept) = &mut *self.0 {
            match ready!(Pin::new(accept).poll(cx)) {
                Ok(stream) => *self.0 = State::Open(stream),
                Err(error) => {
                    *self.0 = State::Failed;
                    return Poll::Ready(Err(error));
                }
            }
        }
        Poll::Ready(match &mut *self.0 {
            State::Open(stream) => Ok(Pin::new(stream)),
            State::Handshake(_) | State::Failed => Err(io::ErrorKind::NotConnected.into()),
        })
    }
}

impl AsyncRead for Encrypted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_open(cx))?.poll_read(cx, buf)
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_open(cx))?.poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self.0 {
            State::Open(stream) => Pin::new(stream).poll_flush(cx),
            // Nothing was written yet.
            State::Handshake(_) | State::Failed => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self.0 {
            State::Open(stream) => Pin::new(stream).poll_shutdown(cx),
            State::Handshake(_) | State::Failed => Poll::Ready(Ok(())),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;
    use tokio_rustls::TlsConnector;
    use tokio_rustls::rustls::pki_types::pem::PemObject as _;
    use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
    use tokio_rustls::rustls::{ClientConfig, RootCertStore};

    use super::*;

    /// What a client that offers both is given.
    async fn agreed(signed: &SelfSigned) -> Vec<u8> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(signed.authority().as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut server = signed.accept(listener.accept().await.unwrap().0);
        let connector = TlsConnector::from(Arc::new(config));
        let client = connector.connect(ServerName::try_from("localhost").unwrap(), stream);
        // Reading drives the handshake on the server's side; it ends when the client closes.
        let serve = async { server.read(&mut [0]).await };
        tokio::pin!(serve);
        tokio::select! {
            client = client => client.unwrap().get_ref().1.alpn_protocol().unwrap().to_vec(),
            ended = &mut serve => panic!("{ended:?}"),
        }
    }

    #[tokio::test]
    async fn clients_may_speak_http_2_to_the_workspace_but_not_to_its_storage() {
        let signed = SelfSigned::new(vec!["localhost".to_owned()]).unwrap();
        assert_eq!(agreed(&signed).await, b"h2");
        assert_eq!(agreed(&signed.without_http2()).await, b"http/1.1");
    }
}
