import { actionStates, auditEventTypes } from "@jarvis/db/action-words";
import { actionId, oneOf, positive, reasonGiven } from "./argument-parsers.ts";
import type { CommandLine, GlobalOptions } from "./command-line.ts";

/** Actions that were proposed: looked at, let pass, refused, and what happened to them. */
export function addActionCommands({ command, answer }: CommandLine): void {
  command("actions", "proposed actions, newest first; or one of them")
    .argument("[id]", "the action's id: show it as it would be approved", actionId)
    .option("--state <state>", "in one state", oneOf(actionStates))
    .option("--limit <n>", "how many", positive, 20)
    .action(
      answer(async (config, cmd) => {
        const [id] = cmd.processedArgs as [number | undefined];
        const { actions, showAction } = await import("../commands/actions.ts");
        return id === undefined ? await actions(config, cmd.opts()) : await showAction(config, id);
      }),
    );

  command("approve", "approve a proposed action as it is shown, with the approver's token")
    .argument("<id>", "the action's id", actionId)
    .option("--digest <digest>", "approve only what has this digest, without asking")
    .action(
      answer(async (config, cmd) => {
        const { digest, json } = cmd.opts<GlobalOptions & { digest?: string }>();
        const options = { json: json === true, ...(digest === undefined ? {} : { digest }) };
        const { approve } = await import("../commands/actions.ts");
        return await approve(config, cmd.processedArgs[0] as number, options);
      }),
    );

  command("reject", "reject a proposed action")
    .argument("<id>", "the action's id", actionId)
    .requiredOption("--reason <text>", "why", reasonGiven)
    .action(
      answer(async (config, cmd) => {
        const { reason } = cmd.opts<{ reason: string }>();
        const { reject } = await import("../commands/actions.ts");
        return await reject(config, cmd.processedArgs[0] as number, reason);
      }),
    );

  command("cancel", "cancel a proposed action, or stop it where it runs")
    .argument("<id>", "the action's id", actionId)
    .requiredOption("--reason <text>", "why", reasonGiven)
    .action(
      answer(async (config, cmd) => {
        const { reason } = cmd.opts<{ reason: string }>();
        const { cancel } = await import("../commands/actions.ts");
        return await cancel(config, cmd.processedArgs[0] as number, reason);
      }),
    );

  command("audit", "the action ledger, oldest first; --newest for what happened last")
    .option("--action <id>", "of one action", actionId)
    .option("--type <type>", "of one type", oneOf(auditEventTypes))
    .option("--after <id>", "after the event with this id", actionId)
    .option("--newest", "the newest of them, and not the oldest")
    .option("--limit <n>", "how many", positive, 50)
    .action(
      answer(async (config, cmd) => {
        const { audit } = await import("../commands/actions.ts");
        return await audit(config, cmd.opts());
      }),
    );
}
