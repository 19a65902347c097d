//! TLS with certificates of an authority of our own.

use std::sync::{Arc, Mutex};

use databricks_core::{ErrorKind, Secret};
use databricks_transport::{RetryPolicy, TlsOptions};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, date_time_ymd,
};
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto::ring};

use crate::server::{Seen, client, get, listen, respond_all};

/// A certificate authority.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name = DistinguishedName::new();
        // Of another name than any other: certificates name who signed them.
        params.distinguished_name.push(DnType::CommonName, databricks_core::idempotency::new_key());
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for this name, and its key.
    fn issue(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> (rcgen::Certificate, KeyPair) {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }
}

/// What a server saw of its connections.
#[derive(Clone, Default)]
struct Handshakes(Arc<Mutex<Vec<Vec<Vec<u8>>>>>);

/// A server with this certificate on a free port; `clients` makes it ask for certificates of that authority.
async fn serve(
    certificate: &rcgen::Certificate,
    key: &KeyPair,
    clients: Option<&Authority>,
) -> (u16, Seen, Handshakes) {
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.0.der().clone()).unwrap();
            builder.with_client_cert_verifier(
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::new(ring::default_provider()))
                    .build()
                    .unwrap(),
            )
        }
    };
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut config = builder.with_single_cert(vec![certificate.der().clone()], key).unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let config = Arc::new(config);
    let (seen, handshakes) = (Seen::default(), Handshakes::default());
    let (seen_too, handshakes_too) = (seen.clone(), handshakes.clone());
    let address = listen(move |stream| {
        let (config, seen, handshakes) = (Arc::clone(&config), seen_too.clone(), handshakes_too.clone());
        async move {
            let acceptor =
                tokio_rustls::LazyConfigAcceptor::new(tokio_rustls::rustls::server::Acceptor::default(), stream);
            let Ok(start) = acceptor.await else { return };
            let offered = start.client_hello().alpn().map(|all| all.map(<[u8]>::to_vec).collect()).unwrap_or_default();
            handshakes.0.lock().unwrap().push(offered);
            if let Ok(stream) = start.into_stream(config).await {
                respond_all(stream, seen).await;
            }
        }
    })
    .await;
    (address.port(), seen, handshakes)
}

fn trusting(authority: &Authority) -> TlsOptions {
    TlsOptions::new().ca_pem(authority.pem()).only_given_roots(true)
}

#[tokio::test]
async fn an_authority_of_our_own_is_trusted_by_pem_and_by_file() {
    let authority = Authority::new();
    let (certificate, key) = authority.issue("localhost", |_| {});
    let (port, seen, _) = serve(&certificate, &key, None).await;
    let url = format!("https://localhost:{port}/api/2.0/x");

    let by_pem = client().tls(trusting(&authority)).build().unwrap();
    assert_eq!(get(&by_pem, &url).await.unwrap(), r#"{"ok":true}"#);

    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), authority.pem()).unwrap();
    let by_file = client().tls(TlsOptions::new().ca_file(file.path())).build().unwrap();
    assert_eq!(get(&by_file, &url).await.unwrap(), r#"{"ok":true}"#);
    let env = databricks_transport::Environment::from_iter([("SSL_CERT_FILE", file.path().to_str().unwrap())]);
    let by_env = client().environment(env).build().unwrap();
    assert_eq!(get(&by_env, &url).await.unwrap(), r#"{"ok":true}"#);
    assert_eq!(seen.all().len(), 3);
}

#[tokio::test]
async fn what_is_not_trusted_is_said_at_once_and_not_tried_again() {
    let (authority, other) = (Authority::new(), Authority::new());
    let cases = [
        ("another name", authority.issue("other.example", |_| {}), &authority),
        (
            "expired",
            authority.issue("localhost", |p| {
                (p.not_before, p.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
            }),
            &authority,
        ),
        (
            "not valid yet",
            authority.issue("localhost", |p| {
                (p.not_before, p.not_after) = (date_time_ymd(4000, 1, 1), date_time_ymd(4001, 1, 1));
            }),
            &authority,
        ),
        ("no trusted authority", other.issue("localhost", |_| {}), &authority),
    ];
    for (words, (certificate, key), trusted) in cases {
        let (port, seen, handshakes) = serve(&certificate, &key, None).await;
        // A policy that would go on for minutes: an untrusted certificate stays untrusted.
        let client = client().retry(RetryPolicy::default()).tls(trusting(trusted)).build().unwrap();
        let error = get(&client, &format!("https://localhost:{port}/")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connect, "{words}: {error:?}");
        assert!(error.to_string().contains(words), "{words}: {error}");
        assert!(error.is_permanent() && error.attempts() == 1 && !error.maybe_executed());
        assert_eq!(handshakes.0.lock().unwrap().len(), 1);
        assert!(seen.all().is_empty());
    }
}

#[tokio::test]
async fn the_platform_does_not_trust_our_authority() {
    let authority = Authority::new();
    let (certificate, key) = authority.issue("localhost", |_| {});
    let (port, ..) = serve(&certificate, &key, None).await;
    let error = get(&client().build().unwrap(), &format!("https://localhost:{port}/")).await.unwrap_err();
    assert!(error.is_permanent(), "{error:?}");
}

#[tokio::test]
async fn verification_can_be_skipped_but_not_for_public_hosts() {
    let authority = Authority::new();
    let (certificate, key) = authority.issue("other.example", |_| {});
    let (port, ..) = serve(&certificate, &key, None).await;
    let client = client().tls(TlsOptions::new().skip_verify(true)).build().unwrap();
    get(&client, &format!("https://localhost:{port}/")).await.unwrap();
    let error = get(&client, "https://x.cloud.databricks.com/").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("skip_verify"), "{error}");
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_who_asks() {
    let authority = Authority::new();
    let (certificate, key) = authority.issue("localhost", |_| {});
    let (port, ..) = serve(&certificate, &key, Some(&authority)).await;
    let url = format!("https://localhost:{port}/");
    let (own, own_key) = authority.issue("client", |_| {});
    let tls = trusting(&authority).client_certificate(own.pem(), Secret::new(own_key.serialize_pem()));
    get(&client().tls(tls).build().unwrap(), &url).await.unwrap();

    let error = get(&client().tls(trusting(&authority)).build().unwrap(), &url).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Connect | ErrorKind::ConnectionLost), "{error:?}");

    let broken = trusting(&authority).client_certificate(own.pem(), Secret::from("no key"));
    let error = get(&client().tls(broken).build().unwrap(), &url).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
}

