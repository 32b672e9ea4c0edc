// Renders the photographs of the site visit as JPEG files: node render_photos.mjs <output folder>
//
// The pictures are drawn in code (scenes/), then given what a camera adds: a soft lens, darker corners and sensor noise.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { chance } from "./chance.mjs";
import { HEIGHT, WIDTH } from "./paint.mjs";
import * as access from "./scenes/access.mjs";
import * as masonry from "./scenes/masonry.mjs";
import * as roof from "./scenes/roof.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));

/** By file name in visit.json: the scene, and how the camera was held. */
const PHOTOS = {
  "roof-ponding.jpg": { scene: roof.ponding },
  "roof-open-seam.jpg": { scene: roof.openSeam },
  "roof-parapet-flashing.jpg": { scene: roof.parapetFlashing },
  "roof-drain.jpg": { scene: roof.blockedDrain },
  "wall-elevation.jpg": { scene: masonry.elevation },
  // Stored a quarter turn off with an EXIF note how to turn it back, as telephones do.
  "wall-stepped-crack.jpg": { scene: masonry.steppedCrack, turn: 270, orientation: 6 },
  "wall-weep-holes.jpg": { scene: masonry.weepHoles },
  // Stored a quarter turn off without a note: the visit's `rotation` turns it back.
  "wall-shelf-angle.jpg": { scene: masonry.shelfAngle, turn: 270 },
  "roof-guard-rail.jpg": { scene: access.guardRail },
  "wall-scaffold.jpg": { scene: access.scaffold },
};

const folder = process.argv[2];
if (!folder) {
  console.error("usage: node render_photos.mjs <output folder>");
  process.exit(2);
}
const visit = JSON.parse(await readFile(path.join(here, "visit.json"), "utf8"));
await mkdir(folder, { recursive: true });
await Promise.all(visit.images.map(async ({ path: name }) => {
  const photo = PHOTOS[name];
  if (!photo) throw new Error(`visit.json names ${name}, which has no scene`);
  await writeFile(path.join(folder, name), await photograph(photo, name));
}));
console.log(`${visit.images.length} photographs in ${folder}`);

async function photograph({ scene, turn = 0, orientation }, name) {
  const drawn = await sharp(Buffer.from(scene())).flatten({ background: "#808080" }).blur(0.8).raw()
    .toBuffer();
  expose(drawn, seedOf(name));
  const image = sharp(drawn, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } });
  const turned = turn ? image.rotate(turn) : image;
  // Told or not, a file with an orientation keeps it: `withMetadata` writes the tag and leaves the pixels.
  const tagged = orientation ? turned.withMetadata({ orientation }) : turned;
  return tagged.jpeg({ quality: 82 }).toBuffer();
}

/** Darkens the corners and adds noise, the same for the same file name. */
function expose(pixels, seed) {
  const random = chance(seed);
  for (let y = 0, at = 0; y < HEIGHT; y++) {
    const down = (y / HEIGHT - 0.5) ** 2;
    for (let x = 0; x < WIDTH; x++) {
      const light = 1 - 0.5 * ((x / WIDTH - 0.5) ** 2 + down);
      const noise = (random() + random() + random() - 1.5) * 14;
      for (let channel = 0; channel < 3; channel++, at++) {
        pixels[at] = Math.max(0, Math.min(255, pixels[at] * light + noise));
      }
    }
  }
}

function seedOf(name) {
  let seed = 7;
  for (const letter of name) seed = (Math.imul(seed, 31) + letter.charCodeAt(0)) >>> 0;
  return seed;
}
