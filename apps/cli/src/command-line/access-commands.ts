import { noMore, oneOf } from "./argument-parsers.ts";
import type { CommandLine } from "./command-line.ts";

/** Who else may speak to the kernel. */
export function addAccessCommands({ command, answer }: CommandLine): void {
  command("login", "a link that lets one browser in to the operator's page")
    .option("--role <role>", "read, operate or approve", "operate")
    .action(
      answer(async (config, cmd) => {
        const { login } = await import("../commands/login.ts");
        return await login(config, cmd.opts<{ role: string }>());
      }),
    );

  command("token", "who else may speak to the kernel")
    .argument(
      "<what>",
      "add, list or revoke",
      oneOf(["add", "list", "revoke"], "add, list or revoke"),
    )
    .argument("[name]", "whose token: the name that is recorded")
    .option("--role <role>", "read, propose, operate or approve")
    .action(
      answer(async (config, cmd) => {
        const [what, name] = cmd.processedArgs as [string, string | undefined];
        if (what === "list") noMore("token list", name);
        const { token } = await import("../commands/tokens.ts");
        return await token(config, what, name, cmd.opts());
      }),
    );
}
