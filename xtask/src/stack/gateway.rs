//! The gateway of a Supabase project: its paths, and its rules for keys.

mod keys;
mod proxy;
mod storage;

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

pub use keys::KeyRules;
use keys::Presented;
use proxy::Proxy;
pub use storage::Storage;

/// Where the gateway sends requests.
pub struct Upstreams {
    /// PostgREST.
    pub rest: String,
    /// By name: where the edge function listens.
    pub functions: HashMap<String, String>,
    /// Files by bucket and path.
    pub storage: Storage,
}

/// A body that is passed on as it arrives, or one made here.
type Answer = Response<Either<Incoming, Full<Bytes>>>;

struct Gateway {
    rules: Arc<KeyRules>,
    upstreams: Arc<Upstreams>,
    proxy: Proxy,
}

/// Answers on `listener` for as long as the runtime lives.
pub async fn serve(listener: TcpListener, rules: Arc<KeyRules>, upstreams: Arc<Upstreams>) {
    let gateway = Arc::new(Gateway {
        rules,
        upstreams,
        proxy: Proxy::new(),
    });
    loop {
        // An error concerns one connection only, such as a caller that has gone.
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve_connection(Arc::clone(&gateway), stream));
        }
    }
}

async fn serve_connection(gateway: Arc<Gateway>, stream: TcpStream) {
    drop(stream.set_nodelay(true));
    let service = service_fn(|request| {
        let gateway = Arc::clone(&gateway);
        async move { Ok::<_, Infallible>(gateway.answer(request).await) }
    });
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // A caller may hang up at any time.
    drop(connection.await);
}

impl Gateway {
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let path = request.uri().path().to_owned();
        if let Some(rest) = path.strip_prefix("/rest/v1") {
            self.rest(request, rest).await
        } else if let Some(function) = path.strip_prefix("/functions/v1") {
            self.function(request, function).await
        } else if let Some(path) = path.strip_prefix("/storage/v1/") {
            let presented = Presented::in_headers(request.headers());
            let is_service_role = self.rules.is_service_role(&presented);
            let storage = &self.upstreams.storage;
            storage.answer(request, path, is_service_role).await
        } else {
            message(StatusCode::NOT_FOUND, "no Route matched with those values")
        }
    }

    async fn rest(&self, mut request: Request<Incoming>, path: &str) -> Answer {
        // A browser's preflight request has no key yet.
        if request.method() == Method::OPTIONS {
            return self
                .proxy
                .forward(request, &self.upstreams.rest, path)
                .await;
        }
        let authorization = match self
            .rules
            .authorization(&Presented::in_headers(request.headers()))
        {
            Ok(authorization) => authorization,
            Err(refusal) => return message(StatusCode::UNAUTHORIZED, refusal),
        };
        let headers = request.headers_mut();
        match authorization.map(|value| HeaderValue::from_str(&value)) {
            Some(Ok(value)) => drop(headers.insert(AUTHORIZATION, value)),
            _ => drop(headers.remove(AUTHORIZATION)),
        }
        headers.remove("apikey");
        self.proxy
            .forward(request, &self.upstreams.rest, path)
            .await
    }

    /// The function checks its callers itself (`verify_jwt = false`): headers pass as they are.
    async fn function(&self, request: Request<Incoming>, path: &str) -> Answer {
        let name = path
            .trim_start_matches('/')
            .split('/')
            .next()
            .unwrap_or_default();
        match self.upstreams.functions.get(name) {
            Some(function) => self.proxy.forward(request, function, path).await,
            None => json_answer(
                StatusCode::NOT_FOUND,
                &json!({ "code": "NOT_FOUND", "message": "Requested function was not found" }),
            ),
        }
    }
}

fn message(status: StatusCode, text: &str) -> Answer {
    json_answer(status, &json!({ "message": text }))
}

fn json_answer(status: StatusCode, body: &Value) -> Answer {
    bytes_answer(status, "application/json", Bytes::from(body.to_string()))
}

fn bytes_answer(status: StatusCode, content_type: &'static str, body: Bytes) -> Answer {
    let mut answer = Response::new(Either::Right(Full::new(body)));
    *answer.status_mut() = status;
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}
