/** The description that the built kernel gives. */
export function readDescription(): string;
/** The types that the page is compiled against. */
export function typesOf(description: string): Promise<string>;
