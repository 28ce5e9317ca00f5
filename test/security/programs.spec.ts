// What has to work in a sandbox, beside what must not: the programs that agents use, and what Claude Code and Codex start by themselves.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newFolder } from '../clients/support/folders.js';
import { readProcessFile, threadProcesses } from '../clients/support/processes.js';
import { CLAUDE_CODE, CODEX, skipReason as noClients } from '../clients/support/programs.js';
import { findProgram } from '../../src/sandbox/process/find-program.js';
import {
  ISOLATING_KINDS,
  reasonToSkip,
  removeFolders,
  type RealTarget,
  startRealTarget,
  startTarget,
  type Target,
} from './support.js';

/** A browser takes its time on a machine that does something else, too. */
const BROWSER_MS = 180_000;

/**
 * How Chromium is started. Landlock allows no namespaces, which Chromium's own sandbox is made of, and no shared memory; and the path of a
 * thread's temporary folder is too long for Chromium's socket (108 bytes, unix(7)). See docs/security.md.
 */
const CHROMIUM: Readonly<Record<string, string>> = {
  bubblewrap: 'chromium --headless',
  landlock: 'TMPDIR=../tmp chromium --headless --no-sandbox --disable-dev-shm-usage',
};

const PAGE = '<h1 id=x>before</h1><script>document.getElementById("x").textContent = "Sum: " + 6 * 7</script>';

const noChromium = findProgram('chromium', process.env['PATH']) === undefined;
if (noChromium)
  process.stderr.write('Skipped: no test of a browser in a sandbox, as chromium is not installed here.\n');

