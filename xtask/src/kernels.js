import { build } from "./wasm_bytes.js";

/** Wasm that is compiled once, and of which every input gets an instance with a memory of its own. */
class Kernel {
  #bytes;
  #module;

  constructor(bytes) {
    this.#bytes = bytes;
  }

  /** The answer to a frame, whose head and body are given apart. Throws what a trap or exhausted memory throws. */
  run(head, body) {
    this.#module ??= new WebAssembly.Module(this.#bytes());
    const { memory, room, run, result } = new WebAssembly.Instance(this.#module).exports;
    const at = room(head.length + body.length) >>> 0;
    const input = new Uint8Array(memory.buffer, at);
    input.set(head);
    input.set(body, head.length);
    const length = run() >>> 0;
    return new Uint8Array(memory.buffer, result() >>> 0, length);
  }
}

const sources = { images: () => import("./images_bytes.js") };
const kernels = {};

/** The kernel by this name. Called by the worker for the first input. */
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
