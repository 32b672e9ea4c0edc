//! Tests with whatever may come. `cargo xtask fuzz` makes them longer, and repeats a run by its seed.

use std::time::{Duration, Instant, SystemTime};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

const CASES_AT_ONCE: u32 = 16;

/// Tests that `check` passes with whatever `values` give: it panics otherwise.
pub fn fuzz<S: Strategy>(values: S, check: impl Fn(S::Value)) {
    let seed: u64 = variable("FUZZ_SEED").unwrap_or_else(seed_of_today);
    let seconds = variable("FUZZ_SECONDS").unwrap_or(2);
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config {
        cases: CASES_AT_ONCE,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config.clone(), rng);
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut cases = 0;
    while Instant::now() < until {
        cases += CASES_AT_ONCE;
        // One that has passed its cases runs no more.
        runner = TestRunner::new_with_rng(config.clone(), runner.new_rng());
        let checked = runner.run(&values, |value| {
            check(value);
            Ok(())
        });
        if let Err(failure) = checked {
            panic!("{failure}\nFUZZ_SEED={seed} repeats it");
        }
    }
    eprintln!("{cases} cases");
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn seed_of_today() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}
