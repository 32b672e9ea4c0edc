// What the worker loads when it first needs it: the rest of its own code, and kernels.

import { build } from "./wasm_bytes.js";
import { initSync } from "./worker.js";

/** Called by the worker for its first report; `callback` is told by its number in the worker's table of functions. */
export async function __wasm_split_load_report(callback, data) {
  const isLoaded = await load("report", joinWorker).then(() => true, () => false);
  initSync().__indirect_function_table.get(callback)(data, isLoaded);
}

/** The kernel by this name. */
export function loadKernel(name) {
  return load(name, (wasmBytes) => new Kernel(wasmBytes));
}

const sources = {
  report: () => import("./report_bytes.js"),
  images: () => import("./images_bytes.js"),
  documents: () => import("./documents_bytes.js"),
};
const parts = {};

/** What `make` makes of the part's bytes, once: code that joins the worker twice would reset what it keeps in memory. */
async function load(name, make) {
  const part = parts[name] ??= read(name).then(make);
  try {
    return await part;
  } catch (error) {
    // The next call tries again, unless one has begun to.
    if (parts[name] === part) parts[name] = undefined;
    console.error("a part of the worker could not be loaded:", error);
    throw error;
  }
}

/** A later build may have taken the place of the one that runs here, whose memory it would read wrongly. */
async function read(name) {
  const source = await sources[name]();
  if (source.build() === build()) return source.wasmBytes;
  throw new Error("the files are of another build: restart the function");
}

function joinWorker(wasmBytes) {
  return WebAssembly.instantiate(wasmBytes(), { __wasm_split: initSync() });
}

/** An instance whose memory has grown beyond this, which it never gives back, answers no more. */
const MOST_BYTES_KEPT = 64 << 20;

/** Wasm beside the worker's, compiled once, with a memory of its own. */
class Kernel {
  #bytes;
  #module;
  #instance;

  constructor(bytes) {
    this.#bytes = bytes;
  }

  /**
   * The answer to a frame, whose head and body are given apart. Throws what a trap or exhausted memory throws: that
   * instance is gone with it. One that has answered answers the next: V8 may leave the memory of twenty unused ones lying
   * about before it takes it back.
   */
  run(head, body) {
    this.#module ??= new WebAssembly.Module(this.#bytes());
    const instance = this.#instance ?? new WebAssembly.Instance(this.#module);
    this.#instance = undefined;
    const { memory, room, run, result } = instance.exports;
    const at = room(head.length + body.length) >>> 0;
    const input = new Uint8Array(memory.buffer, at);
    input.set(head);
    input.set(body, head.length);
    const length = run() >>> 0;
    if (memory.buffer.byteLength <= MOST_BYTES_KEPT) this.#instance = instance;
    return new Uint8Array(memory.buffer, result() >>> 0, length);
  }
}
