/** Numbers of Linux on a kind of machine: of system calls, and the name that seccomp has for the machine (`AUDIT_ARCH_…` in linux/audit.h). */
export interface Machine {
  readonly audit: number;
  readonly prctl: number;
  readonly seccomp: number;
  readonly socket: number;
  readonly sendto: number;
  readonly sendmsg: number;
  readonly sendmmsg: number;
  /** Whether system calls of another table can be made with numbers from this on (x32). */
  readonly otherCallsFrom?: number;
}

/**
 * The machines that the launcher knows, by Node's names of them. x86_64: arch/x86/entry/syscalls/syscall_64.tbl; arm64:
 * include/uapi/asm-generic/unistd.h, both of Linux 6.12.
 */
export const MACHINES: Readonly<Record<string, Machine>> = {
  x64: {
    audit: 0xc000_003e,
    prctl: 157,
    seccomp: 317,
    socket: 41,
    sendto: 44,
    sendmsg: 46,
    sendmmsg: 307,
    otherCallsFrom: 0x4000_0000,
  },
  arm64: { audit: 0xc000_00b7, prctl: 167, seccomp: 277, socket: 198, sendto: 206, sendmsg: 211, sendmmsg: 269 },
};

/** System calls that have the same number on all machines, as all since Linux 5.1. */
export const COMMON_CALLS = {
  ioUringSetup: 425,
  ioUringEnter: 426,
  ioUringRegister: 427,
  landlockCreateRuleset: 444,
  landlockAddRule: 445,
  landlockRestrictSelf: 446,
} as const;
