import { build } from "./wasm_bytes.js";

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

const sources = { images: () => import("./images_bytes.js") };
const kernels = {};

/** The kernel by this name, loaded once. */
export async function loadKernel(name) {
  try {
    return await (kernels[name] ??= load(name));
  } catch (error) {
    kernels[name] = undefined;
    console.error("a part of the worker could not be loaded:", error);
    throw error;
  }
}

async function load(name) {
  const part = await sources[name]();
  if (part.build() !== build()) {
    throw new Error("the files are of another build: restart the function");
  }
  return new Kernel(part.wasmBytes);
}
