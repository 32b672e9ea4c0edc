//! What the environment says of xAI's API.

use super::error::ConfigError;
use super::secret::Secret;
use super::variables::Variables;

const DEFAULT_GROK_BASE_URL: &str = "https://api.x.ai/v1";
const DEFAULT_GROK_MODEL: &str = "grok-4.3";
const DEFAULT_GROK_API_STYLE: ApiStyle = ApiStyle::Chat;
const DEFAULT_GROK_TRANSPORT: Transport = Transport::Deferred;

const API_STYLES: [(&str, ApiStyle); 2] =
    [("chat", ApiStyle::Chat), ("responses", ApiStyle::Responses)];

const TRANSPORTS: [(&str, Transport); 3] = [
    ("sync", Transport::Sync),
    ("stream", Transport::Stream),
    ("deferred", Transport::Deferred),
];

/// How to reach xAI's API.
#[derive(Debug, Clone)]
pub struct GrokConfig {
    /// Without a slash at its end, for example `https://api.x.ai/v1`.
    pub base_url: String,
    /// Sent as a bearer token, to `base_url` and nowhere else.
    pub api_key: Secret,
    /// The model's name.
    pub model: String,
    /// How long one answer may take.
    pub timeout_seconds: u32,
    /// Which endpoint is asked, unless a job wishes otherwise.
    pub api_style: ApiStyle,
    /// How a question gets there and its answer back, unless a job wishes otherwise.
    pub transport: Transport,
    /// Requests of one isolate that are under way at the same time.
    pub concurrency: usize,
    /// Requests one isolate sends within a minute.
    pub requests_per_minute: u32,
    /// Tokens in them, reckoned before they are sent.
    pub tokens_per_minute: u32,
}

/// Which of xAI's endpoints is asked.
#[cfg_attr(
    test,
    derive(ts_rs::TS),
    ts(rename = "ReportApiStyle", rename_all = "lowercase")
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiStyle {
    /// `/chat/completions`, the only one that can answer later.
    Chat,
    /// `/responses`.
    Responses,
}

/// How a question gets to Grok and its answer back.
#[cfg_attr(
    test,
    derive(ts_rs::TS),
    ts(rename = "ReportTransport", rename_all = "lowercase")
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// The answer is waited for.
    Sync,
    /// The answer is read as it is written.
    Stream,
    /// The answer is asked for later, and by any isolate.
    Deferred,
}

/// `None` without a key.
pub(super) fn grok(variables: &Variables) -> Result<Option<GrokConfig>, ConfigError> {
    let base_url = variables
        .url("GROK_BASE_URL")?
        .unwrap_or_else(|| DEFAULT_GROK_BASE_URL.into());
    let model = variables.text("GROK_MODEL").unwrap_or(DEFAULT_GROK_MODEL);
    let timeout_seconds = variables.number("GROK_TIMEOUT_SECONDS", 120, 1, 3_600)?;
    let concurrency = variables.number("GROK_CONCURRENCY", 4, 1, 100)? as usize;
    let requests_per_minute = variables.number("GROK_REQUESTS_PER_MINUTE", 600, 1, 1_000_000)?;
    let tokens_per_minute =
        variables.number("GROK_TOKENS_PER_MINUTE", 2_000_000, 1_000, 1_000_000_000)?;
    let api_key = variables.secret("GROK_API_KEY")?;
    let api_style = variables.choice("GROK_API_STYLE", &API_STYLES)?;
    let transport = variables.choice("GROK_TRANSPORT", &TRANSPORTS)?;
    Ok(api_key.map(|api_key| GrokConfig {
        base_url,
        api_key,
        model: model.into(),
        timeout_seconds,
        api_style: api_style.unwrap_or(DEFAULT_GROK_API_STYLE),
        transport: transport.unwrap_or(DEFAULT_GROK_TRANSPORT),
        concurrency,
        requests_per_minute,
        tokens_per_minute,
    }))
}
