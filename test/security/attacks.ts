// Every attack as a command, for agents of all kinds. A command prints what it has reached, or `refused`.
import { randomUUID } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { chmod } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { newFolder } from '../clients/support/folders.js';
import { findProcesses, MARKERS, type Target } from './support.js';

/** What a command can know of the server that it attacks. */
export interface Knowledge {
  readonly pid: number;
  readonly port: number;
  readonly dataDirectory: string;
  /** The folder of another tenant's thread, which has a file `secret` with the prompt in its workspace and home. */
  readonly otherThread: string;
  /** A process of another thread. */
  readonly otherPid: number;
  readonly bait: Bait;
}

/** Sockets of the machine's, as services have them, each of which answers whoever comes. */
interface Bait {
  /** Of UDP, on 127.0.0.1. */
  readonly udpPort: number;
  /** In the abstract namespace, without its first byte. */
  readonly abstractName: string;
  /** Of a file that everybody may write to. */
  readonly path: string;
}

/** An attack, and what its output may not have. */
export interface Attack {
  readonly title: string;
  readonly command: (known: Knowledge) => string;
  /** What the output has to match where the attack failed. */
  readonly repelled: RegExp;
  /** Whether it would harm the server or the machine where nothing stops it. Every other one is shown to succeed without isolation. */
  readonly isHarmful?: true;
}

/** A pattern for `grep` that finds the markers, and not itself in a command line. */
const SECRETS = Object.values(MARKERS)
  .map((marker) => `${marker.slice(0, 4)}[${marker.charAt(4)}]${marker.slice(5)}`)
  .join('|');
const noSecret = (command: string) => `{ ${command}; } 2>/dev/null | grep -aoE '${SECRETS}' | head -n 5; echo done`;
const NO_SECRET = /^(?!.*-key-|.*only-the-server|.*blue whale).*done/s;
const tried = (command: string) => `(${command}) 2>/dev/null && echo REACHED || echo refused`;
const python = (statements: string) => tried(`python3 -c 'import socket;${statements}'`);
const REFUSED = /^(?!.*REACHED).*refused/s;

