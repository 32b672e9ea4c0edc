// A stand-in for the xAI API, for the demo and the tests: chat completions and responses with images and structured
// output, at once, streamed or deferred, deterministic, and scriptable per conversation (the header x-grok-conv-id,
// which the worker sets to the job's id).
//
//   deno run --allow-net tests/grok/server.ts --port N [--delay-ms N]
//
//   PUT /control/<conversation>   a list of faults (fault.ts) for its next calls
//   GET /control/<conversation>   the calls it made, images summarised

import { checkKey, complete, ENDPOINTS } from "./completion.ts";
import { Conversations } from "./conversation.ts";
import { Deferrals } from "./deferral.ts";
import type { Fault } from "./fault.ts";
import { flatError } from "./fault.ts";

/** The stand-in as a request handler; `delayMs` is how long it thinks about each call. */
export function grok(delayMs = 0): (request: Request) => Promise<Response> {
  const conversations = new Conversations();
  const deferrals = new Deferrals();
  return async (request) => {
    const { pathname } = new URL(request.url);
    const control = pathname.match(/^\/control\/([^/]+)$/);
    if (control) return await direct(request, conversations, control[1]);
    const response = await api(request, pathname, conversations, deferrals, delayMs);
    response.headers.set("x-request-id", crypto.randomUUID());
    return response;
  };
}

async function api(
  request: Request,
  pathname: string,
  conversations: Conversations,
  deferrals: Deferrals,
  delayMs: number,
): Promise<Response> {
  const deferred = pathname.match(/^\/v1\/chat\/deferred-completion\/([^/]+)$/);
  const dialect = ENDPOINTS[pathname];
  if (!deferred && !dialect) {
    await request.body?.cancel();
    return flatError(404, "not-found", `No such path: ${pathname}`);
  }
  const method = deferred ? "GET" : "POST";
  if (request.method !== method) return flatError(405, "method-not-allowed", `Use ${method}.`);
  const refused = checkKey(request.headers.get("authorization"));
  if (refused) return refused;
  if (deferred) return deferrals.fetch(deferred[1]);
  return await complete(request, dialect, conversations, deferrals, delayMs);
}

async function direct(
  request: Request,
  conversations: Conversations,
  id: string,
): Promise<Response> {
  if (request.method === "GET") return Response.json(conversations.calls(id));
  if (request.method !== "PUT") return new Response("use GET or PUT\n", { status: 405 });
  conversations.script(id, await request.json() as Fault[]);
  return new Response(null, { status: 204 });
}

function numberAfter(flag: string, otherwise: number): number {
  const at = Deno.args.indexOf(flag);
  return at < 0 ? otherwise : Number(Deno.args[at + 1]);
}

if (import.meta.main) {
  const serving = { hostname: "127.0.0.1", port: numberAfter("--port", 0) };
  Deno.serve({
    ...serving,
    onListen: ({ port }) => console.log(`listening on http://127.0.0.1:${port}`),
    onError: (error) => flatError(500, "internal", `the stand-in itself failed: ${error}`),
  }, grok(numberAfter("--delay-ms", 0)));
}
