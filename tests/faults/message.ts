// HTTP/1.1 as far as workers speak it, on a bare connection: a server of the library would hide from the proxy
// what goes wrong on connections.

export interface Message {
  /** The request or status line. */
  start: string;
  headers: Headers;
  body: Uint8Array<ArrayBuffer>;
}

/** Reads requests from a connection, one after the other. */
export class RequestReader {
  #connection: Deno.Conn;
  #held = new Uint8Array(0);

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  /** The next request; nothing when the caller has hung up. */
  async next(): Promise<Message | undefined> {
    let end = -1;
    while ((end = headEnd(this.#held)) < 0) {
      if (!await this.#more()) return undefined;
    }
    const [start, ...lines] = new TextDecoder().decode(this.#held.slice(0, end)).split("\r\n");
    const headers = new Headers(lines.map((line): [string, string] => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }));
    const bodyEnd = end + 4 + Number(headers.get("content-length") ?? 0);
    while (this.#held.length < bodyEnd) {
      if (!await this.#more()) return undefined;
    }
    const body = this.#held.slice(end + 4, bodyEnd);
    this.#held = this.#held.slice(bodyEnd);
    return { start, headers, body };
  }

  async #more(): Promise<boolean> {
    const piece = new Uint8Array(65_536);
    const length = await this.#connection.read(piece);
    if (length === null) return false;
    const joined = new Uint8Array(this.#held.length + length);
    joined.set(this.#held);
    joined.set(piece.subarray(0, length), this.#held.length);
    this.#held = joined;
    return true;
  }
}

/** The bytes of an answer. */
export function encodeAnswer(status: number, type: string, body: string): Uint8Array {
  const bytes = new TextEncoder().encode(body);
  const head =
    `HTTP/1.1 ${status} Answer\r\ncontent-type: ${type}\r\ncontent-length: ${bytes.length}\r\n\r\n`;
  const answer = new Uint8Array(head.length + bytes.length);
  answer.set(new TextEncoder().encode(head));
  answer.set(bytes, head.length);
  return answer;
}

function headEnd(bytes: Uint8Array): number {
  for (let at = 0; at + 3 < bytes.length; at++) {
    if (bytes[at] === 13 && bytes[at + 1] === 10 && bytes[at + 2] === 13 && bytes[at + 3] === 10) {
      return at;
    }
  }
  return -1;
}
