// Over 250 lines: each option of a thread, tried with both agents.
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { HarnessEvent } from '../../src/domain/harness-event.js';
import { newFolder, removeFolders } from './support/folders.js';
import { type HarnessRig, offeredTools, runTurn, startHarnessRig, textsOf, turnOf } from './support/harness-rig.js';
import { skipReason } from './support/programs.js';
import type { RealHarness } from './support/rig.js';

Logger.overrideLogger(false);

const HARNESSES: readonly RealHarness[] = ['claude-code', 'codex'];
const PERSON = {
  // What most libraries write, and Claude Code refuses.
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  description: 'One person of the reef',
  properties: { name: { type: 'string' }, age: { type: 'integer' } },
  required: ['name', 'age'],
  additionalProperties: false,
};
const ADA = '{"name":"Ada","age":36}';

let rig: HarnessRig | undefined;
afterEach(async () => {
  await rig?.close();
  rig = undefined;
});
afterAll(removeFolders);

async function rigOf(...parameters: Parameters<typeof startHarnessRig>): Promise<HarnessRig> {
  rig = await startHarnessRig(...parameters);
  return rig;
}

const tools = (events: readonly HarnessEvent[]) =>
  events.filter(({ type }) => type === 'tool-call' || type === 'tool-result');
/** Whether the model was told all of this with its newest request. */
const told = ({ model }: HarnessRig, ...words: readonly string[]): boolean => {
  const request = JSON.stringify(model.requests.at(-1)?.body);
  return words.every((word) => request.includes(word));
};

describe.skipIf(skipReason !== undefined).each(HARNESSES)('A turn of %s with a schema', (harness) => {
  it('ends with the answer as its last text, and the conversation continues with and without a schema', async () => {
    const here = await rigOf(harness);
    const session = here.open();
    expect(textsOf(await runTurn(session, turnOf('SCENE:text I saw a heron')))).toEqual(['I saw a heron']);

    const second = await runTurn(session, turnOf(`SCENE:answer ${ADA}`, { outputSchema: PERSON }));
    expect(textsOf(second)).toEqual([ADA]);
    expect(tools(second)).toEqual([]);
    expect(second.at(-1)).toMatchObject({ type: 'turn-end', reason: 'end_turn' });
    expect(told(here, 'I saw a heron', 'One person of the reef')).toBe(true);

    expect(textsOf(await runTurn(session, turnOf('SCENE:text As I like')))).toEqual(['As I like']);
    expect(told(here, 'I saw a heron', 'Ada')).toBe(true);
    expect(told(here, 'One person of the reef')).toBe(false);
    await session.close();
  });
});

describe.skipIf(skipReason !== undefined)('A turn of Claude Code with a schema', () => {
  const answering = (scene: string, outputSchema: object = PERSON) =>
    turnOf(scene, { outputSchema: JSON.parse(JSON.stringify(outputSchema)) });

  it('asks the model again after an invalid answer, and emits only the valid one', async () => {
    const session = (await rigOf('claude-code')).open();
    const events = await runTurn(session, answering(`SCENE:answer {"name":7} then ${ADA}`));
    expect(textsOf(events)).toEqual([ADA]);
    expect(tools(events)).toEqual([]);
  });

  it('runs on one process as long as the schema is the same', async () => {
    const session = (await rigOf('claude-code')).open();
    await runTurn(session, answering(`SCENE:answer ${ADA}`));
    const again = await runTurn(session, answering(`SCENE:answer {"name":"Bob","age":4}`));
    expect(textsOf(again)).toEqual(['{"name":"Bob","age":4}']);
    // A new process tells its session.
    expect(again.some(({ type }) => type === 'session-started')).toBe(false);
  });

  it('accepts a schema of a value other than an object, with its definitions', async () => {
    const session = (await rigOf('claude-code')).open();
    const colours = { type: 'array', items: { $ref: '#/$defs/colour' }, $defs: { colour: { enum: ['red', 'blue'] } } };
    const scene = 'SCENE:answer {"answer":["green"]} then {"answer":["red"]}';
    expect(textsOf(await runTurn(session, answering(scene, colours)))).toEqual(['["red"]']);
  });

  it('fails when the model gives no valid answer, and does not affect the next turn', async () => {
    const session = (await rigOf('claude-code')).open();
    const stubborn = await runTurn(session, answering('SCENE:text {"name":"Ada","age":36}'));
    expect(stubborn.at(-1)).toEqual({
      type: 'turn-failed',
      kind: 'internal',
      message: "The agent's answer did not follow the schema.",
    });
    const wrong = await runTurn(session, answering('SCENE:answer {"name":7}'));
    expect(wrong.at(-1)).toEqual({
      type: 'turn-failed',
      kind: 'internal',
      message:
        "The agent's answer did not follow the schema: root: must have required property 'age', /name: must be string",
    });
    expect(textsOf(await runTurn(session, answering(`SCENE:answer ${ADA}`)))).toEqual([ADA]);
  });

  it('is a bad request with an invalid schema', async () => {
    const session = (await rigOf('claude-code')).open();
    const events = await runTurn(session, answering('SCENE:text hi', { type: 'person' }));
    expect(events).toEqual([
      { type: 'turn-failed', kind: 'bad_request', message: 'The output schema is not a valid JSON Schema.' },
    ]);
  });

  it('requires the answer also from the process that resumes the turn after a crash', async () => {
    const here = await rigOf('claude-code');
    const session = here.open();
    const turn = turnOf('SCENE:slow 30 40', { outputSchema: PERSON });
    const said: HarnessEvent[] = [];
    await new Promise<void>((resolve, reject) => {
      session.run(turn).subscribe({
        next: (events) => {
          said.push(...events);
          if (events.some(({ type }) => type === 'text-delta')) void session.close();
        },
        error: reject,
        complete: resolve,
      });
    });
    expect(said.at(-1)).toMatchObject({ type: 'turn-failed', kind: 'process_died' });
    const id = said.flatMap((event) => (event.type === 'session-started' ? [event.sessionId] : []))[0];
    const next = await runTurn(here.open({ sessionId: id }), { ...turn, attempt: 2, priorEvents: said.slice(0, -1) });
    expect(offeredTools(here.model)).toContain('StructuredOutput');
    expect(next.at(-1)).toMatchObject({ type: 'turn-failed', message: expect.stringContaining('schema') });
  });
});

