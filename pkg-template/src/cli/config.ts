// The functions' sections of `supabase/config.toml`.

/** Both check their callers themselves: a scheduler has no user's token, and the database checks those of users. */
const SETTING = "verify_jwt = false";

/** The file's text with a section for each function; as it was where there is one, whatever it says. */
export function withFunctions(config: string, names: string[]): string {
  const missing = names.filter((name) => {
    const quoted = name.replaceAll("-", "\\-");
    return !new RegExp(`^\\s*\\[\\s*functions\\s*\\.\\s*"?${quoted}"?\\s*\\]`, "m").test(config);
  });
  const sections = missing.map((name) => `\n[functions.${name}]\n${SETTING}\n`);
  return missing.length === 0 ? config : `${config.trimEnd()}\n${sections.join("")}`;
}
