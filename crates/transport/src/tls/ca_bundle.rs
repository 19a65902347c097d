//! Files of trusted certificates as they are found in the wild: one bad block does not spoil the rest.

use databricks_core::{Error, ErrorKind, Result};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// The most bad blocks that a warning or an error lists.
const LISTED: usize = 5;

/// The usable certificates of a PEM text. What cannot be used is named in one warning.
///
/// * `origin`: where the string came from, for messages.
///
/// # Errors
/// [`ErrorKind::Config`] about `origin` when not one certificate is left.
pub(super) fn roots(pem: &[u8], origin: &str) -> Result<Vec<CertificateDer<'static>>> {
    let text = String::from_utf8_lossy(pem);
    let (mut roots, mut bad) = (Vec::new(), Vec::new());
    for (index, block) in blocks(&text).enumerate() {
        match certificate(&block) {
            Ok(certificate) => roots.push(certificate),
            Err(why) => bad.push(format!("block {} at line {} ({why})", index + 1, block.line)),
        }
    }
    let listed = || {
        let more = if bad.len() > LISTED { format!(" and {} more", bad.len() - LISTED) } else { String::new() };
        format!("{}{more}", bad[..bad.len().min(LISTED)].join(", "))
    };
    if roots.is_empty() {
        let why = if bad.is_empty() {
            "has no certificate; it must be PEM, with BEGIN CERTIFICATE lines".to_owned()
        } else {
            format!("has no certificate that can be used: {}", listed())
        };
        return Err(
            Error::new(ErrorKind::Config, format!("the file of trusted certificates {origin} {why}")).with_permanent()
        );
    }
    if !bad.is_empty() {
        tracing::warn!(
            "The file of trusted certificates {origin} has parts that are left out, the other {} are used: {}",
            roots.len(),
            listed()
        );
    }
    Ok(roots)
}

/// A part of a PEM text from its `BEGIN` line on.
struct Block<'a> {
    /// The line that it begins with, from 1.
    line: usize,
    text: &'a str,
    /// Whether its `END` line is there.
    ended: bool,
}

/// The blocks that claim to be certificates. Keys and other things in the file are passed over.
fn blocks(text: &str) -> impl Iterator<Item = Block<'_>> {
    let mut lines = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        lines.push((at, line.trim_start_matches('\u{feff}').trim()));
        at += line.len();
    }
    let is_label = |line: &str, edge: &str| {
        line.strip_prefix(edge)
            .and_then(|rest| rest.strip_suffix("-----"))
            .is_some_and(|name| name == "CERTIFICATE" || name == "X509 CERTIFICATE")
    };
    let mut next = 0;
    std::iter::from_fn(move || {
        let begin = (next..lines.len()).find(|i| is_label(lines[*i].1, "-----BEGIN "))?;
        // A block without an end goes up to the next one.
        let end = (begin + 1..lines.len()).find(|i| lines[*i].1.starts_with("-----"));
        let ended = end.is_some_and(|end| is_label(lines[end].1, "-----END "));
        next = end.map_or(lines.len(), |end| end + usize::from(ended));
        let stop = lines.get(next).map_or(text.len(), |line| line.0);
        Some(Block { line: begin + 1, text: &text[lines[begin].0..stop], ended })
    })
}

fn certificate(block: &Block<'_>) -> Result<CertificateDer<'static>, String> {
    if !block.ended {
        return Err("it has no END line".to_owned());
    }
    let pem = block.text.trim_start_matches('\u{feff}').replace("X509 CERTIFICATE", "CERTIFICATE");
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| "it is not base64".to_owned())?;
    RootCertStore::empty().add(certificate.clone()).map_err(|_| "it is not an X.509 certificate".to_owned())?;
    Ok(certificate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> String {
        let key = rcgen::KeyPair::generate().unwrap();
        rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap().pem()
    }

    const NO_CERTIFICATE: &str =
        "-----BEGIN CERTIFICATE-----\nMIIAEG5vdCBhIGNlcnRpZmljYXRl\n-----END CERTIFICATE-----\n";
    const NO_BASE64: &str = "-----BEGIN CERTIFICATE-----\n!!!not base64!!!\n-----END CERTIFICATE-----\n";
    const NO_END: &str = "-----BEGIN CERTIFICATE-----\nMIIAEG5vdCBh\n";
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";

    #[test]
    fn one_bad_block_does_not_spoil_the_rest() {
        let good = good();
        for bad in [NO_CERTIFICATE, NO_BASE64, NO_END, KEY, "# a comment\n", "\n\n", "junk \u{0} \u{feff}\n"] {
            for text in [format!("{bad}{good}"), format!("{good}{bad}"), format!("{good}{bad}{good}{bad}")] {
                let count = text.matches(&good).count();
                assert_eq!(roots(text.as_bytes(), "x").unwrap().len(), count, "{text}");
                assert_eq!(roots(text.replace('\n', "\r\n").as_bytes(), "x").unwrap().len(), count, "{text}");
            }
        }
        let marked = format!("\u{feff}{good}");
        assert_eq!(roots(marked.as_bytes(), "x").unwrap().len(), 1);
        let latin1 = [b"# Soci\xe9t\xe9\n", good.as_bytes()].concat();
        assert_eq!(roots(&latin1, "x").unwrap().len(), 1);
        let old = good.replace(" CERTIFICATE", " X509 CERTIFICATE");
        assert_eq!(roots(old.as_bytes(), "x").unwrap().len(), 1);
    }

    #[test]
    fn an_error_names_the_file_and_the_places() {
        let text = format!("# company\n{NO_CERTIFICATE}\n{NO_BASE64}{NO_END}");
        let error = roots(text.as_bytes(), "/etc/ca.pem").unwrap_err();
        let text = error.to_string();
        for part in [
            "/etc/ca.pem",
            "block 1 at line 2 (it is not an X.509",
            "block 2 at line 6 (it is not base64",
            "block 3 at line 9 (it has no END",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(error.is_permanent());
        for nothing in ["", "nothing", KEY] {
            assert!(roots(nothing.as_bytes(), "x").unwrap_err().to_string().contains("BEGIN CERTIFICATE"), "{nothing}");
        }
    }
}
