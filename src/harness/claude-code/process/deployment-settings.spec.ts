import { describe, expect, it } from 'vitest';
import { mergeDeploymentSettings } from './deployment-settings.js';

const of = (templates: Readonly<Record<string, unknown>>) =>
  mergeDeploymentSettings({
    templateText: async (path) => {
      const value = templates[path];
      return value === undefined || typeof value === 'string' ? value : JSON.stringify(value);
    },
  });
const OFF = { 'cc-plugin-agents-md@builtin': false };

describe(mergeDeploymentSettings.name, () => {
  it('has only what is always set where there are no templates, or they cannot be read', async () => {
    const none = { settings: { env: {}, enabledPlugins: OFF }, mcpServers: {}, remembered: {} };
    expect(await of({})).toEqual(none);
    expect(await of({ 'home/.claude/settings.json': '{"env":', 'workspace/.mcp.json': '[]' })).toEqual(none);
  });

  it('joins the settings in the order in which Claude Code has them win', async () => {
    const { settings } = await of({
      'home/.claude/.claude.json': { env: { A: 'remembered', B: 'remembered' } },
      'home/.claude/settings.json': {
        env: { B: 'home', C: 'home' },
        model: 'opus',
        permissions: { deny: ['WebFetch'] },
      },
      'workspace/.claude/settings.json': {
        env: { C: 'workspace', D: 'workspace' },
        permissions: { deny: ['Bash(rm *)'] },
      },
      'workspace/.claude/settings.local.json': { env: { D: 'local' }, enabledPlugins: { 'mine@there': true } },
    });
    expect(settings).toEqual({
      env: { A: 'remembered', B: 'home', C: 'workspace', D: 'local' },
      model: 'opus',
      permissions: { deny: ['WebFetch', 'Bash(rm *)'] },
      enabledPlugins: { 'mine@there': true, ...OFF },
    });
  });

  it('has the servers of tools of the home and of the workspace, but for those that are off', async () => {
    const { mcpServers, remembered } = await of({
      'home/.claude/.claude.json': { mcpServers: { a: { command: 'a' } }, hasCompletedOnboarding: true },
      'workspace/.mcp.json': { mcpServers: { b: { command: 'b' }, c: { command: 'c' } } },
      'workspace/.claude/settings.json': { disabledMcpjsonServers: ['c'] },
    });
    expect(mcpServers).toEqual({ a: { command: 'a' }, b: { command: 'b' } });
    expect(remembered).toEqual({ hasCompletedOnboarding: true });
  });
});
