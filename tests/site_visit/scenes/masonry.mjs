// The brick veneer: an elevation, a stepped crack, weep vents and a corroding shelf angle.

import { chance } from "../chance.mjs";
import {
  between,
  blur,
  gradient,
  grain,
  HEIGHT,
  picture,
  shade,
  sky,
  tapeMeasure,
  WIDTH,
} from "../paint.mjs";

/** The elevation from the ground: bays of windows, a shelf angle at every floor. */
export function elevation() {
  const random = chance(61);
  const windows = [];
  for (let row = 0; row < 3; row++) {
    for (let column = 0; column < 5; column++) {
      windows.push(window(130 + column * 295, 190 + row * 290));
    }
  }
  const angles = [440, 730].map((y) =>
    `<path d="M40 ${y}H1560" stroke="#6b4a35" stroke-width="9"/>`
  );
  return picture(
    `${sky(1000, 62)}<defs>${
      gradient("glass", [[0, "#9fb6c8"], [0.6, "#50677a"], [1, "#33414c"]])
    }${blur("soft", 10)}</defs>
    <g transform="skewY(-2.4) translate(0 40)">
      ${
      bricks(random, {
        left: 40,
        top: 110,
        right: 1560,
        bottom: 1010,
        width: 46,
        height: 15,
        mortar: 3,
      })
    }
      <rect x="30" y="86" width="1540" height="30" fill="#c3c7c9"/>
      ${
      grain(`<rect x="40" y="116" width="1520" height="894"/>`, {
        seed: 64,
        scale: [90, 700],
        colour: [30, 18, 12],
        strength: 0.8,
        cover: -0.2,
      })
    }
      ${angles.join("")}${windows.join("")}</g>
    <path d="M0 1010 L1600 930 V1200 H0Z" fill="#7e7a72"/>
    ${
      grain(`<path d="M0 1010 L1600 930 V1200 H0Z"/>`, {
        seed: 63,
        scale: 9,
        colour: [40, 36, 30],
        strength: 2.2,
        cover: 0,
      })
    }`,
  );
}

/** A crack that follows the joints in steps, with a crack gauge held against it. */
export function steppedCrack() {
  const random = chance(71);
  const wall = {
    left: -120,
    top: -20,
    right: 1720,
    bottom: 1220,
    width: 214,
    height: 66,
    mortar: 14,
  };
  let x = 330;
  let y = -20;
  let path = `M${x} ${y}`;
  while (y < 1220) {
    path += ` l${between(random, -4, 4)} 40 l${between(random, -3, 3)} 40`;
    y += 80;
    x += 114;
    path += ` l50 ${between(random, -3, 3)} l64 ${between(random, -2, 2)}`;
  }
  return picture(`<defs>${blur("soft", 5)}</defs>${bricks(random, wall)}
    ${
    grain(`<rect width="1600" height="1200"/>`, {
      seed: 72,
      scale: 7,
      colour: [30, 14, 8],
      strength: 1.9,
      cover: -0.05,
    })
  }
    ${
    grain(`<rect width="1600" height="1200"/>`, {
      seed: 73,
      scale: [420, 300],
      colour: [236, 224, 206],
      strength: 1.1,
      cover: -0.2,
    })
  }
    <path d="${path}" fill="none" stroke="#f0e6d8" stroke-width="20" opacity="0.35" filter="url(#soft)"/>
    <path d="${path}" fill="none" stroke="#120c09" stroke-width="11" stroke-linejoin="bevel"/>
    <path d="${path}" fill="none" stroke="#000" stroke-width="5" transform="translate(3 2)"/>
    ${crackGauge(930, 470)}`);
}

/** Weep vents over a flashing; two of the four are filled with mortar. */
export function weepHoles() {
  const random = chance(81);
  const wall = {
    left: -60,
    top: -30,
    right: 1660,
    bottom: 800,
    width: 250,
    height: 78,
    mortar: 16,
  };
  const vents = [[222, true], [620, false], [1018, false], [1416, true]].map(([x, open]) =>
    weep(x, open)
  );
  return picture(
    `<defs>${gradient("flash", [[0, "#a9b0b3"], [1, "#666d70"]])}${
      gradient("stone", [[0, "#bdb7aa"], [1, "#918b7f"]])
    }${blur("soft", 9)}</defs>
    ${bricks(random, wall)}
    ${
      grain(`<rect width="1600" height="800"/>`, {
        seed: 82,
        scale: 7,
        colour: [30, 14, 8],
        strength: 1.9,
        cover: -0.05,
      })
    }
    <rect y="790" width="1600" height="40" fill="url(#flash)"/><rect y="826" width="1600" height="374" fill="url(#stone)"/>
    <rect y="828" width="1600" height="34" fill="#000" opacity="0.4" filter="url(#soft)"/>
    ${
      grain(`<rect y="830" width="1600" height="370"/>`, {
        seed: 83,
        scale: 8,
        colour: [50, 46, 38],
        strength: 2,
        cover: -0.05,
      })
    }
    ${vents.join("")}
    <path d="M622 800 q-20 120 6 330 q30 -160 14 -330Z M1014 800 q-30 160 0 300 q34 -180 20 -300Z" fill="#f1eee6" opacity="0.5" filter="url(#soft)"/>
    ${tapeMeasure(470, 930, 720, 0)}`,
  );
}

