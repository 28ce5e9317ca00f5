import type { HarnessDefinition } from '../definition.js';
import { DemoHarness } from './demo.harness.js';

/** The demo agent: needs neither a model nor a program. */
export const demo: HarnessDefinition = {
  name: 'demo',
  displayName: 'Demo agent',
  sessionType: 'demo',
  modelVariable: 'CLAUDE_MODEL',
  isDemo: true,
  create: ({ sandbox }) => new DemoHarness(sandbox),
};
