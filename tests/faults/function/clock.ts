// A clock that is wrong in this process only: from the start by CLOCK_OFFSET_MS, and by an hour more or less from a
// SIGUSR1 or SIGUSR2 on.

const HOUR_MS = 3_600_000;

let offsetMs = Number(Deno.env.get("CLOCK_OFFSET_MS") ?? 0);

Deno.addSignalListener("SIGUSR1", () => offsetMs += HOUR_MS);
Deno.addSignalListener("SIGUSR2", () => offsetMs -= HOUR_MS);

const now = performance.now.bind(performance);
performance.now = () => now() + offsetMs;

const RightDate = Date;
globalThis.Date = class extends RightDate {
  // deno-lint-ignore no-explicit-any -- whatever the real one takes
  constructor(...parts: any[]) {
    super(...(parts.length === 0 ? [RightDate.now() + offsetMs] : parts) as [number]);
  }

  static override now(): number {
    return RightDate.now() + offsetMs;
  }
} as DateConstructor;
