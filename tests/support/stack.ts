// The local stack the tests run against; `cargo xtask test` starts it and passes its addresses and keys on.

/** The stack's addresses and keys. */
export interface Stack {
  /** The gateway: `/rest/v1`, `/functions/v1/process-queued-jobs`, `/storage/v1/object/public/…`. */
  url: string;
  /** Superuser connection to Postgres. */
  dbUrl: string;
  postgrestUrl: string;
  /** The function without the gateway in front of it. */
  functionUrl: string;
  /** The stand-in for the Grok API. */
  grokUrl: string;
  secretKey: string;
  publishableKey: string;
  serviceRoleKey: string;
  anonKey: string;
  jwtSecret: string;
  workerToken: string;
  /** Path of the Deno that workers run under. */
  deno: string;
  /** The environment the stack's own function runs with. */
  functionEnv: Record<string, string>;
}

/** Reads the stack's environment; a missing variable is a failure that says what to run. */
export function readStack(): Stack {
  return {
    url: variable("STACK_URL"),
    dbUrl: variable("STACK_DB_URL"),
    postgrestUrl: variable("STACK_POSTGREST_URL"),
    functionUrl: variable("STACK_FUNCTION_URL"),
    grokUrl: variable("STACK_GROK_URL"),
    secretKey: variable("STACK_SECRET_KEY"),
    publishableKey: variable("STACK_PUBLISHABLE_KEY"),
    serviceRoleKey: variable("STACK_SERVICE_ROLE_KEY"),
    anonKey: variable("STACK_ANON_KEY"),
    jwtSecret: variable("STACK_JWT_SECRET"),
    workerToken: variable("STACK_WORKER_TOKEN"),
    deno: variable("STACK_DENO"),
    functionEnv: JSON.parse(variable("STACK_FUNCTION_ENV")),
  };
}

function variable(name: string): string {
  const value = Deno.env.get(name);
  if (!value) throw new Error(`${name} is not set: run these tests with \`cargo xtask test e2e\``);
  return value;
}

/** The stack of this test run. */
export const stack: Stack = readStack();
