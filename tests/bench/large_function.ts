// The function with job types in TypeScript that read an input of any size: one returns it, one does not.

import { serve } from "../../supabase/functions/process-queued-jobs/serve.ts";

serve({ take: () => {}, echo: (input: unknown) => input });
