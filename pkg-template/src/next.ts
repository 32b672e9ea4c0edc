/**
 * The routes as Next.js App Router handlers. In `app/api/jobs/[id]/route.ts`:
 *
 * ```ts
 * import { job } from "pretium-queue/next";
 * export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = job;
 * ```
 *
 * All methods are exported, because Next.js answers those that are not with an empty 405.
 *
 * @module
 */

import { createRoutes, type RouteOptions } from "./routes/index.ts";

export type { Authorize, Caller, Cors, RouteOptions } from "./routes/index.ts";

/** What Next.js gives a handler beside the request. */
export interface JobContext {
  params: Promise<{ id: string }>;
}

/** The exports of a `route.ts`. */
export type Methods<Handler> = Record<
  "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS",
  Handler
>;

type Plain = (request: Request) => Promise<Response>;
type OfJob = (request: Request, context: JobContext) => Promise<Response>;

export interface NextRoutes {
  /** `app/api/models/archive/generate-report-oldGrok/route.ts` */
  generateReport: Methods<Plain>;
  /** `app/api/jobs/route.ts` */
  jobs: Methods<Plain>;
  /** `app/api/jobs/[id]/route.ts` */
  job: Methods<OfJob>;
  /** `app/api/jobs/[id]/cancel/route.ts` */
  cancelJob: Methods<OfJob>;
  /** `app/api/jobs/[id]/retry/route.ts` */
  retryJob: Methods<OfJob>;
}

/** Handlers with settings of your own, such as an `authorize` that reads the session from cookies. */
export function createNextRoutes(options?: RouteOptions): NextRoutes {
  const routes = createRoutes(options);
  const ofJob = (answer: (request: Request, id: string) => Promise<Response>): Methods<OfJob> =>
    methods(async (request, { params }) => answer(request, (await params).id));
  return {
    generateReport: methods(routes.generateReport),
    jobs: methods(routes.jobs),
    job: ofJob(routes.job),
    cancelJob: ofJob(routes.cancelJob),
    retryJob: ofJob(routes.retryJob),
  };
}

function methods<Handler>(handler: Handler): Methods<Handler> {
  return {
    GET: handler,
    HEAD: handler,
    POST: handler,
    PUT: handler,
    PATCH: handler,
    DELETE: handler,
    OPTIONS: handler,
  };
}

/** Handlers for requests that carry the user's token in `Authorization`, with the settings of the environment. */
export const { generateReport, jobs, job, cancelJob, retryJob }: NextRoutes = createNextRoutes();
