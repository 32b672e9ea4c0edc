// What is taken out of an error before people read it; the worker's own errors have the same cases.

import assert from "node:assert/strict";
import { messageOf, scrubbed } from "../../supabase/functions/process-queued-jobs/thrown.ts";
import cases from "../fixtures/scrubbed.json" with { type: "json" };

for (const { name, text, scrubbed: wanted } of cases) {
  Deno.test(`an error is told with ${name} as it should be`, () => {
    assert.equal(scrubbed(text), wanted);
    assert.equal(messageOf(text), wanted);
  });
}

Deno.test("an error is cut between two characters, never within one", () => {
  for (const before of ["", "x"]) {
    const cut = scrubbed(before + "👷 ".repeat(2_000));
    assert.ok(cut.length <= 2_000 && cut.isWellFormed(), `${cut.length}`);
  }
});

Deno.test("an error of megabytes is told in milliseconds", () => {
  for (const part of ["a.", "a", "https://", '"', "eyJ", "token=", "1.", "\\"]) {
    const began = performance.now();
    scrubbed(part.repeat(1_000_000));
    assert.ok(performance.now() - began < 200, part);
  }
});
