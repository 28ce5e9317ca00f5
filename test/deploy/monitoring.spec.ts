import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { startServer, type RunningServer } from '../support/running-server.js';
import { readCompose, serversOf } from './support/compose.js';

const FOLDER = new URL('../../deploy/helm/chiron/monitoring/', import.meta.url);
const ALERTS = readFileSync(new URL('alerts.yaml', FOLDER), 'utf8');
const DASHBOARD = readFileSync(new URL('dashboard.json', FOLDER), 'utf8');
const PAGE = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');

interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly alert: string; readonly expr: string }[] }[];
}

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
}

interface Answer {
  readonly status: string;
  readonly error?: string;
  readonly data?: { readonly result: readonly unknown[] };
}

const rules = (parse(ALERTS) as Rules).groups.flatMap((group) => group.rules);
const queries = [
  ...rules.map(({ expr }) => expr),
  ...(JSON.parse(DASHBOARD) as Dashboard).panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
];

/** As Grafana fills them in. */
const filled = (query: string): string => query.replaceAll('$job', 'chiron').replaceAll('$__rate_interval', '5m');

let server: RunningServer;

beforeAll(async () => {
  server = await startServer({ CHIRON_DEFAULT_HARNESS: 'demo' });
});

afterAll(async () => {
  await server.stop();
});

const DEPLOY = new URL('../../deploy/', import.meta.url);

describe('Prometheus of the compose file', () => {
  it('reads every server of the cluster, on the port that serves metrics, and gets files that are there', () => {
    const compose = readCompose('compose.yaml');
    const servers = serversOf(compose);
    const text = readFileSync(new URL('compose/prometheus.yaml', DEPLOY), 'utf8');
    const { scrape_configs: jobs } = parse(text) as {
      readonly scrape_configs: readonly [{ job_name: string; static_configs: readonly [{ targets: string[] }] }];
    };
    const ports = servers.map(({ name, service }) => `${name}:${service.environment['CHIRON_METRICS_PORT']}`);
    expect(jobs[0].job_name).toBe('chiron');
    expect(jobs[0].static_configs[0].targets.toSorted()).toEqual(ports.toSorted());
    for (const name of ['prometheus', 'grafana']) {
      const files = compose.services[name]?.volumes?.filter((volume) => volume.startsWith('./')) ?? [];
      expect(files.length).toBeGreaterThan(1);
      const missing = files.filter((file) => !existsSync(new URL(file.split(':')[0] ?? '', DEPLOY)));
      expect(missing).toEqual([]);
    }
  });
});

describe('the alerts and the dashboard', () => {
  it('name metrics that the server has, and so does the page', async () => {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    const known = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
    expect(known.size).toBeGreaterThan(15);
    const named = `${queries.join('\n')}\n${PAGE}`.matchAll(/\b(?:chiron|process)_[a-z_]+[a-z]\b/g);
    const unknown = [...named].map(([name]) => name.replace(/_bucket$/, '')).filter((name) => !known.has(name));
    expect([...new Set(unknown)]).toEqual([]);
  });

  it('are explained on the page, each alert once', () => {
    const inPage = [...PAGE.matchAll(/^\| `(Chiron\w+)`/gm)].map(([, name]) => name);
    expect(inPage).toEqual(rules.map(({ alert }) => alert));
  });
});

const hasPrometheus = spawnSync('prometheus', ['--version']).status === 0;
if (!hasPrometheus) console.log('Skipped: the queries are not run, as there is no prometheus (a package of Debian).');

describe.skipIf(!hasPrometheus)('Prometheus', () => {
  const folder = mkdtempSync(join(tmpdir(), 'chiron-prometheus-'));
  let program: ReturnType<typeof spawn>;
  let url: string;

  beforeAll(async () => {
    const config = join(folder, 'prometheus.yml');
    const target = new URL(server.url).host;
    writeFileSync(join(folder, 'alerts.yaml'), ALERTS);
    writeFileSync(
      config,
      JSON.stringify({
        global: { scrape_interval: '1s', evaluation_interval: '1s' },
        rule_files: ['alerts.yaml'],
        scrape_configs: [{ job_name: 'chiron', static_configs: [{ targets: [target] }] }],
      }),
    );
    const options = [
      `--config.file=${config}`,
      `--storage.tsdb.path=${folder}/data`,
      '--web.listen-address=127.0.0.1:0',
    ];
    program = spawn('prometheus', options, { stdio: ['ignore', 'ignore', 'pipe'] });
    url = await new Promise<string>((resolve, reject) => {
      let printed = '';
      program.once('exit', () => reject(new Error(`prometheus ended: ${printed}`)));
      program.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
        printed += chunk;
        const address = /msg="Listening on" address=(\S+)/.exec(printed)?.[1];
        if (address !== undefined) resolve(`http://${address}`);
      });
    });
  });

  afterAll(async () => {
    program.removeAllListeners('exit');
    const ended = new Promise((resolve) => program.once('exit', resolve));
    program.kill();
    await ended;
    rmSync(folder, { recursive: true });
  });

  const query = async (text: string): Promise<Answer> =>
    (await (await fetch(`${url}/api/v1/query?query=${encodeURIComponent(filled(text))}`)).json()) as Answer;

  it('reads the server, and understands every query', async () => {
    await expect
      .poll(async () => (await query('up{job="chiron"} == 1')).data?.result.length, { timeout: 30_000 })
      .toBe(1);
    for (const text of queries) expect({ text, ...(await query(text)) }).toMatchObject({ text, status: 'success' });
    expect((await query('chiron_turn_slots')).data?.result).toHaveLength(1);
  });

  it('has all rules, and none of them fires for a server that works', async () => {
    const answer = (await (await fetch(`${url}/api/v1/rules`)).json()) as {
      data: { groups: { rules: { name: string; health: string; state: string }[] }[] };
    };
    const loaded = answer.data.groups.flatMap((group) => group.rules);
    expect(loaded.map(({ name }) => name)).toEqual(rules.map(({ alert }) => alert));
    await expect
      .poll(
        async () => {
          const again = (await (await fetch(`${url}/api/v1/rules`)).json()) as typeof answer;
          return new Set(again.data.groups.flatMap((group) => group.rules.map(({ health }) => health)));
        },
        { timeout: 30_000 },
      )
      .toEqual(new Set(['ok']));
    expect(loaded.filter(({ state }) => state === 'firing')).toEqual([]);
  });
});
