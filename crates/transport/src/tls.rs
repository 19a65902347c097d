//! Which servers are trusted, and how to prove to them who we are.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use databricks_core::{Error, ErrorKind, Result, Secret};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};

mod ca_bundle;

/// How connections are encrypted: TLS 1.2 and 1.3, trusting what the operating system trusts, by default
/// here.
///
/// Files are read at the first encrypted connection.
///
/// ```
/// use databricks_transport::TlsOptions;
///
/// let tls = TlsOptions::new().ca_file("/etc/ssl/company.pem").http1_only(true);
/// ```
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct TlsOptions {
    /// Files of more certificates to trust, in PEM. A block that holds no usable certificate is left out with a
    /// warning.
    pub ca_files: Vec<PathBuf>,
    /// More certificates to trust, in PEM.
    pub ca_pem: Vec<Vec<u8>>,
    /// The certificate chain and the private key of this client, in PEM.
    pub client_certificate: Option<(Vec<u8>, Secret)>,
    /// Sets whether Mozilla's root certificates are trusted instead of those of the operating system. Needs the feature
    /// `webpki-roots`.
    pub bundled_roots: bool,
    /// Trusts only the certificates given here, not those of the operating system.
    pub only_given_roots: bool,
    /// Trusts any certificate: anything in between can read and change everything. Refused for Databricks' public
    /// hosts.
    pub skip_verify: bool,
    /// Lets `skip_verify` hold for Databricks' public hosts too.
    pub skip_verify_public_hosts: bool,
    /// Does not offer HTTP/2.
    pub http1_only: bool,
    /// The file that `SSL_CERT_FILE` names.
    pub(crate) env_file: Option<PathBuf>,
}

impl TlsOptions {
    /// The defaults: trust as the operating system does, offer HTTP/2 and HTTP/1.1.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the certificates in a PEM file to those that are trusted, such as those of a company's proxy.
    #[must_use]
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca_files.push(path.into());
        self
    }

    /// Adds the certificates in a PEM string to those that are trusted.
    #[must_use]
    pub fn ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca_pem.push(pem.into());
        self
    }

    /// Sets the certificate that is shown to servers that ask for one.
    ///
    /// * `chain_pem`: the certificate, then those that signed it.
    /// * `key_pem`: its private key.
    #[must_use]
    pub fn client_certificate(mut self, chain_pem: impl Into<Vec<u8>>, key_pem: Secret) -> Self {
        self.client_certificate = Some((chain_pem.into(), key_pem));
        self
    }

    /// Sets whether Mozilla's root certificates are trusted instead of those of the operating system. Needs the feature
    /// `webpki-roots`.
    #[must_use]
    pub fn bundled_roots(mut self, on: bool) -> Self {
        self.bundled_roots = on;
        self
    }

    /// Sets whether only those certificates are trusted that are given by [`ca_file`](Self::ca_file) and
    /// [`ca_pem`](Self::ca_pem).
    #[must_use]
    pub fn only_given_roots(mut self, on: bool) -> Self {
        self.only_given_roots = on;
        self
    }

    /// Sets whether any certificate is trusted. For tests in closed networks; see
    /// [`skip_verify`](Self#structfield.skip_verify).
    #[must_use]
    pub fn skip_verify(mut self, on: bool) -> Self {
        self.skip_verify = on;
        self
    }

    /// Sets whether [`skip_verify`](Self::skip_verify) holds for Databricks' public hosts too.
    #[must_use]
    pub fn skip_verify_public_hosts(mut self, on: bool) -> Self {
        self.skip_verify_public_hosts = on;
        self
    }

    /// Forces HTTP/1.1.
    #[must_use]
    pub fn http1_only(mut self, on: bool) -> Self {
        self.http1_only = on;
        self
    }

    /// An error if these options must not be used with this host.
    pub(crate) fn check_host(&self, host: &str) -> Result<()> {
        const PUBLIC: &[&str] =
            &["databricks.com", "azuredatabricks.net", "databricks.us", "databricks.azure.cn", "databricks.azure.us"];
        let host = host.to_ascii_lowercase();
        let public = PUBLIC
            .iter()
            .any(|domain| host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')));
        if self.skip_verify && !self.skip_verify_public_hosts && public {
            return Err(Error::new(
                ErrorKind::Config,
                format!(
                    "skip_verify is on, but {host} is a public host of Databricks, whose certificate must be checked; turn skip_verify off"
                ),
            )
            .with_permanent());
        }
        Ok(())
    }

    /// The configuration of a connection.
    ///
    /// * `alpn`: whether HTTP/2 is offered.
    pub(crate) fn client_config(&self, alpn: bool) -> Result<ClientConfig> {
        let provider = provider()?;
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|e| config_error("the cryptography library offers neither TLS 1.2 nor 1.3", e))?;
        let builder = builder.dangerous().with_custom_certificate_verifier(self.verifier(provider)?);
        let mut config = match &self.client_certificate {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => {
                let chain = certificates(chain, "the client certificate")?;
                let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes())
                    .map_err(|e| config_error("the private key of the client certificate is not PEM", e))?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|e| config_error("the client certificate and its private key cannot be used", e))?
            }
        };
        config.alpn_protocols = if alpn && !self.http1_only {
            vec![b"h2".to_vec(), b"http/1.1".to_vec()]
        } else {
            vec![b"http/1.1".to_vec()]
        };
        Ok(config)
    }

    /// The certificates to trust beside those of the operating system.
    fn extra_roots(&self) -> Result<Vec<CertificateDer<'static>>> {
        let files = self.ca_files.iter().map(|path| (path, path.display().to_string()));
        let files =
            files.chain(self.env_file.iter().map(|path| (path, format!("{} (set by SSL_CERT_FILE)", path.display()))));
        let mut roots = Vec::new();
        for (path, name) in files {
            let pem = std::fs::read(path).map_err(|e| {
                config_error(&format!("the file of trusted certificates {name} cannot be read ({e})"), e)
            })?;
            roots.extend(ca_bundle::roots(&pem, &name)?);
        }
        for pem in &self.ca_pem {
            roots.extend(ca_bundle::roots(pem, "TlsOptions::ca_pem")?);
        }
        Ok(roots)
    }

    fn verifier(&self, provider: Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>> {
        if self.skip_verify {
            tracing::warn!(
                "TLS certificates are not checked, since skip_verify is on: this connection can be read and changed by others"
            );
            return Ok(Arc::new(AcceptAny(provider)));
        }
        let extra = self.extra_roots()?;
        if self.bundled_roots || self.only_given_roots {
            let mut roots = rustls::RootCertStore::empty();
            if self.bundled_roots {
                bundled(&mut roots)?;
            }
            roots.add_parsable_certificates(extra);
            let verifier =
                rustls::client::WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
            return Ok(verifier.map_err(|e| config_error("there is no certificate to trust; give a ca_file", e))?);
        }
        let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(extra, provider).map_err(|e| {
            config_error(
                "the operating system's trusted certificates cannot be used; install them, name a file of certificates in SSL_CERT_FILE, or turn on the feature webpki-roots of databricks-sdk and bundled_roots",
                e,
            )
        })?;
        Ok(Arc::new(verifier))
    }
}

