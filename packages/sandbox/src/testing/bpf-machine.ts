import {
  jumpIfAnyBitCode,
  jumpIfEqualCode,
  jumpIfGreaterCode,
  loadCode,
  returnCode,
} from "../bpf.ts";

/** A system call as the kernel shows it to a filter. */
export interface SystemCall {
  architecture: number;
  number: number;
  args?: readonly bigint[];
}

/** Runs an assembled filter as the kernel would, and gives its answer. */
export function runFilter(program: Buffer, call: SystemCall): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(call.number, 0);
  data.writeUInt32LE(call.architecture, 4);
  for (const [index, value] of (call.args ?? []).entries()) {
    data.writeBigUInt64LE(value, 16 + index * 8);
  }
  let accumulator = 0;
  for (let at = 0; at < program.length; at += 8) {
    const operand = program.readUInt32LE(at + 4);
    const jump = (condition: boolean): void => {
      at += program.readUInt8(at + (condition ? 2 : 3)) * 8;
    };
    switch (program.readUInt16LE(at)) {
      case loadCode:
        accumulator = data.readUInt32LE(operand);
        break;
      case jumpIfEqualCode:
        jump(accumulator === operand);
        break;
      case jumpIfGreaterCode:
        jump(accumulator > operand);
        break;
      case jumpIfAnyBitCode:
        jump((accumulator & operand) !== 0);
        break;
      case returnCode:
        return operand;
      default:
        throw new Error(`No such instruction at ${at}.`);
    }
  }
  throw new Error("The filter ran past its end.");
}
