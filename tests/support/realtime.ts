// Stands in for Supabase Realtime in front of the real stack: Phoenix channels over a WebSocket. The policies on
// realtime.messages open private channels, and each row of that table goes to those who joined its topic.

import type postgres from "postgres";
import { stack } from "./stack.ts";

/** A message of Phoenix, in either of its two forms. */
interface Message {
  joinRef: string | null;
  ref: string | null;
  topic: string;
  event: string;
  payload: Record<string, unknown>;
}

export interface Realtime {
  /** The project's address with Realtime in it. */
  url: string;
  /** How many requests read over REST. */
  reads(): number;
  /** Closes every connection and accepts no new one. */
  fall(): void;
  stop(): Promise<void>;
}

export function startRealtime(sql: postgres.Sql): Realtime {
  const sockets = new Set<WebSocket>();
  const joined = new Map<WebSocket, Set<string>>();
  let reads = 0;
  let hasFallen = false;

  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { pathname, search, searchParams } = new URL(request.url);
    if (pathname !== "/realtime/v1/websocket") {
      if (request.method === "GET") reads++;
      const { method, headers, body } = request;
      return await fetch(`${stack.url}${pathname}${search}`, { method, headers, body });
    }
    if (hasFallen) return new Response(null, { status: 503 });
    const { socket, response } = Deno.upgradeWebSocket(request);
    const codec = searchParams.get("vsn") === "2.0.0" ? ARRAYS : OBJECTS;
    sockets.add(socket);
    joined.set(socket, new Set());
    socket.onmessage = async ({ data }) => {
      const message = codec.read(data);
      const status = await answer(sql, message);
      if (message.event === "phx_join" && status === "ok") joined.get(socket)!.add(message.topic);
      const payload = { status, response: {} };
      if (socket.readyState === socket.OPEN) {
        socket.send(codec.write({ ...message, event: "phx_reply", payload }));
      }
    };
    Object.assign(socket, { codec });
    return response;
  });

  const told = new Set<string>();
  const tell = setInterval(async () => {
    const rows =
      await sql`select id, topic, event, payload from realtime.messages order by inserted_at`;
    for (const row of rows) {
      if (told.has(row.id)) continue;
      told.add(row.id);
      const topic = `realtime:${row.topic}`;
      const payload = { type: "broadcast", event: row.event, payload: row.payload };
      for (const socket of sockets) {
        if (!joined.get(socket)?.has(topic) || socket.readyState !== socket.OPEN) continue;
        const { codec } = socket as unknown as { codec: typeof ARRAYS };
        socket.send(codec.write({ joinRef: null, ref: null, topic, event: "broadcast", payload }));
      }
    }
  }, 20);

  const end = () => sockets.forEach((socket) => socket.close());
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    reads: () => reads,
    fall() {
      hasFallen = true;
      end();
    },
    async stop() {
      clearInterval(tell);
      end();
      await server.shutdown();
    },
  };
}

/** Whether the channel opens: a private one, if its user may read messages of its topic. */
async function answer(sql: postgres.Sql, { event, topic, payload }: Message): Promise<string> {
  if (event !== "phx_join") return "ok";
  const { config, access_token } = payload as {
    config: { private: boolean };
    access_token: string;
  };
  if (!config.private) return "ok";
  const claims = atob(access_token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
  const name = topic.replace(/^realtime:/, "");
  let isAllowed = false;
  // As the real one does: inserts a message, checks whether the user sees it, and rolls back.
  await sql.begin(async (transaction) => {
    await transaction`insert into realtime.messages (topic, extension) values (${name}, 'broadcast')`;
    await transaction`select set_config('realtime.topic', ${name}, true)`;
    await transaction`select set_config('request.jwt.claims', ${claims}, true)`;
    await transaction.unsafe("set local role authenticated");
    isAllowed = (await transaction`select from realtime.messages limit 1`).length > 0;
    await transaction.unsafe("reset role");
    throw new TakenBack();
  }).catch((error) => {
    if (!(error instanceof TakenBack)) throw error;
  });
  return isAllowed ? "ok" : "error";
}

class TakenBack extends Error {}

const OBJECTS = {
  read(text: string): Message {
    const { join_ref, ref, topic, event, payload } = JSON.parse(text);
    return { joinRef: join_ref, ref, topic, event, payload };
  },
  write: ({ joinRef, ...rest }: Message) => JSON.stringify({ join_ref: joinRef, ...rest }),
};

const ARRAYS = {
  read(text: string): Message {
    const [joinRef, ref, topic, event, payload] = JSON.parse(text);
    return { joinRef, ref, topic, event, payload };
  },
  write: ({ joinRef, ref, topic, event, payload }: Message) =>
    JSON.stringify([joinRef, ref, topic, event, payload]),
};
