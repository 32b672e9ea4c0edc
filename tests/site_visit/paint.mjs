// What every scene is painted with: seeded chance, textures, and the frame of a photograph.

import { noisePicture } from "./noise.mjs";

export const WIDTH = 1600;
export const HEIGHT = 1200;

/** A number between `low` and `high`, rounded so that the SVG stays short. */
export function between(random, low, high) {
  return Math.round((low + (high - low) * random()) * 10) / 10;
}

/** The colour `[r, g, b]` made lighter or darker by up to `spread`. */
export function shade(random, [red, green, blue], spread) {
  const step = (random() - 0.5) * 2 * spread;
  const channel = (value) => Math.max(0, Math.min(255, Math.round(value + step)));
  return `rgb(${channel(red)},${channel(green)},${channel(blue)})`;
}

/** A vertical gradient named `id`, from pairs of offset and colour. */
export function gradient(id, stops, horizontal = false) {
  const line = horizontal ? `x1="0" y1="0" x2="1" y2="0"` : `x1="0" y1="0" x2="0" y2="1"`;
  const parts = stops.map(([offset, colour]) =>
    `<stop offset="${offset}" stop-color="${colour}"/>`
  );
  return `<linearGradient id="${id}" ${line}>${parts.join("")}</linearGradient>`;
}

/**
 * Grain laid over a shape: noise in one colour whose strength varies from spot to spot.
 * `scale` is the size of a grain in pixels (or `[x, y]` for streaks), `cover` moves how much of the shape it takes.
 */
export function grain(shape, options) {
  const { seed, scale, strength = 1, cover = 0 } = options;
  const [x, y] = Array.isArray(scale) ? scale : [scale, scale];
  const alpha = (noise) => strength * 2 * noise - strength + cover;
  const fill = Math.max(x, y) < 10 ? fineGrain(options, x, y) : coarseGrain(options, x, y, alpha);
  return `<clipPath id="grain${seed}c">${shape}</clipPath><g clip-path="url(#grain${seed}c)">${fill}</g>`;
}

/** The size of a few pixels: noise computed for one tile and repeated, which nobody sees. */
function fineGrain({ seed, colour, strength = 1, cover = 0 }, x, y) {
  const [width, height] = [320, 240];
  const [red, green, blue] = colour.map((value) => value / 255);
  return `<filter id="grain${seed}f" x="0" y="0" width="100%" height="100%"
      color-interpolation-filters="sRGB">
      <feTurbulence type="fractalNoise" seed="${seed}" numOctaves="1" stitchTiles="stitch"
        baseFrequency="${(1 / x).toFixed(4)} ${(1 / y).toFixed(4)}"/>
      <feColorMatrix values="0 0 0 0 ${red} 0 0 0 0 ${green} 0 0 0 0 ${blue}
        ${strength * 2} 0 0 0 ${-strength + cover}"/>
    </filter>
    <pattern id="grain${seed}p" patternUnits="userSpaceOnUse" width="${width}" height="${height}">
      <rect width="${width}" height="${height}" filter="url(#grain${seed}f)"/></pattern>
    <rect width="${WIDTH}" height="${HEIGHT}" fill="url(#grain${seed}p)"/>`;
}

function coarseGrain({ seed, colour, octaves = 2 }, x, y, alpha) {
  const [across, down] = [WIDTH / x, HEIGHT / y];
  const picture = noisePicture({ seed, across, down, octaves, colour, alpha });
  return `<image width="${WIDTH}" height="${HEIGHT}" preserveAspectRatio="none" href="${picture}"/>`;
}

/** A blur named `id`, for shadows and for what is out of focus. */
export function blur(id, deviation) {
  return `<filter id="${id}" x="-30%" y="-30%" width="160%" height="160%"><feGaussianBlur stdDeviation="${deviation}"/></filter>`;
}

/** Sky with thin cloud down to `horizon`. */
export function sky(horizon, seed) {
  const area = `<rect width="${WIDTH}" height="${horizon}"/>`;
  return `<defs>${gradient(`sky${seed}`, [[0, "#7f9dbb"], [0.7, "#b9c8d4"], [1, "#d5dbdf"]])}</defs>
    <rect width="${WIDTH}" height="${horizon}" fill="url(#sky${seed})"/>
    ${
    grain(area, {
      seed,
      scale: [420, 130],
      colour: [255, 255, 255],
      strength: 1.5,
      cover: -0.05,
      octaves: 4,
    })
  }`;
}

/** A line of tape measure, `length` pixels long, laid from (x, y) at `angle` degrees: gives a close-up its scale. */
export function tapeMeasure(x, y, length, angle) {
  const ticks = [];
  for (let at = 12; at < length; at += 12) {
    const long = at % 120 === 0;
    ticks.push(
      `<path d="M${at} 0v${long ? 34 : at % 60 === 0 ? 24 : 14}" stroke="#222" stroke-width="2"/>`,
    );
    if (long) {
      ticks.push(`<text x="${at + 5}" y="46" font-size="26" fill="#b01c1c">${at / 12}</text>`);
    }
  }
  return `<g transform="translate(${x} ${y}) rotate(${angle})" font-family="sans-serif">
    <rect x="4" y="8" width="${length}" height="56" fill="#000" opacity="0.45"/>
    <rect width="${length}" height="54" fill="#e8bf2a"/>${ticks.join("")}</g>`;
}

/** The finished SVG of a scene. */
export function picture(body) {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}">${body}</svg>`;
}
