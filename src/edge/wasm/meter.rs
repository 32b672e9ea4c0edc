//! How much CPU time the worker takes. An isolate cannot ask, so the stretches are measured in which the worker
//! has the isolate to itself, and requests, whose work the runtime does on its own, are reckoned.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::clock::now_ms;
use crate::host::Kernel;

/// What sending a request and reading a small answer takes besides what is measured: `fetch` of Deno 2.1.4 to PostgREST
/// takes 0.19 to 0.24 ms of CPU.
const REQUEST_MS: f64 = 0.2;
/// What the runtime takes for each MiB of a photograph that is fetched or sent, besides what is measured; reckoned from
/// `cargo xtask bench visit --deno edge`.
const MEBIBYTE_MS: f64 = 1.5;
/// What loading the chunk takes, none of it in a poll: 7 to 12 ms of CPU under Deno 2.1.4 to import, decode and
/// compile it.
const CHUNK_MS: f64 = 10.0;

/// What importing a kernel takes; compiling it is measured.
const KERNEL_MS: f64 = 15.0;

/// The CPU time of one isolate.
pub(super) struct Meter {
    used_ms: Cell<f64>,
    has_chunk: Cell<bool>,
    has_image_kernel: Cell<bool>,
    has_document_kernel: Cell<bool>,
    stretch_since_ms: Cell<Option<f64>>,
}

impl Meter {
    /// Begins with the time the isolate has lived so far: it went into loading this module.
    pub(super) fn new() -> Self {
        Self {
            used_ms: Cell::new(now_ms()),
            has_chunk: Cell::new(false),
            has_image_kernel: Cell::new(false),
            has_document_kernel: Cell::new(false),
            stretch_since_ms: Cell::new(None),
        }
    }

    /// Milliseconds so far.
    pub(super) fn used_ms(&self) -> f64 {
        let stretch_ms = self
            .stretch_since_ms
            .get()
            .map(|since_ms| now_ms() - since_ms);
        self.used_ms.get() + stretch_ms.unwrap_or_default()
    }

    /// A request is sent.
    pub(super) fn add_request(&self) {
        self.add_ms(REQUEST_MS);
    }

    /// So many bytes went through the runtime.
    pub(super) fn add_bytes(&self, bytes: usize) {
        self.add_ms(bytes as f64 / f64::from(1 << 20) * MEBIBYTE_MS);
    }

    /// A job needs the chunk, which the isolate loads once.
    pub(super) fn add_chunk(&self) {
        self.add_once(&self.has_chunk, CHUNK_MS);
    }

    /// A job needs a kernel, which the isolate loads once.
    pub(super) fn add_kernel(&self, kernel: Kernel) {
        let was_added = match kernel {
            Kernel::Images => &self.has_image_kernel,
            Kernel::Documents => &self.has_document_kernel,
        };
        self.add_once(was_added, KERNEL_MS);
    }

    /// Measures what is done while no future is polled.
    pub(super) fn measure<T>(&self, work: impl FnOnce() -> T) -> T {
        self.begin();
        let done = work();
        self.end();
        done
    }

    fn add_once(&self, was_added: &Cell<bool>, ms: f64) {
        if !was_added.replace(true) {
            self.add_ms(ms);
        }
    }

    fn add_ms(&self, ms: f64) {
        self.used_ms.update(|used_ms| used_ms + ms);
    }

    fn begin(&self) {
        self.stretch_since_ms.set(Some(now_ms()));
    }

    fn end(&self) {
        self.used_ms.set(self.used_ms());
        self.stretch_since_ms.set(None);
    }
}

/// A future whose every poll is measured.
pub(super) struct Metered<F> {
    future: Pin<Box<F>>,
    meter: Rc<Meter>,
}

impl<F> Metered<F> {
    pub(super) fn new(future: F, meter: Rc<Meter>) -> Self {
        Self {
            future: Box::pin(future),
            meter,
        }
    }
}

impl<F: Future> Future for Metered<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<F::Output> {
        self.meter.begin();
        let polled = self.future.as_mut().poll(task);
        self.meter.end();
        polled
    }
}
