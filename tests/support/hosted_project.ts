// A Supabase project as its owner sees it: a folder for commands, an SQL editor, and a platform that runs what the real
// Supabase CLI uploaded, with the secrets it set. The database is the stack's.

import { startFront } from "./front.ts";
import { type ManagementApi, profileFor, startManagementApi, unpacked } from "./management_api.ts";
import { stack } from "./stack.ts";
import { CLI, cliEnvironment } from "./supabase_cli.ts";
import { asSuperuser } from "./superuser.ts";
import { startWorker, type Worker } from "./worker.ts";

const REF = "abcdefghijklmnopqrst";
const FUNCTION = "process-queued-jobs";
const PRETIUM_QUEUE = new URL("../../pkg/dist/cli/main.js", import.meta.url).pathname;

/** What a command wrote to both streams, and whether it ended with 0. */
export interface Said {
  text: string;
  succeeded: boolean;
}

export interface HostedProject extends AsyncDisposable {
  folder: string;
  api: ManagementApi;
  /** What the docs call `https://<ref>.supabase.co`. */
  url: string;
  /** Runs shell commands in the folder; then the function runs with what is deployed and set now. */
  type(commands: string, env?: Record<string, string>): Promise<Said>;
  /** Runs a statement as the owner of the database. */
  editSql(statement: string): Promise<Record<string, unknown>[]>;
}

/** `grokUrl` is where the function finds xAI. */
export async function hostedProject(grokUrl: string): Promise<HostedProject> {
  const folder = await Deno.makeTempDir();
  const api = startManagementApi(REF);
  await writeNpx(folder);
  const platform = startPlatform(api, grokUrl);
  const profile = await profileFor(api, folder);
  return {
    folder,
    api,
    url: platform.url,
    async type(commands, env = {}) {
      const known = { ...cliEnvironment(folder), ...profile, ...env };
      const said = await shell(folder, commands, known);
      await platform.settle();
      return said;
    },
    editSql: (statement) => asSuperuser((sql) => sql.unsafe(statement)),
    async [Symbol.asyncDispose]() {
      await platform[Symbol.asyncDispose]();
      await api[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Runs what is deployed; `settle` starts it anew after it, or its secrets, may have changed. */
function startPlatform(api: ManagementApi, grokUrl: string) {
  let running: { worker: Worker; folder: string } | undefined;
  const front = startFront(() => running?.worker.url);
  const end = async () => {
    const ended = running;
    running = undefined;
    await ended?.worker.kill();
    if (ended) await Deno.remove(ended.folder, { recursive: true });
  };
  return {
    url: front.url,
    async settle() {
      await end();
      const upload = api.deployed.get(FUNCTION);
      if (!upload) return;
      const folder = await unpacked(upload);
      const environment = {
        QUEUE_WORKER_TOKEN: undefined,
        GROK_API_KEY: undefined,
        GROK_BASE_URL: `${grokUrl}/v1`,
        ...api.secrets,
      };
      const entrypoint = `file://${folder}/${upload.metadata.entrypoint_path}`;
      running = { worker: await startWorker(environment, ["--function", entrypoint]), folder };
    },
    async [Symbol.asyncDispose]() {
      await end();
      await front[Symbol.asyncDispose]();
    },
  };
}

/** Stands in for npx, as if the project's folder had both packages: the real Supabase CLI and the built package. */
async function writeNpx(folder: string) {
  await Deno.mkdir(`${folder}/bin`);
  await Deno.writeTextFile(
    `${folder}/bin/npx`,
    `#!/bin/sh
tool=$1
shift
case $tool in
  supabase) exec node '${CLI}' "$@" --remote=${REF} --yes ;;
  pretium-queue) exec node '${PRETIUM_QUEUE}' "$@" ;;
  *) echo "npx: there is no $tool here" >&2; exit 1 ;;
esac
`,
    { mode: 0o755 },
  );
}

async function shell(folder: string, commands: string, env: Record<string, string>): Promise<Said> {
  const { success, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-e", "-c", commands],
    cwd: folder,
    clearEnv: true,
    env: {
      ...env,
      PATH: `${folder}/bin:${env.PATH}`,
      SUPABASE_SECRET_KEY: stack.secretKey,
    },
    stdin: "null",
  }).output();
  const text = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
  return { text, succeeded: success };
}
