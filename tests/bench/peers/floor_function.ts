// The floor as an edge function: one call stores what is done and takes the next jobs.

const url = `${Deno.env.get("SUPABASE_URL")}/rest/v1/rpc/floor_step`;
const apikey = JSON.parse(Deno.env.get("SUPABASE_SECRET_KEYS")!).default;
const headers = { apikey, "content-type": "application/json" };
const batch = Number(Deno.env.get("FLOOR_BATCH"));

async function drain(): Promise<number> {
  let completed = 0;
  let done: number[] = [];
  while (true) {
    const body = JSON.stringify({ done, max_jobs: batch });
    const response = await fetch(url, { method: "POST", headers, body });
    if (!response.ok) throw new Error(await response.text());
    const jobs: { id: number }[] = await response.json();
    completed += done.length;
    if (jobs.length === 0) return completed;
    done = jobs.map((job) => job.id);
  }
}

Deno.serve(async (request) => {
  await request.text();
  return Response.json({ completed: await drain() });
});
