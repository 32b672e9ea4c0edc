import { initSync } from "./worker.js";

let report;

/** Called by the worker for its first report; `callback` is told by its number in the worker's table of functions. */
export async function __wasm_split_load_report(callback, data) {
  let isLoaded = true;
  try {
    // Twice would reset what the chunk keeps in memory.
    await (report ??= load());
  } catch (error) {
    report = undefined;
    isLoaded = false;
    console.error("a part of the worker could not be loaded:", error);
  }
  initSync().__indirect_function_table.get(callback)(data, isLoaded);
}

async function load() {
  const { wasmBytes } = await import("./report_bytes.js");
  await WebAssembly.instantiate(wasmBytes(), { __wasm_split: initSync() });
}
