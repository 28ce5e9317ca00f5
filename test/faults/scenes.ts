import { readFile } from 'node:fs/promises';

/** Who answers: the demo agent, or a real CLI with a scripted model behind it. */
export const AGENTS = ['demo', 'claude-code', 'codex'] as const;

/** The agent of the Agent Client Protocol that starts most quickly. */
export const ACP_AGENT = 'copilot';

/** One of the agents. */
export type Agent = (typeof AGENTS)[number] | typeof ACP_AGENT;

/** What the agent does in the turn: it only speaks, or it runs a tool and then speaks. */
export type SceneName = 'words' | 'tool';

/** The model names that the suite's servers route to each agent. */
export const MODEL_OF: Readonly<Record<Agent, string>> = {
  demo: 'demo',
  'claude-code': 'claude-opus-5-5',
  codex: 'gpt-5-codex',
  copilot: 'copilot',
};

/** A turn whose answer is known beforehand. */
export interface Scene {
  readonly prompt: string;
  /** All that the finished message says, in order; each a text that must be there exactly once. */
  readonly says: readonly RegExp[];
  /** `word0`, `word1`… that the message must have, each once and in order. */
  readonly words: number;
  /** The file to which the tool appends one line each time it runs; `undefined` for a scene without a tool. */
  readonly toolFile: string | undefined;
}

const TOOL_SECONDS = 0.4;
const WORDS = 20;

/** The scene for an agent; `toolFile` must be new, and `toolSeconds` is how long the tool takes. */
export function sceneFor(agent: Agent, name: SceneName, toolFile: string, toolSeconds = TOOL_SECONDS): Scene {
  const command = `echo ran >> ${toolFile}; sleep ${toolSeconds}; echo tool-is-done`;
  if (name === 'words') {
    const prompt = agent === 'demo' ? `/stream ${WORDS} 40` : `SCENE:slow ${WORDS} 40`;
    return { prompt, says: [], words: WORDS, toolFile: undefined };
  }
  switch (agent) {
    case 'demo': {
      // A resumed demo agent does not know how its command ended.
      const says = [/The command worked\.|It was not run again\./g];
      return { prompt: `!${command}`, says, words: 0, toolFile };
    }
    case 'claude-code': {
      const says = [/Let me run it\./g, /It printed "/g];
      return { prompt: `SCENE:slow-tool ${command}`, says, words: WORDS, toolFile };
    }
    case 'codex':
    case 'copilot':
      return { prompt: `SCENE:slow-tool ${command}`, says: [/Let me run it\./g], words: WORDS, toolFile };
    default:
      return agent satisfies never;
  }
}

/** How often the scene's tool has run. */
export async function timesRun(toolFile: string): Promise<number> {
  // A tool that never ran has made no file.
  const text = await readFile(toolFile, 'utf8').catch(() => '');
  return text.split('\n').length - 1;
}
