// Following one job: reading it again and again, sooner when Realtime says that it moved on.

import { isFinal, type Job } from "./job.ts";
import type { JobResult } from "./result.ts";
import { isTransient, sleep } from "./transport.ts";

/** Where to look and what tells that looking is worth it. */
export interface Source {
  read(signal?: AbortSignal): Promise<JobResult>;
  listen(hear: () => void): { isOn(): boolean; stop(): void };
}

/** While Realtime tells, looking is only for what it may have missed. */
const LISTENING_INTERVALS = 5;

/**
 * Reads the job until it is final or `signal` is aborted, and calls `onJob` whenever it has changed. The first looks are
 * quick, and each pause is half as long again as the one before, up to `intervalMs`. Answers that may be better next time
 * are passed over. Returns the last answer; null when there was none.
 */
export async function watch(
  source: Source,
  intervalMs: number,
  onJob: (job: Job) => void,
  signal: AbortSignal,
): Promise<JobResult | null> {
  let news = new AbortController();
  const listener = source.listen(() => news.abort());
  let last: JobResult | null = null;
  let seen = "";
  let pause = intervalMs / 8;
  try {
    while (!signal.aborted) {
      // Renewed before looking: what is heard meanwhile is looked at again.
      news = new AbortController();
      const answer = await source.read(signal);
      if (signal.aborted) break;
      last = answer;
      if (answer.job) {
        const now = `${answer.job.status} ${answer.job.updated_at}`;
        if (now !== seen) onJob(answer.job);
        seen = now;
        if (isFinal(answer.job.status)) break;
      } else if (!isTransient(answer.code)) break;
      pause = Math.min(pause * 1.5, intervalMs);
      const most = listener.isOn() ? intervalMs * LISTENING_INTERVALS : pause;
      await sleep(most, AbortSignal.any([signal, news.signal]));
    }
  } finally {
    listener.stop();
  }
  return last;
}
