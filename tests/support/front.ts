// A second gateway in front of the stack's: the same database, with another function or none.

import { stack } from "./stack.ts";

/**
 * Starts it. Each request asks `whereIsFunction`; without an answer it gets what the platform says of a function that
 * is not deployed.
 */
export function startFront(
  whereIsFunction: () => string | undefined = () => undefined,
): { url: string } & AsyncDisposable {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { pathname } = new URL(request.url);
      const isFunction = pathname.startsWith("/functions/v1/");
      const functionUrl = whereIsFunction();
      if (isFunction && !functionUrl) {
        return Response.json({ code: "NOT_FOUND", message: "Requested function was not found" }, {
          status: 404,
        });
      }
      const target = isFunction
        ? functionUrl + pathname.replace("/functions/v1/process-queued-jobs", "")
        : stack.url + pathname;
      const { method, headers } = request;
      const body = method === "GET" ? undefined : await request.text();
      return await fetch(target, { method, headers, body });
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
