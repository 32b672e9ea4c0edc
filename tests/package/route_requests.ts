// Requests to the routes as they are served, by two users, and what their answers must be.

import assert from "node:assert/strict";
import { mintUserToken, secretKeyClient } from "../support/clients.ts";
import { stack } from "../support/stack.ts";
import { asSuperuser } from "../support/superuser.ts";

await asSuperuser((sql) =>
  sql`insert into public.job_types (job_type, open_to_users) values ('generate_report', true), ('parked', true)
      on conflict (job_type) do update set open_to_users = true`
);

export const alice = crypto.randomUUID();
export const bob = crypto.randomUUID();
export const tokens = { alice: await mintUserToken(alice), bob: await mintUserToken(bob) };
export const REPORT = "/api/models/archive/generate-report-oldGrok";

/** What the tests look at of an answer. */
export interface Answer {
  status: number;
  body: string;
  headers: Headers;
}

/** Asks the function as it is served; the other mountings take the same requests. */
export async function ask(
  path: string,
  init: RequestInit = {},
  token: string | null = tokens.alice,
): Promise<Answer> {
  const headers = new Headers(init.headers);
  if (token) headers.set("authorization", `Bearer ${token}`);
  const response = await fetch(`${stack.url}/functions/v1${path}`, { ...init, headers });
  return { status: response.status, body: await response.text(), headers: response.headers };
}

export const post = (body: unknown, headers: Record<string, string> = {}): RequestInit => ({
  method: "POST",
  body: typeof body === "string" ? body : JSON.stringify(body),
  headers: { "content-type": "application/json", ...headers },
});

export function answered(answer: Answer, status: number, body: unknown) {
  assert.equal(answer.body, JSON.stringify(body));
  assert.equal(answer.status, status);
  assert.equal(answer.headers.get("content-type"), "application/json");
}

export const refused = (answer: Answer, status: number, error: string) =>
  answered(answer, status, { success: false, error });

export async function report(change: Record<string, unknown> = {}) {
  const reportId = crypto.randomUUID();
  await secretKeyClient().from("reports").insert({ id: reportId, user_id: alice });
  return {
    bulletPoints: "Membrane complete on the east half.",
    contractName: "Alder Street Library",
    location: "Roof Area B",
    reportId,
    images: [{ url: "https://photos.example/1.jpg" }],
    projectId: crypto.randomUUID(),
    ...change,
  };
}

export async function enqueued(status?: string): Promise<string> {
  const { data: id } = await secretKeyClient().rpc("enqueue_job", {
    job_type: "parked",
    owner_id: alice,
  });
  if (status) {
    await asSuperuser((sql) =>
      sql`update public.jobs set status = ${status}, error = 'broken', completed_at = now() where id = ${id}`
    );
  }
  return id;
}
