// The edge function. Job types written in TypeScript are registered here, under the `job_type` of their jobs; those
// written in Rust are in the Wasm.

import { serve } from "./serve.ts";

serve({});