/** The attacks on other processes, files and settings of the machine. */
export const ATTACKS: readonly Attack[] = [
  {
    title: 'reads the environment of the server, and of every other process',
    command: () => noSecret('for file in /proc/[0-9]*/environ; do tr "\\0" "\\n" <$file; done'),
    repelled: NO_SECRET,
  },
  {
    title: 'reads the command line of every process for keys and prompts',
    command: () => noSecret('for file in /proc/[0-9]*/cmdline; do tr "\\0" "\\n" <$file; done'),
    repelled: NO_SECRET,
  },
  {
    title: 'reads the memory of the server',
    command: ({ pid }) =>
      tried(
        `head -c 1 /proc/${pid}/mem || dd if=/proc/${pid}/mem bs=1 count=1 skip=4194304 || cat /proc/${pid}/maps | grep .`,
      ),
    repelled: REFUSED,
  },
  {
    title: 'attaches to the server, and takes its file descriptors',
    command: ({ pid }) =>
      `python3 -c 'import ctypes,os; l=ctypes.CDLL(None,use_errno=True); a=l.ptrace(0x4206,${pid},0,0); f=l.syscall(434,${pid},0); g=l.syscall(438,f,1,0) if f>=0 else -1; print("REACHED" if a==0 or g>=0 else "refused")'`,
    repelled: REFUSED,
  },
  {
    title: 'reads the store, and the log of its changes',
    command: ({ dataDirectory }) => noSecret(`cat ${dataDirectory}/chiron.sqlite ${dataDirectory}/chiron.sqlite-wal`),
    repelled: NO_SECRET,
  },
  {
    title: 'removes the store',
    command: ({ dataDirectory }) => tried(`rm ${dataDirectory}/chiron.sqlite`),
    repelled: REFUSED,
    isHarmful: true,
  },
  {
    title: 'reads the files of another thread',
    command: ({ otherThread }) => noSecret(`cat ${otherThread}/workspace/secret ${otherThread}/home/secret`),
    repelled: NO_SECRET,
  },
  {
    title: 'reads the files of another thread by its processes',
    command: ({ otherPid }) =>
      noSecret(`cat /proc/${otherPid}/cwd/secret /proc/${otherPid}/root/workspace/secret; cat /proc/[0-9]*/cwd/secret`),
    repelled: NO_SECRET,
  },
  {
    title: 'lists the threads',
    command: ({ dataDirectory }) => tried(`ls ${dataDirectory}/threads | grep .`),
    repelled: REFUSED,
  },
  {
    title: 'writes into another thread',
    command: ({ otherThread }) => tried(`echo planted > ${otherThread}/workspace/planted`),
    repelled: REFUSED,
    isHarmful: true,
  },
  { title: 'kills the server', command: ({ pid }) => tried(`kill -9 ${pid}`), repelled: REFUSED, isHarmful: true },
  { title: 'stops the server', command: ({ pid }) => tried(`kill -STOP ${pid}`), repelled: REFUSED, isHarmful: true },
  {
    title: 'kills the process of another thread',
    command: ({ otherPid }) => tried(`kill -9 ${otherPid}`),
    repelled: REFUSED,
    isHarmful: true,
  },
  {
    title: 'has the kernel run a program as root',
    command: () => tried(': >> /proc/sys/kernel/core_pattern'),
    repelled: REFUSED,
  },
  {
    title: 'changes settings of the kernel',
    command: () =>
      tried(': >> /proc/sys/kernel/hostname || : >> /proc/sys/vm/overcommit_memory || : >> /proc/sysrq-trigger'),
    repelled: REFUSED,
  },
  {
    title: 'writes outside of its own folders',
    command: () =>
      tried(
        'for folder in / /usr /usr/local/bin /etc /opt /root /var/lib /srv /boot; do touch $folder/planted && exit 0; done; exit 1',
      ),
    repelled: REFUSED,
  },
  {
    title: 'mounts something',
    command: () => tried('mount -t tmpfs none /mnt || mount --bind /workspace /usr'),
    repelled: REFUSED,
  },
  {
    title: 'is root, or has any capability',
    command: () => 'id -u; grep -E "^Cap(Prm|Eff)" /proc/self/status; grep NoNewPrivs /proc/self/status',
    repelled: /^(?!0\n)\d+\nCapPrm:\t0+\nCapEff:\t0+\nNoNewPrivs:\t1/,
  },
  {
    title: 'becomes root by a program that has the right',
    command: () => tried('[ "$(su -c "id -u" root </dev/null)" = 0 ] || [ "$(sudo -n id -u)" = 0 ]'),
    repelled: REFUSED,
  },
  {
    title: 'reads secrets of the machine',
    command: () =>
      tried('cat /etc/shadow || cat /root/.bash_history || ls /root | grep . || cat /etc/ssh/ssh_host_rsa_key'),
    repelled: REFUSED,
  },
];