#[tokio::test]
async fn http2_is_offered_unless_switched_off() {
    let authority = Authority::new();
    let (certificate, key) = authority.issue("localhost", |_| {});
    let (port, _, handshakes) = serve(&certificate, &key, None).await;
    let url = format!("https://localhost:{port}/");
    get(&client().tls(trusting(&authority)).build().unwrap(), &url).await.unwrap();
    get(&client().tls(trusting(&authority).http1_only(true)).build().unwrap(), &url).await.unwrap();
    let offered = handshakes.0.lock().unwrap().clone();
    assert_eq!(offered, [vec![b"h2".to_vec(), b"http/1.1".to_vec()], vec![b"http/1.1".to_vec()]]);
}

/// A server for other tests: what a client must trust, its port, and what it sees.
pub(crate) async fn https_server(name: &str) -> (TlsOptions, u16, Seen) {
    let authority = Authority::new();
    let (certificate, key) = authority.issue(name, |_| {});
    let (port, seen, _) = serve(&certificate, &key, None).await;
    (trusting(&authority), port, seen)
}

/// A configuration of servers for other tests, and what a client must trust.
pub(crate) fn server_config(name: &str, alpn: &[&[u8]]) -> (TlsOptions, Arc<ServerConfig>) {
    let authority = Authority::new();
    let (certificate, key) = authority.issue(name, |_| {});
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut config = builder.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    (trusting(&authority), Arc::new(config))
}

/// A block that claims to be a certificate and is none.
const JUNK: &str = "-----BEGIN CERTIFICATE-----\nMIIAEG5vdCBhIGNlcnRpZmljYXRl\n-----END CERTIFICATE-----\n";

#[tokio::test]
async fn a_bad_block_in_a_bundle_does_not_spoil_the_rest() {
    let authority = Authority::new();
    let (certificate, key) = authority.issue("localhost", |_| {});
    let (port, ..) = serve(&certificate, &key, None).await;
    let url = format!("https://localhost:{port}/");
    let file = tempfile::NamedTempFile::new().unwrap();
    let env = databricks_transport::Environment::from_iter([("SSL_CERT_FILE", file.path().to_str().unwrap())]);

    std::fs::write(file.path(), format!("# company bundle\n{JUNK}\n{}", authority.pem())).unwrap();
    get(&client().environment(env.clone()).build().unwrap(), &url).await.unwrap();
    let only = TlsOptions::new().ca_file(file.path()).only_given_roots(true);
    get(&client().tls(only.clone()).build().unwrap(), &url).await.unwrap();

    // With nothing left it is the file's fault, not the server's.
    std::fs::write(file.path(), JUNK).unwrap();
    for client in [client().environment(env), client().tls(only)] {
        let error = get(&client.retry(RetryPolicy::default()).build().unwrap(), &url).await.unwrap_err();
        let text = error.to_string();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Config, 1), "{error:?}");
        assert!(text.contains(file.path().to_str().unwrap()) && text.contains("block 1 at line 1"), "{text}");
        assert!(!text.contains("not trusted"), "{text}");
    }
}

#[tokio::test]
async fn what_is_not_trusted_names_what_helps() {
    let authority = Authority::new();
    let (certificate, key) = authority.issue("localhost", |_| {});
    let (port, ..) = serve(&certificate, &key, None).await;
    let text = get(&client().build().unwrap(), &format!("https://localhost:{port}/")).await.unwrap_err().to_string();
    assert!(text.contains("SSL_CERT_FILE") && text.contains("ca_file"), "{text}");
    // An authority that is a server too: self-signed, as servers set up by hand are.
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let (port, ..) = serve(&params.self_signed(&key).unwrap(), &key, None).await;
    let error = get(&client().build().unwrap(), &format!("https://localhost:{port}/")).await.unwrap_err();
    assert!(error.is_permanent() && error.to_string().contains("SSL_CERT_FILE"), "{error}");
    let (certificate, key) = authority.issue("other.example", |_| {});
    let (port, ..) = serve(&certificate, &key, None).await;
    let error = get(&client().tls(trusting(&authority)).build().unwrap(), &format!("https://localhost:{port}/"))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("another name (other.example)"), "{error}");
}
