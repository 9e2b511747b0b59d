export const ledgerCommands = [
  "verify",
  "prove",
  "check",
  "export",
  "redact",
  "rotate-key",
] as const;
export type LedgerCommand = (typeof ledgerCommands)[number];

export interface LedgerOptions {
  readonly out?: string;
  readonly lost?: boolean;
  readonly reason?: string;
}
