// The flat roof: a bituminous membrane with standing water, an open lap, a loose flashing and a blocked drain.

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

const MEMBRANE = "#8b8f8c";

/** Water standing along the parapet, with the tide mark of earlier rain around it. */
export function ponding() {
  const water =
    `M210 760 C300 660 520 690 700 665 S1090 610 1240 668 S1500 720 1440 800 S1150 905 930 890 S600 960 420 905 S130 850 210 760Z`;
  return picture(`${sky(330, 11)}
    <defs>${gradient("water", [[0, "#c3cfd8"], [0.45, "#7d8b95"], [1, "#4c5860"]])}${
    blur("soft", 16)
  }${blur("fine", 3)}</defs>
    ${parapet(300)}
    ${membraneField(470, 12)}
    <path d="${water}" fill="#3d4240" opacity="0.55" transform="translate(-38 -22) scale(1.045)" filter="url(#soft)"/>
    <path d="${water}" fill="url(#water)" filter="url(#fine)"/>
    ${
    grain(`<path d="${water}"/>`, {
      seed: 13,
      scale: [190, 26],
      colour: [238, 244, 248],
      strength: 1.6,
      cover: -0.1,
    })
  }
    <path d="M520 668 L560 815 L1010 800 L1060 640Z" fill="#2e3437" opacity="0.22" filter="url(#soft)"/>
    ${tapeMeasure(760, 1010, 620, -14)}`);
}

/** A lap between two sheets that did not bond: the edge lifts and shows a dark mouth. */
export function openSeam() {
  const upper =
    `M0 0H1600V560 C1300 575 1180 545 1010 560 C900 568 820 500 690 505 C560 510 520 580 380 578 S120 590 0 575Z`;
  return picture(
    `<defs>${gradient("mouth", [[0, "#050505"], [1, "#3a3632"]])}${blur("shadow", 14)}</defs>
    <rect width="${WIDTH}" height="${HEIGHT}" fill="#767b78"/>
    ${
      grain(`<rect y="500" width="1600" height="700"/>`, {
        seed: 21,
        scale: 5,
        colour: [30, 32, 32],
        strength: 2.6,
        cover: 0.1,
      })
    }
    <path d="M380 578 C520 600 560 640 690 645 S900 610 1010 562 C900 590 820 520 690 520 S520 590 380 578Z" fill="url(#mouth)"/>
    <path d="${upper}" fill="#111" opacity="0.6" transform="translate(6 20)" filter="url(#shadow)"/>
    <path d="M380 580 C520 602 560 636 690 640 S900 606 1010 564 C900 585 820 525 690 528 S520 588 380 580Z" fill="url(#mouth)"/>
    <path d="${upper}" fill="#8d928f"/>
    ${
      grain(`<path d="${upper}"/>`, {
        seed: 22,
        scale: 5,
        colour: [25, 27, 27],
        strength: 2.6,
        cover: 0.05,
      })
    }
    ${
      grain(`<path d="${upper}"/>`, {
        seed: 23,
        scale: [500, 90],
        colour: [235, 232, 220],
        strength: 1.1,
        cover: -0.15,
      })
    }
    <path d="M0 575 C120 590 240 579 380 578 C520 580 560 510 690 505 S900 568 1010 560 C1180 545 1300 575 1600 560" fill="none" stroke="#1c1e1e" stroke-width="9"/>
    <path d="M0 604 C160 612 260 600 372 604 M1030 590 C1200 572 1300 600 1600 588" fill="none" stroke="#17191a" stroke-width="16" opacity="0.8"/>
    ${tapeMeasure(300, 760, 860, 3)}`,
  );
}

/** Metal cap flashing on the parapet: a joint without its cover plate, and the sealant gone from the edge. */
export function parapetFlashing() {
  const cap = `M0 300 L1600 210 V400 L0 520Z`;
  const face = `M0 520 L1600 400 V470 L0 600Z`;
  return picture(`${sky(420, 31)}
    <defs>${gradient("cap", [[0, "#c9ced2"], [0.5, "#aeb5ba"], [1, "#8f979d"]])}${
    gradient("face", [[0, "#7c848a"], [1, "#5b6267"]])
  }${blur("soft", 12)}</defs>
    <path d="M0 560 L1600 440 V1200 H0Z" fill="#6d716e"/>
    ${
    grain(`<path d="M0 560 L1600 440 V1200 H0Z"/>`, {
      seed: 32,
      scale: 6,
      colour: [28, 28, 28],
      strength: 2.4,
      cover: 0,
    })
  }
    <path d="M0 930 C500 900 1100 850 1600 800 V860 C1100 905 500 960 0 990Z" fill="#1d1f1f" opacity="0.65"/>
    <path d="M0 605 L1600 476 V560 L0 700Z" fill="#000" opacity="0.45" filter="url(#soft)"/>
    <path d="${cap}" fill="url(#cap)"/><path d="${face}" fill="url(#face)"/>
    ${
    grain(`<path d="${cap}"/>`, {
      seed: 33,
      scale: [260, 12],
      colour: [255, 255, 255],
      strength: 1.2,
      cover: -0.1,
    })
  }
    <path d="M850 252 L866 251 L880 492 L858 494Z" fill="#15181a"/>
    <path d="M866 251 L905 249 L915 489 L880 492Z" fill="#7f868b"/>
    <path d="M858 494 L880 492 L884 566 L858 568Z" fill="#0d0f10"/>
    ${[180, 470, 1120, 1390].map((x) => fastener(x, 560 - x * 0.078)).join("")}
    <path d="M0 598 L760 537" stroke="#e6e4dc" stroke-width="13"/>
    <path d="M760 537 C820 540 835 560 858 548 M915 524 C960 545 980 512 1040 520" stroke="#d9d6cb" stroke-width="9" fill="none"/>
    <path d="M1040 516 L1600 470" stroke="#101213" stroke-width="10"/>`);
}

