// Tests with whatever may come; `cargo xtask fuzz` says for how long, and repeats a run by its seed.

import fc from "fast-check";

const seed = Number(Deno.env.get("FUZZ_SEED") ?? Date.now() % 2 ** 31);

/** Tests that `check` passes with whatever `values` give, as long as `cargo xtask fuzz` says. */
export function fuzz<T>(
  name: string,
  values: fc.Arbitrary<T>,
  check: (value: T) => Promise<void>,
) {
  Deno.test(`${name} (seed ${seed})`, async () => {
    await fc.assert(fc.asyncProperty(values, check), {
      seed,
      numRuns: Infinity,
      interruptAfterTimeLimit: Number(Deno.env.get("FUZZ_SECONDS") ?? 2) * 1_000,
    });
  });
}

/** Never in anything that is told. */
export const SECRET = "sb_secret_neverToBeTold0123";

/** A value of any kind, JSON or not; texts hold halves of pairs, NUL and secrets. */
export const anything: fc.Arbitrary<unknown> = fc.oneof(
  fc.anything({
    key: fc.string({ unit: "binary" }),
    values: [fc.string({ unit: "binary" }), fc.double(), fc.bigInt(), fc.boolean()],
    withBigInt: true,
    withBoxedValues: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withObjectString: true,
    withSparseArray: true,
  }),
  fc.string({ unit: "binary" }).map(halved),
  fc.string().map((text) => `${text}\0`),
  fc.integer({ min: 0, max: 300 }).map((depth) =>
    JSON.parse("[".repeat(depth + 1) + "]".repeat(depth + 1))
  ),
  fc.constantFrom<() => unknown>(
    () => Symbol("odd"),
    () => () => {},
    () => ({
      get field() {
        throw new Error(SECRET);
      },
    }),
    () => ({
      toJSON() {
        throw new Error(SECRET);
      },
    }),
    () => {
      const circular: Record<string, unknown> = {};
      return circular.self = circular;
    },
    () => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return { proxy };
    },
    () => new Date(NaN),
    () => NaN,
    () => Infinity,
    () => undefined,
    () => null,
  ).map((make) => make()),
);

/** Cut in its middle, perhaps within a character. */
function halved(text: string): string {
  return text.slice(0, text.length / 2) + "\ud83d";
}

/** An object with some of these members, each of them anything. */
export function objectOf(...names: string[]): fc.Arbitrary<Record<string, unknown>> {
  return fc.record(Object.fromEntries(names.map((name) => [name, anything])), { requiredKeys: [] });
}

/** Options of a job. */
export const enqueueOptions = objectOf(
  "priority",
  "max_retries",
  "run_at",
  "delay_seconds",
  "idempotency_key",
  "timeout_seconds",
  "owner_id",
);
