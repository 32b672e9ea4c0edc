//! The environment, parsed once. Nothing else in the crate reads a variable or knows a default.

use std::collections::BTreeMap;
use std::fmt;

use thiserror::Error;

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

/// Everything the worker can be told from outside.
#[derive(Debug, Clone)]
pub struct Config {
    /// The project's address without a slash at its end; PostgREST is at `/rest/v1` below it.
    pub supabase_url: String,
    /// The key the worker calls the database with.
    pub database_key: Secret,
    /// Callers that send this in `x-queue-token` may start a run.
    pub worker_token: Secret,
    /// Callers that send one of these in `apikey` may start a run too.
    pub accepted_keys: Vec<Secret>,
    /// How to reach Grok; `None` without `GROK_API_KEY`, and then no job that needs it is claimed.
    pub grok: Option<GrokConfig>,
    /// Jobs that run at the same time in one isolate.
    pub concurrency: usize,
    /// How long a claim holds without a sign of life.
    pub lease_seconds: u32,
    /// How long the platform lets an isolate live.
    pub wall_clock_seconds: u32,
    /// How much CPU time the platform gives an isolate over its whole life.
    pub cpu_milliseconds: u32,
    /// How much memory the platform gives an isolate.
    pub memory_megabytes: u32,
    /// How much of each of the three may be used before claims stop.
    pub claim_percent: u32,
    /// How much of each of the three may be used before running jobs are handed over.
    pub hand_over_percent: u32,
}

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiStyle {
    /// `/chat/completions`, the only one that can answer later.
    Chat,
    /// `/responses`.
    Responses,
}

/// How a question gets to Grok and its answer back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// The answer is waited for.
    Sync,
    /// The answer is read as it is written.
    Stream,
    /// The answer is asked for later, and by any isolate.
    Deferred,
}

/// A text that must not appear in a log, an error or a `Debug` output.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the header it belongs in.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

/// A variable that is missing or not what was expected; the text never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{variable}: {expected}")]
pub struct ConfigError {
    /// The variable to set.
    pub variable: &'static str,
    /// What it should hold.
    pub expected: String,
}

impl Config {
    /// Reads the variables the worker knows out of an environment; others are ignored.
    ///
    /// # Errors
    /// [`ConfigError`] for the first variable that is missing or malformed.
    pub fn parse(
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let variables = Variables(variables.into_iter().collect());
        let secret_keys = secret_keys(&variables)?;
        let service_role_key = variables.secret("SUPABASE_SERVICE_ROLE_KEY")?;
        let database_key = database_key(&secret_keys, service_role_key.as_ref())?;
        // Where the platform sends new requests to another isolate.
        let claim_percent = variables.number("QUEUE_CLAIM_PERCENT", 50, 1, 100)?;
        let accepted_keys = secret_keys
            .into_iter()
            .map(|(_, key)| key)
            .chain(service_role_key)
            .collect();
        Ok(Self {
            supabase_url: supabase_url(&variables)?,
            database_key,
            worker_token: worker_token(&variables)?,
            accepted_keys,
            grok: grok(&variables)?,
            concurrency: variables.number("QUEUE_CONCURRENCY", 10, 1, 1_000)? as usize,
            lease_seconds: variables.number("QUEUE_LEASE_SECONDS", 30, 3, 3_600)?,
            wall_clock_seconds: variables.number("QUEUE_WALL_CLOCK_SECONDS", 150, 1, 604_800)?,
            cpu_milliseconds: variables.number("QUEUE_CPU_MILLISECONDS", 2_000, 1, 604_800_000)?,
            memory_megabytes: variables.number("QUEUE_MEMORY_MEGABYTES", 256, 16, 4_096)?,
            claim_percent,
            hand_over_percent: variables.number(
                "QUEUE_HAND_OVER_PERCENT",
                95,
                claim_percent,
                100,
            )?,
        })
    }
}

fn supabase_url(variables: &Variables) -> Result<String, ConfigError> {
    variables.url("SUPABASE_URL")?.ok_or(ConfigError {
        variable: "SUPABASE_URL",
        expected: "is not set; expected the project's address, like https://abc.supabase.co".into(),
    })
}

