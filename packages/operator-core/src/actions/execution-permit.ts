/**
 * The proof that a proposal was checked and claimed. A definition's `run` asks for one, so that
 * executing an action past the executor does not compile: this package exports the type, and only
 * the executor issues the value, one for each attempt.
 */
export class ExecutionPermit {
  readonly #proposalId: number;

  private constructor(proposalId: number) {
    this.#proposalId = proposalId;
  }

  static issue(proposalId: number): ExecutionPermit {
    return new ExecutionPermit(proposalId);
  }

  get proposalId(): number {
    return this.#proposalId;
  }
}
