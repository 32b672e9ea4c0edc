// A photograph's way from Storage through the kernel of photographs and back.

import assert from "node:assert/strict";
import sharp from "sharp";
import { enqueue, getJob } from "../support/job.ts";
import { createBucket, photograph } from "../support/photographs.ts";
import { wakeAndWait } from "../support/worker.ts";

interface StoredVariant {
  name: string;
  path: string;
  width: number;
  height: number;
  bytes: number;
  sha256: string;
}

async function run(input: unknown) {
  const id = await enqueue("process_images", input);
  await wakeAndWait();
  const job = await getJob(id);
  assert.equal(job.status, "completed", job.error ?? "");
  return job.output_data;
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

Deno.test("a photograph in Storage becomes small upright JPEGs beside it, which hold nothing but pixels", async () => {
  const bucket = await createBucket();
  const original = await photograph({ width: 4032, height: 3024, orientation: 6 });
  await bucket.upload("site/1.jpg", original);
  const output = await run({
    images: [{ id: "a", bucket: bucket.name, path: "site/1.jpg" }],
    output: { bucket: bucket.name, prefix: "processed" },
    gps: true,
  });
  const [{ id, status, source, variants }] = output.images;
  assert.deepEqual([id, status], ["a", "ok"]);
  assert.deepEqual(source, {
    width: 3024,
    height: 4032,
    bytes: original.length,
    format: "jpeg",
    sha256: await sha256(original),
    taken_at: "2026-05-01T10:20:30",
    gps: { latitude: 49.275, longitude: -123.12 },
  });
  const sizes = variants.map(({ name, width, height }: StoredVariant) => [name, width, height]);
  assert.deepEqual(sizes, [["ai", 1200, 1600], ["doc", 900, 1200], ["thumb", 300, 400]]);
  for (const variant of variants as StoredVariant[]) {
    const file = await bucket.download(variant.path);
    const { width, height, format, exif, orientation } = await sharp(file).metadata();
    assert.deepEqual([width, height, format], [variant.width, variant.height, "jpeg"]);
    assert.deepEqual([exif, orientation], [undefined, undefined]);
    assert.deepEqual([variant.bytes, variant.sha256], [file.length, await sha256(file)]);
  }
  // What stands on the left in the file is above when it is shown, and the other way round.
  const { data } = await sharp(await bucket.download(variants[2].path)).raw()
    .toBuffer({ resolveWithObject: true });
  const isRed = (x: number, y: number) => data[(y * 300 + x) * 3] > data[(y * 300 + x) * 3 + 1] * 2;
  assert.deepEqual([isRed(250, 50), isRed(50, 50), isRed(250, 350)], [true, false, false]);
  assert.deepEqual(await bucket.download("site/1.jpg"), original);
});
