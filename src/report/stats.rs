//! What a report took.

use serde::{Deserialize, Serialize};

/// What a report took, all attempts together.
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "ReportStats"))]
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    pub images: usize,
    /// Requests planned for photos and notes, repeats not counted.
    pub batches: usize,
    /// Answers of the model.
    pub calls: u32,
    /// Steps that an earlier attempt had done.
    pub reused_steps: usize,
    /// Answers that an earlier job about the same report had paid for: not among `calls`.
    pub reused_answers: u32,
    /// Calls beyond the first for the same thing, because its answer was of no use.
    pub retries: u32,
    /// Calls that may have been paid twice, at most: an earlier run began them and never had an answer to keep.
    pub duplicate_risk: u32,
    pub prompt_tokens: u64,
    pub image_tokens: u64,
    pub cached_tokens: u64,
    pub completion_tokens: u64,
    pub reasoning_tokens: u64,
    /// `None` when the API did not say; 0 when nothing was asked.
    pub cost_usd: Option<f64>,
    /// The models that answered, by the names they gave.
    pub models: Vec<String>,
    /// Which wording of the prompts was used.
    pub prompt_version: u32,
}