describe.skipIf(skipReason !== undefined)('A thread without tools', () => {
  /** A home and a workspace in which everything that Claude Code can load leaves a trace. */
  async function tempt({ folders }: HarnessRig): Promise<(name: string) => boolean> {
    const { workspace, home } = folders;
    const trace = (name: string) => join(workspace, `trace-${name}`);
    const hook = (name: string) => ({ hooks: [{ type: 'command', command: `touch ${trace(name)}` }] });
    const hooks = (name: string) => ({
      hooks: { SessionStart: [hook(name)], UserPromptSubmit: [hook(name)], Stop: [hook(name)] },
    });
    const server = { command: 'touch', args: [trace('mcp')] };
    await mkdir(join(home, '.claude'), { recursive: true });
    await mkdir(join(workspace, '.claude', 'skills', 'tempting'), { recursive: true });
    await writeFile(join(home, '.claude', 'settings.json'), JSON.stringify(hooks('user')));
    await writeFile(join(home, '.claude', 'CLAUDE.md'), 'USER MEMORY');
    await writeFile(join(home, '.claude', '.claude.json'), JSON.stringify({ mcpServers: { tempting: server } }));
    await writeFile(
      join(workspace, '.claude', 'settings.json'),
      JSON.stringify({ ...hooks('project'), enableAllProjectMcpServers: true }),
    );
    await writeFile(join(workspace, '.mcp.json'), JSON.stringify({ mcpServers: { project: server } }));
    await writeFile(
      join(workspace, '.claude', 'skills', 'tempting', 'SKILL.md'),
      `---\nname: tempting\ndescription: A TEMPTING SKILL\n---\n!\`touch ${trace('skill')}\``,
    );
    await writeFile(join(workspace, 'CLAUDE.md'), 'PROJECT MEMORY');
    await writeFile(join(workspace, 'secret.txt'), 'TOP SECRET');
    return (name) => existsSync(trace(name));
  }

  it('of Claude Code offers the model nothing, loads nothing, and reads no file that the prompt names', async () => {
    const here = await rigOf('claude-code');
    const traced = await tempt(here);
    const session = here.open({ tools: 'none', systemPrompt: 'Speak in rhymes.' });
    const events = await runTurn(session, turnOf('SCENE:text Hello. @secret.txt'));
    expect(textsOf(events)).toEqual(['Hello. @secret.txt']);
    expect(offeredTools(here.model)).toEqual([]);
    const temptations = ['TOP SECRET', 'USER MEMORY', 'PROJECT MEMORY', 'A TEMPTING SKILL'];
    expect(temptations.filter((words) => told(here, words))).toEqual([]);
    expect(told(here, 'Speak in rhymes.')).toBe(true);
    expect(['user', 'project', 'mcp', 'skill'].filter(traced)).toEqual([]);
  });

  it('of Claude Code does not treat a prompt as a command', async () => {
    const here = await rigOf('claude-code');
    await tempt(here);
    const session = here.open({ tools: 'none' });
    for (const command of ['/cost', '/clear', '/tempting', '/model haiku']) {
      const prompt = `${command} SCENE:text I heard you`;
      expect(textsOf(await runTurn(session, turnOf(prompt)))).toEqual(['I heard you']);
    }
  });

  it('of Claude Code gives an answer of a schema, with its only tool', async () => {
    const here = await rigOf('claude-code');
    const session = here.open({ tools: 'none' });
    const events = await runTurn(session, turnOf(`SCENE:answer ${ADA}`, { outputSchema: PERSON }));
    expect(textsOf(events)).toEqual([ADA]);
    // The placeholder stands for tools that would be loaded later; there are none.
    expect(offeredTools(here.model).filter((name) => name !== 'DeferredToolPlaceholder')).toEqual(['StructuredOutput']);
  });

  const SERVER = (path: string) => `[mcp_servers.tempting]\ncommand = "touch"\nargs = ["${path}"]\n`;

  it.each([undefined, 'gpt-5.5'])('of Codex with the model %s offers it no tool with side effects', async (model) => {
    const trace = join(await newFolder('trace'), 'ran');
    const here = await rigOf('codex', SERVER(trace));
    const session = here.open({ tools: 'none', model });
    expect(textsOf(await runTurn(session, turnOf('SCENE:text Hello')))).toEqual(['Hello']);
    // There is no switch for the other one, which then finds no environment to run in.
    expect(offeredTools(here.model)).toEqual(model === undefined ? [] : ['apply_patch']);
    expect(existsSync(trace)).toBe(false);
  });

  it('of Codex has no tools after it was resumed', async () => {
    const here = await rigOf('codex');
    const session = here.open({ tools: 'none' });
    const events = await runTurn(session, turnOf('SCENE:text Hello'));
    await session.close();
    const sessionId = events.flatMap((event) => (event.type === 'session-started' ? [event.sessionId] : []))[0];
    await runTurn(here.open({ tools: 'none', sessionId }), turnOf('SCENE:text Again'));
    expect(told(here, 'Hello')).toBe(true);
    expect(offeredTools(here.model)).toEqual([]);
  });

  it.each(HARNESSES)('of %s runs nothing if the model calls a tool anyway', async (harness) => {
    const here = await rigOf(harness);
    const trace = join(here.folders.workspace, 'trace');
    const events = await runTurn(here.open({ tools: 'none' }), turnOf(`SCENE:tool touch ${trace}`));
    expect(events.at(-1)).toMatchObject({ type: 'turn-end' });
    expect(existsSync(trace)).toBe(false);
  });
});

