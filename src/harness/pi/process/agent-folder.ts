import { join } from 'node:path';
import type { Logger } from '@nestjs/common';
import type { JsonObject } from '../../../domain/harness-event.js';
import { asObject, asString, parseObject } from '../../../domain/json.js';
import type { Sandbox } from '../../../sandbox/sandbox.js';
import type { HarnessThread } from '../../harness.js';
import { joinInstructions, loadInstructions } from '../../instructions.js';
import { withModelUrl } from '../provider.js';
import type { PiStartFiles } from './launch.js';

/** Where a deployment puts pi's settings in its home template, which is pi's own default. */
const TEMPLATE = 'home/.pi/agent';
/** The folder of settings that a process gets, below the home: pi 1.6.0 makes locks in it, so that it has to be writable (seen). */
const FOLDER = '.pi/chiron';

/** Files that are taken as they are. */
const COPIED = ['mcp.json', 'SYSTEM.md'];
/** Folders of the thread's own home that are no danger: texts for the model. */
const LINKED = ['skills', 'prompts'];

/** What a deployment's settings have where they do not say otherwise: no tokens are spent between the turns. */
const DEFAULTS: JsonObject = { cacheWarming: 'off', enableInstallTelemetry: false };

/**
 * Makes the folder of settings that a process is started with, anew each time.
 *
 * An agent can write its own settings, which would lead the next process to another API with the deployment's key, or have it run extensions. So pi is not
 * pointed to `~/.pi/agent`, but to a folder with what the deployment's home template has there. No program of the thread runs while it is made, and
 * pi 1.6.0 reads its settings and models when it starts.
 *
 * Rejects when the thread's files cannot be written.
 */
export async function makeAgentFolder(
  thread: HarnessThread,
  sandbox: Pick<Sandbox, 'deploy' | 'templateText'>,
  logger: Pick<Logger, 'warn'>,
): Promise<PiStartFiles> {
  const { files, folders, id, tools, modelUrl } = thread;
  const template = (name: string): Promise<string | undefined> => sandbox.templateText(`${TEMPLATE}/${name}`);
  const [settings, models, login] = [
    await template('settings.json'),
    await template('models.json'),
    await template('auth.json'),
  ];
  const copied = await Promise.all(COPIED.map(async (name) => [name, await template(name)] as const));
  const texts = {
    'settings.json': JSON.stringify({ ...DEFAULTS, ...readJson(settings) }),
    'models.json': JSON.stringify(withModelUrl({ models: readJson(models), settings: readJson(settings) }, thread)),
    // The broker has the login, if there is one.
    ...(login === undefined || modelUrl !== undefined ? {} : { 'auth.json': login }),
    ...Object.fromEntries(copied.flatMap(([name, text]) => (text === undefined ? [] : [[name, text]]))),
  };
  await files.remove(`home/${FOLDER}`);
  await files.makeFolder(`home/${FOLDER}`);
  if (tools !== 'none') {
    for (const name of LINKED) await files.link(`home/${FOLDER}/${name}`, join(folders.home, '.pi/agent', name));
  }
  // A login that is renewed is written again, so it stays the agent's.
  const { 'auth.json': auth, ...fixed } = texts;
  if (auth !== undefined) await files.write(`home/${FOLDER}/auth.json`, auth);
  await sandbox.deploy(
    id,
    Object.fromEntries(Object.entries(fixed).map(([name, text]) => [`${FOLDER}/${name}`, text])),
  );
  return {
    folder: join(folders.home, FOLDER),
    instructions: await writeInstructions(thread, template, logger),
    defaultModel: toDefaultModel(readJson(settings)),
  };
}

/** In a file: pi 1.6.0 takes the text of the option for a path where there is such a file (cli.md). */
async function writeInstructions(
  thread: HarnessThread,
  template: (name: string) => Promise<string | undefined>,
  logger: Pick<Logger, 'warn'>,
): Promise<readonly string[]> {
  const own = [await template('APPEND_SYSTEM.md'), await template('AGENTS.md')];
  const given = thread.tools === 'none' ? thread.systemPrompt : await loadInstructions(thread, logger);
  const text = joinInstructions(...own, given);
  if (text === undefined) return [];
  await thread.files.write('server/pi/instructions.md', text);
  return [join(thread.folders.server, 'pi/instructions.md')];
}

function toDefaultModel({ defaultProvider, defaultModel }: JsonObject): string | undefined {
  const [provider, model] = [asString(defaultProvider), asString(defaultModel)];
  return provider === undefined || model === undefined ? undefined : `${provider}/${model}`;
}

/** Settings that are no JSON object count as none. */
function readJson(text: string | undefined): JsonObject {
  return asObject(parseObject(text ?? '{}'));
}
