//! What redaction costs: 1 MiB of any string takes well below 100 ms.
//!
//! `cargo bench -p databricks-core`

use databricks_core::redact;
use divan::Bencher;
use divan::counter::BytesCount;

fn main() {
    divan::main();
}

const MIB: usize = 1 << 20;

/// Strings of every kind that a scan may find hard: what almost begins a secret, again and again.
const PARTS: &[&str] = &[
    "plain text of a message, 12 words long, ",
    "a-",
    "a",
    "d",
    "dapi-",
    "eyJ",
    "Bearer ",
    "token=",
    "token: a ",
    "\\\"",
    "://",
    "%3D",
    "1Q~",
    "-----BEGIN ",
    " = ",
    "{\"client_secret\":\"x\"},",
];

#[divan::bench(args = PARTS)]
fn text(bencher: Bencher<'_, '_>, part: &str) {
    let text = part.repeat(MIB / part.len());
    bencher.counter(BytesCount::new(text.len())).bench(|| redact::text(&text).len());
}

#[divan::bench(args = PARTS)]
fn message(bencher: Bencher<'_, '_>, part: &str) {
    let text = part.repeat(MIB / part.len());
    bencher.counter(BytesCount::new(text.len())).bench(|| redact::message(&text).len());
}
