//! Calls to the database, as the crate `postgrest` builds them. They are sent like every other request.

use std::rc::Rc;

use postgrest::Postgrest;

use crate::config::{Config, ConfigError};
use crate::host::{HttpRequest, Method, TransportError};

/// Secret keys are refused for what looks like a browser.
const USER_AGENT: &str = concat!("pretium-queue/", env!("CARGO_PKG_VERSION"));

/// Builds the requests that call the database's functions.
pub(super) struct RpcBuilder(Postgrest);

impl RpcBuilder {
    /// Calls go to the project of `config`, with its key, which [`Config`] has found fit for a header.
    pub(super) fn new(config: &Config) -> Self {
        let key = config.database_key.expose();
        let client = Postgrest::new(format!("{}/rest/v1", config.supabase_url))
            .insert_header("user-agent", USER_AGENT)
            .insert_header("apikey", key);
        // A key of the new kind is no JWT: as a bearer token it is refused. One of the old kind is needed there.
        Self(match key.starts_with("sb_") {
            true => client,
            false => client.insert_header("authorization", format!("Bearer {key}")),
        })
    }

    /// Finds out whether calls can be built at all.
    ///
    /// # Errors
    /// When the project's address is none.
    pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
        let call = Self::new(config).request("f", String::new(), 0);
        call.map(drop).map_err(|_| ConfigError {
            variable: "SUPABASE_URL",
            expected: "expected the project's address, like https://abc.supabase.co".into(),
        })
    }

    /// The request that calls `function` with `arguments`, a JSON object.
    ///
    /// # Errors
    /// When the address cannot be read.
    pub(super) fn request(
        &self,
        function: &str,
        arguments: String,
        timeout_ms: u32,
    ) -> Result<HttpRequest, TransportError> {
        let call = self.0.rpc(function, arguments).build().build();
        let call = call.map_err(|_| TransportError::failed("the address cannot be read"))?;
        let headers = call.headers().iter();
        let headers = headers.map(|(name, value)| {
            let value = value.to_str().unwrap_or_default();
            (name.as_str().to_owned(), value.to_owned())
        });
        let body = call.body().and_then(|body| body.as_bytes());
        let body = body.map(|body| Rc::new(body.to_vec()));
        Ok(HttpRequest {
            method: Method::Post,
            url: call.url().as_str().to_owned(),
            headers: headers.collect(),
            body: body.map(Into::into),
            timeout_ms,
            max_response_bytes: usize::MAX,
        })
    }
}
