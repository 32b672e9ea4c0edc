// A server in a process of its own.

export interface Server {
  url: string;
  stop(): Promise<void>;
}

/** Starts a program and waits until what it writes matches `listening`, whose first group is its address. */
export async function startProcess(
  program: string,
  args: string[],
  options: { cwd: string; env: Record<string, string>; listening: RegExp },
): Promise<Server> {
  const child = new Deno.Command(program, {
    args,
    cwd: options.cwd,
    env: { NO_COLOR: "1", ...options.env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let text = "";
  const { promise: url, resolve, reject } = Promise.withResolvers<string>();
  const read = async (stream: ReadableStream<Uint8Array>) => {
    for await (const part of stream.pipeThrough(new TextDecoderStream())) {
      text += part;
      const listening = text.match(options.listening);
      if (listening) resolve(listening[1]);
    }
  };
  const ended = Promise.all([read(child.stdout), read(child.stderr)]);
  ended.then(() => reject(new Error(`${program} did not start: ${text}`)));
  return {
    url: await url,
    async stop() {
      child.kill("SIGTERM");
      await child.status;
      await ended;
    },
  };
}
