// What the environment says about the project: its address, the key and the worker token.

import { projectUrl, publishableKey, serviceKey, variable } from "../../environment.ts";
import { type Finding, fine, wrong } from "./finding.ts";

export interface Project {
  /** Without a slash at its end. */
  url: string;
  /** Undefined when there is none to ask the database with. */
  key?: string;
  workerToken?: string;
}

const PART = "environment";
const SET_URL = "export SUPABASE_URL=https://<ref>.supabase.co";
const SET_KEY =
  "export SUPABASE_SECRET_KEY=<a secret key: dashboard, Project Settings, API Keys>; or SUPABASE_SERVICE_ROLE_KEY";
const SET_TOKEN = "export QUEUE_WORKER_TOKEN=<the token given to setup_job_queue>";

/** Without a project there is nothing to ask. */
export function readEnvironment(): { project?: Project; findings: Finding[] } {
  const url = addressOf(projectUrl());
  const key = serviceKey();
  const workerToken = variable("QUEUE_WORKER_TOKEN");
  const findings = [problemOfKey(key), problemOfToken(workerToken)].filter((found) =>
    found !== null
  );
  if (!url) {
    const text = projectUrl() ? "SUPABASE_URL is no address" : "SUPABASE_URL is not set";
    return { findings: [wrong(PART, text, SET_URL), ...findings] };
  }
  if (findings.length === 0) findings.push(fine(PART, `the project is ${url}`));
  const project: Project = { url };
  if (!problemOfKey(key)) project.key = key;
  if (!problemOfToken(workerToken)) project.workerToken = workerToken;
  return { project, findings };
}

/** Whatever is in it beside the place: a password has no business in what is printed. */
function addressOf(text = ""): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, host, pathname } = new URL(text);
  return /^https?:$/.test(protocol)
    ? `${protocol}//${host}${pathname}`.replace(/\/+$/, "")
    : undefined;
}

function problemOfKey(key?: string): Finding | null {
  if (!key) {
    const instead = publishableKey() ? ", only a publishable one, which sees no queue" : "";
    return wrong(PART, `there is no secret key${instead}`, SET_KEY);
  }
  if (!isHeader(key)) return wrong(PART, "the secret key holds a space or a line break", SET_KEY);
  if (key.startsWith("sb_publishable_") || roleOf(key) === "anon") {
    return wrong(PART, "the secret key is a publishable (anon) one, which sees no queue", SET_KEY);
  }
  if (!key.startsWith("sb_secret_") && roleOf(key) !== "service_role") {
    return wrong(PART, "the secret key is neither sb_secret_… nor a service_role key", SET_KEY);
  }
  return null;
}

function problemOfToken(token?: string): Finding | null {
  if (!token || isHeader(token)) return null;
  return wrong(PART, "QUEUE_WORKER_TOKEN holds a space or a line break", SET_TOKEN);
}

/** Anything else makes `fetch` throw an error that quotes it. */
function isHeader(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text);
}

/** The role a legacy key carries. */
function roleOf(key: string): string | undefined {
  try {
    return JSON.parse(Buffer.from(key.split(".")[1] ?? "", "base64url").toString()).role;
  } catch {
    return undefined;
  }
}
