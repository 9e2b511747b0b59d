/** The description that the built kernel gives. */
export function readDescription(): string;
/** The types that the page is compiled against, and the words that it lists. */
export function typesOf(description: string): Promise<string>;
