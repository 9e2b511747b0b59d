import { DatabaseError, pingDatabase } from "@jarvis/db";
import { ConfigError, readConfig } from "./config.ts";

/**
 * Prints what would keep a kernel from starting with these flags and this environment, as one JSON
 * document. `jarvis doctor` asks it: only the kernel knows its settings. Nothing is made or changed.
 */
interface Problem {
  readonly name: "settings" | "database";
  readonly what: string;
  readonly mend: string;
}

async function problemsOf(argv: readonly string[]): Promise<Problem[]> {
  try {
    const { databaseUrl } = readConfig(argv);
    if (databaseUrl !== undefined) await pingDatabase(databaseUrl);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) {
      const mend = "set it as expected, or leave it out";
      return [{ name: "settings", what: error.message, mend }];
    }
    if (!(error instanceof DatabaseError)) throw error;
    const mend = "start the server, mend DATABASE_URL, or leave it out for a database of Jarvis's";
    return [{ name: "database", what: error.message, mend }];
  }
}

process.stdout.write(`${JSON.stringify({ problems: await problemsOf(process.argv.slice(2)) })}\n`);
