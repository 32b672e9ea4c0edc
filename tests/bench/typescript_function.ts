// The same function as people write it: TypeScript and supabase-js. It checks the token, claims ten jobs, handles
// each (by giving back its input) and completes it with a call of its own. The benchmarks measure ours against it.

import { createClient } from "@supabase/supabase-js";

const secretKey: string = JSON.parse(Deno.env.get("SUPABASE_SECRET_KEYS")!).default;
const supabase = createClient(Deno.env.get("SUPABASE_URL")!, secretKey, {
  auth: { persistSession: false, autoRefreshToken: false },
});

/** Runs jobs until none is left; returns how many. */
async function drain(): Promise<number> {
  let completed = 0;
  while (true) {
    const { data: jobs, error } = await supabase.rpc("get_next_job", {
      max_jobs: 10,
      job_types: ["noop"],
    });
    if (error) throw new Error(error.message);
    if (jobs.length === 0) return completed;
    for (const job of jobs) {
      const { error } = await supabase.rpc("mark_job_completed", {
        job_id: job.id,
        output_data: job.input_data,
        lease_token: job.lease_token,
      });
      if (error) throw new Error(error.message);
      completed += 1;
    }
  }
}

Deno.serve(async (request) => {
  if (request.headers.get("x-queue-token") !== Deno.env.get("QUEUE_WORKER_TOKEN")) {
    return Response.json({ success: false }, { status: 401 });
  }
  await request.text();
  return Response.json({ success: true, completed: await drain() });
});
