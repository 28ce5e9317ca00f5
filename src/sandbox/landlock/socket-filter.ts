import { COMMON_CALLS, type Machine } from './machine.js';

/** An instruction of classic BPF (linux/filter.h): `struct sock_filter`. */
export interface Instruction {
  readonly code: number;
  readonly whenTrue: number;
  readonly whenFalse: number;
  readonly value: number;
}

/** A step of the program, before its jumps are counted: what follows it is where a name stands. */
type Step =
  | { readonly load: number }
  | { readonly and: number }
  | { readonly equals: number; readonly goto: string }
  | { readonly atLeast: number; readonly goto: string }
  | { readonly hasBit: number; readonly goto: string }
  | { readonly label: string; readonly returns: number };

const [LOAD, AND, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_BITS, RETURN] = [0x20, 0x54, 0x15, 0x35, 0x45, 0x06];

/** Results (linux/seccomp.h), and the errors that refused programs see. */
const ALLOW = 0x7fff_0000;
const ERROR = 0x0005_0000;
const [EPERM, EACCES, ENOSYS, EPROTONOSUPPORT, EOPNOTSUPP, EAFNOSUPPORT] = [1, 13, 38, 93, 95, 97];

/** Places in `struct seccomp_data`; of an argument, the low half, as all of these are 32 bits wide. */
const CALL = 0;
const MACHINE = 4;
const argument = (index: number): number => 16 + 8 * index;

const [AF_UNIX, AF_INET, AF_INET6, AF_NETLINK] = [1, 2, 10, 16];
const [SOCK_STREAM, TYPE_BITS] = [1, 0xf];
const [ANY_PROTOCOL, TCP, NETLINK_ROUTE] = [0, 6, 0];
const MSG_FASTOPEN = 0x2000_0000;

/**
 * The seccomp filter for programs whose TCP connections Landlock restricts: it leaves them no other way to the network. Sockets are TCP, or of the
 * machine's own kind (AF_UNIX); and AF_NETLINK with NETLINK_ROUTE, by which Node and libc list the interfaces. Landlock's rules for TCP do not hold
 * for MPTCP, nor for the connection that the first data makes (TCP Fast Open; Linux 6.18, seen); io_uring makes sockets past seccomp.
 * Programs of another machine's kind, as 32-bit ones, cannot run: their calls have other numbers.
 */
export function buildSocketFilter(machine: Machine): readonly Instruction[] {
  const { otherCallsFrom } = machine;
  return assemble([
    { load: MACHINE },
    { equals: machine.audit, goto: 'own machine' },
    { label: 'no such call', returns: ERROR | ENOSYS },
    { label: 'own machine', returns: -1 },
    { load: CALL },
    ...(otherCallsFrom === undefined ? [] : [{ atLeast: otherCallsFrom, goto: 'never' }]),
    { equals: machine.socket, goto: 'socket' },
    { equals: machine.sendto, goto: 'flags in 3' },
    { equals: machine.sendmsg, goto: 'flags in 2' },
    { equals: machine.sendmmsg, goto: 'flags in 3' },
    { equals: COMMON_CALLS.ioUringSetup, goto: 'never' },
    { equals: COMMON_CALLS.ioUringEnter, goto: 'never' },
    { equals: COMMON_CALLS.ioUringRegister, goto: 'never' },
    { label: 'allow', returns: ALLOW },
    { label: 'never', returns: ERROR | EPERM },

    { label: 'flags in 2', returns: -1 },
    { load: argument(2) },
    { hasBit: MSG_FASTOPEN, goto: 'no fast open' },
    { label: 'allow without it', returns: ALLOW },
    { label: 'flags in 3', returns: -1 },
    { load: argument(3) },
    { hasBit: MSG_FASTOPEN, goto: 'no fast open' },
    { label: 'allow without it either', returns: ALLOW },
    { label: 'no fast open', returns: ERROR | EOPNOTSUPP },

    { label: 'socket', returns: -1 },
    { load: argument(0) },
    { equals: AF_UNIX, goto: 'allow socket' },
    { equals: AF_INET, goto: 'internet' },
    { equals: AF_INET6, goto: 'internet' },
    { equals: AF_NETLINK, goto: 'netlink' },
    { label: 'no such family', returns: ERROR | EAFNOSUPPORT },

    { label: 'netlink', returns: -1 },
    { load: argument(2) },
    { equals: NETLINK_ROUTE, goto: 'allow socket' },
    { label: 'no such netlink', returns: ERROR | EPROTONOSUPPORT },

    { label: 'internet', returns: -1 },
    { load: argument(1) },
    { and: TYPE_BITS },
    { equals: SOCK_STREAM, goto: 'stream' },
    { label: 'no datagrams', returns: ERROR | EACCES },
    { label: 'stream', returns: -1 },
    { load: argument(2) },
    { equals: ANY_PROTOCOL, goto: 'allow socket' },
    { equals: TCP, goto: 'allow socket' },
    { label: 'no other protocol', returns: ERROR | EPROTONOSUPPORT },
    { label: 'allow socket', returns: ALLOW },
  ]);
}

/** A program as the kernel takes it: eight bytes for each instruction. Both kinds of machine are little-endian. */
export function encodeFilter(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8);
  for (const [index, { code, whenTrue, whenFalse, value }] of program.entries()) {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(whenTrue, index * 8 + 2);
    bytes.writeUInt8(whenFalse, index * 8 + 3);
    bytes.writeUInt32LE(value >>> 0, index * 8 + 4);
  }
  return bytes;
}

/** Counts the jumps. A label with -1 only names the place; jumps lead forward. */
function assemble(steps: readonly Step[]): readonly Instruction[] {
  const isPlace = (step: Step): boolean => 'label' in step && step.returns === -1;
  const places = new Map<string, number>();
  let count = 0;
  for (const step of steps) {
    if ('label' in step) places.set(step.label, count);
    if (!isPlace(step)) count += 1;
  }
  const real = steps.filter((step) => !isPlace(step));
  return real.map((step, index): Instruction => {
    const jump = (code: number, value: number, target: string): Instruction => {
      const distance = (places.get(target) ?? -1) - index - 1;
      if (distance < 0 || distance > 255) throw new Error(`no jump leads to ${target}`);
      return { code, whenTrue: distance, whenFalse: 0, value };
    };
    if ('load' in step) return { code: LOAD, whenTrue: 0, whenFalse: 0, value: step.load };
    if ('and' in step) return { code: AND, whenTrue: 0, whenFalse: 0, value: step.and };
    if ('equals' in step) return jump(JUMP_EQUAL, step.equals, step.goto);
    if ('atLeast' in step) return jump(JUMP_AT_LEAST, step.atLeast, step.goto);
    if ('hasBit' in step) return jump(JUMP_BITS, step.hasBit, step.goto);
    return { code: RETURN, whenTrue: 0, whenFalse: 0, value: step.returns };
  });
}