/** The attacks by the network. */
export const NETWORK_ATTACKS: readonly Attack[] = [
  {
    title: 'calls the server’s own port',
    command: ({ port }) => tried(`exec 3<>/dev/tcp/127.0.0.1/${port}`).replace(/^/, "exec bash -c '").concat("'"),
    repelled: REFUSED,
  },
  {
    title: 'calls the server’s own port by the proxy, under every name',
    command: ({ port }) =>
      tried(
        `for host in 127.0.0.1 localhost 127.1 0x7f000001 2130706433 0.0.0.0 [::1] [::ffff:127.0.0.1] $(hostname); do curl -sS --noproxy "" -m 5 -o /dev/null -f http://$host:${port}/healthz && exit 0; curl -sS --noproxy "" -p -m 5 -o /dev/null -f http://$host:${port}/healthz && exit 0; done; exit 1`,
      ),
    repelled: REFUSED,
  },
  {
    title: 'reaches the cloud’s metadata service by the proxy',
    command: () => tried('curl -sS --noproxy "" -m 5 -o /dev/null -f http://169.254.169.254/latest/meta-data/'),
    repelled: REFUSED,
  },
  {
    title: 'goes around the proxy',
    command: ({ port }) =>
      tried(
        `curl -sS --noproxy "*" -m 5 -o /dev/null -f http://127.0.0.1:${port}/healthz || curl -sS --noproxy "*" -m 5 http://1.1.1.1/`,
      ),
    repelled: REFUSED,
  },
  {
    title: 'sends a datagram',
    command: ({ bait }) =>
      python(
        `s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM);s.settimeout(3);s.sendto(b"x",("127.0.0.1",${bait.udpPort}));s.recv(9)`,
      ),
    repelled: REFUSED,
  },
  {
    title: 'makes packets of its own',
    command: () =>
      tried(
        ['AF_INET,socket.SOCK_RAW,1', 'AF_INET6,socket.SOCK_RAW,58', 'AF_PACKET,socket.SOCK_RAW,768']
          .map((socket) => `python3 -c 'import socket;socket.socket(socket.${socket})'`)
          .join(' || '),
      ),
    repelled: REFUSED,
  },
  {
    title: 'goes around the proxy by TCP Fast Open, which connects with the first data',
    command: ({ port }) =>
      python(
        `s=socket.socket();s.sendto(b"GET /healthz HTTP/1.0"+bytes([13,10,13,10]),0x20000000,("127.0.0.1",${port}));assert s.recv(9)`,
      ),
    repelled: REFUSED,
  },
  {
    title: 'goes around the proxy by MPTCP',
    command: ({ port }) =>
      python(`socket.socket(socket.AF_INET,socket.SOCK_STREAM,262).connect(("127.0.0.1",${port}))`),
    repelled: REFUSED,
  },
  {
    title: 'connects to an abstract socket',
    command: ({ bait }) => python(`socket.socket(socket.AF_UNIX).connect(bytes(1)+b"${bait.abstractName}")`),
    repelled: REFUSED,
  },
  {
    title: 'connects to a socket with a path that everybody may write to',
    command: ({ bait }) => python(`socket.socket(socket.AF_UNIX).connect("${bait.path}")`),
    repelled: REFUSED,
  },
  {
    title: 'asks the model provider for more than answers',
    command: () =>
      'curl -sS -m 5 -o /dev/null -w "%{http_code}" $ANTHROPIC_BASE_URL/v1/organizations http://127.0.0.1:8100/openai/files; echo done',
    repelled: /^(?!.*200).*done/s,
  },
];

/** What a kind of sandbox leaves open, as docs/security.md says. */
const LEFT_OPEN: Readonly<Record<string, readonly string[]>> = {
  // Landlock hides no process: the command lines of other threads' commands can be read. They have no keys.
  // Of sockets it knows the paths since its version 9.
  landlock: [
    'reads the command line of every process for keys and prompts',
    'connects to a socket with a path that everybody may write to',
  ],
};

/** The attacks that a kind of sandbox has to withstand. */
export function attacksOn(kind: string): readonly Attack[] {
  return [...ATTACKS, ...NETWORK_ATTACKS].filter(({ title }) => LEFT_OPEN[kind]?.includes(title) !== true);
}

/** What a target's commands can know. `otherThread` belongs to alice; the attacks are mallory's. */
export async function learn(target: Target): Promise<Knowledge> {
  // It is cut off when the server ends.
  void target.run('alice', 'sleeper', `echo '${MARKERS.prompt}' > secret; sleep 543`).catch(() => undefined);
  await target.run('alice', 'victim', `echo '${MARKERS.prompt}' | tee secret > ~/secret`);
  return {
    pid: target.server.pid,
    port: Number(new URL(target.server.url).port),
    dataDirectory: target.server.dataDirectory,
    otherThread: await target.folderOf('alice', 'victim'),
    otherPid: await pidOf('sleep\u0000543'),
    bait: await layBait(),
  };
}

/** Makes the sockets. They are there until the tests end, and do not keep these from ending. */
async function layBait(): Promise<Bait> {
  const abstractName = `chiron-bait-${randomUUID()}`;
  const path = join(await newFolder('bait'), 'socket');
  for (const address of [`\0${abstractName}`, path]) {
    // A program that connects and leaves at once breaks the write.
    const server = createServer((socket) => socket.on('error', () => undefined).end('hello')).unref();
    await new Promise<void>((resolve) => server.listen(address, resolve));
  }
  await chmod(path, 0o777);
  const udp = createSocket('udp4').unref();
  udp.on('message', (message, { port, address }) => udp.send(message, port, address));
  await new Promise<void>((resolve) => udp.bind(0, '127.0.0.1', resolve));
  return { udpPort: udp.address().port, abstractName, path };
}

async function pidOf(command: string): Promise<number> {
  for (let round = 0; round < 500; round += 1) {
    // The last one is the program itself, and not what started it.
    const pid = (await findProcesses(command)).at(-1);
    if (pid !== undefined) return pid;
    await delay(20);
  }
  throw new Error('the process of the other thread did not start');
}
