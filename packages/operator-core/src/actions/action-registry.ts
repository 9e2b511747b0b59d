import { OperatorError } from "../errors.ts";
import type { ActionDefinition } from "./action-definition.ts";

/** The actions there are. A proposal is judged by what is registered when it is judged. */
export class ActionRegistry {
  readonly #definitions = new Map<string, ActionDefinition>();

  /** @throws OperatorError `duplicate-action`: a name must not change its meaning while it runs. */
  register(definition: ActionDefinition): this {
    if (this.#definitions.has(definition.name)) {
      throw new OperatorError(
        "duplicate-action",
        `An action "${definition.name}" is registered already: give the new one another name.`,
      );
    }
    this.#definitions.set(definition.name, definition);
    return this;
  }

  get(name: string): ActionDefinition | undefined {
    return this.#definitions.get(name);
  }

  list(): readonly ActionDefinition[] {
    return [...this.#definitions.values()];
  }
}
