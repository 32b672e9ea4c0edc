// Report jobs small enough for a test: one-colour photographs, served by the test itself.

import { secretKeyClient } from "./clients.ts";

/** An 8 × 6 pixel JPEG. */
export const PHOTO = Uint8Array.from(
  atob(
    "/9j/2wBDABQUFBQVFBcZGRcfIh4iHy4rJycrLkYyNjI2MkZqQk5CQk5Cal5yXVZdcl6phXZ2hanDpJukw+zT0+z//////" +
      "///2wBDARQUFBQVFBcZGRcfIh4iHy4rJycrLkYyNjI2MkZqQk5CQk5Cal5yXVZdcl6phXZ2hanDpJukw+zT0+z/////" +
      "////wgARCAAGAAgDASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAP/xAAVAQEBAAAAAAAAAAAAAAAAAAAAAf/" +
      "aAAwDAQACEAMQAAAAqE//xAAUEAEAAAAAAAAAAAAAAAAAAAAA/9oACAEBAAE/AH//xAAUEQEAAAAAAAAAAAAAAAAAAA" +
      "AA/9oACAECAQE/AH//xAAUEQEAAAAAAAAAAAAAAAAAAAAA/9oACAEDAQE/AH//2Q==",
  ),
  (letter) => letter.charCodeAt(0),
);

/** A start, a scan without pixels, an end. */
const WITHOUT_FRAME = Uint8Array.of(0xff, 0xd8, 0xff, 0xda, 0, 2, 0xff, 0xd9);

/**
 * Where every address is the photograph, except `/missing…`, which is a 404, `/broken…`, a JPEG without a frame, `/moved…`,
 * which redirects to it, and `/loop…`, which redirects to itself.
 */
export const PHOTOS_URL: string = servePhotos();

function servePhotos(): string {
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  const server = Deno.serve(options, (request) => {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/missing")) return new Response("no such photo", { status: 404 });
    if (pathname.startsWith("/moved")) return redirect("/1.jpg");
    if (pathname.startsWith("/loop")) return redirect(pathname);
    const photo = pathname.startsWith("/broken") ? WITHOUT_FRAME : PHOTO;
    return new Response(photo, { headers: { "content-type": "image/jpeg" } });
  });
  server.unref();
  return `http://127.0.0.1:${server.addr.port}`;
}

const redirect = (location: string) => new Response(null, { status: 302, headers: { location } });

/** The input of a report job; every photo is in one group and has a description of its own. */
export function reportInput(photos: number, change: Record<string, unknown> = {}) {
  return {
    reportId: crypto.randomUUID(),
    projectId: crypto.randomUUID(),
    bulletPoints: "Membrane complete on the east half. Drains to be cleared.",
    contractName: "Alder Street Library",
    location: "Roof Area B",
    images: Array.from({ length: photos }, (_, index) => image(index + 1)),
    ...change,
  };
}

function image(number: number) {
  return {
    id: `photo-${number}`,
    url: `${PHOTOS_URL}/${number}.jpg`,
    description: `Open lap number ${number} near grid C${number}`,
    tag: "deficiency",
    group: ["Roof"],
    number,
  };
}

/** Inserts the row of the application's `reports` table that a report job fills. */
export async function insertReport(
  input: { reportId: string; projectId: string; bulletPoints: string },
) {
  const { error } = await secretKeyClient().from("reports").insert({
    id: input.reportId,
    project_id: input.projectId,
    bullet_points: input.bulletPoints,
  });
  if (error) throw new Error(`inserting the report: ${error.message}`);
}
