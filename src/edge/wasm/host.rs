//! HTTP, the clock and the log of a Deno isolate.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::pin::pin;
use std::rc::Rc;

use futures_util::future::{Either, select};
use gloo_net::http::{Request, Response};
use gloo_timers::future::TimeoutFuture;
use js_sys::{Object, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, QueuingStrategy, ReadableStream, ReadableStreamDefaultController,
    ReadableStreamDefaultReader, ReadableStreamReadResult, RequestInit, RequestRedirect,
};

use super::meter::Meter;
use crate::config::Config;
use crate::host::{Body, Host, HttpRequest, HttpResponse, Method, TransportError};

/// A larger body is sent as a stream, without a length: V8 and Deno hold what is sent at once four times.
const MOST_BYTES_AT_ONCE: usize = 4 << 20;
const SLICE_BYTES: usize = 256 << 10;
/// Secret keys are refused for what looks like a browser.
const USER_AGENT: &str = concat!("pretium-queue/", env!("CARGO_PKG_VERSION"));

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;
}

/// The world as it is on the edge. Calls to PostgREST are requests like any other: the crate `postgrest` would
/// bring a second HTTP client and a URL parser, a fifth of the module, and 5 ms to every cold start.
pub(super) struct EdgeHost {
    rest_url: String,
    headers: Vec<(String, String)>,
    meter: Rc<Meter>,
}

impl EdgeHost {
    pub(super) fn new(config: &Config, meter: &Rc<Meter>) -> Self {
        let key = config.database_key.expose();
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut headers = vec![
            header("user-agent", USER_AGENT),
            header("content-type", "application/json"),
            header("apikey", key),
        ];
        // A key of the new kind is no JWT: as a bearer token it is refused. One of the old kind is needed there.
        if !key.starts_with("sb_") {
            headers.push(header("authorization", &format!("Bearer {key}")));
        }
        Self {
            rest_url: format!("{}/rest/v1/rpc", config.supabase_url),
            headers,
            meter: meter.clone(),
        }
    }

    /// The request by which a function of the database is called.
    pub(super) fn rpc_request(
        &self,
        function: &str,
        arguments: String,
        timeout_ms: u32,
    ) -> HttpRequest {
        HttpRequest {
            method: Method::Post,
            url: format!("{}/{function}", self.rest_url),
            headers: self.headers.clone(),
            body: Some(arguments.into()),
            timeout_ms,
            max_response_bytes: usize::MAX,
        }
    }
}

thread_local! {
    /// The latest time told, and how far the isolate's clock has gone back so far.
    static CLOCK: Cell<(f64, f64)> = const { Cell::new((0.0, 0.0)) };
}

/// Milliseconds since the isolate's start, by a clock that never goes back: where the isolate's own does, against
/// its specification, it goes on from where it was.
pub(super) fn now_ms() -> f64 {
    let (latest, back) = CLOCK.get();
    let read = performance_now();
    let back = back.max(latest - read);
    CLOCK.set((read + back, back));
    read + back
}

impl Host for EdgeHost {
    async fn rpc(
        &self,
        function: &str,
        arguments: String,
        timeout_ms: u32,
    ) -> Result<HttpResponse, TransportError> {
        let request = self.rpc_request(function, arguments, timeout_ms);
        // The queue's answers are as large as its claims are, so they are taken whole.
        answer(&self.meter, request, async |response| {
            response.binary().await.map_err(|error| failed(&error))
        })
        .await
    }

    async fn fetch(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let most_bytes = request.max_response_bytes;
        answer(&self.meter, request, async |response| {
            // All of it at once where its length is known: what grows needs its size twice.
            let length = content_length(response);
            if length > most_bytes {
                return Err(TransportError::TooLarge);
            }
            let mut whole = Vec::with_capacity(length);
            body(response, most_bytes, |piece| {
                let start = whole.len();
                whole.resize(start + piece.length() as usize, 0);
                piece.copy_to(&mut whole[start..]);
            })
            .await?;
            self.meter.add_bytes(whole.len());
            Ok(whole)
        })
        .await
    }

    async fn fetch_in_pieces(
        &self,
        request: HttpRequest,
        mut on_piece: impl FnMut(&[u8]),
    ) -> Result<HttpResponse, TransportError> {
        let most_bytes = request.max_response_bytes;
        answer(&self.meter, request, async |response| {
            body(response, most_bytes, |piece| on_piece(&piece.to_vec())).await?;
            Ok(Vec::new())
        })
        .await
    }

