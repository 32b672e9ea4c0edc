// The worker: waking the stack's own, and starting more of them with another environment.

import { stack } from "./stack.ts";

/** The stack's own worker, through the gateway. */
export const WORKER_URL = `${stack.url}/functions/v1/process-queued-jobs`;

/** What a run answers to `{"wait": true}`. */
export interface RunReport {
  claimed: number;
  completed: number;
  retried: number;
  failed: number;
  released: number;
  stopped: string;
  unavailable: Record<string, string>;
  error?: string;
}

/** Wakes a worker and waits until its run is over. */
export async function wakeAndWait(url = WORKER_URL): Promise<RunReport> {
  const response = await wake({ url, body: { wait: true } });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`the worker answered ${response.status}: ${text}`);
  return JSON.parse(text);
}

/** Posts to a worker as the database does. */
export function wake(
  { url = WORKER_URL, token = stack.workerToken, body, signal }: {
    url?: string;
    token?: string;
    body?: unknown;
    signal?: AbortSignal;
  } = {},
): Promise<Response> {
  return fetch(url, {
    method: "POST",
    headers: { "x-queue-token": token, "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal,
  });
}

/** A worker process that a test has started. */
export interface Worker {
  url: string;
  pid: number;
  /** Everything it has written so far to both streams. */
  output: () => string;
  /** Ends it at once, as a crash would: no signal handler runs. */
  kill: () => Promise<void>;
  /** Asks it to end, as the platform does. */
  stop: () => Promise<void>;
  /** Resolves when it has ended, for whatever reason, and all that it wrote has been read. */
  ended: Promise<Deno.CommandStatus>;
}

/**
 * Starts a worker with the stack's environment changed by `change`; undefined unsets a variable.
 * `flags` go to serve_function.ts, `denoFlags` to Deno.
 */
export function startWorker(
  change: Record<string, string | undefined> = {},
  flags: string[] = [],
  denoFlags: string[] = [],
): Promise<Worker> {
  const args = workerArguments(flags, denoFlags);
  return startProcess(stack.deno, args, { ...stack.functionEnv, ...change });
}

/** How Deno runs the function on a free port. */
function workerArguments(flags: string[], denoFlags: string[]): string[] {
  const serveFunction = new URL("../stack/serve_function.ts", import.meta.url).pathname;
  const rights = ["--no-prompt", "--allow-net", "--allow-env", "--allow-read"];
  const deno = ["run", "--quiet", "--no-check", ...rights, ...denoFlags];
  return [...deno, serveFunction, "--port", "0", ...flags];
}

/** Starts a Deno process that prints `listening on <url>`, with exactly this environment. */
export async function startProcess(
  deno: string,
  args: string[],
  env: Record<string, string | undefined>,
): Promise<Worker> {
  const set = Object.entries(env).filter((entry): entry is [string, string] =>
    entry[1] !== undefined
  );
  const child = new Deno.Command(deno, {
    args,
    cwd: new URL("../..", import.meta.url).pathname,
    clearEnv: true,
    env: { NO_COLOR: "1", HOME: Deno.env.get("HOME") ?? "/", ...Object.fromEntries(set) },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = { text: "", url: Promise.withResolvers<string>() };
  const read = Promise.all([collect(child.stdout, output), collect(child.stderr, output)]);
  // A process that ends without listening must not be waited for.
  read.then(() => output.url.reject(new Error(`the worker did not start: ${output.text}`)));
  const end = async (signal: Deno.Signal) => {
    try {
      child.kill(signal);
    } catch (error) {
      // It has ended by itself.
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
    await child.status;
    await read;
  };
  return {
    url: await output.url.promise,
    pid: child.pid,
    output: () => output.text,
    kill: () => end("SIGKILL"),
    stop: () => end("SIGTERM"),
    ended: read.then(() => child.status),
  };
}

/** Starts a worker, hands it to `use`, and ends it whatever happens. */
export async function withWorker<T>(
  change: Record<string, string | undefined>,
  use: (worker: Worker) => Promise<T>,
): Promise<T> {
  const worker = await startWorker(change);
  try {
    return await use(worker);
  } finally {
    await worker.kill();
  }
}

async function collect(
  stream: ReadableStream<Uint8Array>,
  into: { text: string; url: PromiseWithResolvers<string> },
) {
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    into.text += text;
    const listening = into.text.match(/listening on (http:\/\/127\.0\.0\.1:\d+)/);
    if (listening) into.url.resolve(listening[1]);
  }
}
