import { noMore, oneOf, reasonGiven, unreadable } from "./argument-parsers.ts";
import type { CommandLine } from "./command-line.ts";

/** What keeps something from happening until an operator says that it may. */
export function addLiftCommands({ command, answer }: CommandLine): void {
  command("hold", "what was rolled back and is not taken again")
    .argument("<what>", "list or lift", oneOf(["list", "lift"], "list or lift"))
    .argument("[id]", "what is lifted, as `jarvis hold list` names it")
    .option("--reason <text>", "why", reasonGiven)
    .action(
      answer(async (config, cmd) => {
        const [what, id] = cmd.processedArgs as [string, string | undefined];
        const { reason } = cmd.opts<{ reason?: string }>();
        const { liftHold, listHolds } = await import("../commands/releases.ts");
        if (what === "list") {
          noMore("hold list", id);
          return await listHolds(config);
        }
        if (id === undefined || reason === undefined) {
          throw unreadable("Name the hold and say why: `jarvis hold lift ID --reason TEXT`.");
        }
        return await liftHold(config, id, { reason });
      }),
    );

  command("session", "sessions of actions that risked too much and may only observe")
    .argument("<what>", "list or release", oneOf(["list", "release"], "list or release"))
    .argument("[session]", "the session that may act again")
    .option("--reason <text>", "why", reasonGiven)
    .action(
      answer(async (config, cmd) => {
        const [what, session] = cmd.processedArgs as [string, string | undefined];
        const { reason } = cmd.opts<{ reason?: string }>();
        const { listSessions, releaseSession } = await import("../commands/sessions.ts");
        if (what === "list") {
          noMore("session list", session);
          return await listSessions(config);
        }
        if (session === undefined || reason === undefined) {
          throw unreadable(
            "Name the session and say why: `jarvis session release SESSION --reason TEXT`.",
          );
        }
        return await releaseSession(config, session, { reason });
      }),
    );

  command("takeover", "promote to the repository as it is now, instead of whoever did before")
    .requiredOption("--reason <text>", "why; it goes into the action ledger", reasonGiven)
    .action(
      answer(async (config, cmd) => {
        const { takeOver } = await import("../commands/host.ts");
        return await takeOver(config, cmd.opts<{ reason: string }>());
      }),
    );
}
