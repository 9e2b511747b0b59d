/**
 * A static x86-64 program of some 200 bytes that makes one system call and exits with its errno, or
 * 0. With it a filter is tested against the kernel without a compiler on the machine.
 */
export function systemCallProgram(number: number, args: readonly bigint[] = []): Buffer {
  // mov rdi, rsi, rdx, r10, r8, r9: the registers of the six arguments, in order.
  const registers = ["48bf", "48be", "48ba", "49ba", "49b8", "49b9"];
  const loads = registers.map((opcode, index) => {
    const value = Buffer.alloc(8);
    value.writeBigUInt64LE(args[index] ?? 0n);
    return Buffer.concat([Buffer.from(opcode, "hex"), value]);
  });
  const call = Buffer.concat([moveToEax(number), Buffer.from("0f05", "hex")]);
  return elf(Buffer.concat([...loads, call, exitWithErrno]));
}

/** getpid by the 32-bit convention (int 0x80): another architecture to the kernel. */
export function otherArchitectureProgram(): Buffer {
  return elf(Buffer.concat([moveToEax(20), Buffer.from("cd80", "hex"), exitWithErrno]));
}

// test rax, rax; js +4; xor edi, edi; jmp +5; neg rax; mov edi, eax; mov eax, 60; syscall
const exitWithErrno = Buffer.from("4885c0780431ffeb0548f7d889c7b83c0000000f05", "hex");

function moveToEax(value: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt8(0xb8);
  bytes.writeUInt32LE(value, 1);
  return bytes;
}

/** One loadable segment with the whole file in it, entered right behind the headers. */
function elf(code: Buffer): Buffer {
  const headerBytes = 64 + 56;
  const base = 0x400000;
  const header = Buffer.alloc(headerBytes);
  header.write("7f454c46020101", "hex"); // ELF, 64 bit, little-endian
  header.writeUInt16LE(2, 16); // executable
  header.writeUInt16LE(62, 18); // x86-64
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BigInt(base + headerBytes), 24); // entry
  header.writeBigUInt64LE(64n, 32); // program headers follow
  header.writeUInt16LE(64, 52);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(1, 56);
  header.writeUInt32LE(1, 64); // PT_LOAD
  header.writeUInt32LE(5, 68); // read, execute
  header.writeBigUInt64LE(BigInt(base), 80);
  header.writeBigUInt64LE(BigInt(base), 88);
  header.writeBigUInt64LE(BigInt(headerBytes + code.length), 96);
  header.writeBigUInt64LE(BigInt(headerBytes + code.length), 104);
  header.writeBigUInt64LE(4096n, 112);
  return Buffer.concat([header, code]);
}
