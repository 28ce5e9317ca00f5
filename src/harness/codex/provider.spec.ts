import { describe, expect, it } from 'vitest';
import { openaiProvider, toBrokerSettings } from './provider.js';

const CUSTOM = `model_provider = "corp"
[model_providers.corp]
base_url = "https://llm.corp/v1/"
env_key = "CORP_KEY"
`;

const upstreamOf = (variables: Readonly<Record<string, string>>, files: Readonly<Record<string, string>> = {}) =>
  openaiProvider.toUpstream({
    variables,
    templateText: (path) => Promise.resolve(files[path]),
    templateFile: (path) => `/template/${path}`,
  });
const LOGIN_FILE = 'home/.codex/auth.json';

describe('the model provider of Codex', () => {
  it('is OpenAI’s API with the key of the deployment, or the gateway that it names', async () => {
    expect(await upstreamOf({ OPENAI_API_KEY: 'k' })).toMatchObject({
      baseUrl: 'https://api.openai.com/v1',
      headers: { authorization: 'Bearer k' },
    });
    expect((await upstreamOf({ OPENAI_API_KEY: 'k', OPENAI_BASE_URL: 'https://gw/v1/' }))?.baseUrl).toBe(
      'https://gw/v1',
    );
    const config = { 'home/.codex/config.toml': 'openai_base_url = "https://own/v1"' };
    expect((await upstreamOf({ OPENAI_API_KEY: 'k', OPENAI_BASE_URL: 'https://gw' }, config))?.baseUrl).toBe(
      'https://own/v1',
    );
  });

  it('is the one that the deployment’s config.toml chooses, with its key', async () => {
    expect(await upstreamOf({ CORP_KEY: 'c' }, { 'home/.codex/config.toml': CUSTOM })).toMatchObject({
      baseUrl: 'https://llm.corp/v1',
      headers: { authorization: 'Bearer c' },
    });
  });

  it('is the broker for agents, which have its token in the place of the key, under whatever name that was', async () => {
    const upstream = await upstreamOf({ CORP_KEY: 'c' }, { 'home/.codex/config.toml': CUSTOM });
    if (upstream === undefined) throw new Error('the broker does not serve it');
    const access = { url: 'http://broker', proxyUrl: 'http://broker', token: 'placeholder' };
    expect(
      openaiProvider.mask({ CORP_KEY: 'c', THE_SAME: 'c', OTHER: 'o', OPENAI_API_KEY: 'k' }, access, upstream),
    ).toEqual({
      OTHER: 'o',
      OPENAI_BASE_URL: 'http://broker/openai',
      OPENAI_API_KEY: 'placeholder',
    });
    const corp = 'model_providers.corp';
    const withToken = [`${corp}.base_url="http://broker/openai"`, `${corp}.env_key="OPENAI_API_KEY"`];
    const settingsOf = (config: string) => toBrokerSettings(config, 'http://broker/openai');
    expect(settingsOf(CUSTOM)).toEqual(withToken);
    expect(settingsOf(CUSTOM.replace('env_key = "CORP_KEY"', ''))).toEqual(withToken);
    expect(settingsOf(CUSTOM.replace('env_key = "CORP_KEY"', 'requires_openai_auth = true'))).toEqual([withToken[0]]);
    expect(settingsOf('not = [TOML')).toEqual(['openai_base_url="http://broker/openai"']);
  });

  it.each([{ auth_mode: 'chatgpt' }, {}])('is ChatGPT’s with a login of the template: %j', async (mode) => {
    const tokens = { id_token: 'it', access_token: 'at', refresh_token: 'rt', account_id: 'ac' };
    const text = JSON.stringify({ ...mode, OPENAI_API_KEY: null, tokens });
    const upstream = await upstreamOf({ OPENAI_API_KEY: 'k' }, { [LOGIN_FILE]: text });
    expect(upstream).toMatchObject({
      baseUrl: 'https://chatgpt.com/backend-api/codex',
      headers: {},
      login: {
        file: `/template/${LOGIN_FILE}`,
        accessToken: ['tokens', 'access_token'],
        headers: { 'chatgpt-account-id': ['tokens', 'account_id'] },
        renewal: { url: 'https://auth.openai.com/oauth/token', form: { client_id: 'app_EMoamEEZ73f0CkXaXp7hrann' } },
      },
    });
    expect(JSON.stringify(upstream)).not.toMatch(/"(?:it|at|rt|ac|k)"/);
  });

  it('is OpenAI’s API with a key that the template is logged in with', async () => {
    const upstream = await upstreamOf({}, { [LOGIN_FILE]: '{"OPENAI_API_KEY":"sk-own"}' });
    expect(upstream).toMatchObject({ baseUrl: 'https://api.openai.com/v1', headers: {} });
    expect(upstream?.login).toEqual({
      program: 'Codex',
      file: `/template/${LOGIN_FILE}`,
      accessToken: ['OPENAI_API_KEY'],
    });
  });

  it('gets the login where the deployment’s own provider wants one', async () => {
    const config = CUSTOM.replace('env_key = "CORP_KEY"', 'requires_openai_auth = true');
    const files = { 'home/.codex/config.toml': config, [LOGIN_FILE]: '{"OPENAI_API_KEY":"sk-own"}' };
    expect(await upstreamOf({}, files)).toMatchObject({
      baseUrl: 'https://llm.corp/v1',
      login: { accessToken: ['OPENAI_API_KEY'] },
    });
  });

  it('is an API of the deployment that needs no key', async () => {
    const own = { baseUrl: 'http://10.0.0.5/v1', headers: {} };
    expect(await upstreamOf({ OPENAI_BASE_URL: 'http://10.0.0.5/v1' })).toMatchObject(own);
    const config = { 'home/.codex/config.toml': 'openai_base_url = "http://10.0.0.5/v1"' };
    expect(await upstreamOf({}, config)).toMatchObject(own);
    expect(await upstreamOf({}, { ...config, 'home/.codex/auth.json': '{}' })).toBeUndefined();
  });

  it('is left to Codex without a key and an address, and with a login of another kind', async () => {
    expect(await upstreamOf({})).toBeUndefined();
    expect(await upstreamOf({ OPENAI_API_KEY: 'k' }, { [LOGIN_FILE]: '{}' })).toBeUndefined();
    const agentIdentity = '{"auth_mode":"agentIdentity","agent_identity":"x"}';
    expect(await upstreamOf({ OPENAI_API_KEY: 'k' }, { [LOGIN_FILE]: agentIdentity })).toBeUndefined();
    expect(await upstreamOf({}, { 'home/.codex/config.toml': 'model_provider = "none"' })).toBeUndefined();
  });
});
