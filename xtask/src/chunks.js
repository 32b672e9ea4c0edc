import { build } from "./wasm_bytes.js";
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
  const chunk = await import("./report_bytes.js");
  // A later build may have taken the place of the one that runs here. Its code would read this one's memory wrongly.
  if (chunk.build() !== build()) {
    throw new Error("the files are of another build: restart the function");
  }
  await WebAssembly.instantiate(chunk.wasmBytes(), { __wasm_split: initSync() });
}
