// Whatever was thrown, as words for people: who threw it may be anybody's library, so nothing of it is trusted.

const LONGEST = 2_000;
/** A text is cut to this before it is searched. */
const LONGEST_SEARCHED = 10_000;
const MOST_CAUSES = 4;
/** Where a message stands, the best first: errors, OAuth's answers, other APIs', RFC 9457's problems. */
const MESSAGES = ["message", "error_description", "error", "msg", "detail", "reason", "title"];

/** What it says and what caused it, without addresses, keys and payloads, and not too long. */
export function messageOf(thrown: unknown): string {
  const said: string[] = [];
  let error = thrown;
  for (let level = 0; level <= MOST_CAUSES; level++) {
    const isWrapper = messageIn(error) === undefined;
    const next = member(error, "cause") ?? member(member(error, "errors"), "0") ??
      (isWrapper ? inside(error) : undefined);
    // What only wraps another has nothing to say.
    if (next === undefined || !isWrapper || level === MOST_CAUSES) said.push(sentence(error));
    if (next === undefined) break;
    error = next;
  }
  return scrubbed(said.join(", because: "));
}

/** Where it was thrown; undefined for what has no stack. */
export function stackOf(thrown: unknown): string | undefined {
  const stack = member(thrown, "stack");
  return typeof stack === "string" ? scrubbed(stack) : undefined;
}

/** The error in an answer of an API that was thrown as it came: `{"error": {"message": …}}`, `[{"message": …}]`. */
function inside(thrown: unknown): unknown {
  const places = ["error", "message", "detail", "0"].map((name) => member(thrown, name));
  return places.find((place) => typeof place === "object" && place !== null);
}

/** Errors of PostgREST and of Node carry a code, PostgREST's also a hint; its details quote the row, so they stay here. */
function sentence(error: unknown): string {
  const message = messageIn(error);
  if (message === undefined) return nameless(error);
  const name = words(error, "name");
  const code = words(error, "code");
  const hint = words(error, "hint");
  const remarks = [code && `code ${code}`, hint && `hint: ${hint}`].filter(Boolean).join(", ");
  return `${name ? `${name}: ` : ""}${message}${remarks && ` (${remarks})`}`;
}

function messageIn(error: unknown): string | undefined {
  return MESSAGES.map((name) => words(error, name)).find((words) => words !== undefined);
}

function nameless(thrown: unknown): string {
  if (typeof thrown === "string") return thrown;
  const isThing = typeof thrown === "function" || (typeof thrown === "object" && thrown !== null);
  if (!isThing) return `${String(thrown)} was thrown`;
  return `something without a message was thrown: ${kindOf(thrown)}`;
}

function kindOf(thrown: object): string {
  const kind = words(member(thrown, "constructor"), "name") ?? "object";
  const status = member(thrown, "status");
  return typeof status === "number" ? `${kind} with status ${status}` : kind;
}

function words(thrown: unknown, name: string): string | undefined {
  const value = member(thrown, name);
  return typeof value === "string" && value !== "" ? value : undefined;
}

function member(thrown: unknown, name: string): unknown {
  try {
    return (thrown as Record<string, unknown> | undefined | null)?.[name];
  } catch {
    return undefined;
  }
}

/** In this order. `tests/fixtures/scrubbed.json` says what they do. */
const RULES: ((text: string) => string)[] = [
  // A place in a script, as stacks give it: its name is enough.
  replace(
    /\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s"'`<>()]*\/([\w.-]+\.[cm]?[jt]sx?:\d+(?::\d+)?)\b/gi,
    "$1",
  ),
  replace(/\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s"'`<>]*[^\s"'`<>.,;:!?)\]}]/gi, "<address>"),
  replace(/\bdata:[\w.+-]+\/[^\s"'`<>]+/gi, "<address>"),
  replace(/\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b/g, "<address>"),
  replace(/\b(Bearer|Basic) +[^\s"',;]+/gi, "$1 <secret>"),
  replace(/\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?/g, "<secret>"),
  replace(/\b(?:sb_[a-z]+_|[spr]k[-_]|xai-|gh[a-z]_|AKIA|AIza|whsec_)[\w-]{8,}/g, "<secret>"),
  replace(
    /(key|token|secret|password|passwd|pwd|signature|sig|authorization|cookie)(["']?=["']?)[^\s"',;&<>()]+/gi,
    "$1$2<secret>",
  ),
  replace(
    /(key|token|secret|password|passwd|pwd|signature|sig|authorization|cookie)(["']? *: *["']?)(?=[^\s"',;&<>()]*\d)[^\s"',;&<>()]{8,}/gi,
    "$1$2<secret>",
  ),
  (text) => text.replace(/[\w+=-]{32,}/g, (run) => isOpaque(run) ? "<secret>" : run),
  // What runtimes quote of a header that they refuse, which is a key as often as not.
  replace(/(Invalid header value: )"[^]*"/g, "$1<secret>"),
  replace(/"[^]*"( is an invalid header value)/g, "<secret>$1"),
  // What V8 quotes of a payload.
  replace(/(?:, )?(?:\.{3})?"[^]*"(?:\.{3})? is not valid JSON/g, " is not valid JSON"),
];

function replace(pattern: RegExp, instead: string): (text: string) => string {
  return (text) => text.replace(pattern, instead);
}

/** Looks like a key or like base64; ids are what errors are found by. */
function isOpaque(run: string): boolean {
  return /\d/.test(run) && /[a-z]/i.test(run) &&
    !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(run);
}

/** Without what is not for everybody's eyes, and not too long. */
export function scrubbed(text: string): string {
  const isLong = text.length > LONGEST_SEARCHED;
  // What was cut may be half a secret.
  const searched = isLong ? text.slice(0, LONGEST_SEARCHED).replace(/\S*$/, "…") : text;
  const left = RULES.reduce((left, rule) => rule(left), searched);
  if (left.length <= LONGEST) return left;
  // Not between the halves of a pair.
  return `${left.slice(0, LONGEST - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}
