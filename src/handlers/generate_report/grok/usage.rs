//! What calls cost, in tokens and money.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Ticks in a US dollar.
pub(super) const TICKS_PER_USD: f64 = 1e10;
/// What tokens of the dearest current model cost in ticks: 2 and 6 dollars a million (docs.x.ai, November 2026).
const PROMPT_TICKS: u64 = 20_000;
const COMPLETION_TICKS: u64 = 60_000;

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
    pub models: Vec<String>,
}

impl Usage {
    /// The usage of one call, as its completion tells it; everything in it is optional to us.
    pub(super) fn of_call(completion: &Value) -> Self {
        let usage = &completion["usage"];
        // The two endpoints have words of their own.
        let tokens = |chat: &str, responses: &str| {
            let number = |pointer| usage.pointer(pointer).and_then(Value::as_u64);
            number(chat).or(number(responses)).unwrap_or(0)
        };
        let model = completion["model"].as_str().map(str::to_owned);
        Self {
            calls: 1,
            prompt_tokens: tokens("/prompt_tokens", "/input_tokens"),
            image_tokens: tokens(
                "/prompt_tokens_details/image_tokens",
                "/input_tokens_details/image_tokens",
            ),
            cached_tokens: tokens(
                "/prompt_tokens_details/cached_tokens",
                "/input_tokens_details/cached_tokens",
            ),
            completion_tokens: tokens("/completion_tokens", "/output_tokens"),
            reasoning_tokens: tokens(
                "/completion_tokens_details/reasoning_tokens",
                "/output_tokens_details/reasoning_tokens",
            ),
            cost_ticks: usage["cost_in_usd_ticks"].as_u64(),
            models: model.into_iter().collect(),
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
        for model in &other.models {
            if !self.models.contains(model) {
                self.models.push(model.clone());
            }
        }
    }

    /// All that counts towards the account's limit; reasoning comes on top of what is written.
    pub(super) fn tokens(&self) -> u64 {
        self.prompt_tokens + self.completion_tokens + self.reasoning_tokens
    }

    /// The cost as the API said, else the most it can have been.
    pub(super) fn ticks_at_most(&self) -> u64 {
        let completion = self.completion_tokens.saturating_add(self.reasoning_tokens);
        let prompt = self.prompt_tokens.saturating_mul(PROMPT_TICKS);
        let reckoned = prompt.saturating_add(completion.saturating_mul(COMPLETION_TICKS));
        self.cost_ticks.unwrap_or(reckoned)
    }

    /// US dollars, as far as the API said; no calls cost nothing.
    pub fn cost_usd(&self) -> Option<f64> {
        let ticks = self.cost_ticks.or((self.calls == 0).then_some(0));
        ticks.map(|ticks| ticks as f64 / TICKS_PER_USD)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(model: &str, usage: Value) -> Usage {
        Usage::of_call(&json!({ "model": model, "usage": usage }))
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
        assert_eq!(usage.models, ["grok-4.3", "grok-4.6"]);
    }

    #[test]
    fn the_usage_of_a_response_is_told_in_other_words() {
        let usage = json!({
            "input_tokens": 100, "output_tokens": 20,
            "input_tokens_details": { "cached_tokens": 10 },
            "output_tokens_details": { "reasoning_tokens": 5 },
        });
        let usage = of("grok-4.3", usage);
        assert_eq!((usage.prompt_tokens, usage.completion_tokens), (100, 20));
        assert_eq!((usage.cached_tokens, usage.reasoning_tokens), (10, 5));
    }

    #[test]
    fn a_cost_nobody_told_is_not_zero() {
        assert_eq!(
            of("grok-4.3", json!({ "prompt_tokens": 1 })).cost_usd(),
            None
        );
    }
}
