import { Command } from 'commander';
import { VERSION } from '../version.js';
import { addAdminCommands } from './admin-commands.js';
import { addJoinCommand } from './join-command.js';
import { addThreadsCommand } from './threads-command.js';
import { addUsageCommand } from './usage-command.js';

/** The commands of the program `chiron`. Commander answers `--help`, `--version` and mistakes, and ends the process then. */
export function buildProgram(): Command {
  const program = new Command('chiron')
    .description('An Anthropic Messages API in front of durable threads of coding agents.')
    .version(VERSION, '-v, --version')
    .addHelpText(
      'after',
      '\nSettings are variables of the environment, or of a file .env in the folder: see docs/configuration.md.',
    );
  program
    .command('start', { isDefault: true })
    .description('start the server (what `chiron` alone does)')
    .action(async () => {
      await import('../main.js');
    });
  program
    .command('migrate')
    .description('bring the schema of the store to this version, and end; a server does it as it starts')
    .action(async () => {
      const { migrateStore } = await import('../start/migrate.js');
      process.stdout.write(`${await migrateStore()}\n`);
    });
  program
    .command('doctor')
    .description('look at what works here and what does not: settings, store, disk, sandbox, agents')
    .option('--online', 'also ask whether the addresses of the providers answer, without a key')
    .option('--json', 'print one JSON value')
    .action(async ({ json, online }: { readonly json?: boolean; readonly online?: boolean }) => {
      const { examine } = await import('../start/doctor/examine.js');
      const { isHealthy, renderFindings } = await import('../start/doctor/finding.js');
      const findings = await examine({ online: online === true });
      const isOk = isHealthy(findings);
      const text = json === true ? JSON.stringify({ ok: isOk, findings }, undefined, 2) : renderFindings(findings);
      process.stdout.write(`${text}\n`);
      if (!isOk) process.exitCode = 1;
    });
  program
    .command('agents')
    .description('the agents that the server runs')
    .command('install')
    .description('install agents from npm, at the versions that this Chiron is tested with')
    .argument('<agents...>', 'claude-code, codex; another version of one as codex@0.169.0')
    .option('-d, --directory <folder>', 'where to; else CHIRON_AGENTS_DIR, or the folder agents in the data folder')
    .action(async (agents: readonly string[], { directory }: { readonly directory?: string }) => {
      const { installAgents } = await import('./install-agents.js');
      await installAgents(agents, directory, (line) => process.stdout.write(`${line}\n`));
    });
  addAdminCommands(program);
  addThreadsCommand(program);
  addUsageCommand(program);
  addJoinCommand(program);
  return program;
}
