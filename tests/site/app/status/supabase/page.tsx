import { Suspense } from "react";
import { createClient } from "@supabase/supabase-js";
import { createQueueClient } from "pretium-queue";

/** The same through a supabase-js client, which has its own way to the server. */
export default function Page() {
  return <Suspense fallback={<p>Looking…</p>}><Status /></Suspense>;
}

async function Status() {
  const supabase = createClient(process.env.SUPABASE_URL!, process.env.SUPABASE_SECRET_KEY!, {
    auth: { persistSession: false, autoRefreshToken: false },
  });
  const { job, error } = await createQueueClient(supabase).getJobStatus(process.env.SHOWN_JOB!);
  return <p role="status" data-status={job?.status}>{job?.status ?? error}</p>;
}
