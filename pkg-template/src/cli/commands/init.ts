// `init`: adds the queue to a Supabase project.

import type { Command } from "../command.ts";
import { install } from "../install.ts";
import { adviceForNeighbours } from "../neighbours.ts";

export const init: Command = {
  summary: "add the migrations and functions to the Supabase project in this folder",
  async run({ workdir, say }) {
    await install(workdir, { replace: false }, say);
    say(`
What is left to do:
  npx supabase db push
  npx supabase secrets set QUEUE_WORKER_TOKEN=$(openssl rand -hex 32) GROK_API_KEY=<your key>
  npx supabase functions deploy process-queued-jobs api --use-api
and in the SQL editor, so that the worker is woken when there is work:
  select * from setup_job_queue('https://<ref>.supabase.co/functions/v1/process-queued-jobs', '<the token>');`);
    for (const advice of await adviceForNeighbours(workdir)) say(`\n${advice}`);
  },
};
