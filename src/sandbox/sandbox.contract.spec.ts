// What the port promises, of every kind of sandbox, seen only through the port and the programs in it. A little over 250 lines, as it is one list.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstValueFrom, map, toArray } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { chooseSandbox, SANDBOXES } from './kinds.js';
import type { Sandbox, SandboxCommand, SandboxOptions, SandboxProcess } from './sandbox.js';

const LONG = { timeout: 15_000, interval: 50 };

for (const kind of Object.keys(SANDBOXES)) {
  const problem = await findSkipReason(kind);
  describe.skipIf(problem !== undefined)(`the sandbox ${kind}`, () => {
    let folder: string;
    let options: SandboxOptions;
    let sandbox: Sandbox;

    beforeEach(async () => {
      folder = mkdtempSync(join(tmpdir(), 'chiron-contract-'));
      // The users of threads pass through it.
      chmodSync(folder, 0o711);
      const [workspaceTemplate, homeTemplate] = [join(folder, 'workspace'), join(folder, 'home')];
      mkdirSync(join(homeTemplate, '.codex'), { recursive: true });
      mkdirSync(workspaceTemplate);
      writeFileSync(join(workspaceTemplate, 'README'), 'of the template\n');
      writeFileSync(join(homeTemplate, '.codex', 'config.toml'), 'model = "x"\n');
      options = { kind, dataDirectory: join(folder, 'data'), workspaceTemplate, homeTemplate };
      ({ sandbox } = await chooseSandbox(options, SANDBOXES));
    });

    afterEach(async () => {
      await sandbox.close();
      vi.unstubAllEnvs();
      rmSync(folder, { recursive: true, force: true });
    });

    async function start(command: string, args: readonly string[], more: Partial<SandboxCommand> = {}) {
      const threadId = more.threadId ?? 'one';
      await sandbox.prepare(threadId);
      return sandbox.spawn({ threadId, command, args, env: {}, ...more });
    }

    const shell = (script: string, more: Partial<SandboxCommand> = {}) => start('sh', ['-c', script], more);
    const shellOutput = async (script: string, more: Partial<SandboxCommand> = {}) => output(await shell(script, more));
    const text = (path: string, threadId = 'one') => sandbox.files(threadId).readText(path, 1000);

    describe('a thread', () => {
      it('begins with what the templates have, and keeps what became of it', async () => {
        expect(await shellOutput('cat README "$HOME/.codex/config.toml"; echo changed > README')).toEqual([
          'of the template',
          'model = "x"',
        ]);
        expect(await shellOutput('cat README')).toEqual(['changed']);
      });

      it('is known by what its programs wrote and computed, also when they have ended, and by what its files take', async () => {
        expect(await sandbox.usage('one', true)).toEqual({ outputBytes: 0, cpuMs: 0, memoryKills: 0 });
        await shellOutput('head -c 3000000 /dev/zero > file; echo 34567');
        const { outputBytes } = await sandbox.usage('one', true);
        expect(outputBytes).toBe(6);
        await shellOutput('echo more');
        expect((await sandbox.usage('one', true)).outputBytes).toBe(11);
        expect((await sandbox.usage('two', true)).outputBytes).toBe(0);
        const program = await shell('while :; do :; done');
        const ended = output(program);
        await expect.poll(async () => (await sandbox.usage('one', true)).cpuMs, LONG).toBeGreaterThan(200);
        await program.stop(0);
        await ended;
        expect((await sandbox.usage('one', true)).cpuMs).toBeGreaterThan(200);
        expect(await sandbox.diskBytes('one')).toBeGreaterThan(3_000_000);
        expect(await sandbox.diskBytes('two')).toBe(0);
        expect(await sandbox.threadIds()).toEqual(['one']);
      });

      it('is known by the memory of its running programs', async () => {
        const large = await shell(`exec node -e "x = Buffer.alloc(150_000_000, 1); setInterval(() => x, 1000)"`);
        const small = await shell('sleep 60; :', { threadId: 'two' });
        const measure = async (threadId: string) => (await sandbox.memoryBytes(['one', 'two', 'three'])).get(threadId);
        await expect.poll(() => measure('one'), LONG).toBeGreaterThan(150_000_000);
        expect(await measure('two')).toBeLessThan(50_000_000);
        expect(await measure('three')).toBeUndefined();
        await Promise.all([large.stop(0), small.stop(0)]);
        expect(await sandbox.memoryBytes(['one'])).toEqual(new Map());
      });

      it('is copied for another thread with its files, once that is accepted', async () => {
        await shellOutput('echo of the first > file; echo in the home > "$HOME/file"; ln -s file link');
        const before = sandbox.files('two');
        await sandbox.copy('one', 'two', async () => {
          expect(await before.stat('workspace')).toBeUndefined();
        });
        expect(await shellOutput('cat link "$HOME/file"; echo of the second > file', { threadId: 'two' })).toEqual([
          'of the first',
          'in the home',
        ]);
        expect(await shellOutput('cat file')).toEqual(['of the first']);
      });

      it('is not copied if that is not accepted, and nothing is left of it', async () => {
        await shellOutput('echo of the first > file');
        const copying = sandbox.copy('one', 'two', () => Promise.reject(new Error('not accepted')));
        await expect(copying).rejects.toThrow('not accepted');
        expect(await sandbox.files('two').stat('workspace')).toBeUndefined();
      });

      it('is replaced by other files, which its programs can change, or stays as it was', async () => {
        await shellOutput('echo old > old');
        const failing = sandbox.replace('one', () => Promise.reject(new Error('the store is away')));
        await expect(failing).rejects.toThrow('the store is away');
        expect(await shellOutput('cat old')).toEqual(['old']);
        await sandbox.replace('one', async (tree) => {
          for (const path of ['workspace', 'workspace/sub', 'home']) await tree.makeFolder(path);
          await tree.makeFile('workspace/sub/file', 3);
          await tree.writePart('workspace/sub/file', Buffer.from('new'), 0);
        });
        const changed = 'ls; cat sub/file; echo; echo more > sub/file && echo x > sub/other && cat sub/file';
        expect(await shellOutput(changed)).toEqual(['sub', 'new', 'more']);
        expect(await shellOutput('echo for the first time > "$HOME/x"; cat "$HOME/x"')).toEqual(['for the first time']);
        expect(await sandbox.threadIds()).toEqual(['one']);
      });

      it('has its folders inside at the paths that the server is told', async () => {
        const folders = await sandbox.prepare('one');
        expect(folders).toEqual(sandbox.folders('one'));
        const script = 'cd "$1" && pwd && cd "$2" && pwd && cd "$3" && pwd';
        const args = ['-c', script, 'sh', folders.workspace, folders.home, folders.server];
        expect(await output(await start('sh', args))).toEqual([folders.workspace, folders.home, folders.server]);
      });

      it('is prepared once for all who ask at once', async () => {
        const answers = await Promise.all([sandbox.prepare('one'), sandbox.prepare('one')]);
        expect(answers).toEqual([sandbox.folders('one'), sandbox.folders('one')]);
      });

      it('has folders put right that its agent has removed', async () => {
        await sandbox.prepare('one', ['.agent']);
        await shellOutput('rm -rf "$HOME/.agent"');
        await sandbox.prepare('one', ['.agent']);
        expect(await shellOutput('ls -d "$HOME/.agent"')).toEqual([join(sandbox.folders('one').home, '.agent')]);
      });

      it('shares its files with the server, both ways', async () => {
        await sandbox.prepare('one');
        await sandbox.files('one').write('server/note', 'of the server\n');
        const { server } = sandbox.folders('one');
        expect(await shellOutput(`cat '${server}/note'; echo of the agent > made`)).toEqual(['of the server']);
        expect(await text('workspace/made')).toBe('of the agent\n');
      });

      it('does not see the files of another', async () => {
        await shellOutput('echo mine > made');
        await sandbox.prepare('two');
        expect(await text('workspace/made', 'two')).toBeUndefined();
      });

      it('is gone once it was removed, and begins anew after that', async () => {
        await shellOutput('echo mine > made');
        await sandbox.remove('one');
        expect(await text('workspace/README')).toBeUndefined();
        await sandbox.prepare('one');
        expect([await text('workspace/README'), await text('workspace/made')]).toEqual([
          'of the template\n',
          undefined,
        ]);
      });

      it('that was never prepared, or is being prepared, can be removed', async () => {
        await sandbox.remove('never');
        const preparation = sandbox.prepare('one');
        await sandbox.remove('one');
        await preparation;
        expect(await text('workspace/README')).toBeUndefined();
      });

      it.each(['../one', '', 'a/b', '.'])('of the id %j, which could lead elsewhere, is refused', (id) => {
        expect(() => sandbox.folders(id)).toThrow('thread id');
        expect(() => sandbox.files(id)).toThrow('thread id');
      });
    });

    it('gives the texts of the templates by the path that they get, whatever a thread did to its own', async () => {
      await shellOutput('echo other > "$HOME/.codex/config.toml"');
      expect(await sandbox.templateText('home/.codex/config.toml')).toBe('model = "x"\n');
      expect(await sandbox.templateText('home/.codex/none')).toBeUndefined();
    });

    it('has the deployment’s files in a home as they are to be, whatever is there', async () => {
      await shellOutput(
        'mkdir "$HOME/.codex/new"; echo other > "$HOME/.codex/config.toml"; mkfifo "$HOME/.codex/new/file"',
      );
      const files = { '.codex/config.toml': 'model = "y"', '.codex/new/file': '', '.codex/missing/file': 'z' };
      for (const _ of [1, 2]) {
        await sandbox.deploy('one', files);
        const names = Object.keys(files).map((path) => `"$HOME/${path}"`);
        expect(await shellOutput(`cat ${names.join(' ')}; echo; test -f ${names[1]} && echo file`)).toEqual([
          'model = "y"z',
          'file',
        ]);
        expect(await shellOutput('cd "$HOME/.codex" && echo own > own && mv own renamed && cat renamed')).toEqual([
          'own',
        ]);
      }
    });

    describe('a program', () => {
      it('runs in the workspace with its arguments as they are', async () => {
        const program = await start('sh', ['-c', 'pwd; printf "%s\\n" "$@"', 'name', 'a b', '$HOME', '', '-x']);
        expect(await output(program)).toEqual([sandbox.folders('one').workspace, 'a b', '$HOME', '', '-x']);
      });

      it('of npm’s is run by a link to it, with what it loads beside its own file', async () => {
        const module = join(folder, 'lib', 'node_modules', 'agent');
        mkdirSync(module, { recursive: true });
        writeFileSync(join(module, 'words.txt'), 'from beside it\n');
        const script = '#!/bin/sh\ncat "$(dirname "$(readlink -f "$0")")/words.txt"\n';
        writeFileSync(join(module, 'agent.sh'), script, { mode: 0o755 });
        symlinkSync(join(module, 'agent.sh'), join(folder, 'agent'));
        expect(await output(await start(join(folder, 'agent'), []))).toEqual(['from beside it']);
      });

      it('sees the variables of its command, and none of the server’s', async () => {
        vi.stubEnv('CHIRON_CANARY', 'secret');
        const environment = await output(await start('env', [], { env: { CLAUDE_MODEL: 'opus' } }));
        expect(environment).toContain('CLAUDE_MODEL=opus');
        expect(environment).toContain(`HOME=${sandbox.folders('one').home}`);
        expect(environment.join('\n')).not.toContain('secret');
      });

      it('gets every line that is written to it, from the first byte', async () => {
        const cat = await start('cat', []);
        for (const line of ['first', '  second \\n', '', 'ünï😀']) cat.writeLine(line);
        const seen = watch(cat);
        await expect.poll(seen, LONG).toEqual(['first', '  second \\n', '', 'ünï😀']);
        await cat.stop(10_000);
        cat.writeLine('ignored');
        expect(seen()).not.toContain('ignored');
      });

      it('keeps its output for a reader that comes after its end', async () => {
        const program = await shell('echo one; echo two; printf rest');
        await program.exit;
        expect(await output(program)).toEqual(['one', 'two', 'rest']);
      });

      it('reports its exit status and the end of its standard error', async () => {
        const loud = 'i=0; while [ $i -lt 2000 ]; do echo "error $i" >&2; i=$((i+1)); done; exit 3';
        const { code, signal, stderr, notStarted } = await (await shell(loud)).exit;
        expect({ code, signal, notStarted }).toEqual({ code: 3, signal: null, notStarted: undefined });
        expect(stderr.endsWith('error 1998\nerror 1999\n')).toBe(true);
        expect(Buffer.byteLength(stderr)).toBe(4096);
      });

      it('reports the signal that ended it', async () => {
        expect(await (await shell('kill -KILL $$')).exit).toMatchObject({ code: null, signal: 'SIGKILL' });
      });

      it.each(['no-such-program', '/no/such/program', ''])(
        'that is not there, %j, ends and says why',
        async (command) => {
          const program = await start(command, []);
          program.writeLine('ignored');
          expect((await program.exit).notStarted).toMatchObject({ reason: 'program-missing' });
          expect(await output(program)).toEqual([]);
          await program.stop(0);
        },
      );

      it('is asked to end, and ends by itself where it heeds that', async () => {
        const program = await shell('trap "exit 6" TERM; echo ready; while :; do sleep 0.1; done');
        await expect.poll(watch(program), LONG).toEqual(['ready']);
        await program.stop(60_000);
        expect(await program.exit).toMatchObject({ code: 6 });
      });

      it('takes everything with it that it started when it is stopped, and nothing of another program', async () => {
        // A reader of a FIFO gets its end once the last program is gone that holds it for writing.
        const reader = await shell('mkfifo pipe && echo made && cat pipe && echo over');
        const [seen, other] = [watch(reader), await shell('echo ready; exec cat')];
        await expect.poll(seen, LONG).toEqual(['made']);
        const program = await shell(`
        exec 3> pipe
        trap '' TERM
        sleep 1000 &
        (trap '' TERM; exec sleep 1000) &
        ($(command -v setsid) sh -c 'trap "" TERM HUP; sleep 1000; :' &)
        echo ready; wait`);
        await expect.poll(watch(program), LONG).toEqual(['ready']);
        expect(seen()).toEqual(['made']);
        await Promise.all([program.stop(60_000), program.stop(50)]);
        expect(await program.exit).toMatchObject({ code: null, signal: 'SIGKILL' });
        await expect.poll(seen, LONG).toEqual(['made', 'over']);
        const lines = watch(other);
        other.writeLine('alive');
        await expect.poll(lines, LONG).toEqual(['ready', 'alive']);
      });

      it('is stopped when the sandbox is closed, which starts nothing any more', async () => {
        const programs = [await shell('echo ready; exec sleep 1000'), await start('cat', [])];
        await Promise.all([sandbox.close(), sandbox.close()]);
        await Promise.all(programs.map((program) => program.exit));
        expect((await (await shell('echo late')).exit).notStarted).toMatchObject({ reason: 'sandbox-closed' });
      });
    });

    describe('a program for no thread', () => {
      it('is run to its end, without the server’s variables', async () => {
        vi.stubEnv('CHIRON_CANARY', 'secret');
        const script = 'echo "$1"; echo canary: $CHIRON_CANARY';
        const run = await sandbox.run('sh', ['-c', script, 'sh', 'a b'], 10_000);
        expect(run).toEqual({ kind: 'done', output: 'a b\ncanary:\n' });
      });

      it('is reported as missing, as failed with its reason, or is killed when it does not end', async () => {
        expect(await sandbox.run('no-such-program', [], 10_000)).toEqual({ kind: 'missing' });
        expect(await sandbox.run('sh', ['-c', 'exit 3'], 10_000)).toEqual({ kind: 'failed', problem: 'ends with 3' });
        expect(await sandbox.run('sleep', ['1000'], 50)).toEqual({ kind: 'failed', problem: 'does not answer' });
      });
    });

    it('reports whether its programs run as root', async () => {
      expect(await shellOutput('id -u')).toEqual([sandbox.runsAsRoot ? '0' : expect.not.stringMatching(/^0$/)]);
    });

    it('reports in sentences what the host lacks', async () => {
      for (const warning of await sandbox.warnings()) expect(warning).toMatch(/\w+ \w+/);
    });
  });
}

/** Why a kind cannot be tried on this machine, printed; `undefined` if it can. */
async function findSkipReason(kind: string): Promise<string | undefined> {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'chiron-probe-'));
  chmodSync(dataDirectory, 0o711);
  const problem = await SANDBOXES[kind]?.findProblem?.({
    dataDirectory,
    workspaceTemplate: undefined,
    homeTemplate: undefined,
  });
  rmSync(dataDirectory, { recursive: true, force: true });
  if (problem !== undefined && process.env['CHIRON_TEST_REQUIRE_SANDBOXES'] === '1')
    throw new Error(`${kind}: ${problem}`);
  if (problem !== undefined) process.stderr.write(`Skipped: the sandbox ${kind} does not work here. ${problem}\n`);
  return problem;
}

function output(process: SandboxProcess): Promise<readonly string[]> {
  return firstValueFrom(
    process.lines$.pipe(
      toArray(),
      map((batches) => batches.flat()),
    ),
  );
}

/** Watches a program and gives what it has said so far. */
function watch(process: SandboxProcess): () => readonly string[] {
  const lines: string[] = [];
  process.lines$.subscribe((batch) => lines.push(...batch));
  return () => lines;
}
