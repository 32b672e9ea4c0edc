//! HTTP over the isolate's `fetch`.

use std::pin::pin;
use std::rc::Rc;

use futures_util::future::{Either, select};
use gloo_net::http::Headers;
use gloo_timers::future::TimeoutFuture;
use js_sys::{Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, ReadableStreamDefaultReader, ReadableStreamReadResult, RequestInit,
    RequestRedirect, Response,
};

use super::meter::Meter;
use super::upload::Upload;
use crate::host::{HttpRequest, HttpResponse, Method, TransportError};

/// A larger body is sent as a stream, without a length: V8 and Deno hold what is sent at once four times.
const MOST_BYTES_AT_ONCE: usize = 4 << 20;

#[wasm_bindgen]
extern "C" {
    // gloo-net's own `send` and `binary` panic over anything thrown that is no `Error`, and a job type in TypeScript
    // may have put a function of its own in the place of `fetch`.
    #[wasm_bindgen(catch, js_name = fetch)]
    fn fetch(url: &str, init: &RequestInit) -> Result<Promise, JsValue>;
}

/// Sends a request and reads its answer with `read`, all within its time.
pub(super) async fn answer(
    meter: &Rc<Meter>,
    request: HttpRequest,
    read: impl AsyncFnOnce(&Response) -> Result<Vec<u8>, TransportError>,
) -> Result<HttpResponse, TransportError> {
    meter.add_request();
    let abort = AbortOnDrop::new()?;
    let timeout_ms = request.timeout_ms;
    let answer = async {
        let (response, _upload) = send(request, &abort, meter).await?;
        Ok(HttpResponse {
            status: response.status(),
            headers: Headers::from_raw(response.headers()).entries().collect(),
            body: read(&response).await?,
        })
    };
    match select(pin!(answer), TimeoutFuture::new(timeout_ms)).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err(TransportError::TimedOut),
    }
}

async fn send(
    mut request: HttpRequest,
    abort: &AbortOnDrop,
    meter: &Rc<Meter>,
) -> Result<(Response, Option<Upload>), TransportError> {
    let init = RequestInit::new();
    init.set_method(match request.method {
        Method::Get => "GET",
        Method::Post => "POST",
    });
    init.set_headers(&headers(&request)?.into_raw());
    init.set_signal(Some(&abort.0.signal()));
    // From here on JavaScript has it; a body of photographs is not to be in memory twice.
    let mut upload = None;
    match request.body.take() {
        Some(body) if body.len() > MOST_BYTES_AT_ONCE => {
            meter.add_bytes(body.len());
            let body = Upload::of(body, meter.clone());
            init.set_body(body.stream()?.as_ref());
            set(&init, "duplex", &"half".into())?;
            upload = Some(body);
        }
        Some(body) => init.set_body(&Uint8Array::from(body.into_bytes().as_slice())),
        None => {}
    }
    init.set_redirect(RequestRedirect::Manual);
    // Not gloo-net's own builder: it takes the address apart and writes its query anew, and some are signed.
    let response = JsFuture::from(fetch(&request.url, &init).map_err(thrown)?).await;
    let response = response.map_err(thrown)?.dyn_into().map_err(thrown)?;
    Ok((response, upload))
}

/// What JavaScript says against a header shows its value, which may be a key.
fn headers(request: &HttpRequest) -> Result<Headers, TransportError> {
    let headers = web_sys::Headers::new().map_err(thrown)?;
    for (name, value) in &request.headers {
        let refused = |_| TransportError::failed(&format!("the header {name} cannot be sent"));
        headers.set(name, value).map_err(refused)?;
    }
    Ok(Headers::from_raw(headers))
}

/// Reads the whole body at once.
pub(super) async fn whole(response: &Response) -> Result<Vec<u8>, TransportError> {
    let buffer = JsFuture::from(response.array_buffer().map_err(thrown)?).await;
    Ok(Uint8Array::new(&buffer.map_err(thrown)?).to_vec())
}

/// Reads the body as it comes, so that one that is too long never takes more than its share of memory.
pub(super) async fn body(
    response: &Response,
    most_bytes: usize,
    mut on_piece: impl FnMut(&Uint8Array),
) -> Result<(), TransportError> {
    let Some(stream) = response.body() else {
        return Ok(());
    };
    let reader = ReadableStreamDefaultReader::new(&stream).map_err(thrown)?;
    let mut bytes = 0;
    loop {
        let read = JsFuture::from(reader.read()).await.map_err(thrown)?;
        let read: ReadableStreamReadResult = read.unchecked_into();
        if read.get_done().unwrap_or(false) {
            return Ok(());
        }
        let piece = Uint8Array::new(&read.get_value());
        bytes += piece.length() as usize;
        if bytes > most_bytes {
            return Err(TransportError::TooLarge);
        }
        on_piece(&piece);
    }
}

/// What the answer says of its length; it need not, and it is no promise.
pub(super) fn content_length(response: &Response) -> usize {
    let length = Headers::from_raw(response.headers()).get("content-length");
    length.and_then(|length| length.parse().ok()).unwrap_or(0)
}

/// A request whose future is dropped is aborted.
struct AbortOnDrop(AbortController);

impl AbortOnDrop {
    fn new() -> Result<Self, TransportError> {
        AbortController::new().map(Self).map_err(thrown)
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub(super) fn set(object: &Object, name: &str, value: &JsValue) -> Result<(), TransportError> {
    Reflect::set(object, &name.into(), value).map_err(thrown)?;
    Ok(())
}

/// JavaScript can throw anything.
pub(super) fn thrown(value: JsValue) -> TransportError {
    let reason = match value.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => value.as_string().unwrap_or_else(|| "unknown".into()),
    };
    TransportError::failed(&reason)
}
