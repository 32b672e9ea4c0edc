// What a signed-in user can send that was once found to stop, slow or fill the queue of everybody.

import { mintUserToken } from "../support/clients.ts";
import { stack } from "../support/stack.ts";
import { median, shown } from "./median.ts";

type Sent = Record<string, () => Promise<unknown>>;

/** What one user sends in a loop: what is refused or costs little, and as much work as the limits allow. */
export async function attacksOf(userId: string): Promise<{ bounded: Attack; backlog: Attack }> {
  const requests = await requestsOf(userId);
  return { bounded: new Attack(boundedBy(requests)), backlog: new Attack(backlogBy(requests)) };
}

/** Requests that are sent one after the other, again and again. */
export class Attack {
  readonly #took: Map<string, number[]>;

  constructor(private readonly sent: Sent) {
    this.#took = new Map(Object.keys(sent).map((name) => [name, []]));
  }

  /** Sends them while `measure` runs. */
  async during<T>(measure: () => Promise<T>): Promise<T> {
    const stop = new AbortController();
    const ended = this.#loop(stop.signal);
    try {
      return await measure();
    } finally {
      stop.abort();
      await ended;
    }
  }

  /** A line for each request: how often it was sent, and the median time to its answer. */
  summary(): string[] {
    return [...this.#took].map(([name, ms]) =>
      `${name}: ${ms.length} times, ${shown(median(ms))} ms each`
    );
  }

  async #loop(signal: AbortSignal) {
    while (!signal.aborted) {
      for (const [name, send] of Object.entries(this.sent)) {
        if (signal.aborted) return;
        const began = performance.now();
        await send();
        this.#took.get(name)?.push(performance.now() - began);
      }
    }
  }
}

type Requests = Awaited<ReturnType<typeof requestsOf>>;

/** What a user can send, as text: numbers keep the form that they are written in. */
async function requestsOf(userId: string) {
  const headers = {
    apikey: stack.publishableKey,
    authorization: `Bearer ${await mintUserToken(userId)}`,
    "content-type": "application/json",
  };
  const answer = async (path: string, init: RequestInit) => {
    const response = await fetch(`${stack.url}/rest/v1/${path}`, { headers, ...init });
    return await response.json();
  };
  const call = (name: string, body: string) => answer(`rpc/${name}`, { method: "POST", body });
  return {
    call,
    read: (path: string) => answer(path, {}),
    enqueue: (job: string) => call("enqueue_job", job),
    enqueueMany: (count: number, job: string) =>
      call("enqueue_jobs", `{"jobs":[${Array(count).fill(job)}]}`),
  };
}

function boundedBy({ call, read, enqueue, enqueueMany }: Requests): Sent {
  const images = Array(38_000).fill('{"bucket":"b","path":"p.jpg"}');
  return {
    "an input that prints as a gigabyte": () =>
      enqueue(`{"job_type":"noop","input_data":${swelling(8_300)}}`),
    "a job before all times": () => enqueue('{"job_type":"noop","run_at":"-infinity"}'),
    "10,000 jobs over the limit": () => enqueueMany(10_000, '{"job_type":"noop"}'),
    "a report with 38,000 images": () =>
      enqueue(`{"job_type":"generate_report","input_data":{"images":[${images}]}}`),
    "20 jobs about a report of 1 MB": async () => {
      const [{ id }] = await read("reports?select=id&limit=1");
      return enqueueMany(20, `{"job_type":"generate_report","input_data":{"reportId":"${id}"}}`);
    },
    "60 jobs, and each cancelled": async () => {
      const ids = await enqueueMany(60, '{"job_type":"noop","delay_seconds":3600}');
      for (const id of Array.isArray(ids) ? ids : []) {
        await call("cancel_job", `{"job_id":"${id}"}`);
      }
    },
    "all steps": () => read("job_steps?order=finished_at"),
    "all failures": () => read("job_failures?order=failed_at"),
    "all jobs by their end": () => read("visible_jobs?order=completed_at"),
  };
}

/** Served before what comes later, as all that is older. */
function backlogBy({ enqueueMany }: Requests): Sent {
  const early = '"run_at":"1970-01-02T00:00Z"';
  return {
    "20 inputs that print as 0.9 MB": () =>
      enqueueMany(20, `{"job_type":"noop",${early},"input_data":${swelling(7)}}`),
  };
}

/** An input that takes nine bytes a number, and prints as 131,072. */
function swelling(numbers: number): string {
  return `{"a":[${Array(numbers).fill("1e131071")}]}`;
}