/** The steel angle that carries the brick: its paint is gone and the rust lifts in scales. */
export function shelfAngle() {
  const random = chance(91);
  const above = {
    left: -40,
    top: -20,
    right: 1640,
    bottom: 470,
    width: 232,
    height: 72,
    mortar: 15,
  };
  const below = {
    left: -150,
    top: 700,
    right: 1640,
    bottom: 1220,
    width: 232,
    height: 72,
    mortar: 15,
  };
  const steel = `M0 478 H1600 V590 H0Z`;
  return picture(
    `<defs>${gradient("steel", [[0, "#8a4a26"], [0.4, "#6e3a20"], [1, "#3d2315"]])}${
      blur("soft", 10)
    }</defs>
    <rect width="${WIDTH}" height="${HEIGHT}" fill="#1b1511"/>
    ${bricks(random, above)}${bricks(random, below)}
    ${
      grain(`<rect width="1600" height="1200"/>`, {
        seed: 92,
        scale: 7,
        colour: [30, 14, 8],
        strength: 1.8,
        cover: -0.05,
      })
    }
    <rect y="586" width="1600" height="114" fill="#17110d"/>
    <path d="M0 640 H540 C600 655 640 640 720 668 L720 700 H0Z" fill="#b6b0a2"/><path d="M1180 652 H1600 V700 H1150Z" fill="#aaa497"/>
    <path d="${steel}" fill="url(#steel)"/>
    ${
      grain(`<path d="${steel}"/>`, {
        seed: 93,
        scale: [34, 16],
        colour: [196, 104, 44],
        strength: 2.6,
        cover: 0.05,
        octaves: 5,
      })
    }
    ${
      grain(`<path d="${steel}"/>`, {
        seed: 94,
        scale: [70, 30],
        colour: [28, 14, 8],
        strength: 2.8,
        cover: -0.1,
        octaves: 4,
      })
    }
    <path d="M0 482H1600" stroke="#d49a63" stroke-width="4" opacity="0.6"/>
    ${
      grain(`<path d="M0 690 H1600 V1000 H0Z"/>`, {
        seed: 95,
        scale: [60, 420],
        colour: [140, 66, 24],
        strength: 1.9,
        cover: -0.25,
      })
    }`,
  );
}

function bricks(random, { left, top, right, bottom, width, height, mortar }) {
  const laid = [
    `<rect x="${left}" y="${top}" width="${right - left}" height="${
      bottom - top
    }" fill="#a59c8d"/>`,
  ];
  let course = 0;
  for (let y = top; y < bottom; y += height + mortar, course++) {
    const tall = Math.min(height, bottom - y);
    for (let x = left - (course % 2 ? width / 2 : 0); x < right; x += width + mortar) {
      const from = Math.max(x, left);
      const wide = Math.min(x + width, right) - from;
      if (wide <= 0) continue;
      const colour = shade(random, random() < 0.8 ? [142, 74, 52] : [112, 58, 46], 18);
      laid.push(`<rect x="${from}" y="${y}" width="${wide}" height="${tall}" fill="${colour}"/>`);
      laid.push(
        `<rect x="${from}" y="${y + tall * 0.86}" width="${wide}" height="${
          tall * 0.14
        }" fill="#2a120a" opacity="0.35"/>`,
      );
    }
  }
  return laid.join("");
}

function window(x, y) {
  return `<rect x="${x - 12}" y="${
    y - 10
  }" width="174" height="196" fill="#d9d4c8"/><rect x="${x}" y="${y}" width="150" height="170" fill="url(#glass)"/>
    <path d="M${x + 75} ${y}v170 M${x} ${y + 60}h150" stroke="#2b3238" stroke-width="7"/>
    <path d="M${x + 12} ${y + 150}L${x + 60} ${y + 70}H${x + 70}L${x + 24} ${
    y + 160
  }Z" fill="#fff" opacity="0.18"/>`;
}

function weep(x, open) {
  if (!open) return `<rect x="${x - 12}" y="700" width="26" height="90" fill="#b3aa9a"/>`;
  const slots = [716, 732, 748, 764].map((y) =>
    `<path d="M${x - 8} ${y}h18" stroke="#c9ccce" stroke-width="5"/>`
  );
  return `<rect x="${x - 13}" y="700" width="28" height="90" fill="#0c0a09"/>${slots.join("")}`;
}

function crackGauge(x, y) {
  const widths = [1, 2, 3, 5, 7, 9, 12];
  const bars = widths.map((thick, index) =>
    `<path d="M${40 + index * 54} 70v90" stroke="#111" stroke-width="${thick}"/>`
  );
  return `<g transform="translate(${x} ${y}) rotate(-8)"><rect x="9" y="12" width="430" height="210" fill="#000" opacity="0.45" filter="url(#soft)"/>
    <rect width="430" height="205" rx="10" fill="#f4f2ea"/><rect width="430" height="44" rx="10" fill="#a5272b"/>${
    bars.join("")
  }
    <text x="28" y="192" font-size="24" font-family="sans-serif" fill="#333">0.1  0.2  0.3  0.5  0.7  1.0 mm</text></g>`;
}
