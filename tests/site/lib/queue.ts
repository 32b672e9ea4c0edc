// The queue as the signed-in user of this page has it.

import { createQueueClient } from "pretium-queue";
import { supabase } from "./supabase";

export const { enqueueJob, getJobStatus, waitForJobCompletion, subscribeToJob } = createQueueClient(supabase);
