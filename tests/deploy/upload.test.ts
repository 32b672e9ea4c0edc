// What `supabase functions deploy --use-api` uploads is all a worker needs.

import assert from "node:assert/strict";
import { enqueue, getJob } from "../support/job.ts";
import {
  profileFor,
  startManagementApi,
  unpacked,
  type Upload,
} from "../support/management_api.ts";
import { projectCopy, supabaseCli } from "../support/supabase_cli.ts";
import { startWorker, wakeAndWait } from "../support/worker.ts";

const REF = "abcdefghijklmnopqrst";
const MOST_BYTES = 5 * 1024 * 1024;

/** Deploys what is in a copy of the checkout, after `change`. */
async function deploy(change: (folder: string) => Promise<void> = async () => {}) {
  await using copy = await projectCopy();
  await change(copy.folder);
  await using api = startManagementApi(REF);
  const env = await profileFor(api, copy.folder);
  const result = await supabaseCli(copy.folder, [
    "functions",
    "deploy",
    "process-queued-jobs",
    "--use-api",
    `--remote=${REF}`,
  ], env);
  return { ...result, uploads: api.uploads };
}

const start = (folder: string, upload: Upload) =>
  startWorker({}, ["--function", `file://${folder}/${upload.metadata.entrypoint_path}`]);

Deno.test("the uploaded files, and nothing else, are a worker that does a job", async () => {
  const { success, stderr, uploads } = await deploy();
  assert.ok(success, stderr);
  const [upload] = uploads;
  assert.equal(upload.metadata.verify_jwt, false, "the function checks its callers itself");
  const bytes = [...upload.files.values()].reduce((sum, file) => sum + file.length, 0);
  assert.ok(bytes < MOST_BYTES, `${bytes} bytes`);
  const folder = await unpacked(upload);
  try {
    const worker = await start(folder, upload);
    try {
      const id = await enqueue("noop", {});
      await wakeAndWait(worker.url);
      assert.equal((await getJob(id)).status, "completed");
    } finally {
      await worker.kill();
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("without the module that holds the Wasm the upload is no worker", async () => {
  const { uploads: [upload] } = await deploy((folder) =>
    Deno.remove(`${folder}/supabase/functions/process-queued-jobs/worker/wasm_bytes.js`)
  );
  const folder = await unpacked(upload);
  await assert.rejects(start(folder, upload), /did not start: .*wasm_bytes/s);
  await Deno.remove(folder, { recursive: true });
});
