// Following one job: reading it again and again, sooner when Realtime says that it moved on.

import { isFinal, type Job } from "./job.ts";
import type { JobResult } from "./result.ts";
import { sleep } from "./timing.ts";
import { isTransient, isUnauthorized } from "./transport.ts";

/** Where to look and what tells that looking is worth it. */
export interface Source {
  read(signal?: AbortSignal): Promise<JobResult>;
  listen(hear: () => void): { isOn(): boolean; stop(): void };
}

/** While Realtime tells, looking is only for what it may have missed; a failed job may be retried at any time. */
const LONG_INTERVALS = 5;

const SHORTEST_PAUSE_MS = 50;

/** A page that has just been opened gets its token within that; so long a job is followed without having been seen. */
const SIGN_IN_MS = 10_000;

/**
 * Reads the job until `isOver` says so of its status or `signal` is aborted, and calls `onJob` whenever it has changed. The
 * first looks are quick, and each pause is half as long again as the one before, up to `intervalMs`. Answers that may be
 * better next time are passed over. Returns the last answer; null when there was none.
 */
export async function watch(
  source: Source,
  intervalMs: number,
  onJob: ((job: Job) => unknown) | undefined,
  isOver: typeof isFinal,
  signal: AbortSignal,
): Promise<JobResult | null> {
  let news = new AbortController();
  const listener = source.listen(() => news.abort());
  // Clocks of machines are set; this one only goes on.
  const began = performance.now();
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
      const { job, code } = answer;
      if (job) {
        const now = `${job.status} ${job.updated_at}`;
        if (now !== seen) tell(onJob, job);
        seen = now;
        if (isOver(job.status)) break;
      } else if (!isTransient(code)) {
        // A session that is being renewed comes back, as a network does.
        const isAway = isUnauthorized(code) && (seen || performance.now() < began + SIGN_IN_MS);
        if (!isAway) break;
      }
      pause = Math.max(Math.min(pause * 1.5, intervalMs), SHORTEST_PAUSE_MS);
      const isQuiet = listener.isOn() || (job && isFinal(job.status));
      await sleep(isQuiet ? intervalMs * LONG_INTERVALS : pause, signal, news.signal);
    }
  } finally {
    listener.stop();
  }
  return last;
}

/** Calls what the caller gave. What that throws is its own affair: it is reported, and nothing ends by it. */
export async function tell<T>(callback: ((news: T) => unknown) | undefined, news: T) {
  try {
    await callback?.(news);
  } catch (error) {
    console.error("a callback for a job failed:", error);
  }
}
