// Whether the database lets us in, has the queue, and what it says of itself.

import { headersOf } from "../../fetch_transport.ts";
import { type Finding, fine, quoted, wrong } from "./finding.ts";
import { ask, type Reply } from "./http.ts";

/** What `job_queue_health()` says, as far as it is looked at here. */
export interface Health {
  types: {
    job_type: string;
    is_paused: boolean;
    ready: number;
    waiting: number;
    failed_last_hour: number;
    last_error: string | null;
  }[];
  stuck: number;
  version?: string;
  at?: string;
}

/** A row of `check_job_queue()`. */
interface Checked {
  part: string;
  is_healthy: boolean;
  finding: string;
  remedy: string | null;
}

const APPLY = "npx pretium-queue init && npx supabase db push";
const UPGRADE =
  "npm install pretium-queue@latest && npx pretium-queue upgrade && npx supabase db push";

/** `health` is there when the database gave it; `reply` tells its clock. */
export async function askDatabase(url: string, key: string, version: string) {
  const reply = await rpc(url, key, "job_queue_health");
  if (reply.status !== 200) return { findings: [refusal(url, reply)] };
  const health: Health = reply.json;
  const checked = await rpc(url, key, "check_job_queue");
  const parts = checked.status === 200
    ? (checked.json as Checked[]).map(ofPart)
    : [refusal(url, checked)];
  return { health, reply, findings: [versionOf(health, version), ...parts] };
}

async function rpc(url: string, key: string, name: string): Promise<Reply> {
  const headers = { ...await headersOf({ url, key }), "content-type": "application/json" };
  return await ask(`${url}/rest/v1/rpc/${name}`, { method: "POST", headers, body: "{}" });
}

function refusal(url: string, { status, text, json }: Reply): Finding {
  const said = quoted(json?.message ?? text);
  if (status === 0) {
    return wrong(
      "database",
      `${url} cannot be reached: ${said}`,
      "check SUPABASE_URL; resume the project in the dashboard if it is paused",
    );
  }
  if (json?.code === "42501") {
    return wrong(
      "database",
      `the key may not see the queue: ${said}`,
      "use a secret key: dashboard, Project Settings, API Keys",
    );
  }
  if (status === 401 || status === 403) {
    return wrong(
      "database",
      `the key is not this project's: ${said}`,
      "copy it anew: dashboard, Project Settings, API Keys",
    );
  }
  // The second is what PostgREST passes on until it has looked at the schema again.
  if (json?.code === "PGRST202" || json?.code === "42883") {
    return wrong(
      "schema",
      `the queue is not in the database, or is older than this command: ${said}`,
      APPLY,
    );
  }
  if (status === 404) {
    return wrong(
      "database",
      `${url} is no Supabase project: it has no /rest/v1`,
      "check SUPABASE_URL",
    );
  }
  return wrong(
    "database",
    `answered ${status}: ${said}`,
    "wait a minute and try again; then look into the database's logs in the dashboard",
  );
}

function versionOf(health: Health, version: string): Finding {
  if (health.version === version) return fine("schema", `version ${version}`);
  const theirs = health.version ?? "unknown";
  return wrong("schema", `is of version ${theirs}, the package of ${version}`, UPGRADE);
}

function ofPart({ part, is_healthy, finding, remedy }: Checked): Finding {
  return is_healthy
    ? fine(part, finding)
    : wrong(part, quoted(finding), remedy ?? "look into the function's logs");
}
