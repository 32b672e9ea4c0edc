// What JSON would lose, and what to send instead. The package and the worker's function are built apart, so each has this
// file; a test holds the two equal, and both are tested with `tests/fixtures/payloads.ts`.

/**
 * What a value is and what to do about it, if JSON would lose it or what is in it: such as "a Map: make an object of it
 * with Object.fromEntries". Undefined for what JSON carries whole. Of an object with `toJSON`, ask about what that gives.
 */
export function lossOf(value: unknown): string | undefined {
  const kind = lostKind(value);
  if (kind === undefined) return undefined;
  const [, advice] = ADVICE.find(([kinds]) => kinds.test(kind)) ??
    [, "send its data as a plain object"];
  return `${/^[AEIo]/.test(kind) ? "an" : "a"} ${kind}: ${advice}`;
}

const ADVICE: [kinds: RegExp, advice: string][] = [
  [/^(File|Blob)|Buffer$|^DataView/, "upload it to Storage and send its bucket and path"],
  [/^(Map|FormData|URLSearchParams|Headers)$/, "make an object of it with Object.fromEntries"],
  [/^Set$|Array$|Iterator$|^Generator/, "make a list of it with Array.from"],
  [/^Promise/, "await it first"],
  [/^function/, "send what it returns"],
  [/^(symbol|BigInt|Error|RegExp)/i, "make a text of it with String"],
];

function lostKind(value: unknown): string | undefined {
  if (/^(bigint|function|symbol)$/.test(typeof value)) return typeof value;
  if (!isObject(value) || Array.isArray(value)) return undefined;
  if (value instanceof Error) return "Error";
  // What the language itself takes it for, in whatever realm it was made.
  const native = Object.prototype.toString.call(value).slice(8, -1);
  if (/^(Boolean|Number|String)$/.test(native)) return undefined;
  if (/^(Error|RegExp|\w+Array)$/.test(native)) return native;
  return builtInKind(value) ?? kindWithoutFields(value);
}

function isObject(value: unknown): value is object {
  return Object(value) === value;
}

/**
 * The built-in class that an object belongs to, also by inheritance and when it was given fields of its own. Those of the
 * language and of the web carry their names where no class of an application has its own: read-only, on the prototype.
 */
function builtInKind(value: object): string | undefined {
  for (let kind = Object.getPrototypeOf(value); kind; kind = Object.getPrototypeOf(kind)) {
    const name = Object.getOwnPropertyDescriptor(kind, Symbol.toStringTag);
    const isBuiltIn = typeof name?.value === "string" && !name.writable && !name.enumerable;
    // One that only tells others of its changes has its content in its fields.
    if (isBuiltIn) return name.value === "EventTarget" ? undefined : name.value;
  }
}

/** Of an object that shows nothing, though it is made by a class: it has its content elsewhere. */
function kindWithoutFields(value: object): string | undefined {
  const kind = Object.getPrototypeOf(value);
  const isPlain = !kind || !Object.getPrototypeOf(kind);
  return isPlain || Object.keys(value).length ? undefined : "object without own fields";
}
