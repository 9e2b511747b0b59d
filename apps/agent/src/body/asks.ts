import type { FromBody, Json, ToBody } from "./protocol.ts";

type Answer = Extract<ToBody, { type: "answer" }>;

interface Asked {
  resolve: (output: Json) => void;
  reject: (error: Error) => void;
}

/** What the body has asked its kernel and waits for. */
export class Asks {
  readonly #send: (message: FromBody) => boolean;
  readonly #open = new Map<number, Asked>();
  #last = 0;

  constructor(send: (message: FromBody) => boolean) {
    this.#send = send;
  }

  /** Asks to call a tool. Rejects with the kernel's sentence where it refuses or the tool fails. */
  async ask(tool: string, input: Json, goalId?: string): Promise<Json> {
    const id = ++this.#last;
    return await new Promise((resolve, reject) => {
      this.#open.set(id, { resolve, reject });
      const about = goalId === undefined ? {} : { goalId };
      if (this.#send({ type: "ask", id, tool, input, ...about })) return;
      this.#open.delete(id);
      reject(new Error(`the input of ${tool} is too large to be asked about.`));
    });
  }

  answered(answer: Answer): void {
    const asked = this.#open.get(answer.id);
    this.#open.delete(answer.id);
    if (answer.ok) asked?.resolve(answer.output);
    else asked?.reject(new Error(answer.error.message));
  }
}
