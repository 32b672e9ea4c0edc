/**
 * Enqueue jobs, look at them, wait for them. The functions use the project and key of the environment:
 * `SUPABASE_URL` with `SUPABASE_SECRET_KEY` (or `SUPABASE_SERVICE_ROLE_KEY`), which act as the server.
 * For anybody else, such as the signed-in user of a page, there is {@link createQueueClient}.
 *
 * @module
 */

import type { QueueClient } from "./client.ts";
import { defaultClient } from "./environment.ts";

export * from "./client.ts";
export type { Connection } from "./fetch_transport.ts";
export * from "./job.ts";
export type * from "./job_types.ts";
export type * from "./result.ts";
export type { SupabaseLike } from "./supabase_transport.ts";

/** {@link QueueClient.enqueueJob} with the environment's client. */
export const enqueueJob: QueueClient["enqueueJob"] = (...args) =>
  defaultClient().enqueueJob(...args);

/** {@link QueueClient.enqueueJobs} with the environment's client. */
export const enqueueJobs: QueueClient["enqueueJobs"] = (...args) =>
  defaultClient().enqueueJobs(...args);

/** {@link QueueClient.getJobStatus} with the environment's client. */
export const getJobStatus: QueueClient["getJobStatus"] = (...args) =>
  defaultClient().getJobStatus(...args);

/** {@link QueueClient.waitForJobCompletion} with the environment's client. */
export const waitForJobCompletion: QueueClient["waitForJobCompletion"] = (...args) =>
  defaultClient().waitForJobCompletion(...args);

/** {@link QueueClient.subscribeToJob} with the environment's client. */
export const subscribeToJob: QueueClient["subscribeToJob"] = (...args) =>
  defaultClient().subscribeToJob(...args);

/** {@link QueueClient.cancelJob} with the environment's client. */
export const cancelJob: QueueClient["cancelJob"] = (...args) => defaultClient().cancelJob(...args);

/** {@link QueueClient.retryJob} with the environment's client. */
export const retryJob: QueueClient["retryJob"] = (...args) => defaultClient().retryJob(...args);

/** {@link QueueClient.listJobs} with the environment's client. */
export const listJobs: QueueClient["listJobs"] = (...args) => defaultClient().listJobs(...args);

/** {@link QueueClient.retryFailedJobs} with the environment's client. */
export const retryFailedJobs: QueueClient["retryFailedJobs"] = (...args) =>
  defaultClient().retryFailedJobs(...args);

/** {@link QueueClient.cleanupOldJobs} with the environment's client. */
export const cleanupOldJobs: QueueClient["cleanupOldJobs"] = (...args) =>
  defaultClient().cleanupOldJobs(...args);
