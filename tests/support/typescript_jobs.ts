// Workers with the job types of tests/stack/typescript_jobs.ts, and a server that these report to.

import { startWorker, type Worker } from "./worker.ts";

/** Starts a worker with job types in TypeScript; see `startWorker`. */
export function startTypeScriptWorker(
  change: Record<string, string | undefined> = {},
): Promise<Worker> {
  return startWorker(change, ["--function", "./typescript_jobs.ts"]);
}

/** The server that handlers report to; it never answers `wait`. */
export interface Listener extends AsyncDisposable {
  /** The address for the input of a job. */
  url: string;
  /** The reports, in order. */
  told: string[];
  /** Whether the caller of `wait` has hung up. */
  hasHungUp: () => boolean;
}

/** Listens on a port of its own. */
export function listen(): Listener {
  const told: string[] = [];
  let hungUp = false;
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  const stop = new AbortController();
  const server = Deno.serve({ ...options, signal: stop.signal }, (request) => {
    const what = new URL(request.url).pathname.slice(1);
    told.push(what);
    if (what !== "wait") return new Response();
    request.signal.addEventListener("abort", () => hungUp = true);
    return new Promise<Response>(() => {});
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    told,
    hasHungUp: () => hungUp,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await server.finished;
    },
  };
}
