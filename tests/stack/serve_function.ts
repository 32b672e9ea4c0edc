// Stands in for Supabase's edge runtime: runs the function under plain Deno, one isolate per process.
//
//   deno run --allow-net --allow-env tests/stack/serve_function.ts --port N [--function PATH] [--no-edge-runtime]
//
// Adds what the edge runtime has beyond Deno: `EdgeRuntime.waitUntil`, which keeps the isolate alive for native
// promises and ignores everything else, and the event `beforeunload` with a reason before the end (here: on SIGTERM).
// `--no-edge-runtime` leaves out `EdgeRuntime`, as in plain Deno. Port 0 takes a free port. `--function` names another
// entrypoint, as a path from here.

/** How long an isolate of the free plan has after `beforeunload`: a tenth of 150 s. */
const GRACE_MS = 15_000;

type ServeArguments = [first: unknown, second?: unknown];

/** The promises that keep the isolate alive. */
const held = new Set<Promise<unknown>>();

/** Makes `Deno.serve` listen where this process says, whatever the function asks for. */
function chooseAddress(port: number) {
  const serve = Deno.serve as (
    options: Deno.ServeTcpOptions,
    handler: Deno.ServeHandler,
  ) => Deno.HttpServer;
  const patched = (...[first, second]: ServeArguments) => {
    const handler = [second, first, (first as { handler?: unknown })?.handler]
      .find((candidate) => typeof candidate === "function") as Deno.ServeHandler;
    const onListen = (address: Deno.NetAddr) =>
      console.log(`listening on http://127.0.0.1:${address.port}`);
    return serve({ hostname: "127.0.0.1", port, onListen }, handler);
  };
  Object.assign(Deno, { serve: patched });
}

function provideEdgeRuntime() {
  const waitUntil = (work: unknown) => {
    if (!(work instanceof Promise)) return;
    held.add(work);
    work.finally(() => held.delete(work)).catch(() => {});
  };
  Object.assign(globalThis, { EdgeRuntime: { waitUntil } });
}

/** Ends the isolate as the platform does: `beforeunload`, a while for background work, the end. */
async function retire() {
  dispatchEvent(new CustomEvent("beforeunload", { detail: { reason: "termination" } }));
  setTimeout(() => Deno.exit(0), GRACE_MS);
  while (held.size > 0) await Promise.allSettled(held);
  Deno.exit(0);
}

/** The value after a flag. */
function argument(flag: string): string | undefined {
  const position = Deno.args.indexOf(flag);
  return position < 0 ? undefined : Deno.args[position + 1];
}

chooseAddress(Number(argument("--port") ?? 0));
if (!Deno.args.includes("--no-edge-runtime")) provideEdgeRuntime();
Deno.addSignalListener("SIGTERM", retire);
const other = argument("--function");
// A literal path, which Deno can import without the right to read.
await (other ? import(other) : import("../../supabase/functions/process-queued-jobs/index.ts"));
