// Workers that know the job types of tests/stack/typescript_jobs.ts, and what these tell while they run.

import { startWorker, type Worker } from "./worker.ts";

/** Starts a worker with job types in TypeScript; see `startWorker`. */
export function startTypeScriptWorker(
  change: Record<string, string | undefined> = {},
): Promise<Worker> {
  return startWorker(change, ["--function", "./typescript_jobs.ts"]);
}

/** A server that handlers tell what they do; `wait` is never answered. */
export interface Listener extends AsyncDisposable {
  /** The address for the input of a job. */
  url: string;
  /** What was told, in order. */
  told: string[];
  /** Whether the one who waits has hung up. */
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
