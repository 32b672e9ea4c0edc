// Inputs and options of any kind: the database takes whatever the client lets through, or refuses it by name.

import assert from "node:assert/strict";
import fc from "fast-check";
import { createQueueClient } from "pretium-queue";
import { anything, enqueueOptions as options, fuzz } from "../support/fuzz.ts";
import { stack } from "../support/stack.ts";

fuzz(
  "the database takes or refuses by name whatever input the client lets through",
  fc.record({ input: fc.dictionary(fc.string(), anything), options }),
  async ({ input, options }) => {
    const queue = createQueueClient({ url: stack.url, key: stack.secretKey });
    const { success, code, error } = await queue.enqueueJob("noop", input, options as never);
    assert.ok(success || code === "JQ004", `${code}: ${error}`);
  },
);
