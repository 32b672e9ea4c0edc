// What an engineer would say about the usual defects of a roof and a wall: the stand-in's whole knowledge.

/** A kind of finding: the words that give it away, and what is written about it. */
export interface Topic {
  words: RegExp;
  title: string;
  action: string;
  verify: string;
}

const TOPICS: Topic[] = [
  {
    words: /guard ?rail|toe board|edge protection/i,
    title: "Edge protection incomplete",
    action:
      "The Contractor was requested to restore the guard rail before work resumes near this edge.",
    verify: "Edge protection along the remaining perimeter to be confirmed by the Contractor.",
  },
  {
    words: /scaffold/i,
    title: "Scaffold support",
    action:
      "The Contractor was requested to keep workers off this bay until the leg is supported on a base plate and sill.",
    verify: "The scaffold's inspection record to be made available at the next visit.",
  },
  {
    words: /drain\b|strainer/i,
    title: "Roof drain obstructed",
    action:
      "The Contractor was requested to clear the drain and to keep it clear until completion.",
    verify: "Flow through the leader below the drain was not tested.",
  },
  {
    words: /pond|standing water/i,
    title: "Standing water on the membrane",
    action:
      "The Contractor was requested to correct the slope of the substrate in this area before the cap sheet is laid.",
    verify: "Moisture below the membrane could not be judged from the surface.",
  },
  {
    words: /\b(lap|seam)\b/i,
    title: "Open side lap",
    action:
      "The Contractor was requested to cut out and patch the open lap and to probe the adjoining laps.",
    verify: "The length of adjoining laps in the same condition to be recorded by the Contractor.",
  },
  {
    words: /flashing joint|cap flashing|coping/i,
    title: "Cap flashing joint",
    action:
      "The Contractor was requested to install the missing cover plate and to complete the sealant.",
    verify: "The underlay below the joint was not visible.",
  },
  {
    words: /weep/i,
    title: "Blocked weep vents",
    action:
      "The Contractor was requested to open the blocked vents without damage to the flashing behind.",
    verify: "Mortar in the cavity above the flashing to be checked with a borescope.",
  },
  {
    words: /shelf angle|lintel|corro|rust/i,
    title: "Corroded shelf angle",
    action:
      "The Contractor was requested to clean the exposed steel so that its remaining thickness can be measured.",
    verify: "The extent of corrosion behind the brick is not known.",
  },
  {
    words: /crack/i,
    title: "Stepped crack in brick veneer",
    action:
      "The Contractor was requested to install crack gauges and to leave the joints unpointed until they are read.",
    verify: "Movement of the crack to be read at the next two visits.",
  },
];

const OTHER: Topic = {
  words: /./,
  title: "General observation",
  action: "The Contractor was requested to correct the condition and to report when it is done.",
  verify: "The condition to be reviewed at the next visit.",
};

/** The topic a description speaks of. */
export function topicOf(description: string): Topic {
  return TOPICS.find((topic) => topic.words.test(description)) ?? OTHER;
}

/** The title of a finding; for an overview or without a known topic, the first words of its description. */
export function titleOf(description: string, isOverview: boolean): string {
  const topic = topicOf(description);
  if (topic !== OTHER && !isOverview) return topic.title;
  const words = description.split(/[,.;:]/)[0].trim().split(/\s+/).slice(0, 6).join(" ");
  return words ? sentence(words).slice(0, -1) : OTHER.title;
}

/** The engineer's own words as a sentence of a report. */
export function observed(description: string, isOverview: boolean): string {
  const words = inPast(description.trim());
  if (!words) return "The photograph was taken without a description.";
  if (isOverview) return sentence(`General view: ${lowerFirst(words)}`);
  const mainClause = words.split(/[,;]/)[0];
  if (VERB.test(mainClause) || mainClause.includes(":")) return sentence(withArticle(words, "The"));
  const place = words.search(PLACE);
  if (place < 0) return sentence(`${words} was observed`);
  return sentence(
    withArticle(`${words.slice(0, place).trim()} was observed ${words.slice(place).trim()}`, "A"),
  );
}

/** A line of notes as a statement of the report; null for one that only says how to write it. */
export function noted(
  note: string,
): { title: string; point: { text: string; kind: "observation" | "action" } } | null {
  if (/^(keep|write|stress|use)\b/i.test(note)) return null;
  const reminder = note.match(/^remind (?:the contractor|them) (.*)$/i);
  if (reminder) {
    const text = sentence(`The Contractor was reminded ${reminder[1]}`);
    return { title: "Reminder to the Contractor", point: { text, kind: "action" } };
  }
  const title = sentence(inPast(note).split(VERB)[0].trim().split(/\s+/).slice(0, 6).join(" "))
    .slice(
      0,
      -1,
    );
  return { title, point: { text: observed(note, false), kind: "observation" } };
}

const VERB = /\b(was|were|had|stood|stopped|came|went|showed|lacked|leaked)\b/;
const PAST: Record<string, string> = {
  is: "was",
  are: "were",
  has: "had",
  have: "had",
  stands: "stood",
  stops: "stopped",
  comes: "came",
  goes: "went",
  shows: "showed",
  lacks: "lacked",
  leaks: "leaked",
};
const PLACE =
  /(?<=\s)(along|through|over|near|at|with|above|below|from|on|in|open|covered|corroded)\b/;
const NO_ARTICLE =
  /^(the|an?|no|one|two|three|four|several|some|all|both|ponding|water|debris)\b|^\d/i;

function inPast(words: string): string {
  return words.replace(/\b[a-z]+\b/g, (word) => Object.hasOwn(PAST, word) ? PAST[word] : word);
}

const NAME = /^[A-Z][a-z]+ ([a-z]+ )?[A-Z]/;

function withArticle(words: string, article: string): string {
  if (NO_ARTICLE.test(words) || NAME.test(words)) return words;
  const sounded = article === "A" && /^[aeio]/i.test(words) ? "An" : article;
  return `${sounded} ${lowerFirst(words)}`;
}

function sentence(words: string): string {
  const text = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** Lower-cases the first letter unless the word is an abbreviation or begins a name. */
function lowerFirst(words: string): string {
  return /^[A-Z][a-z]/.test(words) && !NAME.test(words)
    ? words.charAt(0).toLowerCase() + words.slice(1)
    : words;
}
