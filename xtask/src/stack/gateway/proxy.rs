//! Passing requests on.

use std::time::Duration;

use http_body_util::Either;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HOST, HeaderName};
use hyper::{HeaderMap, Request, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::{Answer, message};

/// Shorter than the time after which any upstream closes an unused connection by itself.
const KEEP_UNUSED: Duration = Duration::from_secs(10);

/// Headers that belong to one connection, not to the message.
const HOP_BY_HOP: [HeaderName; 2] = [CONNECTION, HeaderName::from_static("keep-alive")];

pub struct Proxy {
    client: Client<HttpConnector, Incoming>,
}

impl Proxy {
    pub fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(KEEP_UNUSED)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Self { client }
    }

    /// Sends `request` to `path` at `upstream`; both bodies pass as they arrive.
    pub async fn forward(
        &self,
        mut request: Request<Incoming>,
        upstream: &str,
        path: &str,
    ) -> Answer {
        let query = request
            .uri()
            .query()
            .map_or_else(String::new, |query| format!("?{query}"));
        let path = if path.is_empty() { "/" } else { path };
        let Ok(uri) = format!("{upstream}{path}{query}").parse::<Uri>() else {
            return message(StatusCode::BAD_REQUEST, "the path is not valid");
        };
        *request.uri_mut() = uri;
        request.headers_mut().remove(HOST);
        remove_hop_by_hop(request.headers_mut());
        match self.client.request(request).await {
            Ok(mut response) => {
                remove_hop_by_hop(response.headers_mut());
                response.map(Either::Left)
            }
            Err(error) if error.is_connect() => message(
                StatusCode::SERVICE_UNAVAILABLE,
                "the upstream server does not answer",
            ),
            Err(_) => message(
                StatusCode::BAD_GATEWAY,
                "An invalid response was received from the upstream server",
            ),
        }
    }
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
}
