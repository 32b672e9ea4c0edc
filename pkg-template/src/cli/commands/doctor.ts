// `doctor`: says whether a project's queue works from end to end, and how to mend what does not.

import { readFile } from "node:fs/promises";
import { type Command, Complaint } from "../command.ts";
import { examine } from "../doctor/examine.ts";
import type { Finding } from "../doctor/finding.ts";

/** The package's own. */
const MANIFEST = new URL("../../../package.json", import.meta.url);

export const doctor: Command = {
  summary: "say what is wrong with the project that SUPABASE_URL names, and how to mend it",
  async run({ say }) {
    const { version } = JSON.parse(await readFile(MANIFEST, "utf8"));
    const findings = await examine(version);
    for (const finding of findings) say(shown(finding));
    const wrong = findings.filter(({ remedy }) => remedy !== null).length;
    if (wrong > 0) {
      throw new Complaint(`${wrong} of ${findings.length} checks found something to mend`);
    }
    say("\nEverything works.");
  },
};

function shown({ part, text, remedy }: Finding): string {
  if (remedy === null) return `ok     ${part}: ${text}`;
  return `WRONG  ${part}: ${text}\n       mend it: ${remedy}`;
}
