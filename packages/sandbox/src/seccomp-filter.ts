import {
  answer,
  assemble,
  load,
  whenAnyBit,
  whenEqual,
  whenGreater,
  whenNotEqual,
  type Instruction,
} from "./bpf.ts";
import {
  auditArchitectures,
  deniedSyscalls,
  inspectedSyscalls,
  type Architecture,
} from "./syscalls.ts";

// Offsets in `struct seccomp_data`. Arguments are 64 bits wide, the low word first.
const numberOffset = 0;
const architectureOffset = 4;
const lowWordOf = (argument: number): number => 16 + argument * 8;
const highWordOf = (argument: number): number => lowWordOf(argument) + 4;

export const allow = 0x7fff0000;
export const killProcess = 0x80000000;
export const errno = { EPERM: 1, ENOSYS: 38, EAFNOSUPPORT: 97 } as const;
export const refuse = (error: number): number => 0x00050000 | error;

// CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET}: a new user namespace opens most of the kernel's
// attack surface. (CLONE_NEWTIME is no flag of clone, only of clone3 and unshare.)
const newNamespaceFlags = 0x7e020000;

// Pushing characters into a terminal's input: TIOCSTI and TIOCLINUX.
const terminalInjection = [0x5412, 0x541c];

// AF_UNIX, AF_INET, AF_INET6. Others reach the kernel, or like AF_VSOCK the host, around the
// network namespace.
const plainFamilies = [1, 2, 10];
const netlinkFamily = 16;

// SOL_SOCKET, SO_SNDBUF. What waits in a socket is counted as the buffer that every socket begins
// with; see socket-memory.ts.
const socketLevel = 1;
const sendBufferOption = 7;
// Done as far as the program knows. The kernel, too, gives less than was asked for and says nothing.
const pretendDone = refuse(0);

/** PostgreSQL asks for one segment of 56 bytes as its lock; more would be memory beyond limits. */
export const largestSharedSegmentBytes = 4096;

// x32 calls carry this bit and would slip past every comparison.
const firstX32Number = 0x40000000;

/** The filter that every process of the sandbox runs under: deny-list, other architectures die. */
export function seccompFilter(architecture: Architecture): Buffer {
  return assemble(seccompProgram(architecture));
}

export function seccompProgram(architecture: Architecture): Instruction[] {
  const rule = (name: keyof typeof inspectedSyscalls, then: Instruction[]): Instruction[] =>
    // Each rule ends in an answer: the accumulator no longer holds the number.
    whenEqual(inspectedSyscalls[name][architecture], [...then, answer(allow)]);
  const numbers = Object.values(deniedSyscalls).map((entry) => entry[architecture]);

  return [
    load(architectureOffset),
    ...whenNotEqual(auditArchitectures[architecture], [answer(killProcess)]),
    load(numberOffset),
    ...whenGreater(firstX32Number - 1, [answer(refuse(errno.ENOSYS))]),
    ...numbers.flatMap((number) =>
      number === undefined ? [] : whenEqual(number, [answer(refuse(errno.EPERM))]),
    ),
    // Its flags lie in memory, out of a filter's sight. With ENOSYS the C library falls back to clone.
    ...rule("clone3", [answer(refuse(errno.ENOSYS))]),
    ...rule("clone", [
      load(lowWordOf(0)),
      ...whenAnyBit(newNamespaceFlags, [answer(refuse(errno.EPERM))]),
    ]),
    ...rule("ioctl", [
      load(lowWordOf(1)),
      ...terminalInjection.flatMap((request) => whenEqual(request, [answer(refuse(errno.EPERM))])),
    ]),
    ...rule("socket", onlyPlainSockets()),
    ...rule("socketpair", onlyPlainSockets()),
    ...rule("setsockopt", [
      load(lowWordOf(1)),
      ...whenNotEqual(socketLevel, [answer(allow)]),
      load(lowWordOf(2)),
      ...whenEqual(sendBufferOption, [answer(pretendDone)]),
    ]),
    ...rule("shmget", [
      load(highWordOf(1)),
      ...whenNotEqual(0, [answer(refuse(errno.EPERM))]),
      load(lowWordOf(1)),
      ...whenGreater(largestSharedSegmentBytes, [answer(refuse(errno.EPERM))]),
    ]),
    answer(allow),
  ];
}

function onlyPlainSockets(): Instruction[] {
  return [
    load(lowWordOf(0)),
    ...plainFamilies.flatMap((family) => whenEqual(family, [answer(allow)])),
    // Listing interfaces needs NETLINK_ROUTE, which is protocol 0, and none of the others.
    ...whenEqual(netlinkFamily, [load(lowWordOf(2)), ...whenEqual(0, [answer(allow)])]),
    answer(refuse(errno.EAFNOSUPPORT)),
  ];
}
