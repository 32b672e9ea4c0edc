// Which fault comes when: all of it follows from the seed.

import { Chance } from "./chance.ts";
import { type Draw, type Kind, KINDS } from "./kinds.ts";

/** So many workers at a time. */
export const WORKERS = 4;

export interface Planned extends Draw {
  /** After the one before. */
  pauseMs: number;
  kind: Kind;
}

/** Faults without end: first one of each kind, then by weight. */
export function* plan(seed: number): Generator<Planned> {
  const chance = new Chance(seed);
  for (const kind of chance.shuffled(KINDS)) yield draw(chance, kind, 700);
  while (true) yield draw(chance, chance.weighted(KINDS), 2_600);
}

function draw(chance: Chance, kind: Kind, longestPauseMs: number): Planned {
  return {
    kind,
    pauseMs: chance.whole(0, longestPauseMs),
    slot: chance.whole(0, WORKERS - 1),
    fraction: chance.next(),
  };
}
