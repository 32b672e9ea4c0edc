// Stands in for pg_net's background worker: sends the requests in net.http_request_queue.
//
//   STACK_DB_URL=… deno run --allow-net --allow-env --allow-read tests/stack/pg_net.ts
//
// Like pg_net 0.20 it sends nothing before the commit. It takes up to 200 requests in one transaction, which lasts
// until all are answered: a slow one delays the others, and a worker that dies meanwhile sends them again. Answers go
// to net._http_response. Unlike pg_net it does not pause between two batches, and keeps answers for ever.

import postgres from "postgres";

const BATCH = 200;

interface Request {
  id: string;
  method: string;
  url: string;
  headers: Record<string, string> | null;
  body: Uint8Array<ArrayBuffer> | null;
  timeout_milliseconds: number;
}

const sql = postgres(Deno.env.get("STACK_DB_URL")!, { max: 1, onnotice: () => {} });
let wake = () => {};
await sql.listen("pg_net", () => wake());
console.log("ready");

while (true) {
  const woken = new Promise<void>((resolve) => wake = resolve);
  try {
    if (await sendBatch() === 0) await woken;
  } catch (error) {
    // The database is away, and the transaction is rolled back: the requests are in the queue again.
    console.error(`${error}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Sends one batch of the queue and returns how many requests that was. */
async function sendBatch(): Promise<number> {
  return await sql.begin(async (transaction) => {
    const requests = await transaction<Request[]>`
      delete from net.http_request_queue where id in (
        select id from net.http_request_queue order by id limit ${BATCH} for update skip locked
      ) returning id, method, url, headers, body, timeout_milliseconds`;
    const answers = await Promise.all(requests.map(send));
    if (answers.length > 0) {
      await transaction`insert into net._http_response ${transaction(answers)}`;
    }
    return answers.length;
  });
}

async function send({ id, method, url, headers, body, timeout_milliseconds }: Request) {
  const nothing = { status_code: null, content_type: null, headers: null, content: null };
  try {
    const response = await fetch(url, {
      method,
      headers: headers ?? {},
      body,
      signal: AbortSignal.timeout(timeout_milliseconds),
    });
    return {
      id,
      status_code: response.status,
      content_type: response.headers.get("content-type"),
      headers: sql.json(Object.fromEntries(response.headers)),
      content: await response.text(),
      timed_out: false,
      error_msg: null,
    };
  } catch (error) {
    const timed_out = error instanceof DOMException && error.name === "TimeoutError";
    return { id, ...nothing, timed_out, error_msg: (error as Error).message };
  }
}
