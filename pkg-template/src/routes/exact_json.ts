// Reading JSON that goes on to the queue: callers in other languages write numbers that JavaScript would change.

/** A text or a number. In JSON every quote begins or ends a text. */
const TOKEN = /"[^"\\]*(?:\\[^][^"\\]*)*"|-?\d[\d.eE+-]*/g;

/** What a JSON text stands for, with texts for the numbers that JavaScript has no digits for. Throws if it is no JSON. */
export function parseExactly(json: string): unknown {
  const value = JSON.parse(json);
  const exact = json.replace(
    TOKEN,
    (token) => token[0] === '"' || isKept(token) ? token : `"${token}"`,
  );
  return exact === json ? value : JSON.parse(exact);
}

/** Whether a number is what JavaScript makes of it, written with as many digits. */
function isKept(number: string): boolean {
  if (/^[\d.-]{1,15}$/.test(number)) return true;
  // No double needs more to be written in full.
  if (number.length > 800) return false;
  const { digits, power } = significant(number);
  if (digits.length > 17) return false;
  const made = significant(Number(number).toPrecision(Math.max(1, digits.length)));
  return digits === made.digits && power === made.power;
}

/** The digits between the zeros, and the power of ten that they are times: 15 and -1 of 1.50. */
function significant(number: string): { digits: string; power: number } {
  const [, whole = "", fraction = "", power = "0"] =
    number.match(/^-?(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i) ?? [];
  const all = (whole + fraction).replace(/^0+/, "");
  const digits = all.replace(/0+$/, "");
  const zeros = all.length - digits.length;
  return { digits, power: digits ? Number(power) - fraction.length + zeros : 0 };
}
