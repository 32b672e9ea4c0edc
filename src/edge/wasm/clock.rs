//! The isolate's clock.

use std::cell::Cell;

use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    type Performance;

    // Kept: each look-up of a global goes through Deno's interceptor, which walks the stack to find out who asks.
    #[wasm_bindgen(thread_local_v2, js_name = performance)]
    static PERFORMANCE: Performance;

    #[wasm_bindgen(method)]
    fn now(this: &Performance) -> f64;
}

thread_local! {
    /// The latest time told, and how far the isolate's clock has gone back so far.
    static CLOCK: Cell<(f64, f64)> = const { Cell::new((0.0, 0.0)) };
}

/// Milliseconds since the isolate's start, by a clock that never goes back: where the isolate's own does, against
/// its specification, it goes on from where it was.
pub(super) fn now_ms() -> f64 {
    let (latest, back) = CLOCK.get();
    let read = PERFORMANCE.with(Performance::now);
    let back = back.max(latest - read);
    CLOCK.set((read + back, back));
    read + back
}