describe.skipIf(skipReason !== undefined)('A model that stops', () => {
  const endOf = async (harness: RealHarness, scene: string) => {
    const events = await runTurn((await rigOf(harness)).open(), turnOf(scene));
    return { texts: textsOf(events), end: events.at(-1) };
  };

  it.each(['', 'Well, '])(
    'with a refusal after the text "%s" ends the turn of Claude Code as a refusal',
    async (words) => {
      const { texts, end } = await endOf('claude-code', `SCENE:stop refusal ${words}`.trim());
      expect(end).toMatchObject({
        type: 'turn-end',
        reason: 'refusal',
        refusal: { category: 'cyber', explanation: 'A scripted explanation.' },
      });
      expect(new Set(texts)).toEqual(new Set(words === '' ? [] : ['Well,']));
    },
  );

  it.each(['', 'Well, '])('with a refusal after the text "%s" ends the turn of Codex as a refusal', async (words) => {
    const { texts, end } = await endOf('codex', `SCENE:stop refusal ${words}`.trim());
    expect(end).toMatchObject({ type: 'turn-end', reason: 'refusal' });
    expect(texts).toEqual(words === '' ? [] : ['Well,']);
  });

  it.each(['max_tokens', 'model_context_window_exceeded'])(
    'with %s ends the turn of Claude Code so',
    async (reason) => {
      const { texts, end } = await endOf('claude-code', `SCENE:stop ${reason} And then`);
      expect(end).toMatchObject({ type: 'turn-end', reason });
      // Claude Code asks it to go on three times.
      expect(texts).toEqual(['And then', 'And then', 'And then', 'And then']);
    },
  );

  it('at its token limit ends the turn of Codex as max_tokens', async () => {
    const { texts, end } = await endOf('codex', 'SCENE:stop max_tokens And then');
    expect(end).toMatchObject({ type: 'turn-end', reason: 'max_tokens' });
    expect(texts).toEqual(['And then']);
  });
});

describe.skipIf(skipReason !== undefined)('The tokens of a turn of Claude Code', () => {
  it('include the tokens written to the one-hour cache', async () => {
    const events = await runTurn((await rigOf('claude-code')).open(), turnOf('SCENE:text hi'));
    const split = { cacheCreationInputTokens: 20, cacheCreation1hInputTokens: 8 };
    expect(events.at(-1)).toMatchObject({ type: 'turn-end', usage: split });
    expect(events.filter(({ type }) => type === 'model-call-end')).toMatchObject([{ usage: split }]);
  });
});
