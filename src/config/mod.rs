//! The environment, parsed once. Nothing else in the crate reads a variable or knows a default.

mod error;
mod grok;
mod secret;
mod variables;

use std::collections::BTreeMap;

pub use self::error::ConfigError;
use self::grok::grok;
pub use self::grok::{ApiStyle, GrokConfig, Transport};
pub use self::secret::Secret;
use self::variables::{Variables, header_safe};
use crate::address::AddressPolicy;

const ADDRESS_POLICIES: &[(&str, AddressPolicy)] = &[
    ("false", AddressPolicy::Public),
    ("true", AddressPolicy::Any),
];

/// The worker's settings.
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
    /// How long a lease lasts without a heartbeat.
    pub lease_seconds: u32,
    /// The wall clock the platform gives an isolate; `None`, as for the next two, where there is no such limit.
    pub wall_clock_seconds: Option<u32>,
    /// The CPU time the platform gives an isolate over its whole life.
    pub cpu_milliseconds: Option<u32>,
    /// The memory the platform gives an isolate.
    pub memory_megabytes: Option<u32>,
    /// The text that one exchange with the database may carry in each direction; a single job or result may be larger.
    pub exchange_kilobytes: u32,
    /// Where the addresses in a job's input may lead.
    pub address_policy: AddressPolicy,
    /// How much of each of the three may be used before claims stop.
    pub claim_percent: u32,
    /// How much of each of the three may be used before running jobs are handed over.
    pub hand_over_percent: u32,
}

impl Config {
    /// Reads the worker's variables from an environment; others are ignored.
    ///
    /// # Errors
    /// [`ConfigError`] for the first variable that is missing or malformed.
    pub fn parse(
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut by_name = BTreeMap::new();
        // `collect` would bring a sort of its own into the Wasm.
        by_name.extend(variables);
        let variables = Variables(by_name);
        let secret_keys = secret_keys(&variables)?;
        let service_role_key = variables.secret("SUPABASE_SERVICE_ROLE_KEY")?;
        let database_key = database_key(&secret_keys, service_role_key.as_ref())?;
        // At half of them the platform sends new requests to another isolate.
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
            wall_clock_seconds: variables.limit("QUEUE_WALL_CLOCK_SECONDS", 150, 1, 604_800)?,
            cpu_milliseconds: variables.limit("QUEUE_CPU_MILLISECONDS", 2_000, 1, 604_800_000)?,
            memory_megabytes: variables.limit("QUEUE_MEMORY_MEGABYTES", 256, 16, 4_096)?,
            exchange_kilobytes: variables.number("QUEUE_EXCHANGE_KILOBYTES", 4_096, 64, 65_536)?,
            address_policy: variables
                .choice("QUEUE_ALLOW_PRIVATE_ADDRESSES", ADDRESS_POLICIES)?
                .unwrap_or(AddressPolicy::Public),
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

impl Config {
    /// How much text an exchange with the database may carry, in bytes.
    pub fn exchange_bytes(&self) -> usize {
        self.exchange_kilobytes as usize * 1024
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
        assert_eq!(config.wall_clock_seconds, Some(150));
        assert_eq!(config.cpu_milliseconds, Some(2_000));
        assert_eq!(config.memory_megabytes, Some(256));
        assert_eq!((config.claim_percent, config.hand_over_percent), (50, 95));
        assert_eq!(config.address_policy, AddressPolicy::Public);
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
            ("QUEUE_CPU_MILLISECONDS", "unlimited", "or none"),
            ("QUEUE_HAND_OVER_PERCENT", "40", "from 50 to 100"),
            ("QUEUE_ALLOW_PRIVATE_ADDRESSES", "yes", "false, true"),
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
