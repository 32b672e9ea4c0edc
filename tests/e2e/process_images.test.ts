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

Deno.test("formats that phones and programs write are processed, and what is none fails alone", async () => {
  const bucket = await createBucket();
  const shot = { width: 640, height: 480 };
  const lossy = await photograph({ ...shot, format: "webp" });
  const jpeg = await photograph(shot);
  const files: Record<string, Uint8Array<ArrayBuffer> | string> = {
    "a.png": await photograph({ ...shot, format: "png" }),
    "b.webp": lossy,
    "c.jpg": jpeg,
    "page.jpg": "<!doctype html><title>Sign in</title>",
    "cut.jpg": jpeg.slice(0, jpeg.length / 2),
    "cut.webp": lossy.slice(0, lossy.length / 2),
    "heic.jpg": "\0\0\0\x18ftypheic\0\0\0\0mif1heic",
  };
  for (const [path, file] of Object.entries(files)) await bucket.upload(path, file);
  const { images, totals } = await run({
    images: [...Object.keys(files), "nowhere.jpg"].map((path) => ({
      id: path,
      bucket: bucket.name,
      path,
    })),
    variants: [{ name: "small", max_edge: 320, quality: 70 }],
    output: { bucket: bucket.name, prefix: "out" },
  });
  const told = images.map(({ id, status, error }: Record<string, string>) => [id, error ?? status]);
  assert.deepEqual(told.map(([id, words]: string[]) => `${id}: ${words.slice(0, 30)}`), [
    "a.png: ok",
    "b.webp: ok",
    "c.jpg: ok",
    "page.jpg: it is a web page, expected a p",
    "cut.jpg: the end of the file is missing",
    "cut.webp: the file is damaged: An expect",
    "heic.jpg: it is HEIC: convert it to JPEG",
    "nowhere.jpg: the server answered 400",
  ]);
  assert.deepEqual([totals.ok, totals.failed], [3, 5]);
});

Deno.test("a second job about the same photographs finds what the first has made", async () => {
  const bucket = await createBucket();
  await bucket.upload("1.jpg", await photograph({ width: 640, height: 480 }));
  const input = {
    images: [{ id: "a", bucket: bucket.name, path: "1.jpg" }],
    output: { bucket: bucket.name, prefix: "out" },
  };
  const [first, second] = [await run(input), await run(input)];
  assert.deepEqual([first.images[0].status, second.images[0].status], ["ok", "skipped"]);
  assert.deepEqual(second.images[0].variants, first.images[0].variants);
});

Deno.test("a bucket that is missing fails the job and says so", async () => {
  const bucket = await createBucket();
  await bucket.upload("1.jpg", await photograph({ width: 64, height: 48 }));
  const id = await enqueue("process_images", {
    images: [{ id: "a", bucket: bucket.name, path: "1.jpg" }],
    output: { bucket: "no-such-bucket", prefix: "out" },
  });
  await wakeAndWait();
  const { status, error } = await getJob(id);
  assert.equal(status, "failed");
  assert.match(error!, /input_data\.output: .*404: Bucket not found/);
});
