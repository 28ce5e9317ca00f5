import { COMMON_CALLS, type Machine } from './machine.js';
import { buildSocketFilter, encodeFilter } from './socket-filter.js';

/** Rights to a file or a folder and all that is in it. */
export type Access = 'read' | 'write' | 'device';

/** A path that the program may use; one that is not there is passed over. */
export interface PathRule {
  readonly path: string;
  readonly access: Access;
}

/** What the launcher is to do, besides running a program. */
export interface LauncherOptions {
  /** TCP ports that the program may connect to. */
  readonly ports: readonly number[];
  readonly rules: readonly PathRule[];
}

/**
 * The arguments of `perl` before those of the program.
 *
 * @param machine that of the server
 */
export function toLauncherArguments(machine: Machine, { ports, rules }: LauncherOptions): readonly string[] {
  const filter = encodeFilter(buildSocketFilter(machine)).toString('hex');
  const numbers = [machine.prctl, machine.seccomp].join(',');
  return [
    '-e',
    LAUNCHER,
    numbers,
    filter,
    ports.join(','),
    ...rules.map(({ path, access }) => `${access}:${path}`),
    '--',
  ];
}

/**
 * Restricts itself by Landlock and a filter of system calls, and becomes a program. In Perl, as that is on every Debian and Ubuntu, begins in two
 * milliseconds, and can make system calls: Node cannot.
 *
 * Arguments: the numbers of `prctl` and `seccomp`, the filter, the TCP ports that it may connect to, then `read:`, `write:` or `device:` with a path
 * each, `--`, and the command line. The other numbers are those of linux/landlock.h, the same on all machines.
 */
const LAUNCHER = String.raw`
use strict;
use Fcntl;
use Errno;
my ($create, $add, $restrict) = (${COMMON_CALLS.landlockCreateRuleset}, ${COMMON_CALLS.landlockAddRule}, ${COMMON_CALLS.landlockRestrictSelf});
my ($prctl, $seccomp) = split(/,/, shift @ARGV);
my $filter = pack('H*', shift @ARGV);
my $ports = shift @ARGV;
my $version = syscall($create, 0, 0, 1);
die "landlock: the kernel has version $version of Landlock, and 6 is needed\n" if $version < 6;
my $all = (1 << 16) - 1;
# Since version 9: connections to sockets with a path. Those that the program's own processes have made are open anyway.
$all |= 1 << 16 if $version >= 9;
my $read = 1 << 0 | 1 << 2 | 1 << 3;
my $file = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14 | 1 << 15 | 1 << 16;
my %access = (read => $read, write => $all & ~(1 << 15), device => 1 << 1 | 1 << 2 | 1 << 3 | 1 << 14 | 1 << 15);
# Files: everything; network: connections; scope: abstract sockets and signals.
my $attributes = pack('Q3', $all, 1 << 1, 3);
my $rules = syscall($create, $attributes, length $attributes, 0);
die "landlock: no rules can be made: $!\n" if $rules < 0;
while (defined(my $rule = shift @ARGV)) {
  last if $rule eq '--';
  my ($kind, $path) = split(/:/, $rule, 2);
  sysopen(my $handle, $path, 010000000) or next;
  my $rights = $access{$kind};
  $rights &= $file unless -d $handle;
  my $attribute = pack('Ql', $rights, fileno($handle));
  syscall($add, $rules, 1, $attribute, 0) == 0 or die "landlock: $path: $!\n";
}
for my $port (split(/,/, $ports)) {
  my $attribute = pack('QQ', 1 << 1, $port + 0);
  syscall($add, $rules, 2, $attribute, 0) == 0 or die "landlock: port $port: $!\n";
}
syscall($prctl, 38, 1, 0, 0, 0) == 0 or die "landlock: privileges cannot be given up: $!\n";
syscall($restrict, $rules, 0) == 0 or die "landlock: the rules cannot be applied: $!\n";
my $program = pack('SxxxxxxP', length($filter) / 8, $filter);
syscall($seccomp, 1, 0, $program) == 0 or die "landlock: system calls cannot be filtered: $!\n";
exec { $ARGV[0] } @ARGV;
exit($!{ENOENT} ? 127 : 126);
`;
