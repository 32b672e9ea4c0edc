// The line between one worker and the gateway: passes requests on, remembers what they said, and goes wrong on demand.

import { stack } from "../support/stack.ts";
import { answered, type Call, callOf } from "./calls.ts";
import { encodeAnswer, type Message, RequestReader } from "./message.ts";

/** What shall happen to one request. */
export type Mishap =
  /** It is carried out, and its answer is swallowed with the connection. */
  | { mishap: "answer_lost" }
  /** It waits on the way. */
  | { mishap: "late"; ms: number }
  /** Its answer does. */
  | { mishap: "answer_late"; ms: number }
  /** The connection breaks at once, and the request arrives all the same, late. */
  | { mishap: "orphaned"; ms: number }
  /** It arrives twice at the same time. */
  | { mishap: "doubled" };

interface Arranged {
  mishap: Mishap;
  of?: string;
  onBegin: () => void;
}

export class Line {
  readonly url: string;
  readonly slot: number;
  #calls: Call[];
  #listener: Deno.TcpListener;
  #connections = new Set<Deno.Conn>();
  /** Connections whose other end is gone without a word. */
  #silent = new Set<Deno.Conn>();
  #isSilent = false;
  #arranged: Arranged[] = [];

  constructor(slot: number, calls: Call[]) {
    this.slot = slot;
    this.#calls = calls;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.url = `http://127.0.0.1:${(this.#listener.addr as Deno.NetAddr).port}`;
    this.#accept();
  }

  /** Breaks every connection. */
  cut() {
    for (const connection of this.#connections) close(connection);
  }

  /** Lets the connections there are go silent, without closing them before `ms` are over. */
  halfOpen(ms: number) {
    const silenced = [...this.#connections];
    for (const connection of silenced) this.#silent.add(connection);
    setTimeout(() => silenced.forEach(close), ms);
  }

  /** Silence on all connections, new ones too. */
  blackOut(ms: number) {
    this.#isSilent = true;
    setTimeout(() => {
      this.#isSilent = false;
      this.cut();
    }, ms);
  }

  /** Lets something happen to the next request, or to the next call of one function; says when it does. */
  arrange(mishap: Mishap, onBegin: () => void, of?: string) {
    this.#arranged.push({ mishap, of, onBegin });
  }

  /** From now on everything goes well. */
  heal() {
    this.#arranged = [];
    this.cut();
  }

  close() {
    this.#listener.close();
    this.cut();
  }

  async #accept() {
    for await (const connection of this.#listener) {
      connection.setNoDelay(true);
      this.#connections.add(connection);
      this.#serve(connection)
        // A connection that was cut is no event.
        .catch(() => {})
        .finally(() => {
          close(connection);
          this.#connections.delete(connection);
          this.#silent.delete(connection);
        });
    }
  }

  async #serve(connection: Deno.Conn) {
    const requests = new RequestReader(connection);
    for (let request; (request = await requests.next());) {
      const answer = await this.#handle(connection, request);
      if (!answer || this.#isMute(connection)) return await ended(connection);
      for (let sent = 0; sent < answer.length;) {
        sent += await connection.write(answer.subarray(sent));
      }
    }
  }

  /** The answer, if there is to be one. */
  async #handle(connection: Deno.Conn, request: Message): Promise<Uint8Array | undefined> {
    if (this.#isMute(connection)) return undefined;
    const sentAt = Date.now();
    const mishap = this.#takeMishap(request);
    switch (mishap?.mishap) {
      case "late":
        await pause(mishap.ms);
        break;
      case "orphaned":
        close(connection);
        await pause(mishap.ms);
        break;
      case "doubled":
        this.#forward(request, sentAt);
    }
    const answer = await this.#forward(request, sentAt);
    if (mishap?.mishap === "answer_lost") close(connection);
    if (mishap?.mishap === "answer_late") await pause(mishap.ms);
    return answer;
  }

  #isMute(connection: Deno.Conn): boolean {
    return this.#isSilent || this.#silent.has(connection);
  }

  #takeMishap(request: Message): Mishap | undefined {
    const name = functionOf(request);
    const index = this.#arranged.findIndex(({ of }) => of === undefined || of === name);
    if (index < 0) return undefined;
    const [{ mishap, onBegin }] = this.#arranged.splice(index, 1);
    onBegin();
    return mishap;
  }

  async #forward(request: Message, sentAt: number): Promise<Uint8Array> {
    const [method, path] = request.start.split(" ");
    const headers = new Headers(request.headers);
    for (const name of ["host", "content-length", "connection"]) headers.delete(name);
    const call = callOf(
      this.slot,
      functionOf(request),
      new TextDecoder().decode(request.body),
      sentAt,
    );
    this.#calls.push(call);
    try {
      const response = await fetch(stack.url + path, { method, headers, body: request.body });
      const text = await response.text();
      answered(call, response.status, text);
      return encodeAnswer(
        response.status,
        response.headers.get("content-type") ?? "text/plain",
        text,
      );
    } catch {
      return encodeAnswer(502, "text/plain", "the gateway does not answer");
    }
  }
}

function functionOf(request: Message): string {
  return request.start.split(" ")[1]?.match(/\/rpc\/(\w+)/)?.[1] ?? "";
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits until the other side, or this one, hangs up. */
async function ended(connection: Deno.Conn) {
  const rest = new Uint8Array(65_536);
  while (await connection.read(rest) !== null);
}

function close(connection: Deno.Conn) {
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
}
