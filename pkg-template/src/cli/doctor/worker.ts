// Whether the function is deployed, has its settings, is of this version and takes the worker token.

import type { Project } from "./environment.ts";
import { type Finding, fine, quoted, wrong } from "./finding.ts";
import { ask, type Reply } from "./http.ts";

const PART = "function";
const DEPLOY = "npx supabase functions deploy process-queued-jobs --use-api";
const LOGS = "look into the function's logs in the dashboard, then deploy it anew";

/** `reply` tells the function's clock. */
export async function askWorker({ url, workerToken }: Project, version: string) {
  const address = `${url}/functions/v1/process-queued-jobs`;
  const reply = await ask(address);
  if (reply.status !== 200) return { reply, findings: [refusal(address, reply)] };
  return { reply, findings: [versionOf(reply, version), await tokenOf(address, workerToken)] };
}

function refusal(address: string, { status, text, json }: Reply): Finding {
  const said = quoted(json?.error ?? json?.message ?? text);
  if (status === 0) {
    return wrong(PART, `${address} cannot be reached: ${said}`, "check SUPABASE_URL");
  }
  if (status === 404) return wrong(PART, "is not deployed", DEPLOY);
  if (status === 401) {
    const remedy =
      `[functions.process-queued-jobs] verify_jwt = false in supabase/config.toml, then ${DEPLOY}`;
    return wrong(PART, "the platform asks its callers for a user's token", remedy);
  }
  const [, variable] = said.match(/^([A-Z_]+): /) ?? [];
  if (status === 500 && variable) {
    const remedy = `npx supabase secrets set ${variable}=<what it should be>`;
    return wrong(PART, `lacks a setting: ${said}`, remedy);
  }
  return wrong(PART, `answered ${status}: ${said}`, LOGS);
}

function versionOf({ json }: Reply, version: string): Finding {
  if (json?.version === version) return fine(PART, `deployed, version ${version}`);
  return wrong(
    PART,
    `is of version ${quoted(`${json?.version ?? "unknown"}`)}, the package of ${version}`,
    `npx pretium-queue upgrade && ${DEPLOY}`,
  );
}

async function tokenOf(address: string, workerToken?: string): Promise<Finding> {
  if (!workerToken) {
    const how = "to check it: export QUEUE_WORKER_TOKEN=<the token>";
    return fine("token", `not checked, because QUEUE_WORKER_TOKEN is not set here; ${how}`);
  }
  const reply = await ask(`${address}/metrics`, { headers: { "x-queue-token": workerToken } });
  if (reply.status === 200) return fine("token", "the function takes it");
  const said = quoted(reply.json?.error ?? reply.text);
  if (reply.status === 401) {
    return wrong(
      "token",
      "the function has another one than QUEUE_WORKER_TOKEN here",
      "npx supabase secrets set QUEUE_WORKER_TOKEN=$QUEUE_WORKER_TOKEN, and call setup_job_queue with the same",
    );
  }
  return wrong("token", `the function answered ${reply.status}: ${said}`, LOGS);
}
