import { describe, expect, it } from 'vitest';
import { COMMON_CALLS, MACHINES } from './machine.js';
import { buildSocketFilter, encodeFilter, type Instruction } from './socket-filter.js';

/** Runs a filter as the kernel does (classic BPF, of which it uses these instructions), and gives the error of the call; 0 if it is allowed. */
function decide(bytes: Buffer, audit: number, call: number, args: readonly number[]): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(call >>> 0, 0);
  data.writeUInt32LE(audit, 4);
  for (const [index, value] of args.entries()) data.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), 16 + 8 * index);
  let register = 0;
  for (let at = 0; at < bytes.length / 8; at += 1) {
    const code = bytes.readUInt16LE(at * 8);
    const value = bytes.readUInt32LE(at * 8 + 4);
    const jumpIf = (isTrue: boolean) => void (at += bytes.readUInt8(at * 8 + (isTrue ? 2 : 3)));
    if (code === 0x20) register = data.readUInt32LE(value);
    else if (code === 0x54) register = (register & value) >>> 0;
    else if (code === 0x15) jumpIf(register === value);
    else if (code === 0x35) jumpIf(register >= value);
    else if (code === 0x45) jumpIf((register & value) !== 0);
    else if (code === 0x06) return value === 0x7fff_0000 ? 0 : value - 0x0005_0000;
    else throw new Error(`unknown instruction ${code}`);
  }
  throw new Error('the filter has no end');
}

describe.each(Object.entries(MACHINES))('the filter of sockets on %s', (_, machine) => {
  const bytes = encodeFilter(buildSocketFilter(machine));
  const call = (number: number, ...args: readonly number[]) => decide(bytes, machine.audit, number, args);
  const socket = (...args: readonly number[]) => call(machine.socket, ...args);
  const [CLOEXEC, NONBLOCK, FASTOPEN] = [0o2000000, 0o4000, 0x2000_0000];

  it.each([
    ['TCP', 2, 1, 0],
    ['TCP by its number', 2, 1, 6],
    ['TCP over IPv6, with the flags of libuv', 10, 1 | CLOEXEC | NONBLOCK, 0],
    ['a socket of the machine', 1, 1, 0],
    ['a datagram socket of the machine', 1, 2 | CLOEXEC, 0],
    ['the list of interfaces', 16, 3 | CLOEXEC, 0],
  ])('allows %s', (__, ...args) => {
    expect(socket(...args)).toBe(0);
  });

  it.each([
    ['UDP', 13, 2, 2, 0],
    ['UDP over IPv6, with flags', 13, 10, 2 | CLOEXEC | NONBLOCK, 17],
    ['ICMP', 13, 2, 2, 1],
    ['a raw socket', 13, 2, 3, 255],
    ['sequenced packets', 13, 2, 5, 132],
    ['MPTCP', 93, 2, 1, 262],
    ['SCTP', 93, 2, 1, 132],
    ['a packet socket', 97, 17, 3, 768],
    ['a virtual machine’s socket to its host', 97, 40, 1, 0],
    ['a socket of the kernel’s ciphers', 97, 38, 5, 0],
    ['SMC, which is TCP in other words', 97, 43, 1, 0],
    ['events of devices', 93, 16, 2, 15],
    ['an unknown family', 97, 0, 1, 0],
  ])('refuses %s', (__, error, ...args) => {
    expect(socket(...args)).toBe(error);
  });

  it('takes of an argument what the kernel takes', () => {
    expect(socket(2 + 2 ** 32, 2, 0)).toBe(13);
    expect(socket(1 + 2 ** 32, 1, 0)).toBe(0);
  });

  it('refuses a connection by the first data, and no other data', () => {
    expect(call(machine.sendto, 3, 0, 1, FASTOPEN, 0, 16)).toBe(95);
    expect(call(machine.sendmsg, 3, 0, FASTOPEN | 0x4000)).toBe(95);
    expect(call(machine.sendmmsg, 3, 0, 1, FASTOPEN)).toBe(95);
    expect(call(machine.sendto, 3, 0, FASTOPEN, 0x4000, 0, 0)).toBe(0);
    expect(call(machine.sendmsg, 3, FASTOPEN, 0x4000)).toBe(0);
    expect(call(machine.sendmmsg, 3, 0, FASTOPEN, 0)).toBe(0);
  });

  it('refuses io_uring, and calls of other tables', () => {
    const { ioUringSetup, ioUringEnter, ioUringRegister } = COMMON_CALLS;
    expect([ioUringSetup, ioUringEnter, ioUringRegister].map((number) => call(number))).toEqual([1, 1, 1]);
    // 32-bit programs on x86 and ARM.
    for (const audit of [0x4000_0003, 0x4000_0028]) expect(decide(bytes, audit, machine.socket, [2, 1, 0])).toBe(38);
    if (machine.otherCallsFrom !== undefined) expect(call(machine.otherCallsFrom + machine.socket, 2, 2, 0)).toBe(1);
  });

  it('allows every other call', () => {
    const others = [0, 1, 2, 3, 59, 221, COMMON_CALLS.landlockRestrictSelf, machine.prctl, machine.seccomp];
    expect(others.map((number) => call(number, 2, 2, 0))).toEqual(others.map(() => 0));
  });
});

describe('the numbers of the machines', () => {
  it('are those of Linux', () => {
    // As the kernel's headers name them: asm/unistd_64.h of x86_64, asm-generic/unistd.h of arm64, linux/audit.h.
    expect(MACHINES['x64']).toMatchObject({ prctl: 157, seccomp: 317, socket: 41, audit: (62 | 0xc000_0000) >>> 0 });
    expect(MACHINES['arm64']).toMatchObject({
      prctl: 167,
      seccomp: 277,
      socket: 198,
      audit: (183 | 0xc000_0000) >>> 0,
    });
    expect(Object.keys(MACHINES)).toEqual(['x64', 'arm64']);
  });

  it('make a filter of few instructions, each of which leads to an end', () => {
    for (const machine of Object.values(MACHINES)) {
      const program: readonly Instruction[] = buildSocketFilter(machine);
      expect(program.length).toBeLessThan(60);
      expect(program.at(-1)).toMatchObject({ code: 0x06 });
    }
  });
});
