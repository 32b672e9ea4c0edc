// Stands in for Supabase's edge runtime: runs the function under plain Deno, one isolate per process.
//
//   deno run --allow-net --allow-env tests/stack/serve_function.ts --port N [--function PATH] [--no-edge-runtime]
//
// Gives the function what the runtime gives it beyond Deno: `EdgeRuntime.waitUntil`, which holds the isolate for native
// promises and ignores everything else, and a `beforeunload` event with a reason before the end (here: on SIGTERM).
// `--no-edge-runtime` leaves the first out, as in a Deno that is no edge runtime. Port 0 takes a free one. `--function` names
// another entrypoint than the one that is deployed, as a path from here.

/** What an isolate of the free plan has left when it is told: a tenth of 150 s. */
const GRACE_MS = 15_000;

type ServeArguments = [first: unknown, second?: unknown];

/** What the isolate must not end before. */
const held = new Set<Promise<unknown>>();

/** Gives the function an address of this process's choice, whatever it asks for. */
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

/** The platform's order of events: the isolate is told, its background work may go on for a while, it ends. */
async function retire() {
  dispatchEvent(new CustomEvent("beforeunload", { detail: { reason: "termination" } }));
  setTimeout(() => Deno.exit(0), GRACE_MS);
  while (held.size > 0) await Promise.allSettled(held);
  Deno.exit(0);
}

/** What follows a flag. */
function argument(flag: string): string | undefined {
  const position = Deno.args.indexOf(flag);
  return position < 0 ? undefined : Deno.args[position + 1];
}

chooseAddress(Number(argument("--port") ?? 0));
if (!Deno.args.includes("--no-edge-runtime")) provideEdgeRuntime();
Deno.addSignalListener("SIGTERM", retire);
const other = argument("--function");
// Written out, so that Deno sees it coming and asks for no right to read.
await (other ? import(other) : import("../../supabase/functions/process-queued-jobs/index.ts"));
