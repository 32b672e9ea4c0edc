// What `supabase functions deploy --use-api` uploads is all a worker needs.

import assert from "node:assert/strict";
import { cancel, enqueue, getJob } from "../support/job.ts";
import {
  profileFor,
  startManagementApi,
  unpacked,
  type Upload,
} from "../support/management_api.ts";
import { createBucket, photograph } from "../support/photographs.ts";
import { reportInput } from "../support/report_job.ts";
import { projectCopy, supabaseCli } from "../support/supabase_cli.ts";
import { startWorker, wakeAndWait, type Worker } from "../support/worker.ts";

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

/** One photograph, in a bucket of its own. */
async function imagesInput() {
  const bucket = await createBucket();
  await bucket.upload("1.jpg", await photograph({ width: 64, height: 48 }));
  return {
    images: [{ bucket: bucket.name, path: "1.jpg" }],
    output: { bucket: bucket.name, prefix: "out" },
  };
}

const start = (folder: string, upload: Upload) =>
  startWorker({}, ["--function", `file://${folder}/${upload.metadata.entrypoint_path}`]);

/** The uploaded files, and nothing else, changed by `change`, as a worker. */
async function withUploaded(
  run: (worker: Worker) => Promise<void>,
  change: (functionFolder: string) => Promise<void> = async () => {},
) {
  const { success, stderr, uploads: [upload] } = await deploy();
  assert.ok(success, stderr);
  const folder = await unpacked(upload);
  try {
    const entrypoint = `${folder}/${upload.metadata.entrypoint_path}`;
    await change(entrypoint.slice(0, entrypoint.lastIndexOf("/")));
    const worker = await start(folder, upload);
    await run(worker).finally(() => worker.kill());
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("the upload is small, and checks its callers itself", async () => {
  const { success, stderr, uploads: [upload] } = await deploy();
  assert.ok(success, stderr);
  assert.equal(upload.metadata.verify_jwt, false);
  const bytes = [...upload.files.values()].reduce((sum, file) => sum + file.length, 0);
  assert.ok(bytes < MOST_BYTES, `${bytes} bytes`);
});

Deno.test("the uploaded files, and nothing else, are a worker that does every built-in job", async () => {
  await withUploaded(async (worker) => {
    const noop = await enqueue("noop", {});
    const report = await enqueue("generate_report", reportInput(1));
    const images = await enqueue("process_images", await imagesInput());
    await wakeAndWait(worker.url);
    for (const id of [noop, report, images]) {
      assert.equal((await getJob(id)).status, "completed");
    }
    assert.equal((await getJob(images)).output_data.totals.ok, 1);
  });
});

Deno.test("a worker that cannot load the code of reports does other jobs, and reports wait unharmed", async () => {
  const withoutReports = (folder: string) => Deno.remove(`${folder}/worker/report_bytes.js`);
  await withUploaded(async (worker) => {
    const report = await enqueue("generate_report", reportInput(1));
    const noop = await enqueue("noop", {});
    const run = await wakeAndWait(worker.url);
    assert.match(run.unavailable.generate_report, /could not be loaded.*deploy it again/);
    assert.match(worker.output(), /report_bytes\.js/);
    assert.equal((await getJob(noop)).status, "completed");
    const { status, retry_count } = await getJob(report);
    assert.deepEqual({ status, retry_count }, { status: "queued", retry_count: 0 });
    assert.equal(await cancel(report), "cancelled");
  }, withoutReports);
});

Deno.test("a worker that cannot load the kernel of photographs leaves them waiting unharmed", async () => {
  const withoutKernel = (folder: string) => Deno.remove(`${folder}/worker/images_bytes.js`);
  await withUploaded(async (worker) => {
    const images = await enqueue("process_images", await imagesInput());
    const report = await enqueue("generate_report", reportInput(1));
    const run = await wakeAndWait(worker.url);
    assert.match(run.unavailable.process_images, /could not be loaded.*deploy it again/);
    assert.equal((await getJob(report)).status, "completed");
    const { status, retry_count } = await getJob(images);
    assert.deepEqual({ status, retry_count }, { status: "queued", retry_count: 0 });
    assert.equal(await cancel(images), "cancelled");
  }, withoutKernel);
});

Deno.test("without the module that holds the Wasm the upload is no worker", async () => {
  const { uploads: [upload] } = await deploy((folder) =>
    Deno.remove(`${folder}/supabase/functions/process-queued-jobs/worker/wasm_bytes.js`)
  );
  const folder = await unpacked(upload);
  await assert.rejects(start(folder, upload), /did not start: .*wasm_bytes/s);
  await Deno.remove(folder, { recursive: true });
});
