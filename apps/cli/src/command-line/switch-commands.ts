import { oneOf, reasonGiven } from "./argument-parsers.ts";
import type { CommandLine } from "./command-line.ts";

/** How Jarvis is, and the switches, which also work where no kernel answers. */
export function addSwitchCommands({ command, answer }: CommandLine): void {
  command(
    "status",
    "what to do next, switches, base, what serves, current runs, sandbox, database, host",
  ).action(
    answer(async (config) => {
      const { status } = await import("../commands/switches.ts");
      return await status(config);
    }),
  );

  command("pause", "pause promotion and wait until none can land; the agent goes on working")
    .requiredOption("--reason <text>", "why; it goes into the ledger", reasonGiven)
    .action(
      answer(async (config, cmd) => {
        const { pause } = await import("../commands/pause.ts");
        return await pause(config, cmd.opts<{ reason: string }>().reason);
      }),
    );

  command("resume", "lift the promotion pause; parked runs continue")
    .option("--reason <text>", "why", reasonGiven, "resumed by an operator")
    .action(
      answer(async (config, cmd) => {
        const { resume } = await import("../commands/pause.ts");
        return await resume(config, cmd.opts<{ reason: string }>().reason);
      }),
    );

  const modes = ["observe", "execute"] as const;
  command("mode", "observe (changes are tested only) or execute (they are promoted)")
    .argument("<mode>", "observe or execute", oneOf(modes, "observe or execute"))
    .option("--reason <text>", "why", reasonGiven, "set by an operator")
    .action(
      answer(async (config, cmd) => {
        const [mode] = cmd.processedArgs as [(typeof modes)[number]];
        const { setMode } = await import("../commands/switches.ts");
        return await setMode(config, { mode, reason: cmd.opts<{ reason: string }>().reason });
      }),
    );

  command("kill", "end every sandbox and set observe, at once")
    .requiredOption("--reason <text>", "why; it is kept with the switch", reasonGiven)
    .action(
      answer(async (config, cmd) => {
        const { kill } = await import("../commands/switches.ts");
        return await kill(config, cmd.opts<{ reason: string }>().reason);
      }),
    );

  command("accept", "attest a base that came from outside")
    .argument("<sha>", "the full commit SHA that you looked at")
    .action(
      answer(async (config, cmd) => {
        const { accept } = await import("../commands/switches.ts");
        return await accept(config, String(cmd.args[0]));
      }),
    );
}
