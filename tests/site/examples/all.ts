// The three examples one after the other. A report that nobody has: without a key to Grok or a worker it waits.

import { example as enqueue } from "./enqueue";
import { example as status } from "./status";
import { example as wait } from "./wait";

export async function all(reportId: string): Promise<void> {
  const { jobId, error } = await enqueue([], reportId, crypto.randomUUID());
  if (!jobId) throw new Error(error ?? "no job");
  await status(jobId);
  await wait(jobId);
  await status(jobId);
}
