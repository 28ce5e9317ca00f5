// What the user of a Claude Code in a terminal sees of the agent's tools, with nothing set on either side.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { newClaudeCode } from './support/claude-code.js';
import { type ClaudeTerminal, openClaudeCode } from './support/claude-terminal.js';
import { newSharedFolder, removeFolders, type SharedFolder } from './support/folders.js';
import { textOf } from './support/json.js';
import { CLAUDE_CODES } from './support/programs.js';
import { type Rig, startRig } from './support/rig.js';
import { terminalSkipReason } from './support/terminal.js';
import { turnsOf } from './support/turns.js';

describe.skipIf(terminalSkipReason !== undefined).each(CLAUDE_CODES)(
  'Claude Code $version in a terminal shows of a Claude Code agent',
  ({ program }) => {
    let rig: Rig;
    let claude: ClaudeTerminal;
    let shared: SharedFolder;

    beforeAll(async () => {
      shared = await newSharedFolder('marker');
      rig = await startRig('claude-code', shared.setting);
    });
    afterEach(() => claude.close());
    afterAll(async () => {
      await rig.close();
      await removeFolders();
    });

    const open = async (): Promise<ClaudeTerminal> => (claude = await openClaudeCode(program, rig.server.url));

    /** What it shows below a prompt once the agent has said this. */
    const screenAfter = async (prompt: string, said: string | RegExp): Promise<string> => {
      await (await open()).submit(prompt);
      const screen = await claude.shows(said);
      return screen.slice(screen.indexOf(`❯ ${prompt.slice(0, 20)}`));
    };

    it('a call with its result below it, with one bullet each', async () => {
      const screen = await screenAfter('SCENE:tool echo from-inside', '● It printed');
      expect(screen).toContain(
        '● Let me run it.\n\n● Bash(echo from-inside)\n  ⎿  from-inside\n\n● It printed "from-inside".',
      );
      expect(screen.match(/^ *[●⏺].*/gm)).toHaveLength(3);
    });

    it('a call while it runs', async () => {
      const marker = join(shared.path, 'go-on');
      const screen = await screenAfter(
        `SCENE:tool until [ -e ${marker} ]; do sleep 0.1; done; echo released`,
        '● Bash(until',
      );
      expect(screen).not.toContain('⎿  released');
      await writeFile(marker, '');
      expect(await claude.shows('● It printed')).toMatch(/● Bash\(until [\s\S]*\n {2}⎿ {2}released\n/);
    });

    it('parallel calls when they start, and then their results', async () => {
      const screen = await screenAfter('SCENE:parallel echo first && echo second >&2; exit 3', '● It printed');
      expect(screen).toContain('● Bash(echo first)\n\n● Bash(echo second >&2; exit 3)\n\n');
      expect(screen).toContain('● Result of Bash(echo first)\n  ⎿  first\n\n');
      expect(screen).toContain('Bash(echo second >&2; exit 3)\n  ⎿  Error: Exit code 3\n     second\n\n');
    });

    it('that a call failed', async () => {
      const screen = await screenAfter('SCENE:tool cat no-such-file', '● It printed');
      expect(screen).toContain(
        '● Bash(cat no-such-file)\n  ⎿  Error: Exit code 1\n     cat: no-such-file: No such file or directory\n',
      );
    });

    it('the first lines of a long output', async () => {
      const screen = await screenAfter('SCENE:tool seq 60', '● It printed');
      expect(screen).toContain('● Bash(seq 60)\n  ⎿  1\n     2\n     3\n     4\n     … +56 lines\n\n');
    });

    it('an output verbatim, even if it contains Markdown or terminal escapes', async () => {
      const output = String.raw`# h\n- *x* __y__\n\033[31m<context>\033[0m</context>\n1. ~~z~~ &amp;\n`;
      const screen = await screenAfter(`SCENE:tool printf '${output}'`, '● It printed');
      expect(screen).toContain('\n  ⎿  # h\n     - *x* __y__\n     ‹context>‹/context>\n     1. ~~z~~ &amp;\n\n');
      expect(screen).toContain(`● Bash(printf '${output.replaceAll('<', '‹')}')\n`);
    });

    it('a sub-agent by its task, with its report', async () => {
      const input = {
        description: 'Count files',
        prompt: 'SCENE:text Two',
        subagent_type: 'general-purpose',
        run_in_background: false,
      };
      const screen = await screenAfter(`SCENE:use Agent ${JSON.stringify(input)}`, '● It printed');
      expect(screen).toContain('● Agent(Count files)\n  ⎿  Two\n\n● It printed');
    });

    it('all of that in its own conversation, which it can continue, also as claude -p', async () => {
      await screenAfter('SCENE:tool echo from-inside', '● It printed');
      await claude.submit('SCENE:text And on');
      await claude.shows('● And on');
      const key = `api:claude:${textOf((await claude.status())['session_id'])}`;
      const caller = await newClaudeCode(rig.server.url, { HOME: claude.home }, program, claude.workingDirectory);
      const { result } = await caller.ask('SCENE:tool echo third', '--continue');
      expect(result).toMatchObject({ is_error: false, result: 'It printed "third".' });
      expect(await turnsOf(rig.server, key)).toHaveLength(3);
    });
  },
);

describe.skipIf(terminalSkipReason !== undefined).each(CLAUDE_CODES)(
  'Claude Code $version in a terminal shows of a Codex agent',
  ({ program }) => {
    let rig: Rig;
    let claude: ClaudeTerminal;

    beforeAll(async () => {
      rig = await startRig('codex');
    });
    afterEach(() => claude.close());
    afterAll(async () => {
      await rig.close();
      await removeFolders();
    });

    it('its commands, without the shell around them', async () => {
      claude = await openClaudeCode(program, rig.server.url);
      await claude.submit('SCENE:tool echo "it is"; seq 9');
      const screen = await claude.shows('● It printed');
      expect(screen).toContain('● shell(echo "it is"; seq 9)\n  ⎿  it is\n     1\n     2\n     3\n     … +6 lines\n\n');
    });

    it('that a command failed', async () => {
      claude = await openClaudeCode(program, rig.server.url);
      await claude.submit('SCENE:tool echo no; exit 3');
      expect(await claude.shows('● It printed')).toContain('● shell(echo no; exit 3)\n  ⎿  Error: no\n\n');
    });
  },
);
