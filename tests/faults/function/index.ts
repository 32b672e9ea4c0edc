// The function as the fault suite runs it: with job types that go wrong, in TypeScript here and in Rust in the copy of the
// function that FAULTS_FUNCTION names.

import "./clock.ts";
import type * as handler from "../../../supabase/functions/process-queued-jobs/handler.ts";
import type * as server from "../../../supabase/functions/process-queued-jobs/serve.ts";
import { jobTypes } from "./job_types.ts";

const folder = `file://${Deno.env.get("FAULTS_FUNCTION")}`;
const { JobError }: typeof handler = await import(`${folder}/handler.ts`);
const { serve }: typeof server = await import(`${folder}/serve.ts`);

serve(jobTypes(JobError));
