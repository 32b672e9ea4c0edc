//! What the worker needs from a Deno isolate.

use std::rc::Rc;

use gloo_timers::future::TimeoutFuture;
use wasm_bindgen::prelude::*;

use super::clock;
use super::http::{self, answer, content_length};
use super::kernels;
use super::meter::Meter;
use super::rpc::RpcBuilder;
use crate::config::Config;
use crate::host::{ComputeError, Host, HttpRequest, HttpResponse, Kernel, TransportError};

/// The world as it is on the edge.
pub(super) struct EdgeHost {
    rpc: RpcBuilder,
    meter: Rc<Meter>,
}

impl EdgeHost {
    pub(super) fn new(config: &Config, meter: &Rc<Meter>) -> Self {
        Self {
            rpc: RpcBuilder::new(config),
            meter: meter.clone(),
        }
    }
}

impl Host for EdgeHost {
    async fn rpc(
        &self,
        function: &str,
        arguments: String,
        timeout_ms: u32,
    ) -> Result<HttpResponse, TransportError> {
        let request = self.rpc.request(function, arguments, timeout_ms)?;
        // The queue's answers are as large as its claims are, so they are taken whole.
        answer(&self.meter, request, http::whole).await
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
            http::body(response, most_bytes, |piece| {
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
            http::body(response, most_bytes, |piece| on_piece(&piece.to_vec())).await?;
            Ok(Vec::new())
        })
        .await
    }

    async fn compute(
        &self,
        kernel: Kernel,
        head: &[u8],
        body: &[u8],
    ) -> Result<Vec<u8>, ComputeError> {
        kernels::compute(&self.meter, kernel, head, body).await
    }

    fn now_ms(&self) -> u64 {
        clock::now_ms() as u64
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
