// Run by `npm version`: package.json is where the version stands, and the chart and the changelog follow it.
import { readFileSync, writeFileSync } from 'node:fs';

const CHART = 'deploy/helm/chiron/Chart.yaml';
const CHANGELOG = 'CHANGELOG.md';
const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
const chart = readFileSync(CHART, 'utf8')
  .replace(/^version: .*$/m, `version: ${version}`)
  .replace(/^appVersion: .*$/m, `appVersion: '${version}'`);
writeFileSync(CHART, chart);

// What was unreleased is of this version now.
const changelog = readFileSync(CHANGELOG, 'utf8');
if (!changelog.includes(`## [${version}]`)) {
  const today = new Date().toISOString().slice(0, 10);
  writeFileSync(CHANGELOG, changelog.replace('## [Unreleased]', `## [Unreleased]\n\n## [${version}] - ${today}`));
}
