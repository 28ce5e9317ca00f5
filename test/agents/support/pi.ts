import { existsSync } from 'node:fs';
import { delimiter, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { newFolder } from '../../clients/support/folders.js';
import type { JsonRecord } from '../../clients/support/json.js';
import type { Rig } from '../../clients/support/rig.js';
import { startServer } from '../../support/running-server.js';
import { startScriptedAnthropicModel } from '../../support/scripted-model/anthropic.js';
import { type Answer, answerTo } from '../../support/scripted-model/anthropic-answer.js';
import type { ScriptedModel } from '../../support/scripted-model/scene.js';
import { rigOf } from './rig.js';

/** The program of pi, as npm installs it beside these tests. */
export const PI = fileURLToPath(new URL('../node_modules/.bin/pi', import.meta.url));

/** Why pi cannot be run here; `undefined` where it can. */
export const PI_MISSING = existsSync(PI) ? undefined : `npm did not install ${PI}`;

/** A model of the Messages API that calls the shell by the name that it has in pi. */
export function startPiModel(toAnswer: (body: JsonRecord, call: number) => Answer = answerTo): Promise<ScriptedModel> {
  return startScriptedAnthropicModel((body, call) => {
    const answer = toAnswer(body, call);
    if (answer.kind !== 'parts') return answer;
    const parts = answer.parts.map((part) =>
      part.type === 'tool_use' && part.name === 'Bash' ? { ...part, name: 'bash' } : part,
    );
    return { ...answer, parts };
  });
}

/** Starts Chiron with pi in front of a scripted model. `environment` is added to the server's. */
export async function startPiRig(environment: Readonly<Record<string, string>> = {}): Promise<Rig> {
  const model = await startPiModel();
  const variables = {
    CHIRON_DEFAULT_HARNESS: 'pi',
    CHIRON_PI_BIN: PI,
    CHIRON_DATA_DIR: await newFolder('data'),
    ANTHROPIC_BASE_URL: model.url,
    ANTHROPIC_API_KEY: 'a-key-of-the-server',
    CHIRON_SANDBOX_PASSTHROUGH_ENV: 'ANTHROPIC_BASE_URL,ANTHROPIC_API_KEY',
    // Pi needs a Node of its age: this one.
    PATH: [dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter),
    ...environment,
  };
  try {
    return rigOf(await startServer(variables), model, variables);
  } catch (error) {
    await model.close();
    throw error;
  }
}