    fn now_ms(&self) -> u64 {
        now_ms() as u64
    }

    fn unix_seconds(&self) -> u64 {
        (js_sys::Date::now() / 1_000.0) as u64
    }

    fn cpu_us(&self) -> u64 {
        (self.meter.used_ms() * 1_000.0) as u64
    }

    fn memory_bytes(&self) -> u64 {
        let memory: js_sys::WebAssembly::Memory = wasm_bindgen::memory().unchecked_into();
        let buffer: js_sys::ArrayBuffer = memory.buffer().unchecked_into();
        buffer.byte_length().into()
    }

    async fn sleep_ms(&self, milliseconds: u32) {
        // A longer timer than this ends at once.
        let longest = i32::MAX.unsigned_abs();
        TimeoutFuture::new(milliseconds.min(longest)).await;
    }

    fn log(&self, message: &str) {
        web_sys::console::log_1(&message.into());
    }
}

/// Sends a request and reads its answer with `read`, all within its time.
async fn answer(
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
            headers: response.headers().entries().collect(),
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
    let headers = web_sys::Headers::new().map_err(thrown)?;
    for (name, value) in &request.headers {
        headers.set(name, value).map_err(thrown)?;
    }
    let init = RequestInit::new();
    init.set_method(match request.method {
        Method::Get => "GET",
        Method::Post => "POST",
    });
    init.set_headers(&headers);
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
        Some(body) => init.set_body(&body.to_string().into()),
        None => {}
    }
    if request.carries_key() {
        init.set_redirect(RequestRedirect::Manual);
    }
    // Not gloo-net's own builder: it takes the address apart and writes its query anew, and some are signed.
    let built = web_sys::Request::new_with_str_and_init(&request.url, &init).map_err(thrown)?;
    let sent = Request::from(built).send().await;
    Ok((sent.map_err(|error| failed(&error))?, upload))
}

/// A body on its way, as a stream that takes a slice at a time. It is needed until the request is over.
struct Upload {
    pull: Closure<dyn FnMut(ReadableStreamDefaultController) -> Result<(), JsValue>>,
}

impl Upload {
    fn of(body: Body, meter: Rc<Meter>) -> Self {
        let slices = RefCell::new(body.slices(SLICE_BYTES));
        let pull = move |controller: ReadableStreamDefaultController| {
            meter.measure(|| match slices.borrow_mut().next() {
                Some(slice) => controller.enqueue_with_chunk(&Uint8Array::from(slice.as_slice())),
                None => controller.close(),
            })
        };
        Self {
            pull: Closure::new(pull),
        }
    }

    fn stream(&self) -> Result<ReadableStream, TransportError> {
        let source = Object::new();
        set(&source, "pull", self.pull.as_ref())?;
        // Nothing is made before it is wanted.
        let strategy = Object::new();
        set(&strategy, "highWaterMark", &0.into())?;
        let strategy: QueuingStrategy = strategy.unchecked_into();
        ReadableStream::new_with_underlying_source_and_strategy(&source, &strategy).map_err(thrown)
    }
}

fn set(object: &Object, name: &str, value: &JsValue) -> Result<(), TransportError> {
    Reflect::set(object, &name.into(), value).map_err(thrown)?;
    Ok(())
}

/// What the answer says of its length; it need not, and it is no promise.
fn content_length(response: &Response) -> usize {
    let length = response.headers().get("content-length");
    length.and_then(|length| length.parse().ok()).unwrap_or(0)
}

/// Reads as it comes, so that an answer that is too long never takes more than its share of memory.
async fn body(
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

/// A request whose future is dropped is aborted. Without a reason: gloo-net panics over one that is no `Error`.
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

fn failed(error: &dyn Error) -> TransportError {
    let mut reason = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        reason = format!("{reason}: {error}");
        cause = error.source();
    }
    TransportError::failed(&reason)
}

/// JavaScript can throw anything.
fn thrown(value: JsValue) -> TransportError {
    let reason = match value.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => value.as_string().unwrap_or_else(|| "unknown".into()),
    };
    TransportError::failed(&reason)
}
