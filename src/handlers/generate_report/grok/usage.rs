//! What calls cost, in tokens and money.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Ticks in a US dollar.
const TICKS_PER_USD: f64 = 1e10;

/// What calls cost; saved with the step they were made for, so that a report knows what all of it took.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Answers of the model.
    pub calls: u32,
    pub prompt_tokens: u64,
    pub image_tokens: u64,
    pub cached_tokens: u64,
    pub completion_tokens: u64,
    pub reasoning_tokens: u64,
    /// `None` when the API did not say.
    pub cost_ticks: Option<u64>,
    /// The models that answered, by the names they gave.
    pub models: BTreeSet<String>,
}

/// `usage` of an answer; everything in it is optional to us.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Reported {
    prompt_tokens: u64,
    completion_tokens: u64,
    prompt_tokens_details: PromptDetails,
    completion_tokens_details: CompletionDetails,
    cost_in_usd_ticks: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PromptDetails {
    image_tokens: u64,
    cached_tokens: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CompletionDetails {
    reasoning_tokens: u64,
}

impl Usage {
    pub(super) fn of_call(model: String, reported: Reported) -> Self {
        Self {
            calls: 1,
            prompt_tokens: reported.prompt_tokens,
            image_tokens: reported.prompt_tokens_details.image_tokens,
            cached_tokens: reported.prompt_tokens_details.cached_tokens,
            completion_tokens: reported.completion_tokens,
            reasoning_tokens: reported.completion_tokens_details.reasoning_tokens,
            cost_ticks: reported.cost_in_usd_ticks,
            models: Some(model)
                .filter(|model| !model.is_empty())
                .into_iter()
                .collect(),
        }
    }

    /// Adds what other calls cost.
    pub fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.prompt_tokens += other.prompt_tokens;
        self.image_tokens += other.image_tokens;
        self.cached_tokens += other.cached_tokens;
        self.completion_tokens += other.completion_tokens;
        self.reasoning_tokens += other.reasoning_tokens;
        self.cost_ticks = match (self.cost_ticks, other.cost_ticks) {
            (Some(one), Some(two)) => Some(one + two),
            (one, two) => one.or(two),
        };
        self.models.extend(other.models.iter().cloned());
    }

    /// US dollars, as far as the API said.
    pub fn cost_usd(&self) -> Option<f64> {
        self.cost_ticks.map(|ticks| ticks as f64 / TICKS_PER_USD)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(model: &str, reported: serde_json::Value) -> Usage {
        Usage::of_call(
            model.into(),
            serde_json::from_value(reported).expect("usage decodes"),
        )
    }

    #[test]
    fn usage_of_calls_adds_up_and_names_every_model_once() {
        let full = json!({
            "prompt_tokens": 100, "completion_tokens": 20,
            "prompt_tokens_details": { "image_tokens": 70, "cached_tokens": 10, "audio_tokens": 0 },
            "completion_tokens_details": { "reasoning_tokens": 5 },
            "cost_in_usd_ticks": 25_000_000u64,
        });
        let mut usage = of("grok-4.3", full.clone());
        usage.add(&of("grok-4.3", full));
        usage.add(&of("grok-4.6", json!({})));
        assert_eq!(
            (usage.calls, usage.prompt_tokens, usage.image_tokens),
            (3, 200, 140)
        );
        assert_eq!((usage.completion_tokens, usage.reasoning_tokens), (40, 10));
        assert_eq!(usage.cached_tokens, 20);
        assert_eq!(usage.cost_usd(), Some(0.005));
        assert_eq!(
            usage.models.into_iter().collect::<Vec<_>>(),
            ["grok-4.3", "grok-4.6"]
        );
    }

    #[test]
    fn a_cost_nobody_told_is_not_zero() {
        assert_eq!(
            of("grok-4.3", json!({ "prompt_tokens": 1 })).cost_usd(),
            None
        );
    }
}
