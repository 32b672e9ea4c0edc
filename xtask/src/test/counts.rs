//! How many tests passed, read from what the test runners print.

use std::io::{BufRead, BufReader, Read};
use std::ops::AddAssign;

use anyhow::Result;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub passed: u32,
    pub failed: u32,
}

impl Counts {
    pub fn one_passed() -> Self {
        Self {
            passed: 1,
            failed: 0,
        }
    }

    pub fn one_failed() -> Self {
        Self {
            passed: 0,
            failed: 1,
        }
    }

    /// A runner that fails without a failed test could not compile one, or crashed: that counts as a failure.
    pub fn agree_with(mut self, succeeded: bool) -> Self {
        if !succeeded && self.failed == 0 {
            self.failed = 1;
        }
        self
    }

    /// Reads the line that ends a test binary of cargo or a run of `deno test`; `None` for any other line.
    ///
    /// An ignored test counts as failed.
    pub fn in_line(line: &str) -> Option<Self> {
        let (summary, separator) = if let Some(summary) = line.strip_prefix("test result: ") {
            (summary.split_once(". ")?.1, ';')
        } else {
            let (verdict, summary) = line.split_once(" | ")?;
            matches!(verdict, "ok" | "FAILED").then_some((summary, '|'))?
        };
        let count = |word: &str| {
            summary.split(separator).find_map(|part| {
                let (number, rest) = part.trim().split_once(' ')?;
                rest.starts_with(word).then(|| number.parse::<u32>().ok())?
            })
        };
        Some(Self {
            passed: count("passed")?,
            failed: count("failed")? + count("ignored").unwrap_or(0),
        })
    }
}

/// Prints what a test runner writes, each line behind the label, and adds up its summaries.
pub fn pass_on(label: &str, output: impl Read) -> Result<Counts> {
    let mut total = Counts::default();
    for line in BufReader::new(output).lines() {
        let line = line?;
        println!("{label}{line}");
        if let Some(counts) = Counts::in_line(&line) {
            total += counts;
        }
    }
    Ok(total)
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

#[cfg(test)]
mod tests {
    use super::Counts;

    #[test]
    fn summaries_of_cargo_are_read() {
        let line = "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 3 filtered out; finished in 0.01s";
        assert_eq!(
            Counts::in_line(line),
            Some(Counts {
                passed: 12,
                failed: 0
            })
        );
        let line = "test result: FAILED. 3 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.0s";
        assert_eq!(
            Counts::in_line(line),
            Some(Counts {
                passed: 3,
                failed: 3
            })
        );
    }

    #[test]
    fn summaries_of_deno_are_read() {
        let line = "ok | 7 passed (3 steps) | 0 failed | 2 filtered out (142ms)";
        assert_eq!(
            Counts::in_line(line),
            Some(Counts {
                passed: 7,
                failed: 0
            })
        );
        let line = "FAILED | 5 passed | 1 failed (2 steps) | 1 ignored (1s)";
        assert_eq!(
            Counts::in_line(line),
            Some(Counts {
                passed: 5,
                failed: 2
            })
        );
    }

    #[test]
    fn other_lines_are_not() {
        for line in [
            "",
            "test outcome::is_final ... ok",
            "running 3 tests",
            "ok | later",
        ] {
            assert_eq!(Counts::in_line(line), None, "{line}");
        }
    }
}