/** A roof drain whose strainer sits in leaves and gravel. */
export function blockedDrain() {
  const random = chance(41);
  const leaves = Array.from({ length: 260 }, () => leaf(random)).join("");
  const bars = Array.from({ length: 15 }, (_, index) => {
    const x = 610 + index * 27;
    return `<path d="M${x} 705 Q${
      800 + (x - 800) * 0.85
    } 480 800 440" fill="none" stroke="#24272a" stroke-width="11"/>`;
  });
  return picture(`<rect width="${WIDTH}" height="${HEIGHT}" fill="${MEMBRANE}"/>
    <defs>${
    blur("soft", 26)
  }<radialGradient id="sump"><stop offset="0" stop-color="#1f2324"/><stop offset="1" stop-color="#4f5553" stop-opacity="0"/></radialGradient></defs>
    ${
    grain(`<rect width="1600" height="1200"/>`, {
      seed: 42,
      scale: 6,
      colour: [26, 28, 28],
      strength: 2.5,
      cover: 0,
    })
  }
    ${
    grain(`<rect width="1600" height="1200"/>`, {
      seed: 43,
      scale: [380, 240],
      colour: [60, 54, 40],
      strength: 1.6,
      cover: -0.1,
    })
  }
    <ellipse cx="800" cy="690" rx="640" ry="420" fill="url(#sump)"/>
    <ellipse cx="800" cy="705" rx="330" ry="150" fill="#31373a"/><ellipse cx="800" cy="700" rx="330" ry="150" fill="none" stroke="#5e666a" stroke-width="22"/>
    <ellipse cx="815" cy="740" rx="230" ry="90" fill="#000" opacity="0.6" filter="url(#soft)"/>
    <path d="M600 705 Q640 430 800 430 T1000 705 Q800 790 600 705Z" fill="#3b4245"/>${bars.join("")}
    <path d="M600 700 Q800 775 1000 700" fill="none" stroke="#202427" stroke-width="24"/><ellipse cx="800" cy="442" rx="44" ry="20" fill="#53595d"/>
    ${leaves}`);
}

function membraneField(top, seed) {
  const area = `<path d="M0 ${top} H1600 V1200 H0Z"/>`;
  const laps = [0, 320, 610, 900, 1200, 1560].map((x) => {
    const far = 800 + (x - 800) * 0.55;
    return `<path d="M${far} ${top} L${
      800 + (x - 800) * 1.7
    } 1200" stroke="#4a4e4c" stroke-width="7" opacity="0.75"/>`;
  });
  return `<defs>${gradient("field", [[0, "#9da19e"], [1, "#7b807d"]])}</defs>
    <path d="M0 ${top} H1600 V1200 H0Z" fill="url(#field)"/>${laps.join("")}
    ${grain(area, { seed, scale: 5, colour: [24, 26, 26], strength: 2.2, cover: -0.05 })}
    ${
    grain(area, {
      seed: seed + 100,
      scale: [340, 120],
      colour: [50, 52, 50],
      strength: 1.3,
      cover: -0.15,
    })
  }`;
}

function parapet(top) {
  const wall = `<rect y="${top + 40}" width="1600" height="150"/>`;
  return `<defs>${gradient("wall", [[0, "#6f7472"], [1, "#4d5150"]])}</defs>
    <rect y="${top + 40}" width="1600" height="150" fill="url(#wall)"/>
    ${grain(wall, { seed: 51, scale: 6, colour: [20, 20, 20], strength: 2, cover: -0.1 })}
    <rect y="${top}" width="1600" height="48" fill="#b4bbc0"/><rect y="${
    top + 40
  }" width="1600" height="10" fill="#4a5054"/>
    ${
    [400, 1010].map((x) => `<path d="M${x} ${top}v50" stroke="#7a8186" stroke-width="8"/>`).join("")
  }`;
}

function fastener(x, y) {
  return `<circle cx="${x}" cy="${y}" r="15" fill="#3e4347"/><circle cx="${x - 3}" cy="${
    y - 3
  }" r="9" fill="#9aa1a6"/>`;
}

function leaf(random) {
  const angle = between(random, 0, 360);
  const reach = 150 + 330 * Math.sqrt(random());
  const turn = random() * Math.PI * 2;
  const x = Math.round(800 + Math.cos(turn) * reach);
  const y = Math.round(720 + Math.sin(turn) * reach * 0.55);
  const size = between(random, 14, 38);
  const colour = shade(random, random() < 0.6 ? [122, 84, 42] : [92, 88, 52], 28);
  return `<ellipse cx="${x + 4}" cy="${y + 6}" rx="${size}" ry="${
    size * 0.42
  }" transform="rotate(${angle} ${x} ${y})" fill="#000" opacity="0.35"/>
    <ellipse cx="${x}" cy="${y}" rx="${size}" ry="${
    size * 0.42
  }" transform="rotate(${angle} ${x} ${y})" fill="${colour}"/>`;
}