#[cfg(feature = "webpki-roots")]
fn bundled(roots: &mut rustls::RootCertStore) -> Result<()> {
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    Ok(())
}

#[cfg(not(feature = "webpki-roots"))]
fn bundled(_: &mut rustls::RootCertStore) -> Result<()> {
    Err(Error::new(
        ErrorKind::Config,
        "bundled_roots is on, which needs the feature webpki-roots of databricks-sdk (or databricks-transport)",
    )
    .with_permanent())
}

/// The provider is always passed on explicitly: with two in the dependency graph, rustls' own choice panics.
fn provider() -> Result<Arc<CryptoProvider>> {
    #[cfg(feature = "aws-lc-rs")]
    return Ok(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    #[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
    return Ok(Arc::new(rustls::crypto::ring::default_provider()));
    #[cfg(not(any(feature = "ring", feature = "aws-lc-rs")))]
    return CryptoProvider::get_default().cloned().ok_or_else(|| {
        Error::new(
            ErrorKind::Config,
            "no cryptography library for TLS: turn on the feature ring or aws-lc-rs of databricks-sdk (or databricks-transport), or install a rustls provider for the process",
        )
        .with_permanent()
    });
}

fn certificates(pem: &[u8], origin: &str) -> Result<Vec<CertificateDer<'static>>> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|e| config_error(&format!("{origin} is not a PEM file of certificates"), e))?;
    if found.is_empty() {
        return Err(Error::new(
            ErrorKind::Config,
            format!("{origin} has no certificate; it must be PEM, with BEGIN CERTIFICATE lines"),
        )
        .with_permanent());
    }
    Ok(found)
}

fn config_error(message: &str, source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Config, message).with_permanent().with_source(source)
}

impl fmt::Debug for TlsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsOptions")
            .field("ca_files", &self.ca_files)
            .field("ca_pem", &self.ca_pem.len())
            .field("client_certificate", &self.client_certificate.is_some())
            .field("bundled_roots", &self.bundled_roots)
            .field("only_given_roots", &self.only_given_roots)
            .field("skip_verify", &self.skip_verify)
            .field("skip_verify_public_hosts", &self.skip_verify_public_hosts)
            .field("http1_only", &self.http1_only)
            .field("env_file", &self.env_file)
            .finish()
    }
}

/// Takes any certificate, but still checks that the server has the key to it.
#[derive(Debug)]
struct AcceptAny(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_hosts_are_always_verified_unless_forced() {
        let skip = TlsOptions::new().skip_verify(true);
        for host in ["abc.cloud.databricks.com", "adb-1.2.AzureDatabricks.net", "accounts.gcp.databricks.com"] {
            assert!(skip.check_host(host).is_err(), "{host}");
            assert!(skip.clone().skip_verify_public_hosts(true).check_host(host).is_ok());
            assert!(TlsOptions::new().check_host(host).is_ok());
        }
        assert!(skip.check_host("localhost").is_ok());
        assert!(skip.check_host("notdatabricks.com").is_ok());
    }

    #[test]
    fn bad_files_are_named() {
        let error = TlsOptions::new().ca_file("/no/such/file.pem").client_config(true).unwrap_err();
        assert!(error.to_string().contains("/no/such/file.pem"), "{error}");
        assert!(error.is_permanent());
        let error = TlsOptions::new().ca_pem("nothing").client_config(true).unwrap_err();
        assert!(error.to_string().contains("BEGIN CERTIFICATE"), "{error}");
    }

    #[test]
    fn http2_is_offered_unless_forced_off() {
        let alpn = |options: TlsOptions| options.skip_verify(true).client_config(true).unwrap().alpn_protocols;
        assert_eq!(alpn(TlsOptions::new()), [b"h2".to_vec(), b"http/1.1".to_vec()]);
        assert_eq!(alpn(TlsOptions::new().http1_only(true)), [b"http/1.1".to_vec()]);
    }
}
