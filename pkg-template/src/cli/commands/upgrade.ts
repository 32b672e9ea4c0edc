// `upgrade`: brings a project that has the queue to this version of it.

import type { Command } from "../command.ts";
import { install } from "../install.ts";

export const upgrade: Command = {
  summary: "bring them to this version, except files you have changed",
  async run({ workdir, say }) {
    await install(workdir, { replace: true }, say);
    say(`
What is left to do:
  npx supabase db push
  npx supabase functions deploy process-queued-jobs api --use-api`);
  },
};
