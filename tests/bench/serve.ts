// Runs an edge function, whose `Deno.serve` names no port, on a free port. Every function that is measured starts so.
//
//   deno run … serve.ts <module>

const serve = Deno.serve as (
  options: Deno.ServeTcpOptions,
  handler: Deno.ServeHandler,
) => Deno.HttpServer;
const onListen = ({ port }: Deno.NetAddr) => console.log(`listening on http://127.0.0.1:${port}`);
const onFreePort = (handler: Deno.ServeHandler) =>
  serve({ hostname: "127.0.0.1", port: 0, onListen }, handler);

Object.assign(Deno, { serve: onFreePort });
await import(Deno.args[0]);
