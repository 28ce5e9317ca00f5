import { describe, expect, it } from 'vitest';
import { ThreadFiles } from '../../../sandbox/files/thread-files.js';
import { toLaunch, toThreadParameters, toTurnParameters } from './launch.js';

const EMPTY = { config: '', hasLogin: false, trustsWorkspace: true, workspace: '/w' };
const thread = (env: Record<string, string>) => ({ env, systemPrompt: undefined, tools: 'all' as const });
const settingsOf = (...parameters: Parameters<typeof toLaunch>) =>
  toLaunch(...parameters).args.filter((argument) => argument !== '-c' && argument !== 'app-server');

describe('toLaunch', () => {
  it('turns off what would call home', () => {
    const settings = settingsOf(thread({}), EMPTY);
    expect(settings).toEqual(expect.arrayContaining(['check_for_update_on_startup=false', 'analytics.enabled=false']));
  });

  it('turns plugins off, unless the home’s own settings speak of them', () => {
    expect(settingsOf(thread({}), EMPTY)).toContain('features.plugins=false');
    const withPlugins = { ...EMPTY, config: '[features]\nplugins = true\n' };
    expect(settingsOf(thread({}), withPlugins).join()).not.toContain('plugins');
  });

  it('turns off what could act for a thread without tools', () => {
    const settings = settingsOf({ ...thread({}), tools: 'none' }, EMPTY);
    expect(settings).toEqual(
      expect.arrayContaining(['features.shell_tool=false', 'features.hooks=false', 'web_search="disabled"']),
    );
  });

  it('translates OPENAI_BASE_URL, unless the home’s own settings name another', () => {
    const env = { OPENAI_BASE_URL: 'http://proxy/v1' };
    expect(settingsOf(thread(env), EMPTY)).toContain('openai_base_url="http://proxy/v1"');
    const ownUrl = { ...EMPTY, config: 'openai_base_url = "http://own/v1"\n', hasLogin: false };
    expect(settingsOf(thread(env), ownUrl).join()).not.toContain('proxy');
    const elsewhere = { ...EMPTY, config: '[model_providers.x]\nopenai_base_url = "nothing"\n', hasLogin: false };
    expect(settingsOf(thread(env), elsewhere).join()).toContain('proxy');
  });

  it('keeps Codex from reading AGENTS.md by itself when it comes with a caller’s system prompt', () => {
    const settings = settingsOf({ ...thread({}), systemPrompt: 'Be brief' }, EMPTY);
    expect(settings).toContain('project_doc_max_bytes=0');
  });

  it('trusts the settings of a workspace that are the deployment’s, and of no other', () => {
    expect(settingsOf(thread({}), EMPTY)).toContain('projects={"/w"={trust_level="trusted"}}');
    const settings = settingsOf(thread({}), { ...EMPTY, workspace: '/a "b"', trustsWorkspace: false });
    expect(settings).toContain('projects={"/a \\"b\\""={trust_level="untrusted"}}');
    // Codex reads no AGENTS.md of a workspace that it does not trust.
    expect(settings).toContain('project_doc_max_bytes=0');
    expect(toLaunch(thread({}), { ...EMPTY, trustsWorkspace: false }).readsAgentsFile).toBe(false);
  });

  it('logs in with OPENAI_API_KEY in memory only, and never puts the key on the command line', () => {
    const launch = toLaunch(thread({ OPENAI_API_KEY: 'sk-secret' }), EMPTY);
    expect(launch.apiKey).toBe('sk-secret');
    expect(launch.args).toContain('cli_auth_credentials_store="ephemeral"');
    expect(launch.args.join(' ')).not.toContain('sk-secret');
  });

  it('leaves a login that came with the home alone', () => {
    const launch = toLaunch(thread({ OPENAI_API_KEY: 'sk-secret' }), { ...EMPTY, config: '', hasLogin: true });
    expect(launch.apiKey).toBeUndefined();
    expect(launch.args.join()).not.toContain('ephemeral');
  });
});

describe('threadParameters', () => {
  const plain = {
    id: 't',
    folders: { workspace: '/w', home: '/h', server: '/s' },
    files: new ThreadFiles('/nowhere'),
    model: undefined,
    systemPrompt: undefined,
    tools: 'all' as const,
    sessionId: undefined,
    env: {},
  };

  it('leaves isolation and leave to us, and the model to Codex', () => {
    expect(toThreadParameters(plain, undefined)).toEqual({
      cwd: '/w',
      approvalPolicy: 'never',
      sandbox: 'danger-full-access',
    });
  });

  it('gives the caller’s model and system prompt', () => {
    expect(toThreadParameters({ ...plain, model: 'gpt-6' }, 'rules\n\nBe brief')).toMatchObject({
      model: 'gpt-6',
      developerInstructions: 'rules\n\nBe brief',
    });
  });

  it('gives a thread without tools no environment, and none of the servers that are configured', () => {
    const config = { mcp_servers: { github: { command: 'x' }, files: {} } };
    expect(toThreadParameters({ ...plain, tools: 'none' }, undefined, config)).toMatchObject({
      sandbox: 'read-only',
      environments: [],
      config: { mcp_servers: { github: { enabled: false }, files: { enabled: false } } },
    });
  });
});

describe('turnParameters', () => {
  const turn = { id: 'u', prompt: [], attempt: 1, turnIndex: 0 };

  it('wants an answer of a schema, for this turn only', () => {
    const outputSchema = { type: 'object' };
    expect(toTurnParameters({ tools: 'all' }, { ...turn, outputSchema })).toEqual({ outputSchema });
    expect(toTurnParameters({ tools: 'all' }, turn)).toEqual({});
  });

  it('keeps a thread without tools from its environment also after it was resumed', () => {
    expect(toTurnParameters({ tools: 'none' }, turn)).toEqual({ environments: [] });
  });
});
