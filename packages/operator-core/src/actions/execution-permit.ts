import { OperatorError } from "../errors.ts";

/**
 * The proof that a proposal was checked and claimed. A definition's `run` asks for one, so that
 * executing an action past the executor does not compile: this package exports the type, and only
 * the executor issues the value, one for each attempt.
 */
export class ExecutionPermit {
  readonly #proposalId: number;
  #isOver = false;

  private constructor(proposalId: number) {
    this.#proposalId = proposalId;
  }

  static issue(proposalId: number): ExecutionPermit {
    return new ExecutionPermit(proposalId);
  }

  /** Whether a value is a permit for this proposal whose attempt still runs: a look-alike is none. */
  static isValid(value: unknown, proposalId: number): boolean {
    return (
      typeof value === "object" &&
      value !== null &&
      #proposalId in value &&
      value.#proposalId === proposalId &&
      !value.#isOver
    );
  }

  get proposalId(): number {
    return this.#proposalId;
  }

  /** The attempt has ended: who kept the permit can do nothing with it any more. */
  end(): void {
    this.#isOver = true;
  }
}

/**
 * For whoever executes on behalf of a definition: a cast can lie about a type, so the value is looked
 * at as well.
 * @throws OperatorError `not-permitted`
 */
export function requirePermit(permit: ExecutionPermit, proposalId: number): void {
  if (ExecutionPermit.isValid(permit, proposalId)) return;
  throw new OperatorError(
    "not-permitted",
    "Only the executor runs actions: propose this one and let it be executed.",
  );
}
