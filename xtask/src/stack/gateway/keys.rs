//! Checks a caller's key and picks the database role.

use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, USER_AGENT};

/// The project's keys: the new ones, and the JWTs that carry the database roles.
pub struct KeyRules {
    pub secret: String,
    pub publishable: String,
    pub service_role: String,
    pub anon: String,
}

/// The credentials of a request.
pub struct Presented<'a> {
    pub apikey: Option<&'a str>,
    pub authorization: Option<&'a str>,
    pub user_agent: &'a str,
}

impl<'a> Presented<'a> {
    pub fn in_headers(headers: &'a HeaderMap) -> Self {
        let text = |value: Option<&'a hyper::header::HeaderValue>| value?.to_str().ok();
        Self {
            apikey: text(headers.get("apikey")),
            authorization: text(headers.get(AUTHORIZATION)),
            user_agent: text(headers.get(USER_AGENT)).unwrap_or_default(),
        }
    }
}

impl KeyRules {
    /// The `Authorization` to send on, or why the request is refused.
    pub fn authorization(&self, presented: &Presented<'_>) -> Result<Option<String>, &'static str> {
        let key = presented.apikey.ok_or("No API key found in request")?;
        let bearer = presented
            .authorization
            .and_then(|value| value.strip_prefix("Bearer "));
        let is_new_key = bearer.is_some_and(|token| token.starts_with("sb_"));
        if is_new_key && bearer != Some(key) {
            return Err("Invalid API key");
        }
        let users_own = presented
            .authorization
            .filter(|_| !is_new_key)
            .map(str::to_owned);
        if key == self.secret {
            if presented.user_agent.starts_with("Mozilla/") {
                return Err("Forbidden use of secret API key in browser");
            }
            Ok(users_own.or_else(|| Some(format!("Bearer {}", self.service_role))))
        } else if key == self.publishable {
            Ok(users_own.or_else(|| Some(format!("Bearer {}", self.anon))))
        } else if key == self.service_role || key == self.anon {
            // The key alone opens the gateway; the role comes from `Authorization` only.
            Ok(users_own)
        } else {
            Err("Invalid API key")
        }
    }

    pub fn is_service_role(&self, presented: &Presented<'_>) -> bool {
        let wanted = format!("Bearer {}", self.service_role);
        matches!(self.authorization(presented), Ok(Some(found)) if found == wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::{KeyRules, Presented};

    fn decide<'a>(
        apikey: impl Into<Option<&'a str>>,
        authorization: impl Into<Option<&'a str>>,
    ) -> Result<Option<String>, &'static str> {
        from_agent(apikey, authorization, "supabase-js/2")
    }

    fn from_agent<'a>(
        apikey: impl Into<Option<&'a str>>,
        authorization: impl Into<Option<&'a str>>,
        user_agent: &str,
    ) -> Result<Option<String>, &'static str> {
        let rules = KeyRules {
            secret: "sb_secret_s".to_owned(),
            publishable: "sb_publishable_p".to_owned(),
            service_role: "jwt.service".to_owned(),
            anon: "jwt.anon".to_owned(),
        };
        rules.authorization(&Presented {
            apikey: apikey.into(),
            authorization: authorization.into(),
            user_agent,
        })
    }

    fn bearer(token: &str) -> Result<Option<String>, &'static str> {
        Ok(Some(format!("Bearer {token}")))
    }

    #[test]
    fn new_keys_are_exchanged_for_the_role_they_stand_for() {
        assert_eq!(decide("sb_secret_s", None), bearer("jwt.service"));
        assert_eq!(decide("sb_publishable_p", None), bearer("jwt.anon"));
    }

    #[test]
    fn a_users_token_wins_over_the_key() {
        assert_eq!(
            decide("sb_publishable_p", "Bearer jwt.user"),
            bearer("jwt.user")
        );
        assert_eq!(decide("sb_secret_s", "Bearer jwt.user"), bearer("jwt.user"));
    }

    #[test]
    fn legacy_keys_pass_as_they_are() {
        assert_eq!(
            decide("jwt.service", "Bearer jwt.service"),
            bearer("jwt.service")
        );
        assert_eq!(decide("jwt.anon", "Bearer jwt.user"), bearer("jwt.user"));
        assert_eq!(decide("jwt.service", None), Ok(None));
    }

    #[test]
    fn a_new_key_as_bearer_counts_only_when_it_is_the_apikey_too() {
        assert_eq!(
            decide("sb_secret_s", "Bearer sb_secret_s"),
            bearer("jwt.service")
        );
        assert_eq!(
            decide("sb_publishable_p", "Bearer sb_secret_s"),
            Err("Invalid API key")
        );
        assert_eq!(
            decide(None, "Bearer sb_secret_s"),
            Err("No API key found in request")
        );
    }

    #[test]
    fn an_unknown_key_is_refused() {
        assert_eq!(decide("sb_secret_other", None), Err("Invalid API key"));
        assert_eq!(
            decide("jwt.user", "Bearer jwt.user"),
            Err("Invalid API key")
        );
        assert_eq!(decide(None, None), Err("No API key found in request"));
    }

    #[test]
    fn a_secret_key_in_a_browser_is_refused() {
        let browser = "Mozilla/5.0 (X11; Linux x86_64)";
        let refused = Err("Forbidden use of secret API key in browser");
        assert_eq!(from_agent("sb_secret_s", None, browser), refused);
        assert_eq!(
            from_agent("sb_publishable_p", None, browser),
            bearer("jwt.anon")
        );
    }
}
