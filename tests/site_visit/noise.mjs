// Smooth noise as a small picture that an SVG stretches over a shape: much quicker than a filter over the whole canvas.

import { deflateSync } from "node:zlib";
import { chance } from "./chance.mjs";

/** How far values keep from the ends of 0 to 1; at 1 there would be patches where now there are shades. */
const CONTRAST = 0.62;
/** Pixels of the picture for each grain of noise. */
const DETAIL = 5;

/**
 * A PNG, as a data URL, of `across` by `down` grains in one colour; `alpha` makes an opacity from 0 to 1 out of a
 * noise value from 0 to 1.
 */
export function noisePicture({ seed, across, down, octaves, colour, alpha }) {
  const [width, height] = [Math.ceil(across * DETAIL), Math.ceil(down * DETAIL)];
  const layers = Array.from({ length: octaves }, (_, octave) => {
    const fineness = 2 ** octave;
    return { field: lattice(seed + octave, across * fineness, down * fineness), fineness };
  });
  const rows = Buffer.alloc(height * (1 + width * 4));
  for (let y = 0, at = 0; y < height; y++) {
    at++; // The row's filter: none.
    for (let x = 0; x < width; x++) {
      let value = 0.5;
      for (const { field, fineness } of layers) {
        value += (field((x / DETAIL) * fineness, (y / DETAIL) * fineness) - 0.5) *
          (CONTRAST / fineness);
      }
      const opacity = Math.max(0, Math.min(1, alpha(value)));
      for (const channel of [...colour, Math.round(opacity * 255)]) rows[at++] = channel;
    }
  }
  return `data:image/png;base64,${png(width, height, rows).toString("base64")}`;
}

/** Random values on a grid, smoothly joined. */
function lattice(seed, across, down) {
  const random = chance(seed * 7_919);
  const stride = Math.ceil(across) + 2;
  const values = Float32Array.from({ length: stride * (Math.ceil(down) + 2) }, random);
  const ease = (t) => t * t * (3 - 2 * t);
  return (x, y) => {
    const [column, row] = [Math.floor(x), Math.floor(y)];
    const [right, below] = [ease(x - column), ease(y - row)];
    const at = row * stride + column;
    const upper = values[at] + (values[at + 1] - values[at]) * right;
    const lower = values[at + stride] + (values[at + stride + 1] - values[at + stride]) * right;
    return upper + (lower - upper) * below;
  };
}

function png(width, height, rows) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 6, 0, 0, 0], 8); // Eight bits, RGBA, nothing else the format offers.
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const parts = [
    ["IHDR", header],
    ["IDAT", deflateSync(rows, { level: 1 })],
    ["IEND", Buffer.alloc(0)],
  ];
  return Buffer.concat([signature, ...parts.map(([type, data]) => chunk(type, data))]);
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  framed.set(body, 4);
  framed.writeUInt32BE(checksum(body), body.length + 4);
  return framed;
}

/** The CRC that PNG wants; Node has it from 20.15 on only. */
function checksum(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}