for (const kind of ISOLATING_KINDS) {
  const skipReason = await reasonToSkip(kind);

  describe.skipIf(skipReason !== undefined)(`In the sandbox ${kind}, an agent`, () => {
    let target: Target;

    beforeAll(async () => {
      target = await startTarget(kind, { CHIRON_GIT_IDENTITY: 'Robin Agent <robin@example.com>' });
    });

    afterAll(async () => {
      await target.close();
      await removeFolders();
    });

    const run = (...commands: readonly string[]) => target.run('alice', 'programs', commands.join(' && '));

    it('commits with git under the identity that the deployment gives it', async () => {
      const commands = ['git init -q repository', 'cd repository', 'git commit -q --allow-empty -m first'];
      expect(await run(...commands, 'git log --format="%an <%ae> %s"')).toContain(
        'Robin Agent <robin@example.com> first',
      );
    });

    it('installs a package of its workspace with npm, and runs its program', async () => {
      const commands = [
        'mkdir -p sum app',
        `echo '{"name":"sum","version":"1.0.0","bin":"sum.js"}' > sum/package.json`,
        `printf '#!/usr/bin/env node\\nconsole.log("sum", 6 * 7)\\n' > sum/sum.js`,
        'chmod +x sum/sum.js',
        'cd app',
        'npm init -y > /dev/null',
        'npm install --offline --no-audit --no-fund --install-links ../sum > /dev/null',
      ];
      expect(await run(...commands, 'npm exec --offline sum')).toContain('sum 42');
    });

    it('makes a virtual environment of Python, and runs programs in it', async () => {
      const commands = ['/usr/bin/python3 -m venv --without-pip environment', '. environment/bin/activate'];
      const output = await run(...commands, 'python -c "import sys; print(sys.prefix, 6 * 7)"');
      expect(output).toMatch(/environment 42/);
    });

    it.skipIf(noChromium)(
      'shows a page in a headless Chromium, and takes a picture of it',
      async () => {
        const chromium = `${CHROMIUM[kind] ?? ''} --screenshot=page.png --dump-dom "file://$PWD/page.html"`;
        const output = await run(`echo '${PAGE}' > page.html`, `${chromium} 2> errors`, 'od -A n -c -N 4 page.png');
        expect(output).toContain('<h1 id="x">Sum: 42</h1>');
        expect(output).toMatch(/211 +P +N +G/);
      },
      BROWSER_MS,
    );

    it.skipIf(noChromium || kind === 'landlock')(
      'shows a page of its own server in Chromium',
      async () => {
        const server = '(python3 -m http.server 8123 --bind 127.0.0.1 > /dev/null 2>&1 &)';
        const isUp = 'until curl -s -o /dev/null http://127.0.0.1:8123/; do sleep 0.1; done';
        const chromium = 'chromium --headless --dump-dom http://127.0.0.1:8123/page.html 2> errors';
        const output = await run(`echo '${PAGE}' > page.html`, `{ ${server}; ${isUp}; }`, chromium);
        expect(output).toContain('<h1 id="x">Sum: 42</h1>');
      },
      BROWSER_MS,
    );
  });

  const noAgents = noClients ?? (await reasonToSkip(kind, [CLAUDE_CODE, CODEX]));

  describe.skipIf(noAgents !== undefined).each(['claude-code', 'codex'] as const)(
    `In the sandbox ${kind}, %s`,
    (harness) => {
      let target: RealTarget;

      beforeAll(async () => {
        target = await startRealTarget(kind, harness, { CHIRON_HOME_TEMPLATE: await newHome() });
      });

      afterAll(async () => {
        await target.close();
        await removeFolders();
      });

      it('offers its model the tools of an MCP server that it starts itself', async () => {
        const offered = async () => {
          await target.run('alice', 'mcp', 'true');
          return JSON.stringify(target.model.requests.at(-1)?.body);
        };
        await expect.poll(offered, { timeout: 30_000 }).toContain('read_notes');
      });

      it('has what a command leaves running in the next turn', async () => {
        // Codex ends what is left in the session of its command.
        const waiting = 'until [ -e go ]; do sleep 0.1; done; echo it went > gone';
        const command = `setsid sh -c '${waiting}' > /dev/null 2>&1 & echo started`;
        expect(await target.run('alice', 'background', command)).toContain('started');
        const next = 'touch go; until [ -s gone ]; do sleep 0.1; done; cat gone';
        expect(await target.run('alice', 'background', next)).toContain('it went');
      });

      it.runIf(harness === 'codex')('is its native program, and not the script of its package', async () => {
        await target.run('alice', 'native', 'true');
        const pids = await threadProcesses(target.server.dataDirectory);
        const commands = await Promise.all(pids.map((pid) => readProcessFile(pid, 'cmdline')));
        expect(commands.filter((command) => command.includes('codex.js'))).toEqual([]);
        expect(commands).toContainEqual(expect.stringMatching(/^[^\0]*\/bin\/codex\0app-server\0/));
      });

      // Codex's own sandbox does not work under Landlock, and adds nothing to ours.
      it.runIf(harness === 'codex')('uses no sandbox of its own, also if its settings say so', async () => {
        const command = 'echo home > ~/written; echo temporary > "$TMPDIR/written"; cat ~/written "$TMPDIR/written"';
        expect(await target.run('alice', 'outside', command)).toMatch(/home\ntemporary/);
      });
    },
  );
}

/** A home template by which both agents start an MCP server, and Codex is to close everything but the workspace. */
async function newHome(): Promise<string> {
  const home = await newFolder('home-template');
  const args = ['-c', 'exec node "$HOME/notes.mjs"'];
  await Promise.all(['.codex', '.claude'].map((folder) => mkdir(join(home, folder))));
  await writeFile(join(home, 'notes.mjs'), NOTES_SERVER);
  await writeFile(
    join(home, '.codex', 'config.toml'),
    `model = "gpt-5-codex"\nsandbox_mode = "workspace-write"\n[mcp_servers.notes]\ncommand = "sh"\nargs = ${JSON.stringify(args)}\n`,
  );
  const servers = { mcpServers: { notes: { command: 'sh', args } } };
  await writeFile(join(home, '.claude', '.claude.json'), JSON.stringify(servers));
  return home;
}

/** An MCP server on its standard streams, with one tool. */
const NOTES_SERVER = `
import { createInterface } from 'node:readline';
const tool = { name: 'read_notes', description: 'Reads the notes', inputSchema: { type: 'object' } };
const serverInfo = { name: 'notes', version: '1.0.0' };
for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) continue;
  const result =
    method === 'initialize' ? { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo }
    : method === 'tools/list' ? { tools: [tool] }
    : {};
  console.log(JSON.stringify({ jsonrpc: '2.0', id, result }));
}
`;
