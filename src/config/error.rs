//! What is wrong with the environment.

use thiserror::Error;

/// A variable that is missing or not what was expected; the text never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{variable}: {expected}")]
pub struct ConfigError {
    /// The variable to set.
    pub variable: &'static str,
    /// What it should hold.
    pub expected: String,
}
