// What workers said to the database, and what it answered, as it passed on the line: the little of it that the
// invariants look at.

export interface Call {
  /** When its worker sent it: that may have ended by the time it is passed on. */
  sentAt: number;
  /** When it was passed on. */
  at: number;
  /** When the answer came. */
  answered: number;
  /** The worker's line. */
  slot: number;
  function: string;
  /** 0: no answer came from the gateway. */
  status: number;
  workerId?: string;
  /** The token of what it claims. */
  claim?: string;
  /** What it says about jobs. */
  said: Said[];
  /** A worker that has crashed says what it still can. */
  isLastWords: boolean;
}

/** What a worker says about one job. */
export interface Said {
  job: string;
  token: string;
  outcome?: string;
  error?: string;
  /** The handler's run that the result stems from. */
  run?: string;
  step?: string;
  /** The effect that the step's result stems from. */
  effect?: number;
  /** What the database answered, if the call was answered well. */
  answer?: string;
}

/** A call that is about to be passed on. */
export function callOf(slot: number, name: string, body: string, sentAt: number): Call {
  const sent = read(body) ?? {};
  return {
    sentAt,
    at: Date.now(),
    answered: Infinity,
    slot,
    function: name,
    status: 0,
    workerId: sent.worker_id,
    claim: name === "finish_and_claim_jobs" ? sent.lease_token : undefined,
    said: said(name, sent),
    isLastWords: name === "abandon_jobs",
  };
}

/** Notes the answer. */
export function answered(call: Call, status: number, body: string) {
  call.status = status;
  call.answered = Date.now();
  if (status !== 200) return;
  const answer = read(body);
  const answers = call.function === "finish_and_claim_jobs" ? answer?.finished : [answer].flat();
  call.said.forEach((said, index) => said.answer = answers?.[index]);
}

// deno-lint-ignore no-explicit-any -- each function has arguments of its own
function said(name: string, sent: any): Said[] {
  switch (name) {
    case "finish_and_claim_jobs":
    case "abandon_jobs":
      return (sent.results ?? []).map(result);
    case "heartbeat_jobs":
      return sent.jobs.map(job);
    case "start_job_step":
    case "save_job_step":
      return [{ ...job(sent), step: sent.name, effect: sent.result?.effect }];
    default:
      return [];
  }
}

// deno-lint-ignore no-explicit-any -- see there
function result(sent: any): Said {
  return {
    ...job(sent),
    outcome: sent.outcome,
    error: sent.error_message,
    run: sent.output_data?.run,
  };
}

function job(sent: { job_id: string; lease_token: string }): Said {
  return { job: sent.job_id, token: sent.lease_token };
}

// deno-lint-ignore no-explicit-any -- see there
function read(json: string): any {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}
