//! What runs a target.

use std::cell::Cell;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Once;
use std::time::{Duration, Instant};

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use crate::mutation::mutants;

/// How many mutants are tried where no time is given.
const CASES: u32 = 300;

/// How many are tried between two looks at the time.
const BATCH: u32 = 100;

thread_local! {
    /// Whether panics of this thread are caught and told later, once the input is as small as can be.
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

static HOOK: Once = Once::new();

/// Tries the seeds of a target, then mutants of them: some hundred, or as many as `DATABRICKS_FUZZ_SECONDS` leave time for.
///
/// * `name`: the directory of the seeds.
/// * `tokens`: what the format is made of, which mutants get more of.
/// * `check`: panics where something does not hold that must.
pub(crate) fn fuzz(name: &str, tokens: &'static [&'static str], check: impl Fn(&[u8])) {
    let seeds = seeds(name);
    let check = |input: &[u8]| {
        QUIET.set(true);
        let result = catch_unwind(AssertUnwindSafe(|| check(input)));
        QUIET.set(false);
        result.map_err(|panic| message(&*panic))
    };
    HOOK.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !QUIET.get() {
                usual(panic);
            }
        }));
    });
    for seed in &seeds {
        if let Err(reason) = check(seed) {
            fail(name, seed, &format!("a seed, as it is: {reason}"));
        }
    }
    let strategy = mutants(tokens);
    let run = |mut runner: TestRunner| {
        let result = runner.run(&strategy, |mutant| check(&mutant.bytes(&seeds)).map_err(TestCaseError::fail));
        match result {
            Ok(()) => {}
            Err(TestError::Fail(reason, mutant)) => fail(name, &mutant.bytes(&seeds), reason.message()),
            Err(error @ TestError::Abort(_)) => panic!("{name}: {error}"),
        }
    };
    match seconds() {
        None => run(TestRunner::new_with_rng(config(CASES), TestRng::deterministic_rng(RngAlgorithm::ChaCha))),
        Some(limit) => {
            let (start, mut count) = (Instant::now(), 0_u64);
            while start.elapsed() < limit {
                run(match seed() {
                    None => TestRunner::new(config(BATCH)),
                    // Each batch goes on with others, and every run with the same.
                    Some(seed) => {
                        let mut bytes = [0; 32];
                        bytes[..8].copy_from_slice(&seed.to_le_bytes());
                        bytes[8..16].copy_from_slice(&count.to_le_bytes());
                        TestRunner::new_with_rng(config(BATCH), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
                    }
                });
                count += u64::from(BATCH);
            }
            eprintln!("{name}: {count} inputs from {} seeds", seeds.len());
        }
    }
}

fn config(cases: u32) -> Config {
    Config { cases, failure_persistence: None, max_shrink_iters: 2_000, ..Config::default() }
}

fn seconds() -> Option<Duration> {
    let text = std::env::var("DATABRICKS_FUZZ_SECONDS").ok()?;
    Some(Duration::from_secs_f64(
        text.parse().unwrap_or_else(|_| panic!("DATABRICKS_FUZZ_SECONDS is {text}, not a number")),
    ))
}

/// What the inputs follow from, so that a run can be repeated; by default they are others each time.
fn seed() -> Option<u64> {
    let text = std::env::var("DATABRICKS_FUZZ_SEED").ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("DATABRICKS_FUZZ_SEED is {text}, not a number")))
}

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(name);
    let mut paths: Vec<_> = std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    // The same order everywhere, so that the same mutants are tried.
    paths.sort();
    assert!(!paths.is_empty(), "{directory:?} has no seeds");
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without a message").to_owned()
}

/// Keeps the input and ends the test.
fn fail(name: &str, input: &[u8], reason: &str) -> ! {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("fuzz").join(name);
    let mut hasher = DefaultHasher::new();
    input.hash(&mut hasher);
    let path = directory.join(format!("{:016x}", hasher.finish()));
    std::fs::create_dir_all(&directory).and_then(|()| std::fs::write(&path, input)).unwrap();
    let shown: String = String::from_utf8_lossy(input).chars().take(400).collect();
    panic!("{name}: {reason}; the input is {path:?}: {shown:?}");
}
