import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { newFolder } from '../clients/support/folders.js';
import { CLAUDE_CODE, CODEX, skipReason as noClients } from '../clients/support/programs.js';
import { ISOLATING_KINDS, reasonToSkip, removeFolders, startRealTarget, startTarget, type Target } from './support.js';

/** Ways to put a text into the place of a file: each prints `REACHED` if the file has it then. */
const WAYS: readonly ((file: string) => string)[] = [
  (file) => `echo "$PLANT" > ${file}`,
  (file) => `chmod -R u+w ${file}; echo "$PLANT" >> ${file}`,
  (file) => `rm -f ${file}; echo "$PLANT" > ${file}`,
  (file) => `echo "$PLANT" > ~/plant; mv -f ~/plant ${file}`,
  (file) => `echo "$PLANT" > ~/plant; ln -f ~/plant ${file}; ln -sf ~/plant ${file}`,
  (file) => `ln ${file} ~/second && echo "$PLANT" > ~/second`,
  (file) => `folder=$(dirname ${file}); mv $folder $folder.away; mkdir -p $folder; echo "$PLANT" > ${file}`,
  (file) => `folder=$(dirname ${file}); rm -rf $folder; mkdir -p $folder; echo "$PLANT" > ${file}`,
  () => `mv ~ ~/../away; mkdir -p ~/.codex; echo "$PLANT" > ~/.codex/config.toml`,
  (file) => `folder=$(dirname ${file}); mount --bind /tmp $folder; echo "$PLANT" > ${file}`,
];

/** Tries them all on each file. In base64, as agents look at commands before they run them. */
function plant(text: string, files: readonly string[]): string {
  const tries = files.flatMap((file) =>
    WAYS.map((way) => `{ ${way(file)}; } 2>/dev/null; grep -qF "$PLANT" ${file} 2>/dev/null && echo "REACHED ${file}"`),
  );
  const script = `PLANT=$(echo '${text}' | sed "s|WORKSPACE|$PWD|"); ${tries.join('\n')}\necho tried`;
  return `echo ${Buffer.from(script).toString('base64')} | base64 -d | bash`;
}

// A real agent starts twice, beside other work of the machine.
const AGENTS = { timeout: 180_000 };

for (const kind of ISOLATING_KINDS) {
  const skipReason = await reasonToSkip(kind);

  describe.skipIf(skipReason !== undefined)(`In the sandbox ${kind}, what the server writes for an agent`, () => {
    let target: Target;

    beforeAll(async () => {
      target = await startTarget(kind);
    });

    afterAll(async () => {
      await target.close();
      await removeFolders();
    });

    it('cannot be made, changed or replaced by a command, nor its folder', async () => {
      // The folder of the server is beside the home, or at a fixed place.
      const server = kind === 'bubblewrap' ? '/run/thread' : '"$(dirname "$HOME")"/server';
      const folder = await target.folderOf('mallory', 'attacker');
      await writeFile(join(folder, 'server', 'file'), 'of the server', { mode: 0o644 });
      const output = await target.run('mallory', 'attacker', plant('planted', [`${server}/file`]));
      expect(output.trim()).toBe('tried');
      expect(await readFile(join(folder, 'server', 'file'), 'utf8')).toBe('of the server');
      expect(await readdir(join(folder, 'server'))).toEqual(['file']);
      expect(await target.run('mallory', 'attacker', `cat ${server}/file`)).toContain('of the server');
    });
  });

  const noAgents = noClients ?? (await reasonToSkip(kind, [CLAUDE_CODE, CODEX]));

  describe.skipIf(noAgents !== undefined)(`In the sandbox ${kind}, the deployment’s settings`, () => {
    afterEach(removeFolders);

    it('of Codex stay as they are for the running and the next process, which run with them', AGENTS, async () => {
      const template = await newFolder('template');
      await mkdir(join(template, '.codex'));
      await writeFile(join(template, '.codex', 'config.toml'), 'model_reasoning_effort = "low"\n');
      const target = await startRealTarget(kind, 'codex', { CHIRON_HOME_TEMPLATE: template });
      const run = async (command: string) => (await target.run('mallory', 'attacker', command)).trim();
      const files = ['config.toml', '.env', 'hooks.json'].map((name) => `~/.codex/${name}`);
      // It would have the next process, or the next conversation of this one, make a file.
      const text = 'notify = ["/usr/bin/touch", "WORKSPACE/planted"]';
      const effort = () => JSON.stringify(target.model.requests.at(-1)?.body);
      expect(await run(plant(text, files))).toBe('tried');
      expect(effort()).toContain('"effort":"low"');
      // The same process; then another one.
      expect(await run('sleep 0.5; ls -A')).not.toContain('planted');
      await run('kill -9 $PPID').catch(() => undefined);
      expect(await run('sleep 0.5; ls -A; cat ~/.codex/config.toml')).toBe('model_reasoning_effort = "low"');
      expect(effort()).toContain('"effort":"low"');
      const folder = await target.folderOf('mallory', 'attacker');
      expect(await readFile(join(folder, 'home', '.codex', 'config.toml'), 'utf8')).toBe(
        'model_reasoning_effort = "low"\n',
      );
      await target.close();
    });

    it('of Claude Code, its MCP servers and instructions stay as they are, too', AGENTS, async () => {
      const template = await newFolder('template');
      await mkdir(join(template, '.claude'));
      await writeFile(join(template, '.claude', 'settings.json'), '{"env":{"FROM_THE_DEPLOYMENT":"1"}}');
      await writeFile(
        join(template, '.claude', '.claude.json'),
        '{"mcpServers":{"notes":{"command":"/usr/bin/false","args":[]}}}',
      );
      const target = await startRealTarget(kind, 'claude-code', { CHIRON_HOME_TEMPLATE: template });
      const run = async (command: string) => (await target.run('mallory', 'attacker', command)).trim();
      const server = kind === 'bubblewrap' ? '/run/thread' : '"$(dirname "$HOME")"/server';
      const files = ['claude/settings.json', 'claude/mcp.json'].map((name) => `${server}/${name}`);
      const before = await run(`cat ${files.join(' ')}`);
      expect(before).toMatch(/FROM_THE_DEPLOYMENT.*notes/s);
      expect(await run(plant('{"env":{"PLANTED":"1"}}', files))).toBe('tried');
      expect(await run(`cat ${files.join(' ')}`)).toBe(before);
      expect(await run('echo "[$FROM_THE_DEPLOYMENT$PLANTED]"')).toContain('[1]');
      await target.close();
    });
  });
}
