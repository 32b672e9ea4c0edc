// A report's way through the kernel of documents into Storage.

import assert from "node:assert/strict";
import { enqueue, getJob } from "../support/job.ts";
import { createBucket, photograph } from "../support/photographs.ts";
import { reportInput } from "../support/report_job.ts";
import { wakeAndWait } from "../support/worker.ts";

/** A report about two photographs in a bucket of its own, one of which is no photograph. */
async function finishedReport() {
  const bucket = await createBucket();
  await bucket.upload("1.jpg", await photograph({ width: 4032, height: 3024, orientation: 6 }));
  await bucket.upload("2.jpg", "<!doctype html>");
  const photos = ["1.jpg", "2.jpg"].map((path) => ({ bucket: bucket.name, path }));
  const input = reportInput(2) as { images: object[] };
  input.images = input.images.map((image, index) => ({ ...image, url: null, ...photos[index] }));
  const reportJob = await enqueue("generate_report", input);
  return { bucket, reportJob };
}

async function exported(bucket: string, reportJob: string, format: string) {
  const id = await enqueue("export_document", {
    jobId: reportJob,
    format,
    output: { bucket, path: `documents/report.${format}` },
  });
  await wakeAndWait();
  const job = await getJob(id);
  assert.equal(job.status, "completed", job.error ?? "");
  return job.output_data;
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

Deno.test("a report becomes documents in Storage, with the photographs that can be had", async () => {
  const { bucket, reportJob } = await finishedReport();
  await wakeAndWait();
  const html = await exported(bucket.name, reportJob, "html");
  assert.deepEqual(html.photos, { embedded: 1, missing: 1 });
  assert.deepEqual(html.warnings.map(({ code }: { code: string }) => code), ["photo_missing"]);
  const page = await bucket.download(html.path);
  assert.deepEqual([html.bytes, html.sha256], [page.length, await sha256(page)]);
  const text = new TextDecoder().decode(page);
  assert.match(text, /width="900" height="1200"/);
  assert.match(text, /Photo 2 is not available/);
  assert.doesNotMatch(text, /IMAGE:/);
  const docx = await exported(bucket.name, reportJob, "docx");
  assert.deepEqual(docx.photos, { embedded: 1, missing: 1 });
  const zip = new TextDecoder("latin1").decode(await bucket.download(docx.path));
  assert.ok(zip.startsWith("PK") && zip.includes("word/media/image1.jpeg"));
  const markdown = await exported(bucket.name, reportJob, "md");
  assert.match(new TextDecoder().decode(await bucket.download(markdown.path)), /^# Field Review/m);
  // The same again is the same to the byte, and in the place of the first.
  assert.deepEqual(await exported(bucket.name, reportJob, "html"), html);
});

Deno.test("a document that exists already, but is none, is not replaced", async () => {
  const { bucket, reportJob } = await finishedReport();
  await wakeAndWait();
  await bucket.upload("documents/report.md", "a letter");
  const id = await enqueue("export_document", {
    jobId: reportJob,
    format: "md",
    output: { bucket: bucket.name, path: "documents/report.md" },
  });
  await wakeAndWait();
  const { status, error } = await getJob(id);
  assert.equal(status, "failed");
  assert.match(error!, /something else is there already/);
});
