// What was done to the stack, and when.

/** One fault. */
export interface Fault {
  kind: string;
  at: number;
  /** When it was over; infinite until then. */
  until: number;
  /** Whose line or process it befell, if only one's. */
  slot?: number;
  /** The job that misbehaves, or is cancelled. */
  job?: string;
}

export class Diary {
  readonly faults: Fault[] = [];

  /** A fault begins. Its end is set by whoever knows it. */
  begin(kind: string, about: Partial<Fault> = {}): Fault {
    const fault = { kind, at: Date.now(), until: Infinity, ...about };
    this.faults.push(fault);
    return fault;
  }

  /** A fault that lasts as long as is known before, or only a moment. */
  note(kind: string, ms = 0, about: Partial<Fault> = {}): Fault {
    return this.begin(kind, { until: Date.now() + ms, ...about });
  }
}
