/**
 * The API of an application's queue, on Web-standard `Request` and `Response`. Mounted by `pretium-queue/next` and by the
 * Supabase function `api`; any other server hands its requests to {@link Routes.handle}.
 *
 * Every call is made as the signed-in user whose token the request carries, so row-level security decides; or, only when
 * `authorize` says so, as the server.
 *
 * @module
 */

import type { QueueClient } from "../client.ts";
import { JOB_STATUSES, type JobFilter, type JobStatus, type JobType } from "../job.ts";
import { type Access, admit, type Authorize } from "./access.ts";
import { readJson } from "./body.ts";
import { type Cors, failed, isAllowed, ok, preflight, Refusal, unkept, withCors } from "./reply.ts";
import { reportInput } from "./report.ts";

export type { Authorize, Caller } from "./access.ts";
export type { Cors } from "./reply.ts";

export interface RouteOptions extends Access {
  /** Who is calling; unless given, the bearer of the token in `Authorization`. */
  authorize?: Authorize;
  /** The pages of other origins that may call; none unless given. */
  cors?: Cors;
  /** The largest body in bytes; 1048576 unless given. */
  maxBodyBytes?: number;
}

/** What answers a request. `id` is the job's. */
export interface Routes {
  /** Any of the routes below, by the request's path. */
  handle(request: Request): Promise<Response>;
  /** `POST /api/models/archive/generate-report-oldGrok`: enqueues a report. */
  generateReport(request: Request): Promise<Response>;
  /** `GET /api/jobs`: the caller's jobs; `status`, `job_type`, `before` and `limit` choose. */
  jobs(request: Request): Promise<Response>;
  /** `GET /api/jobs/[id]`: a job. */
  job(request: Request, id: string): Promise<Response>;
  /** `POST /api/jobs/[id]/cancel`. */
  cancelJob(request: Request, id: string): Promise<Response>;
  /** `POST /api/jobs/[id]/retry`. */
  retryJob(request: Request, id: string): Promise<Response>;
}

/** Looks at the environment with the first request, where `options` leave it to that. */
export function createRoutes(options: RouteOptions = {}): Routes {
  const route = (
    method: string,
    answer: (queue: QueueClient, request: Request, id: string) => Promise<Response>,
  ) =>
  async (request: Request, id = "") => {
    if (request.method === "OPTIONS") return unkept(preflight(request, method, options.cors));
    const respond = async () => {
      if (!isAllowed(request.method, method)) throw Refusal.method(method);
      return await answer(await admit(request, options.authorize, options), request, id);
    };
    return unkept(withCors(request, await respond().catch(failed), options.cors));
  };

  const routes = {
    generateReport: route(
      "POST",
      (queue, request) => generateReport(queue, request, options.maxBodyBytes),
    ),
    jobs: route("GET", async (queue, request) => {
      const result = await queue.listJobs(filterOf(new URL(request.url).searchParams));
      if (result.error !== null) throw Refusal.of(result);
      return ok({ jobs: result.jobs });
    }),
    job: route("GET", async (queue, _, id) => {
      const result = await queue.getJobStatus(id);
      if (result.error !== null) throw Refusal.of(result);
      return ok({ job: result.job });
    }),
    cancelJob: route("POST", (queue, _, id) => change(queue.cancelJob, id)),
    retryJob: route("POST", (queue, _, id) => change(queue.retryJob, id)),
  };
  const noRoute = route("", () => Promise.reject(new Refusal(404, "there is no such route")));

  return {
    ...routes,
    handle(request) {
      const path = new URL(request.url).pathname.replace(/\/+$/, "");
      if (path === "/api/models/archive/generate-report-oldGrok") {
        return routes.generateReport(request);
      }
      const [, id, verb] = path.match(/^\/api\/jobs(?:\/([^/]+)(?:\/(cancel|retry))?)?$/) ?? [];
      if (path === "/api/jobs") return routes.jobs(request);
      if (id === undefined) return noRoute(request);
      const one = verb === "cancel"
        ? routes.cancelJob
        : verb === "retry"
        ? routes.retryJob
        : routes.job;
      return one(request, id);
    },
  };
}

async function generateReport(queue: QueueClient, request: Request, maxBodyBytes?: number) {
  const input = reportInput(await readJson(request, maxBodyBytes));
  const idempotency_key = request.headers.get("idempotency-key") ?? undefined;
  const result = await queue.enqueueJob("generate_report", input, { idempotency_key });
  if (!result.success) throw Refusal.of(result);
  return ok({
    message: "Report generation job queued successfully",
    jobId: result.jobId,
    reportId: input.reportId,
  });
}

async function change(make: QueueClient["cancelJob"], jobId: string) {
  const result = await make(jobId);
  if (!result.success) throw Refusal.of(result);
  return ok({ jobId, status: result.status });
}

function filterOf(search: URLSearchParams): JobFilter {
  const limit = Number(search.get("limit") ?? 50);
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
    throw new Refusal(400, "limit: expected 1 to 1000");
  }
  const status = search.getAll("status") as JobStatus[];
  if (!status.every((word) => JOB_STATUSES.includes(word))) {
    throw new Refusal(400, `status: expected one of ${JOB_STATUSES.join(", ")}`);
  }
  // Names of types are at most 200 bytes long; PostgREST is asked by an address, which has an end.
  const job_type = search.getAll("job_type") as JobType[];
  if (job_type.join().length > 4_000) {
    throw new Refusal(400, "job_type: expected at most 4000 characters");
  }
  const before = search.get("before") ?? undefined;
  return {
    limit,
    before,
    status: status.length ? status : undefined,
    job_type: job_type.length ? job_type : undefined,
  };
}
