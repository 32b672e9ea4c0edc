//! Wasm modules beside the worker, with memories of their own. `xtask/src/parts.js` loads and runs them.

use std::rc::Rc;

use js_sys::{Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::meter::Meter;
use crate::host::{ComputeError, Kernel};

#[wasm_bindgen(raw_module = "./parts.js")]
extern "C" {
    #[wasm_bindgen(js_name = loadKernel)]
    fn load_kernel(name: &str) -> Promise;

    #[wasm_bindgen(js_name = Kernel)]
    type LoadedKernel;

    #[wasm_bindgen(method, catch)]
    fn run(this: &LoadedKernel, head: &[u8], body: &[u8]) -> Result<Uint8Array, JsValue>;
}

/// The answer of a kernel. Its work happens while the job is polled, so that it is measured as the job's.
pub(super) async fn compute(
    meter: &Rc<Meter>,
    kernel: Kernel,
    head: &[u8],
    body: &[u8],
) -> Result<Vec<u8>, ComputeError> {
    meter.add_kernel(kernel);
    let loaded = JsFuture::from(load_kernel(name(kernel))).await;
    let loaded: LoadedKernel = loaded
        .map_err(|_| ComputeError::NotLoaded)?
        .unchecked_into();
    let answer = loaded.run(head, body).map_err(|_| ComputeError::Stopped)?;
    Ok(answer.to_vec())
}

fn name(kernel: Kernel) -> &'static str {
    match kernel {
        Kernel::Images => "images",
        Kernel::Documents => "documents",
    }
}
