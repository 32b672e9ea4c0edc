//! The isolate's clock.

use std::cell::Cell;

use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;
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
