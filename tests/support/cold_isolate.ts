// A worker as it is in an isolate that has just started: a copy of its modules that nobody has imported before, in this
// process, with a scripted database. One at a time: it takes the place of `fetch` and of the clock.

import type { Answer, Worker } from "../../supabase/functions/process-queued-jobs/worker/worker.js";

const BUILT = new URL("../../supabase/functions/process-queued-jobs/worker/", import.meta.url);

/** A result as the worker reports it. */
export interface Result {
  job_id: string;
  outcome: string;
  output_data?: unknown;
  error_message?: string;
  was_given_time?: boolean;
}

/** A job as the database hands it out. */
interface Job {
  job_type: string;
  input_data: unknown;
}

/** What a run says at its end. */
interface RunReport {
  unavailable: Record<string, string>;
}

type Script = (job: string, input: string) => Promise<string>;

interface Options {
  /** Settings besides those it cannot do without. */
  settings?: Record<string, string>;
  /** Job types in TypeScript. */
  scripts?: Record<string, Script>;
  /** The code of reports is that of another build. */
  anotherBuild?: boolean;
  /** Its clock stands still. */
  frozen?: boolean;
}

/** Imports the worker anew. Disposing of it puts everything back. */
export async function coldIsolate(options: Options = {}) {
  const folder = await copyOfWorker(options.anotherBuild ?? false);
  const { initSync, Worker } = await import(`file://${folder}/worker.js`);
  const { wasmBytes } = await import(`file://${folder}/wasm_bytes.js`);
  const database = scriptedDatabase();
  const clock = ownClock(options.frozen ?? false);
  const loads = watchedLoads();
  const fetched = globalThis.fetch;
  globalThis.fetch = database.fetch as typeof fetch;
  initSync({ module: wasmBytes() });
  const environment = {
    SUPABASE_URL: "http://database.test",
    SUPABASE_SERVICE_ROLE_KEY: "key",
    QUEUE_WORKER_TOKEN: "token",
    GROK_API_KEY: "key",
    QUEUE_LEASE_SECONDS: "3",
    ...options.settings,
  };
  const worker: Worker = new Worker(environment, options.scripts ?? {});
  return {
    worker,
    results: database.results,
    cancel: database.cancel,
    untilReported: database.untilReported,
    passMinutes: clock.passMinutes,
    loads,

    /** Lets the worker do these jobs, and returns what it says at the end. */
    run: async (...jobs: Job[]): Promise<RunReport> => {
      database.enqueue(jobs);
      const answer: Answer = await worker.run();
      return answer.body as RunReport;
    },

    [Symbol.asyncDispose]: async () => {
      globalThis.fetch = fetched;
      clock.restore();
      loads.restore();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

async function copyOfWorker(anotherBuild: boolean): Promise<string> {
  const folder = await Deno.makeTempDir();
  for await (const { name } of Deno.readDir(BUILT)) {
    await Deno.copyFile(new URL(name, BUILT), `${folder}/${name}`);
  }
  if (anotherBuild) {
    const chunk = `${folder}/report_bytes.js`;
    const text = await Deno.readTextFile(chunk);
    await Deno.writeTextFile(chunk, text.replace(/BUILD = ".*"/, 'BUILD = "another"'));
  }
  return folder;
}

function scriptedDatabase() {
  const waiting: object[] = [];
  const cancelled = new Set<string>();
  const results: Result[] = [];
  const reported = new Set<() => void>();
  let jobs = 0;
  const exchange = (request: { results: Result[]; max_jobs: number; lease_token: string }) => {
    results.push(...request.results);
    reported.forEach((look) => look());
    const claimed = waiting.splice(0, request.max_jobs);
    return {
      finished: request.results.map(({ outcome }) => STATUS_AFTER[outcome]),
      jobs: claimed.map((job) => ({ ...job, lease_token: request.lease_token })),
      are_suspects: false,
      suspects_wait: false,
      is_cut: false,
      weights: null,
      look_again_ms: null,
    };
  };
  const heartbeat = ({ jobs }: { jobs: { job_id: string }[] }) =>
    jobs.map(({ job_id }) => cancelled.has(job_id) ? "cancelled" : "held");
  return {
    results,
    enqueue: (added: Job[]) =>
      added.forEach((job) =>
        waiting.push({
          id: idOf(jobs++),
          retry_count: 0,
          max_retries: 3,
          progress: null,
          timeout_seconds: null,
          steps: {},
          ...job,
        })
      ),
    /** The worker hears with its next heartbeat that the nth job was cancelled. */
    cancel: (job: number) => cancelled.add(idOf(job)),
    /** Until a job has come to this. */
    untilReported: (outcome: string) =>
      new Promise<void>((resolve) => {
        const look = () => results.some((result) => result.outcome === outcome) && resolve();
        reported.add(look);
        look();
      }),
    fetch: async (url: string, init: RequestInit) => {
      const request = new Request(url, init);
      const body = JSON.parse(await request.text());
      switch (new URL(request.url).pathname) {
        case "/rest/v1/rpc/finish_and_claim_jobs":
          return Response.json(exchange(body));
        case "/rest/v1/rpc/heartbeat_jobs":
          return Response.json(heartbeat(body));
        default:
          return Response.json(1);
      }
    },
  };
}

const STATUS_AFTER: Record<string, string> = {
  completed: "completed",
  failed: "failed",
  timed_out: "queued",
  cancelled: "cancelled",
  released: "queued",
  handed_over: "queued",
};

const idOf = (job: number) => `00000000-0000-4000-8000-${String(job).padStart(12, "0")}`;

function ownClock(frozen: boolean) {
  const now = performance.now;
  const began = now.call(performance);
  let passed = 0;
  performance.now = () => passed + (frozen ? 0 : now.call(performance) - began);
  return {
    passMinutes: (minutes: number) => passed += minutes * 60_000,
    restore: () => performance.now = now,
  };
}

/** The loads of parts of the worker. */
function watchedLoads() {
  const instantiate = WebAssembly.instantiate;
  const begun = Promise.withResolvers<void>();
  const loads = {
    count: 0,
    /** The first has begun. */
    begun: begun.promise,
    /** What each waits for before it begins in earnest. */
    gate: () => Promise.resolve(),
    restore: () => WebAssembly.instantiate = instantiate,
  };
  WebAssembly.instantiate = (async (bytes: BufferSource, imports: WebAssembly.Imports) => {
    loads.count++;
    begun.resolve();
    await loads.gate();
    return await instantiate(bytes, imports);
  }) as typeof instantiate;
  return loads;
}
