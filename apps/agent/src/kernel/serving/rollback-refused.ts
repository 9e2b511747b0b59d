import type { RollbackOutcome } from "./go-back.ts";

export interface RollbackAnswer {
  readonly fromSha: string;
  readonly toSha: string;
}

/** An order to go back that cannot be followed; nothing was changed by the step that was refused. */
export class RollbackRefused extends Error {
  override readonly name = "RollbackRefused";
  readonly code: "nothing-serves" | RollbackOutcome["kind"];

  constructor(code: RollbackRefused["code"], message: string) {
    super(message);
    this.code = code;
  }
}
