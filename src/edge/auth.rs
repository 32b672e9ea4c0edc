//! Who may start a run.

use subtle::{Choice, ConstantTimeEq};

use crate::config::{Config, Secret};

/// What a caller shows: the headers `x-queue-token` and `apikey`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Credentials<'a> {
    /// The token that can start runs and nothing else.
    pub worker_token: Option<&'a str>,
    /// A key of the project; only secret ones count.
    pub api_key: Option<&'a str>,
}

/// Whether the caller may start a run. The time this takes tells nothing about the secrets but their lengths.
pub fn is_authorised(config: &Config, credentials: Credentials<'_>) -> bool {
    let by_token = is_same(&config.worker_token, credentials.worker_token);
    let by_key = config
        .accepted_keys
        .iter()
        .map(|key| is_same(key, credentials.api_key))
        .fold(Choice::from(0), |found, is_this| found | is_this);
    (by_token | by_key).into()
}

fn is_same(secret: &Secret, shown: Option<&str>) -> Choice {
    shown.map_or(Choice::from(0), |shown| {
        secret.expose().as_bytes().ct_eq(shown.as_bytes())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::config;

    fn is_let_in(worker_token: Option<&str>, api_key: Option<&str>) -> bool {
        let config = config(&[
            ("QUEUE_WORKER_TOKEN", "worker-token"),
            (
                "SUPABASE_SECRET_KEYS",
                r#"{"default":"sb_secret_a","other":"sb_secret_b"}"#,
            ),
            ("SUPABASE_SERVICE_ROLE_KEY", "service.role.jwt"),
            (
                "SUPABASE_PUBLISHABLE_KEYS",
                r#"{"default":"sb_publishable_c"}"#,
            ),
        ]);
        let credentials = Credentials {
            worker_token,
            api_key,
        };
        is_authorised(&config, credentials)
    }

    #[test]
    fn the_worker_token_lets_in() {
        assert!(is_let_in(Some("worker-token"), None));
        assert!(is_let_in(Some("worker-token"), Some("sb_publishable_c")));
    }

    #[test]
    fn every_secret_key_of_the_project_lets_in() {
        for key in ["sb_secret_a", "sb_secret_b", "service.role.jwt"] {
            assert!(is_let_in(None, Some(key)), "{key}");
        }
    }

    #[test]
    fn nothing_else_lets_in() {
        assert!(!is_let_in(None, None));
        assert!(!is_let_in(Some(""), Some("")));
        assert!(!is_let_in(Some("worker-token2"), None));
        assert!(!is_let_in(Some("worker-toke"), None));
        assert!(!is_let_in(None, Some("sb_publishable_c")));
        assert!(!is_let_in(None, Some("worker-token")));
        assert!(!is_let_in(Some("sb_secret_a"), None));
    }
}
