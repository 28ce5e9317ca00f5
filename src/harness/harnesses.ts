import { claudeCode } from './claude-code/definition.js';
import { codex } from './codex/definition.js';
import type { Harnesses } from './definition.js';
import { demo } from './demo/definition.js';
import { pi } from './pi/definition.js';

/** The harnesses of this version. To add one, add its folder and an entry here. */
export const HARNESSES: Harnesses = [claudeCode, codex, pi, demo];
