import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { INSIDE } from './inside.js';

/** Small files of `/etc` without the machine's own users, hosts and resolvers: names are resolved by the broker, if at all. */
const FILES: Readonly<Record<string, string>> = {
  passwd: `root:x:0:0:root:/root:/bin/sh\n${INSIDE.userName}:x:${INSIDE.userId}:${INSIDE.userId}:Agent:${INSIDE.home}:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n`,
  group: `root:x:0:\n${INSIDE.userName}:x:${INSIDE.userId}:\nnogroup:x:65534:\n`,
  hosts: '127.0.0.1 localhost sandbox\n::1 localhost\n',
  'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
};

/** Writes these files to a folder that every user can read, and returns them by their path inside. */
export function writeSubstitutes(folder: string): Readonly<Record<string, string>> {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  return Object.fromEntries(
    Object.entries(FILES).map(([name, text]) => {
      writeFileSync(join(folder, name), text, { mode: 0o644 });
      return [join('/etc', name), join(folder, name)];
    }),
  );
}
