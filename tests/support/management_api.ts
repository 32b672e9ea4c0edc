// Stands in for Supabase's Management API, as far as deploying a function and setting its secrets goes: keeps what is
// uploaded, checks nothing.

/** A function as it was uploaded. */
export interface Upload {
  slug: string;
  /** What `config.toml` and the command line say about it. */
  metadata: { entrypoint_path: string; import_map_path?: string; verify_jwt?: boolean };
  /** By their paths relative to the folder that holds `supabase/`. */
  files: Map<string, Uint8Array<ArrayBuffer>>;
}

/** A running API. */
export interface ManagementApi extends AsyncDisposable {
  url: string;
  uploads: Upload[];
  secrets: Record<string, string>;
}

/** Starts the API for one project. */
export function startManagementApi(ref: string): ManagementApi {
  const uploads: Upload[] = [];
  const secrets: Record<string, string> = {};
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { pathname, searchParams } = new URL(request.url);
      const path = pathname.replace(`/v1/projects/${ref}`, "");
      if (request.method === "POST" && path === "/functions/deploy") {
        const upload = await readUpload(searchParams.get("slug")!, await request.formData());
        uploads.push(upload);
        return Response.json(description(upload), { status: 201 });
      }
      if (request.method === "POST" && path === "/secrets") {
        for (const { name, value } of await request.json()) secrets[name] = value;
        return new Response(null, { status: 201 });
      }
      if (request.method === "GET" && path === "/functions") {
        return Response.json(
          uploads.map(description),
        );
      }
      if (request.method === "GET" && path === "") {
        return Response.json({
          id: ref,
          ref,
          name: "test",
          region: "eu-central-1",
          status: "ACTIVE_HEALTHY",
        });
      }
      return Response.json({ message: `${request.method} ${pathname} is not played here` }, {
        status: 404,
      });
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    uploads,
    secrets,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

async function readUpload(slug: string, form: FormData): Promise<Upload> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const file of form.getAll("file") as File[]) {
    files.set(file.name, new Uint8Array(await file.arrayBuffer()));
  }
  const metadata = form.get("metadata");
  const text = typeof metadata === "string" ? metadata : await metadata!.text();
  return { slug, metadata: JSON.parse(text), files };
}

function description({ slug, metadata }: Upload) {
  return { ...metadata, id: crypto.randomUUID(), slug, name: slug, version: 1, status: "ACTIVE" };
}
