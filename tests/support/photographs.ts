// Photographs made by code, and buckets of the stack's Storage to put them into.

import sharp from "sharp";
import { secretKeyClient } from "./clients.ts";

/** How a photograph is made. */
export interface Shot {
  width: number;
  height: number;
  /** As Exif says how it was held: 1 to 8. */
  orientation?: number;
  format?: "jpeg" | "png" | "webp";
}

/** A smooth picture whose upper left quarter is red when it is shown as it is stored. */
export async function photograph(
  { width, height, orientation, format = "jpeg" }: Shot,
): Promise<Uint8Array<ArrayBuffer>> {
  const quarter = await sharp({
    create: {
      width: Math.round(width / 2),
      height: Math.round(height / 2),
      channels: 3,
      background: "#d02020",
    },
  }).png().toBuffer();
  const noise = { type: "gaussian" as const, mean: 120, sigma: 12 };
  const image = sharp({ create: { width, height, channels: 3, background: "#808080", noise } })
    .composite([{ input: quarter, left: 0, top: 0 }])
    .withExif({
      IFD0: { Make: "Test" },
      IFD2: { DateTimeOriginal: "2026:05:01 10:20:30" },
      IFD3: {
        GPSLatitudeRef: "N",
        GPSLatitude: "49/1 16/1 30/1",
        GPSLongitudeRef: "W",
        GPSLongitude: "123/1 7/1 12/1",
      },
    });
  const shot = orientation === undefined ? image : image.withMetadata({ orientation });
  return new Uint8Array(await shot.toFormat(format).toBuffer());
}

/** A bucket of its own for a test. */
export async function createBucket() {
  const { storage } = secretKeyClient();
  const name = `photographs-${crypto.randomUUID()}`;
  const { error } = await storage.createBucket(name);
  if (error) throw new Error(`the bucket: ${error.message}`);
  const bucket = storage.from(name);
  return {
    name,
    async upload(path: string, bytes: Uint8Array<ArrayBuffer> | string) {
      const { error } = await bucket.upload(path, bytes, { contentType: "image/jpeg" });
      if (error) throw new Error(`uploading ${path}: ${error.message}`);
    },
    async download(path: string): Promise<Uint8Array<ArrayBuffer>> {
      const { data, error } = await bucket.download(path);
      if (error) throw new Error(`downloading ${path}: ${error.message}`);
      return new Uint8Array(await data.arrayBuffer());
    },
  };
}
