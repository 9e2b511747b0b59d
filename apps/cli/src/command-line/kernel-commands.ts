import type { Command } from "commander";
import { readCliConfig } from "../config.ts";
import { port } from "./argument-parsers.ts";
import type { CommandLine, GlobalOptions } from "./command-line.ts";

/** Programs that go on running: the kernel, and what serves other agents. */
export function addUpCommand(line: CommandLine): void {
  line
    .command(
      "up",
      "run the launcher and its kernel: database, forge where no GitHub is connected, pipeline, API",
    )
    .option("--port <n>", "the port to listen on; a busy one is answered with the next free")
    .option("--once", "stop as soon as everything is up")
    .option("--dependencies-dir <dir>", "where dependency trees are kept")
    .option("--listen <address>", "another address than 127.0.0.1; only with --public-url")
    .option("--public-url <url>", "what a browser opens: https, of a proxy in front of Jarvis")
    .action(async (_options: unknown, cmd: Command) => {
      const options = cmd.opts<
        GlobalOptions & {
          port?: string;
          once?: boolean;
          dependenciesDir?: string;
          listen?: string;
          publicUrl?: string;
        }
      >();
      const { up } = await import("../commands/up.ts");
      line.exitCode = await up(readCliConfig(options), {
        ...options,
        json: options.json === true,
      });
    });
}

export function addMcpCommand({ command }: CommandLine): void {
  command("mcp", "let another agent propose changes and watch them, over MCP")
    .option("--token-file <file>", "holds the agent's token (default: JARVIS_TOKEN_FILE)")
    .option("--http <port>", "serve streamable HTTP on 127.0.0.1 instead of standard streams", port)
    .action(async (_options: unknown, cmd: Command) => {
      const options = cmd.opts<GlobalOptions & { tokenFile?: string; http?: number }>();
      const { serveMcp } = await import("../mcp/serve-mcp.ts");
      await serveMcp(readCliConfig(options), options);
    });
}

/** Whether this machine can do it, and a show of what it does. */
export function addTrialCommands(line: CommandLine): void {
  line.command("doctor", "what is missing on this machine, and the command that mends it").action(
    line.answer(async (config) => {
      const { doctor } = await import("../commands/doctor.ts");
      return await doctor(config);
    }),
  );

  line
    .command(
      "demo",
      "show what happens to useful, broken and hostile changes, in a throw-away state",
    )
    .action(async (_options: unknown, cmd: Command) => {
      const { demonstrate } = await import("../demo/demonstration.ts");
      const options = cmd.opts<GlobalOptions>();
      line.exitCode = await demonstrate(readCliConfig(options), { json: options.json === true });
    });
}
