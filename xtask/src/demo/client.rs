//! What a web app and a scheduler do, over the gateway.

use anyhow::{Context, Result, bail};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::runtime::Handle;

use crate::stack::Stack;

pub struct Client {
    http: HttpClient<HttpConnector, Full<Bytes>>,
    runtime: Handle,
    url: String,
    secret_key: String,
    worker_token: String,
}

impl Client {
    pub fn new(stack: &Stack) -> Self {
        Self {
            http: HttpClient::builder(TokioExecutor::new()).build_http(),
            runtime: stack.runtime().handle().clone(),
            url: stack.url().to_owned(),
            secret_key: stack.keys().secret.clone(),
            worker_token: stack.keys().worker_token.clone(),
        }
    }

    /// Calls a database function as a server with the secret key.
    pub fn call(&self, function: &str, arguments: &Value) -> Result<Value> {
        let path = format!("/rest/v1/rpc/{function}");
        let key = ("apikey", self.secret_key.as_str());
        let (status, answer) = self.send(Method::POST, &path, key, arguments.to_string())?;
        if status != StatusCode::OK {
            bail!("{function} answered {status}: {answer}");
        }
        Ok(answer)
    }

    /// Adds a row to a table.
    pub fn insert(&self, table: &str, row: &Value) -> Result<()> {
        let path = format!("/rest/v1/{table}");
        let key = ("apikey", self.secret_key.as_str());
        let (status, answer) = self.send(Method::POST, &path, key, row.to_string())?;
        if status != StatusCode::CREATED {
            bail!("adding to {table} answered {status}: {answer}");
        }
        Ok(())
    }

    /// The row of a table with this id.
    pub fn row(&self, table: &str, id: &str) -> Result<Value> {
        let path = format!("/rest/v1/{table}?id=eq.{id}");
        let key = ("apikey", self.secret_key.as_str());
        let (status, answer) = self.send(Method::GET, &path, key, String::new())?;
        if status != StatusCode::OK {
            bail!("reading {table} answered {status}: {answer}");
        }
        answer
            .get(0)
            .cloned()
            .with_context(|| format!("{table} has no row {id}"))
    }

    /// Wakes the worker as the clock does.
    pub fn wake(&self) -> Result<StatusCode> {
        let token = ("x-queue-token", self.worker_token.as_str());
        let path = "/functions/v1/process-queued-jobs";
        let (status, answer) = self.send(Method::POST, path, token, "{}".to_owned())?;
        if !status.is_success() {
            bail!("the worker answered {status}: {answer}");
        }
        Ok(status)
    }

    fn send(
        &self,
        method: Method,
        path: &str,
        key: (&str, &str),
        body: String,
    ) -> Result<(StatusCode, Value)> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("content-type", "application/json")
            .header(key.0, key.1)
            .body(Full::new(Bytes::from(body)))?;
        self.runtime.block_on(async {
            let response = self.http.request(request).await?;
            let status = response.status();
            let bytes = response.into_body().collect().await?.to_bytes();
            if bytes.is_empty() {
                return Ok((status, Value::Null));
            }
            let answer = serde_json::from_slice(&bytes).with_context(|| {
                format!("{path} answered {status} with something that is not JSON")
            })?;
            Ok((status, answer))
        })
    }
}
