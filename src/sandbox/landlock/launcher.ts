/** Rights to a file or a folder and all that is in it. */
export type Access = 'read' | 'write' | 'device';

/** A path that the program may use; one that is not there is passed over. */
export interface PathRule {
  readonly path: string;
  readonly access: Access;
}

/**
 * Restricts itself by Landlock, and becomes a program. In Perl, as that is on every Debian and Ubuntu, begins in two milliseconds, and can make system
 * calls: Node cannot.
 *
 * Arguments: a comma-separated list of TCP ports that it may connect to, then `read:`, `write:` or `device:` with a path each, `--`, and the command
 * line. With `probe` as its only argument it prints the version of the kernel's Landlock. The numbers are those of linux/landlock.h; the system
 * calls have the same numbers on all machines, but for prctl.
 */
export const LAUNCHER = String.raw`
use strict;
use Fcntl;
use POSIX ();
use Errno;
my ($create, $add, $restrict) = (444, 445, 446);
my $version = syscall($create, 0, 0, 1);
if ($ARGV[0] eq 'probe') { print "$version\n"; exit 0; }
die "landlock: the kernel has version $version of Landlock, and 6 is needed\n" if $version < 6;
my $ports = shift @ARGV;
my $all = (1 << 16) - 1;
my $read = 1 << 0 | 1 << 2 | 1 << 3;
my $file = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14 | 1 << 15;
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
my $machine = (POSIX::uname())[4];
my $prctl = $machine eq 'aarch64' ? 167 : 157;
syscall($prctl, 38, 1, 0, 0, 0) == 0 or die "landlock: privileges cannot be given up: $!\n";
syscall($restrict, $rules, 0) == 0 or die "landlock: the rules cannot be applied: $!\n";
exec { $ARGV[0] } @ARGV;
exit($!{ENOENT} ? 127 : 126);
`;
