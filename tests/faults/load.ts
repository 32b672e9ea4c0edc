// The jobs: a steady load of ordinary ones, and the misbehaving ones that are faults themselves.

import { scriptGrok } from "../support/grok.ts";
import { reportInput } from "../support/report_job.ts";
import { stack } from "../support/stack.ts";
import type { Fault as GrokFault } from "../grok/fault.ts";
import type { Chance } from "./chance.ts";
import { LEASE_SECONDS } from "./faulty_worker.ts";

/** So many unfinished jobs are kept in the queue. */
const BACKLOG = 40;
/** Faults take attempts from jobs that did nothing wrong: these have enough of them. */
const PATIENT = 30;

/** A job as it was ordered. */
export interface Order {
  jobType: string;
  input: Record<string, unknown>;
  options: Record<string, unknown>;
  grok?: GrokFault[];
}

/** The answer to a cancellation: the job's status, `refused` when it was final, `unknown` when no answer came. */
export interface Cancellation {
  job: string;
  answer: "cancelled" | "processing" | "refused" | "unknown";
}

export class Load {
  readonly orders = new Map<string, Order>();
  readonly cancellations: Cancellation[] = [];
  #chance: Chance;
  #effectsUrl: string;
  #unfinished: string[] = [];
  #ordered = 0;
  #isOver = false;

  constructor(chance: Chance, effectsUrl: string) {
    this.#chance = chance;
    this.#effectsUrl = effectsUrl;
  }

  /** Keeps the queue filled until it is told to stop. */
  async keep() {
    while (!this.#isOver) {
      await this.look();
      if (this.#unfinished.length < BACKLOG) {
        await Promise.all(this.#next().map((order) => this.order(order)));
      }
      await pause(200);
    }
  }

  stop() {
    this.#isOver = true;
  }

  /** Looks which jobs are not final; nothing when no answer came. */
  async look(): Promise<string[] | undefined> {
    const query = "select=id&status=in.(queued,processing)&order=created_at";
    const { answer } = await ask(`jobs?${query}`);
    if (!Array.isArray(answer)) return undefined;
    return this.#unfinished = answer.map(({ id }) => id);
  }

  /** Enqueues a job, however often that takes: the idempotency key makes it one. */
  async order(order: Order): Promise<string> {
    const key = `order ${this.#ordered++}`;
    const input = { ...order.input, effectsUrl: this.#effectsUrl };
    const args = {
      job_type: order.jobType,
      input_data: input,
      idempotency_key: key,
      ...order.options,
    };
    for (let tries = 0; tries < 200; tries++) {
      const { answer } = await rpc("enqueue_job", args);
      if (typeof answer === "string") {
        this.orders.set(answer, order);
        if (order.grok) await scriptGrok(answer, order.grok);
        return answer;
      }
      await pause(200);
    }
    throw new Error(`a job could not be enqueued: ${order.jobType}`);
  }

  /** Cancels one of the unfinished jobs and returns it. */
  async cancelOne(fraction: number): Promise<string | undefined> {
    const job = this.#unfinished[Math.floor(fraction * this.#unfinished.length)];
    if (!job) return undefined;
    const { answer, code } = await rpc("cancel_job", { job_id: job });
    const isKnown = answer === "cancelled" || answer === "processing";
    this.cancellations.push({
      job,
      answer: isKnown ? answer : code === "JQ005" ? "refused" : "unknown",
    });
    return job;
  }

  #next(): Order[] {
    return Array.from({ length: 6 }, () => this.#chance.weighted(ORDINARY).order(this.#chance));
  }
}

const ORDINARY: { weight: number; order: (chance: Chance) => Order }[] = [
  { weight: 6, order: () => patient("noop", { n: 1 }) },
  {
    weight: 8,
    order: (chance) =>
      patient("walk", { steps: chance.whole(1, 6), stepMs: chance.whole(10, 400) }),
  },
  // With as much time as a lease has.
  {
    weight: 3,
    order: (chance) =>
      patient("walk", { steps: chance.whole(1, 3), stepMs: chance.whole(10, 300) }, {
        timeout_seconds: LEASE_SECONDS,
      }),
  },
  // As large as an input may be, nearly.
  {
    weight: 0.3,
    order: () => patient("walk", { steps: 1, stepMs: 50, padding: "x".repeat(1_000_000) }),
  },
  // Longer than a process lives.
  { weight: 1, order: (chance) => patient("walk", { steps: 24, stepMs: chance.whole(500, 900) }) },
  { weight: 2, order: report },
  {
    weight: 2,
    order: (chance) =>
      ordinary(
        "stumble",
        { attempts: chance.whole(1, 2), isPermanent: chance.next() < 0.3 },
        PATIENT,
      ),
  },
  { weight: 1, order: (chance) => patient("snooze", { times: chance.whole(1, 2) }) },
];

function ordinary(
  jobType: string,
  input: Record<string, unknown>,
  maxRetries: number,
  options = {},
): Order {
  return { jobType, input, options: { max_retries: maxRetries, ...options } };
}

function patient(jobType: string, input: Record<string, unknown>, options = {}): Order {
  return ordinary(jobType, input, PATIENT, options);
}

function report(chance: Chance): Order {
  const grok = chance.next() < 0.5 ? [chance.pick(GROK_FAULTS)] : [];
  // Not before Grok is told what to do.
  const options = grok.length > 0 ? { delay_seconds: 1 } : {};
  return { ...patient("generate_report", reportInput(chance.whole(1, 12)), options), grok };
}

const GROK_FAULTS: GrokFault[] = [
  { fault: "server_error" },
  { fault: "rate_limited", retry_after_seconds: 1 },
  { fault: "truncated" },
  { fault: "dropped" },
  { fault: "missing_photo" },
  { fault: "slow", delay_ms: 2_500 },
];

/** Jobs that do harm, by what they do. */
export const MISBEHAVING = {
  panic: () => ordinary("crash", { way: "panic" }, 1),
  stack_overflow: () => ordinary("crash", { way: "recursion" }, 1),
  wasm_memory: () => ordinary("crash", { way: "memory" }, 1),
  heap_memory: () => ordinary("hog", {}, 1),
  hang: () => ordinary("hang", {}, 1, { timeout_seconds: 2 }),
  block: () => ordinary("block", { ms: 4_500 }, 1),
  kill: () => ordinary("kill", {}, 1),
  throw: () => ordinary("stumble", { attempts: 9, isPermanent: false }, 2),
  throw_permanent: () => ordinary("stumble", { attempts: 9, isPermanent: true }, 2),
} satisfies Record<string, () => Order>;

/** What the API answers the app's server. */
interface Reply {
  answer?: unknown;
  /** Of a refusal. Without one of the two no answer came. */
  code?: string;
}

/** Calls a database function. */
function rpc(name: string, args: unknown): Promise<Reply> {
  return ask(`rpc/${name}`, { method: "POST", body: JSON.stringify(args) });
}

async function ask(path: string, init: RequestInit = {}): Promise<Reply> {
  try {
    const response = await fetch(`${stack.url}/rest/v1/${path}`, {
      ...init,
      headers: { apikey: stack.secretKey, "content-type": "application/json" },
      signal: AbortSignal.timeout(10_000),
    });
    const answer = await response.json();
    return response.ok ? { answer } : { code: answer.code };
  } catch {
    return {};
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
