/**
 * The few instructions of classic BPF that a seccomp filter needs. A program is a list of
 * `struct sock_filter { u16 code; u8 jt; u8 jf; u32 k; }`, which the kernel walks for each call.
 */

export interface Instruction {
  code: number;
  /** Instructions to skip when a jump's condition holds, and when it does not. */
  ifTrue: number;
  ifFalse: number;
  operand: number;
}

/** BPF_LD | BPF_W | BPF_ABS: a 32-bit word of `struct seccomp_data` into the accumulator. */
export const loadCode = 0x20;
/** BPF_JMP | BPF_JEQ | BPF_K */
export const jumpIfEqualCode = 0x15;
/** BPF_JMP | BPF_JGT | BPF_K */
export const jumpIfGreaterCode = 0x25;
/** BPF_JMP | BPF_JSET | BPF_K */
export const jumpIfAnyBitCode = 0x45;
/** BPF_RET | BPF_K */
export const returnCode = 0x06;

export function load(offset: number): Instruction {
  return { code: loadCode, ifTrue: 0, ifFalse: 0, operand: offset };
}

/** When the accumulator equals `value` go on with `then`, otherwise behind it. */
export function whenEqual(value: number, then: readonly Instruction[]): Instruction[] {
  return [jump(jumpIfEqualCode, value, 0, then.length), ...then];
}

export function whenGreater(value: number, then: readonly Instruction[]): Instruction[] {
  return [jump(jumpIfGreaterCode, value, 0, then.length), ...then];
}

export function whenAnyBit(mask: number, then: readonly Instruction[]): Instruction[] {
  return [jump(jumpIfAnyBitCode, mask, 0, then.length), ...then];
}

/** When the accumulator differs from `value` go on with `then`, otherwise behind it. */
export function whenNotEqual(value: number, then: readonly Instruction[]): Instruction[] {
  return [jump(jumpIfEqualCode, value, then.length, 0), ...then];
}

export function answer(action: number): Instruction {
  return { code: returnCode, ifTrue: 0, ifFalse: 0, operand: action };
}

/** The program as the kernel reads it, little-endian like both supported architectures. */
export function assemble(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8);
  for (const [index, { code, ifTrue, ifFalse, operand }] of program.entries()) {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(ifTrue, index * 8 + 2);
    bytes.writeUInt8(ifFalse, index * 8 + 3);
    bytes.writeUInt32LE(operand, index * 8 + 4);
  }
  return bytes;
}

function jump(code: number, operand: number, ifTrue: number, ifFalse: number): Instruction {
  return { code, ifTrue, ifFalse, operand };
}
