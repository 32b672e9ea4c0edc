// A kernel as the worker's JavaScript loads and runs it: what goes wrong in it stays in it.

import assert from "node:assert/strict";

const BUILT = new URL("../../supabase/functions/process-queued-jobs/worker/", import.meta.url);

/**
 * A module in the place of the kernel of photographs, whose answer is its input. It traps over an input that begins with
 * 1, and takes up 128 MiB over one that begins with 2.
 *
 *     (module (memory (export "memory") 2 2048) (global $length (mut i32) (i32.const 0))
 *       (func (export "room") (param i32) (result i32) local.get 0 global.set $length i32.const 1024)
 *       (func (export "run") (result i32)
 *         i32.const 1024 i32.load8_u i32.const 1 i32.eq if unreachable end
 *         i32.const 1024 i32.load8_u i32.const 2 i32.eq if i32.const 2046 memory.grow drop end
 *         global.get $length)
 *       (func (export "result") (result i32) i32.const 1024))
 */
const ECHO =
  "AGFzbQEAAAABCgJgAAF/YAF/AX8DBAMBAAAFBQEBAoAQBgYBfwFBAAsHIAQGbWVtb3J5AgAEcm9vbQAAA3J1bgABBnJlc3VsdAACCjUDCQAgACQAQYAICyMAQYAILQAAQQFGBEAAC0GACC0AAEECRgRAQf4PQAAaCyMACwUAQYAICw==";

/** The worker's folder with that module in it, of this build or of another. */
async function echoKernel(build?: string) {
  const folder = await Deno.makeTempDir();
  for (const name of ["parts.js", "worker.js", "wasm_bytes.js"]) {
    await Deno.copyFile(new URL(name, BUILT), `${folder}/${name}`);
  }
  const own = (await import(`file://${folder}/wasm_bytes.js`)).build();
  const bytes = `Uint8Array.from(atob("${ECHO}"), (letter) => letter.charCodeAt(0))`;
  const module = `export const wasmBytes = () => ${bytes};
    export const build = () => "${build ?? own}";`;
  await Deno.writeTextFile(`${folder}/images_bytes.js`, module);
  const { loadKernel } = await import(`file://${folder}/parts.js`);
  return {
    load: () => loadKernel("images"),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

const bytes = (...values: number[]) => Uint8Array.of(...values);

Deno.test("a kernel answers a head and a body as one frame", async () => {
  await using echo = await echoKernel();
  const kernel = await echo.load();
  assert.deepEqual(kernel.run(bytes(7, 8), bytes(9)), bytes(7, 8, 9));
  assert.equal(await echo.load(), kernel);
});

Deno.test("an input that a kernel traps over is an error of that input, and the next has a fresh instance", async () => {
  await using echo = await echoKernel();
  const kernel = await echo.load();
  assert.throws(() => kernel.run(bytes(1), bytes()), WebAssembly.RuntimeError);
  assert.deepEqual(kernel.run(bytes(3), bytes(4)), bytes(3, 4));
});

Deno.test("an instance that has grown large answers no more", async () => {
  await using echo = await echoKernel();
  const kernel = await echo.load();
  const memoryAfter = (first: number) => kernel.run(bytes(first), bytes()).buffer.byteLength;
  const small = memoryAfter(3);
  assert.ok(memoryAfter(2) > 64 << 20);
  assert.equal(memoryAfter(3), small);
});

Deno.test("a kernel of another build is not loaded", async () => {
  await using echo = await echoKernel("another");
  await assert.rejects(echo.load(), /restart the function/);
});
