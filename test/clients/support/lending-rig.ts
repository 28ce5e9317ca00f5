import { startServer, type RunningServer } from '../../support/running-server.js';
import { conversationOf as codexConversation, startCodexModel } from './codex-model.js';
import { newFolder } from './folders.js';
import type { JsonRecord } from './json.js';
import {
  agentRequests,
  asks,
  conversationOf as claudeConversation,
  runs,
  says,
  startPlannedModel,
} from './planned-model.js';
import { CLAUDE_CODE, CODEX } from './programs.js';
import { claudeCodeVariables, codexVariables, type RealHarness } from './rig.js';

/** One piece of what the agent's model says, whichever its API. */
export type Piece =
  | { readonly text: string }
  | { readonly tool: string; readonly id: string; readonly input: JsonRecord }
  | { readonly shell: string; readonly id: string };

/** What reached the agent's model of the results of calls: `<id>: <text>`, in order. */
type ResultLines = readonly string[];

/** A server whose real agents use a model that says what a test planned. */
export interface LendingRig {
  readonly server: () => RunningServer;
  /** The results in the newest request of the agent. */
  readonly results: () => ResultLines;
  /** How many requests the agent has made. */
  readonly requests: () => number;
  /** The newest of them. */
  readonly newest: () => JsonRecord | undefined;
  /** Kills the server with SIGKILL and starts it on the same data. */
  readonly restart: () => Promise<void>;
  readonly close: () => Promise<void>;
}

interface PlannedModel {
  readonly url: string;
  readonly results: () => ResultLines;
  readonly requests: () => number;
  readonly newest: () => JsonRecord | undefined;
  readonly close: () => Promise<void>;
}

/** Starts a server, and a model that gives these answers one after the other. `environment` is added to the server's. */
export async function startLendingRig(
  harness: RealHarness,
  answers: readonly (readonly Piece[])[],
  environment: Readonly<Record<string, string>> = {},
): Promise<LendingRig> {
  const isClaude = harness === 'claude-code';
  const model = await (isClaude ? claudeModel(answers) : codexModel(answers));
  const all = {
    CHIRON_DEFAULT_HARNESS: harness,
    CHIRON_CLAUDE_BIN: CLAUDE_CODE,
    CHIRON_CODEX_BIN: CODEX,
    CHIRON_DATA_DIR: await newFolder('data'),
    ...(isClaude ? claudeCodeVariables(model) : await codexVariables(model)),
    ...environment,
  };
  let server = await startServer(all);
  return {
    server: () => server,
    results: model.results,
    requests: model.requests,
    newest: model.newest,
    restart: async () => {
      await server.kill();
      server = await startServer(all);
    },
    close: async () => {
      await server.stop();
      await model.close();
    },
  };
}

async function claudeModel(answers: readonly (readonly Piece[])[]): Promise<PlannedModel> {
  const model = await startPlannedModel(
    answers.map((pieces) =>
      pieces.map((piece) => {
        if ('text' in piece) return says(piece.text);
        return 'shell' in piece ? runs(piece.shell, piece.id) : asks(piece.tool, piece.input, piece.id);
      }),
    ),
  );
  return {
    url: model.url,
    requests: () => agentRequests(model).length,
    newest: () => agentRequests(model).at(-1),
    results: () =>
      claudeConversation(model).flatMap((line) => {
        const [, id, text] = /^user: (?:result|error) (\S+) (.*)$/s.exec(line) ?? [];
        return id === undefined ? [] : [`${id}: ${text}`];
      }),
    close: () => model.close(),
  };
}

async function codexModel(answers: readonly (readonly Piece[])[]): Promise<PlannedModel> {
  const model = await startCodexModel();
  model.says(
    ...answers.map((pieces) =>
      pieces.map((piece) => ('tool' in piece ? { caller: piece.tool, id: piece.id, input: piece.input } : piece)),
    ),
  );
  return {
    url: model.url,
    requests: () => model.bodies.length,
    newest: () => model.bodies.at(-1),
    results: () =>
      codexConversation(model.bodies.at(-1)).flatMap((line) => (line.startsWith('output ') ? [line.slice(7)] : [])),
    close: () => model.close(),
  };
}
