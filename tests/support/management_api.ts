// Stands in for the part of Supabase's Management API that deploys functions and sets secrets. It keeps what is
// uploaded and checks nothing.

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
  /** Everything that was ever uploaded. */
  uploads: Upload[];
  /** The deployed functions by slug. */
  deployed: Map<string, Upload>;
  secrets: Record<string, string>;
}

/** Starts the API for one project. */
export function startManagementApi(ref: string): ManagementApi {
  const project = {
    uploads: [] as Upload[],
    deployed: new Map<string, Upload>(),
    secrets: {} as Record<string, string>,
  };
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const path = new URL(request.url).pathname.replace(`/v1/projects/${ref}`, "");
      if (request.method === "GET" && path === "") return Response.json(nameOf(ref));
      const answer = path.startsWith("/secrets")
        ? await answerAboutSecrets(request, project)
        : await answerAboutFunctions(request, path, project);
      if (answer) return answer;
      const message = `${request.method} ${path} is not played here`;
      return Response.json({ message }, { status: 404 });
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    ...project,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Variables that make the CLI use this API instead of Supabase's. */
export async function profileFor(
  { url }: ManagementApi,
  folder: string,
): Promise<{ SUPABASE_PROFILE: string }> {
  const profile = `${folder}/profile.yaml`;
  await Deno.writeTextFile(
    profile,
    `name: stand-in\napi_url: ${url}\ndashboard_url: ${url}\nproject_host: localhost\npooler_host: localhost\n`,
  );
  return { SUPABASE_PROFILE: profile };
}

/** Writes an upload to a new folder. */
export async function unpacked(upload: Upload): Promise<string> {
  const folder = await Deno.makeTempDir();
  for (const [path, bytes] of upload.files) {
    const file = new URL(path, `file://${folder}/`);
    await Deno.mkdir(new URL(".", file), { recursive: true });
    await Deno.writeFile(file, bytes);
  }
  return folder;
}

type Project = Pick<ManagementApi, "uploads" | "deployed" | "secrets">;

async function answerAboutSecrets(request: Request, { secrets }: Project) {
  if (request.method === "POST") {
    for (const { name, value } of await request.json()) secrets[name] = value;
    return new Response(null, { status: 201 });
  }
  if (request.method === "DELETE") {
    for (const name of await request.json()) delete secrets[name];
    return Response.json({});
  }
}

async function answerAboutFunctions(request: Request, path: string, project: Project) {
  const { uploads, deployed } = project;
  const { searchParams } = new URL(request.url);
  switch (`${request.method} ${path}`) {
    case "POST /functions/deploy": {
      const upload = await readUpload(searchParams.get("slug")!, await request.formData());
      uploads.push(upload);
      // When several are deployed at once, a PUT starts all of them after the last upload.
      if (searchParams.get("bundleOnly") !== "true") deployed.set(upload.slug, upload);
      return Response.json(description(upload), { status: 201 });
    }
    case "PUT /functions":
      for (const { slug } of await request.json()) {
        deployed.set(slug, uploads.findLast((upload) => upload.slug === slug)!);
      }
      return Response.json({ functions: [...deployed.values()].map(description) });
    case "GET /functions":
      return Response.json([...deployed.values()].map(description));
  }
  const [, slug] = path.match(/^\/functions\/([^/]+)$/) ?? [];
  if (request.method === "DELETE" && deployed.delete(slug)) return Response.json({});
}

function nameOf(ref: string) {
  return { id: ref, ref, name: "test", region: "eu-central-1", status: "ACTIVE_HEALTHY" };
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
