// Photographs of any size: a small JPEG followed by random bytes.

import { PHOTO } from "../support/report_job.ts";

const MOST_RANDOM_BYTES = 65_536;

/** Serves one of `bytes` bytes at every address. */
export function servePhotos(bytes: number): { url: string; requests: () => number } {
  const photo = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += MOST_RANDOM_BYTES) {
    crypto.getRandomValues(photo.subarray(at, at + MOST_RANDOM_BYTES));
  }
  photo.set(PHOTO);
  let requests = 0;
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  const server = Deno.serve(options, () => {
    requests++;
    return new Response(photo, { headers: { "content-type": "image/jpeg" } });
  });
  server.unref();
  return { url: `http://127.0.0.1:${server.addr.port}`, requests: () => requests };
}
