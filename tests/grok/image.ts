// The images of a call: fetched or decoded as xAI does, and checked to be what they say.

/** What is kept of an image. */
export interface ImageSummary {
  source: "data" | "url";
  /** The address of an image given by URL, without its query: signed URLs carry a token there. */
  url: string | null;
  type: "image/jpeg" | "image/png";
  bytes: number;
  width: number;
  height: number;
}

/** An image the API refuses; its message is the answer's `error`. */
export class ImageRefused extends Error {}

const FETCH_LIMIT_MS = 5_000;
const BYTE_LIMIT = 10 * 1024 * 1024;

/** Reads the image behind `url`, a data URL or an http(s) address. */
export async function readImage(url: string): Promise<ImageSummary> {
  const data = url.startsWith("data:");
  const bytes = data ? decodeDataUrl(url) : await download(url);
  if (bytes.length > BYTE_LIMIT) throw new ImageRefused("Image is larger than 10 MiB.");
  const found = jpegSize(bytes) ?? pngSize(bytes);
  if (!found) throw new ImageRefused("Unsupported image: only JPEG and PNG are accepted.");
  if (data && !url.startsWith(`data:${found.type};`)) {
    throw new ImageRefused(`The image's bytes are ${found.type}, its data URL says otherwise.`);
  }
  const address = data ? null : url.split("?")[0];
  return { source: data ? "data" : "url", url: address, bytes: bytes.length, ...found };
}

/** Tokens an image costs: 256 for each tile of 448 pixels, seven tiles at most. */
export function imageTokens({ width, height }: ImageSummary): number {
  const tiles = Math.ceil(width / 448) * Math.ceil(height / 448);
  return 256 * Math.min(7, tiles);
}

function decodeDataUrl(url: string): Uint8Array {
  const [head, body] = [url.slice(0, url.indexOf(",")), url.slice(url.indexOf(",") + 1)];
  if (!head.endsWith(";base64")) throw new ImageRefused("Data URL is not base64.");
  try {
    return Uint8Array.fromBase64(body);
  } catch {
    throw new ImageRefused("Data URL does not decode as base64.");
  }
}

async function download(url: string): Promise<Uint8Array> {
  if (!/^https?:\/\//.test(url)) throw new ImageRefused("Image address is not an http(s) URL.");
  try {
    const response = await fetch(url, {
      headers: { "user-agent": "XaiImageApiFetch/1.0" },
      signal: AbortSignal.timeout(FETCH_LIMIT_MS),
    });
    if (response.ok) return await response.bytes();
    await response.body?.cancel();
    throw new ImageRefused(`Fetching image failed with HTTP status ${response.status}.`);
  } catch (error) {
    if (error instanceof ImageRefused) throw error;
    throw new ImageRefused("Fetching image failed.");
  }
}

type Size = Pick<ImageSummary, "type" | "width" | "height">;

function jpegSize(bytes: Uint8Array): Size | null {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 2; at + 9 < bytes.length;) {
    if (bytes[at] !== 0xff) return null;
    const marker = bytes[at + 1];
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) {
      return { type: "image/jpeg", height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    }
    at += 2 + view.getUint16(at + 2);
  }
  return null;
}

function pngSize(bytes: Uint8Array): Size | null {
  const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
  if (bytes.length < 24 || signature.some((byte, index) => bytes[index] !== byte)) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return { type: "image/png", width: view.getUint32(16), height: view.getUint32(20) };
}
