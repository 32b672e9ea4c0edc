// What a command is.

/** What it was asked for on the command line. */
export interface Context {
  /** The folder that holds `supabase/`. */
  workdir: string;
  say(line: string): void;
}

export interface Command {
  /** One line for the list of commands. */
  summary: string;
  /** Throws a {@link Complaint} when it cannot do what it should. */
  run(context: Context): Promise<void>;
}

/** Something the person at the keyboard can mend; the message says how. */
export class Complaint extends Error {}
