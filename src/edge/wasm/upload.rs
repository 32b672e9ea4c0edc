//! Large bodies, sent slice by slice.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Object, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::{QueuingStrategy, ReadableStream, ReadableStreamDefaultController};

use super::http::{set, thrown};
use super::meter::Meter;
use crate::host::{Body, TransportError};

const SLICE_BYTES: usize = 256 << 10;

/// A body on its way, as a stream that takes a slice at a time. It is needed until the request is over.
pub(super) struct Upload {
    pull: Closure<dyn FnMut(ReadableStreamDefaultController) -> Result<(), JsValue>>,
}

impl Upload {
    pub(super) fn of(body: Body, meter: Rc<Meter>) -> Self {
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

    pub(super) fn stream(&self) -> Result<ReadableStream, TransportError> {
        let source = Object::new();
        set(&source, "pull", self.pull.as_ref())?;
        // Nothing is made before it is wanted.
        let strategy = Object::new();
        set(&strategy, "highWaterMark", &0.into())?;
        let strategy: QueuingStrategy = strategy.unchecked_into();
        ReadableStream::new_with_underlying_source_and_strategy(&source, &strategy).map_err(thrown)
    }
}
