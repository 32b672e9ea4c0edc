// Access and safety: the guard rail at the roof edge and the scaffold below it.

import { blur, gradient, grain, picture, sky } from "../paint.mjs";

/** A guard rail of timber: one bay has lost its mid rail and its toe board. */
export function guardRail() {
  const posts = [150, 560, 970, 1380].map((x) => timber(`M${x} 330h44v520h-44Z`));
  return picture(
    `${sky(760, 111)}<defs>${gradient("wood", [[0, "#d3ad72"], [1, "#a27c45"]])}${
      gradient("deck", [[0, "#9da19e"], [1, "#757a77"]])
    }${blur("soft", 9)}${blur("far", 5)}</defs>
    <g filter="url(#far)" opacity="0.75">${skyline()}</g>
    <path d="M0 800 H1600 V1200 H0Z" fill="url(#deck)"/>
    ${
      grain(`<path d="M0 800 H1600 V1200 H0Z"/>`, {
        seed: 112,
        scale: 6,
        colour: [24, 26, 26],
        strength: 2.3,
        cover: -0.05,
      })
    }
    <rect y="775" width="1600" height="44" fill="#b4bbc0"/><rect y="812" width="1600" height="9" fill="#40464a"/>
    ${posts.join("")}${timber("M0 345h1600v40H0Z")}
    ${timber("M0 545h560v36H0Z")}${timber("M1014 545h586v36H1014Z")}
    ${timber("M0 738h575v58H0Z")}${timber("M1000 738h600v58H1000Z")}
    <path d="M575 560 l120 150 20 -14 -110 -150Z" fill="#9c763f"/><path d="M560 850 L600 1010 M1380 850 l50 170" stroke="#000" stroke-width="34" opacity="0.18" filter="url(#soft)"/>
    ${
      grain(
        `<path d="M0 345h1600v40H0Z M0 545h560v36H0Z M1014 545h586v36H1014Z M0 738h575v58H0Z M1000 738h600v58H1000Z"/>`,
        { seed: 113, scale: [120, 9], colour: [70, 44, 16], strength: 1.2, cover: -0.1 },
      )
    }`,
  );
}

/** Frames of tube and planks along the wall; the front leg stands on bricks instead of a base plate. */
export function scaffold() {
  const bays = [60, 560, 1060].map((x) => frame(x)).join("");
  const decks = [350, 690].map((y) =>
    `<path d="M30 ${y}H1590v26H30Z" fill="#b98f52"/><path d="M30 ${
      y + 26
    }H1590v9H30Z" fill="#4b3517"/>`
  );
  return picture(
    `${sky(900, 121)}<defs>${
      gradient("tube", [[0, "#d7dadc"], [0.5, "#9aa0a4"], [1, "#5d6367"]], true)
    }${gradient("ground", [[0, "#8d8271"], [1, "#6c6252"]])}${blur("soft", 10)}</defs>
    <rect x="0" y="60" width="1600" height="900" fill="#96604a"/>${courses()}
    ${
      grain(`<rect y="60" width="1600" height="900"/>`, {
        seed: 122,
        scale: 8,
        colour: [40, 20, 12],
        strength: 1.9,
        cover: -0.05,
      })
    }
    <path d="M0 950 H1600 V1200 H0Z" fill="url(#ground)"/>
    ${
      grain(`<path d="M0 950 H1600 V1200 H0Z"/>`, {
        seed: 123,
        scale: [26, 14],
        colour: [44, 36, 24],
        strength: 2.6,
        cover: 0,
      })
    }
    ${decks.join("")}${bays}
    <g transform="translate(1036 1040)"><ellipse cx="40" cy="80" rx="130" ry="22" fill="#000" opacity="0.5" filter="url(#soft)"/>
      <rect x="-60" y="30" width="190" height="50" fill="#8a4634"/><rect x="-42" y="-16" width="160" height="48" fill="#a0563f"/></g>
    ${
      [76, 576].map((x) =>
        `<rect x="${x - 46}" y="1058" width="110" height="18" fill="#4a4f53"/><rect x="${
          x - 110
        }" y="1076" width="240" height="26" fill="#a8834c"/>`
      ).join("")
    }`,
  );
}

function frame(x) {
  const tube = (at, top, bottom) =>
    `<rect x="${at}" y="${top}" width="24" height="${bottom - top}" fill="url(#tube)"/>`;
  const bar = (y) =>
    `<rect x="${x}" y="${y}" width="500" height="17" fill="#a4aaae"/><rect x="${x}" y="${
      y + 12
    }" width="500" height="5" fill="#50565a"/>`;
  return `${tube(x, 90, x > 1000 ? 1026 : 1062)}<g opacity="0.85">${tube(x + 150, 120, 1000)}</g>
    <path d="M${x + 14} 1000 L${x + 500} 700 M${x + 14} 660 L${
    x + 500
  } 380" stroke="#8d9397" stroke-width="13"/>
    <path d="M${x + 16} 1004 L${x + 502} 704 M${x + 16} 664 L${
    x + 502
  } 384" stroke="#3e4346" stroke-width="4"/>${[170, 260, 510, 600].map(bar).join("")}`;
}

function timber(path) {
  return `<path d="${path}" fill="#000" opacity="0.3" transform="translate(7 9)" filter="url(#soft)"/><path d="${path}" fill="url(#wood)" stroke="#7b5a2a" stroke-width="2"/>`;
}

function skyline() {
  const heights = [180, 300, 240, 390, 200, 330, 150, 270, 350, 220];
  return heights.map((tall, index) =>
    `<rect x="${index * 165 - 20}" y="${780 - tall}" width="150" height="${tall}" fill="#7f8c97"/>`
  ).join("");
}

function courses() {
  const lines = [];
  for (let y = 60; y < 960; y += 26) {
    lines.push(`<path d="M0 ${y}H1600" stroke="#b3a692" stroke-width="4" opacity="0.8"/>`);
  }
  for (let y = 60, odd = 0; y < 960; y += 26, odd = 1 - odd) {
    for (let x = odd * 38; x < 1600; x += 76) {
      lines.push(`<path d="M${x} ${y}v26" stroke="#b3a692" stroke-width="4" opacity="0.7"/>`);
    }
  }
  return lines.join("");
}
