/** One message as every client is sent it. */
export interface Message {
  readonly text: string;
  /** The row of the ledger that it tells of; null for what is not in the ledger. */
  readonly rowId: number | null;
}

export interface RingLimits {
  readonly messages: number;
  readonly characters: number;
}

/**
 * The newest messages, by number. It is the only buffer there is, shared by all clients: each holds
 * the number of the next one it is sent, and one that the ring has passed has to begin anew.
 */
export class Ring {
  readonly #limits: RingLimits;
  #messages: Message[] = [];
  #first = 0;
  #characters = 0;

  constructor(limits: RingLimits) {
    this.#limits = limits;
  }

  /** The number of the oldest message that is still there. */
  get first(): number {
    return this.#first;
  }

  /** The number that the next message gets. */
  get next(): number {
    return this.#first + this.#messages.length;
  }

  /** Answers whether old messages had to go. */
  push(message: Message): boolean {
    this.#messages.push(message);
    this.#characters += message.text.length;
    const { messages, characters } = this.#limits;
    if (this.#messages.length <= messages && this.#characters <= characters) return false;
    // A quarter at a time, so that not every message moves all others.
    let gone = 0;
    const keep = { messages: messages * 0.75, characters: characters * 0.75 };
    while (
      gone < this.#messages.length - 1 &&
      (this.#messages.length - gone > keep.messages || this.#characters > keep.characters)
    ) {
      this.#characters -= this.#messages[gone]?.text.length ?? 0;
      gone += 1;
    }
    this.#messages = this.#messages.slice(gone);
    this.#first += gone;
    return true;
  }

  /** Messages from a number on, as many as fit; null where the first of them is gone. */
  from(number: number, maxCharacters: number): readonly Message[] | null {
    if (number < this.#first) return null;
    const found: Message[] = [];
    let characters = 0;
    for (let at = number - this.#first; at < this.#messages.length; at += 1) {
      const message = this.#messages[at];
      if (message === undefined || (found.length > 0 && characters > maxCharacters)) break;
      characters += message.text.length;
      found.push(message);
    }
    return found;
  }
}
