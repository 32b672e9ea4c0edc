// The queue's API for applications without a server of their own: the routes under `/functions/v1/api/`, each answered
// as the user whose token the request carries. `QUEUE_API_ORIGINS` lists the pages that may call, separated by commas.

import { createRoutes } from "./pretium-queue/routes/index.ts";

const origins = Deno.env.get("QUEUE_API_ORIGINS") ?? "";
const routes = createRoutes({
  cors: { origins: origins === "*" ? "*" : origins.split(",").map((origin) => origin.trim()) },
});

Deno.serve(routes.handle);
