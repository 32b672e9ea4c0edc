/** Decodes the Wasm. Much the quickest way where `Uint8Array.fromBase64` is missing: see ARCHITECTURE.md. */
export function wasmBytes() {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(ENCODED);
  const binary = atob(ENCODED);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
