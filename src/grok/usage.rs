//! What answers cost, in tokens and money.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Ticks in a US dollar.
pub(super) const TICKS_PER_USD: f64 = 1e10;
/// What tokens of the dearest current model cost in ticks: 2 and 6 dollars a million (docs.x.ai, November 2026).
const PROMPT_TICKS: u64 = 20_000;
const COMPLETION_TICKS: u64 = 60_000;

/// What a request is expected to take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// Tokens of the question.
    pub prompt_tokens: u64,
    /// Tokens of the answer.
    pub completion_tokens: u64,
}

/// What answers of the model cost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct TokenUsage {
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

impl Estimate {
    /// All that counts towards the account's limit.
    pub fn tokens(self) -> u64 {
        self.prompt_tokens + self.completion_tokens
    }

    /// What it costs at the highest price.
    pub fn ticks(self) -> u64 {
        let prompt = self.prompt_tokens.saturating_mul(PROMPT_TICKS);
        prompt.saturating_add(self.completion_tokens.saturating_mul(COMPLETION_TICKS))
    }
}

impl TokenUsage {
    /// The usage of one answer, as its completion tells it; everything in it is optional to us.
    pub(super) fn of_answer(completion: &Value) -> Self {
        let usage = completion.get("usage").unwrap_or(&Value::Null);
        // The two endpoints have words of their own.
        let tokens = |chat: &str, responses: &str| {
            let number = |pointer| usage.pointer(pointer).and_then(Value::as_u64);
            number(chat).or(number(responses)).unwrap_or(0)
        };
        let model = completion
            .get("model")
            .and_then(Value::as_str)
            .map(str::to_owned);
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
            cost_ticks: usage.get("cost_in_usd_ticks").and_then(Value::as_u64),
            models: model.into_iter().collect(),
        }
    }

    /// Adds what other answers cost.
    pub fn add(&mut self, other: &Self) {
        self.calls = self.calls.saturating_add(other.calls);
        self.prompt_tokens = self.prompt_tokens.saturating_add(other.prompt_tokens);
        self.image_tokens = self.image_tokens.saturating_add(other.image_tokens);
        self.cached_tokens = self.cached_tokens.saturating_add(other.cached_tokens);
        self.completion_tokens = self
            .completion_tokens
            .saturating_add(other.completion_tokens);
        self.reasoning_tokens = self.reasoning_tokens.saturating_add(other.reasoning_tokens);
        self.cost_ticks = match (self.cost_ticks, other.cost_ticks) {
            (Some(one), Some(two)) => Some(one.saturating_add(two)),
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
        let completion = self.completion_tokens.saturating_add(self.reasoning_tokens);
        self.prompt_tokens.saturating_add(completion)
    }

    /// The cost as the API said, else the most it can have been.
    pub(super) fn ticks_at_most(&self) -> u64 {
        let estimate = Estimate {
            prompt_tokens: self.prompt_tokens,
            completion_tokens: self.completion_tokens.saturating_add(self.reasoning_tokens),
        };
        self.cost_ticks.unwrap_or(estimate.ticks())
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

    fn of(model: &str, usage: Value) -> TokenUsage {
        TokenUsage::of_answer(&json!({ "model": model, "usage": usage }))
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
