/**
 * What runs and switches answer, as schemas and words: for a client of the kernel, which needs
 * neither the ledger nor the database behind them.
 */
export { blockReasonMeanings, passesByItself, type BlockReason } from "./block-reasons.ts";
export { pauseAnswer, type PauseAnswer } from "./pause-answer.ts";
export { runResult, type RunResult } from "./run-result.ts";
export { isTerminal } from "./run-state.ts";
