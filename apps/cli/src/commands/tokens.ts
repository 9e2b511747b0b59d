import { existsSync } from "node:fs";
import { openStateDirectory } from "@jarvis/db";
import { addToken, readTokens, revokeToken, Role } from "@jarvis/operator-core";
import type { CliConfig } from "../config.ts";
import { CommandError, exitCodes, type Answer } from "../outcome.ts";

/** Tokens are files of the state directory: a kernel that runs reads them anew for every request. */
export async function token(
  config: CliConfig,
  what: string,
  name: string | undefined,
  options: { role?: string },
): Promise<Answer> {
  if (what === "list") return list(directoryOf(config));
  if (name === undefined) throw unreadable(`Name the token: jarvis token ${what} NAME.`);
  if (what === "revoke") {
    revokeToken(directoryOf(config), name);
    return { json: { name, revoked: true }, text: `Revoked: ${name} is nobody from now on.` };
  }
  const role = Role.safeParse(options.role);
  if (!role.success) {
    throw unreadable(`Say what ${name} may do: --role ${Role.options.join("|")}.`);
  }
  const made = addToken(directoryOf(config), { name, role: role.data });
  return {
    json: { name, role: role.data, token: made },
    text: `${made}\nThis is shown once; ${name} may ${role.data} with it.`,
  };
}

interface Listed {
  readonly name: string;
  readonly role: string;
  readonly createdAt: string | null;
  readonly file: string | null;
}

/** The two of this machine's command line are files of their own and cannot be given out or revoked. */
function list(stateDirectory: string): Answer {
  const own: Listed[] = [
    { name: "operator", role: "operate", createdAt: null, file: "token" },
    { name: "approver", role: "approve", createdAt: null, file: "approver-token" },
  ];
  const given = readTokens(stateDirectory).map(({ name, role, createdAt }) => ({
    name,
    role,
    createdAt,
    file: null,
  }));
  const all = [...own, ...given];
  return {
    json: all,
    text: all
      .map(
        ({ name, role, createdAt, file }) =>
          `${name.padEnd(32)} ${role.padEnd(8)} ${createdAt ?? `the file ${file ?? ""}`}`,
      )
      .join("\n"),
  };
}

function directoryOf(config: CliConfig): string {
  if (existsSync(config.stateDir)) return openStateDirectory(config.stateDir);
  throw new CommandError(
    exitCodes.unavailable,
    "no-state",
    `There is no state in ${config.stateDir} yet; start Jarvis with \`jarvis up\`, or name another with --state-dir.`,
  );
}

function unreadable(message: string): CommandError {
  return new CommandError(exitCodes.unreadable, "invalid-argument", message);
}
