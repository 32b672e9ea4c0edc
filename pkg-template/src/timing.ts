// Time and signals. `AbortSignal.any` and `AbortSignal.timeout` are missing in browsers that people still use.

/** Timers take no more; what is longer is waited for in parts. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Gives `use` a signal that is aborted with the first of `signals`, and after `ms`. */
export async function within<T>(
  ms: number,
  signals: (AbortSignal | undefined)[],
  use: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const end = new AbortController();
  const abort = () => end.abort();
  let timer: ReturnType<typeof setTimeout>;
  const wait = (left: number) => {
    const rest = left - LONGEST_TIMER_MS;
    timer = setTimeout(() => rest > 0 ? wait(rest) : abort(), Math.min(left, LONGEST_TIMER_MS));
  };
  wait(ms);
  for (const signal of signals) {
    signal?.addEventListener("abort", abort);
    if (signal?.aborted) abort();
  }
  try {
    return await use(end.signal);
  } finally {
    clearTimeout(timer!);
    for (const signal of signals) signal?.removeEventListener("abort", abort);
  }
}

/** Resolves after so long, or when one of `signals` is aborted. */
export function sleep(ms: number, ...signals: (AbortSignal | undefined)[]): Promise<void> {
  return within(
    ms,
    signals,
    (signal) =>
      new Promise((resolve) => {
        signal.addEventListener("abort", () => resolve());
        if (signal.aborted) resolve();
      }),
  );
}