fn worker_token(variables: &Variables) -> Result<Secret, ConfigError> {
    variables.secret("QUEUE_WORKER_TOKEN")?.ok_or(ConfigError {
        variable: "QUEUE_WORKER_TOKEN",
        expected: "is not set; expected a long random text, also stored where the worker is woken \
                   from"
            .into(),
    })
}

fn grok(variables: &Variables) -> Result<Option<GrokConfig>, ConfigError> {
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

/// `SUPABASE_SECRET_KEYS` by name; empty when it is not set.
fn secret_keys(variables: &Variables) -> Result<Vec<(String, Secret)>, ConfigError> {
    const NAME: &str = "SUPABASE_SECRET_KEYS";
    let Some(text) = variables.text(NAME) else {
        return Ok(Vec::new());
    };
    let keys: BTreeMap<String, String> = serde_json::from_str(text).map_err(|_| ConfigError {
        variable: NAME,
        expected: r#"expected a JSON object of key names and keys, like {"default":"sb_secret_…"}"#
            .into(),
    })?;
    keys.into_iter()
        .map(|(name, key)| Ok((name, header_safe(NAME, &key)?)))
        .collect()
}

fn database_key(
    secret_keys: &[(String, Secret)],
    service_role_key: Option<&Secret>,
) -> Result<Secret, ConfigError> {
    let named = |wanted: &str| secret_keys.iter().find(|(name, _)| name == wanted);
    named("queue")
        .or_else(|| named("default"))
        .or_else(|| secret_keys.first())
        .map(|(_, key)| key)
        .or(service_role_key)
        .cloned()
        .ok_or(ConfigError {
            variable: "SUPABASE_SECRET_KEYS",
            expected: "is not set and neither is SUPABASE_SERVICE_ROLE_KEY; expected a secret key \
                       of the project in one of them"
                .into(),
        })
}

/// A secret travels in a header: one that cannot is found here and not in the middle of a run.
fn header_safe(variable: &'static str, text: &str) -> Result<Secret, ConfigError> {
    let is_safe = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    is_safe.then(|| Secret::new(text)).ok_or(ConfigError {
        variable,
        expected: "expected printable ASCII characters without spaces".into(),
    })
}

struct Variables(BTreeMap<String, String>);

impl Variables {
    /// A variable that is set to nothing counts as not set: dashboards make them so.
    fn text(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
    }

    fn secret(&self, name: &'static str) -> Result<Option<Secret>, ConfigError> {
        self.text(name)
            .map(|text| header_safe(name, text))
            .transpose()
    }

    fn url(&self, name: &'static str) -> Result<Option<String>, ConfigError> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let is_url = text.starts_with("https://") || text.starts_with("http://");
        is_url
            .then(|| Some(text.trim_end_matches('/').to_owned()))
            .ok_or_else(|| ConfigError {
                variable: name,
                expected: "expected an address that starts with https:// or http://".into(),
            })
    }

    fn choice<T: Copy>(
        &self,
        name: &'static str,
        choices: &[(&str, T)],
    ) -> Result<Option<T>, ConfigError> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let chosen = choices.iter().find(|(name, _)| *name == text);
        chosen.map(|(_, value)| Some(*value)).ok_or_else(|| {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            ConfigError {
                variable: name,
                expected: format!("expected one of {}", names.join(", ")),
            }
        })
    }

    fn number(
        &self,
        name: &'static str,
        default: u32,
        least: u32,
        most: u32,
    ) -> Result<u32, ConfigError> {
        let Some(text) = self.text(name) else {
            return Ok(default);
        };
        text.parse()
            .ok()
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| ConfigError {
                variable: name,
                expected: format!("expected a whole number from {least} to {most}"),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPLETE: [(&str, &str); 3] = [
        ("SUPABASE_URL", "https://abc.supabase.co/"),
        ("SUPABASE_SECRET_KEYS", r#"{"default":"sb_secret_default"}"#),
        ("QUEUE_WORKER_TOKEN", "token"),
    ];

    /// Parses a complete environment with some variables changed; an empty one counts as not set.
    fn parse(changes: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let pairs = COMPLETE.iter().chain(changes);
        Config::parse(pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    fn refused(changes: &[(&str, &str)]) -> String {
        parse(changes).expect_err("this is malformed").to_string()
    }

    #[test]
    fn what_is_not_set_has_a_sane_default() {
        let config = parse(&[]).expect("complete");
        assert_eq!(config.supabase_url, "https://abc.supabase.co");
        assert_eq!(config.concurrency, 10);
        assert_eq!(config.lease_seconds, 30);
        assert_eq!(config.wall_clock_seconds, 150);
        assert_eq!(config.cpu_milliseconds, 2_000);
        assert_eq!(config.memory_megabytes, 256);
        assert_eq!((config.claim_percent, config.hand_over_percent), (50, 95));
        assert!(config.grok.is_none());
    }

    #[test]
    fn grok_needs_only_a_key() {
        let config = parse(&[("GROK_API_KEY", "xai-key")]).expect("complete");
        let grok = config.grok.expect("a key is set");
        assert_eq!(grok.base_url, "https://api.x.ai/v1");
        assert_eq!(grok.model, "grok-4.3");
        assert_eq!(grok.timeout_seconds, 120);
        assert_eq!(grok.api_style, ApiStyle::Chat);
        assert_eq!(grok.transport, Transport::Deferred);
        assert_eq!(grok.concurrency, 4);
        assert_eq!(
            (grok.requests_per_minute, grok.tokens_per_minute),
            (600, 2_000_000)
        );
        assert_eq!(grok.api_key.expose(), "xai-key");
    }

    #[test]
    fn the_key_for_the_database_is_the_queues_own_else_the_default_else_any_else_the_legacy_one() {
        let database_key = |keys: &str| {
            let changes = [
                ("SUPABASE_SECRET_KEYS", keys),
                ("SUPABASE_SERVICE_ROLE_KEY", "legacy"),
            ];
            let config = parse(&changes).expect("complete");
            config.database_key.expose().to_owned()
        };
        assert_eq!(database_key(r#"{"a":"1","default":"2","queue":"3"}"#), "3");
        assert_eq!(database_key(r#"{"a":"1","default":"2"}"#), "2");
        assert_eq!(database_key(r#"{"b":"1","c":"2"}"#), "1");
        assert_eq!(database_key("{}"), "legacy");
        assert_eq!(database_key(""), "legacy");
    }

    #[test]
    fn what_is_missing_is_named() {
        for (name, _) in COMPLETE {
            let error = refused(&[(name, "")]);
            assert!(error.starts_with(&format!("{name}: is not set")), "{error}");
        }
    }

    #[test]
    fn what_is_malformed_is_named_with_what_was_expected() {
        let cases = [
            ("SUPABASE_URL", "abc.supabase.co", "https://"),
            ("SUPABASE_SECRET_KEYS", "sb_secret_x", "a JSON object"),
            ("SUPABASE_SECRET_KEYS", r#"{"default":1}"#, "a JSON object"),
            ("QUEUE_WORKER_TOKEN", "two words", "without spaces"),
            ("GROK_BASE_URL", "api.x.ai", "https://"),
            ("GROK_API_STYLE", "rest", "one of chat, responses"),
            ("GROK_TRANSPORT", "post", "one of sync, stream, deferred"),
            ("QUEUE_CONCURRENCY", "0", "from 1 to 1000"),
            ("QUEUE_CONCURRENCY", "many", "a whole number"),
            ("QUEUE_LEASE_SECONDS", "-1", "a whole number"),
            ("QUEUE_WALL_CLOCK_SECONDS", "1.5", "a whole number"),
            ("QUEUE_HAND_OVER_PERCENT", "40", "from 50 to 100"),
        ];
        for (name, value, expected) in cases {
            let error = refused(&[(name, value)]);
            assert!(error.starts_with(&format!("{name}: ")), "{error}");
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn no_error_and_no_debug_output_shows_a_secret() {
        let error = refused(&[("SUPABASE_SECRET_KEYS", r#"{"default":"sb secret"}"#)]);
        assert!(!error.contains("sb secret"), "{error}");
        let config = parse(&[("GROK_API_KEY", "xai-key")]).expect("complete");
        let debug = format!("{config:?}");
        for secret in ["sb_secret_default", "xai-key", "\"token\""] {
            assert!(!debug.contains(secret), "{debug}");
        }
    }
}
