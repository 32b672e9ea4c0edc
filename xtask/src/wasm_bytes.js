import { Buffer } from "node:buffer";

/** Decodes the Wasm. In a cold isolate a loop over `atob`'s characters takes ten times as long. */
export function wasmBytes() {
  return Buffer.from(ENCODED, "base64");
}

/** The same for all parts of one build. */
export function build() {
  return BUILD;
}
