export * from "./schema/index.ts";
export { codeOf, DatabaseError, messageOf, queryFailure } from "./errors.ts";
export type { DatabaseErrorCode } from "./errors.ts";
export { lockStateDirectory, openStateDirectory } from "./state-directory.ts";
export type { StateDirectoryHolder, StateDirectoryLock } from "./state-directory.ts";
export { syncDirectory, writeAll, writeDurably } from "./durable-file.ts";
export { openDatabase, pingDatabase } from "./open-database.ts";
export type { DatabaseHandle, OpenDatabaseOptions } from "./open-database.ts";
export type { JarvisDatabase, SqlClient } from "./connection.ts";
export { databaseDirectory, destroyEmbedded, stopEmbedded } from "./embedded/supervisor.ts";
export {
  connectForLease,
  endLeases,
  readLease,
  releaseLease,
  renewLease,
  takeLease,
} from "./kernel-lease.ts";
export type { KernelLease, LeaseHolder } from "./kernel-lease.ts";
export { KERNEL_SCHEMA } from "./kernel-schema.ts";
export { ledgerWriters, type LedgerTable } from "./ledger-writers.ts";
export { Settled, type LedgerLook } from "./settled.ts";
export { ledgerGuards, type LedgerGuard } from "./guard-status.ts";
export { compareAndSetAgentState, readAgentState } from "./agent-state.ts";
export type { CompareAndSetOutcome } from "./agent-state.ts";
export { emptyBlob, getBlob, putBlob } from "./blobs.ts";
export type { BlobContent } from "./blobs.ts";
export { writeBackup } from "./backup/write-backup.ts";
export { restoreBackup } from "./backup/restore-backup.ts";
export { restoreDatabase } from "./backup/restore-database.ts";
export { queryReadOnly, QueryRefused } from "./read-only-query.ts";
export type { QueryAnswer, QueryLimits } from "./read-only-query.ts";
