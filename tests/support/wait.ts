// Waiting for something that happens elsewhere.

/**
 * Calls `probe` until it returns something other than undefined, null or false, and returns that. After `limitMs`
 * it fails and names what was awaited.
 */
export async function waitFor<T>(
  what: string,
  probe: () => Promise<T | undefined | null | false> | T | undefined | null | false,
  limitMs = 20_000,
): Promise<T> {
  const deadline = Date.now() + limitMs;
  while (true) {
    const found = await probe();
    if (found !== undefined && found !== null && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`waited ${limitMs} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
