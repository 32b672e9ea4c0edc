//! What crosses the boundary to `serve.ts` apart from jobs: plain objects, as JSON would make them.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::*;

use crate::config::ConfigError;
use crate::edge::endpoint::Answer;
use crate::host::HttpRequest;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** What to answer over HTTP. */
export interface Answer {
  status: number;
  content_type: string;
  /** The value of the header `allow`, if it is due. */
  allow: string | null;
  /** The value of the header `retry-after`, if it is due. */
  retry_after: number | null;
  /** Text as it is, anything else as JSON. */
  body: unknown;
}

/** What a caller's body asks for. */
export interface Order {
  /** The caller waits for the end of the run. */
  wait: boolean;
  /** The answer to a body that makes no sense: no run is started. */
  refusal: Answer | null;
}

/** A request to the database that JavaScript sends, because the worker no longer can. */
export interface LastWords {
  url: string;
  headers: [string, string][];
  body: string;
}
"#;

/// `Order` in TypeScript.
#[derive(Serialize)]
pub(super) struct Order {
    pub(super) wait: bool,
    pub(super) refusal: Option<Answer>,
}

/// `LastWords` in TypeScript.
#[derive(Serialize)]
pub(super) struct LastWords {
    url: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl From<HttpRequest> for LastWords {
    fn from(request: HttpRequest) -> Self {
        Self {
            url: request.url,
            headers: request.headers,
            body: request.body.map_or_else(String::new, |body| {
                String::from_utf8(body.into_bytes()).unwrap_or_default()
            }),
        }
    }
}

/// The object that `value` is in JavaScript.
///
/// # Errors
/// When it holds a number that JavaScript cannot.
pub(super) fn to_js(value: &impl Serialize) -> Result<JsValue, JsValue> {
    Ok(value.serialize(&Serializer::json_compatible())?)
}

/// The environment, by name.
///
/// # Errors
/// When it holds something else than texts.
pub(super) fn variables(environment: JsValue) -> Result<BTreeMap<String, String>, ConfigError> {
    serde_wasm_bindgen::from_value(environment).map_err(|_| ConfigError {
        variable: "environment",
        expected: "expected an object of texts by name, as Deno.env.toObject() gives".into(),
    })
}
