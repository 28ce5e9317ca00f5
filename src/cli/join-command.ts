import { type Command, Option } from 'commander';
import type { JoinOptions } from './join/join.js';

/** Adds the command that goes on with a thread on the machine of its user. It works on a server anywhere. */
export function addJoinCommand(program: Command): void {
  program
    .command('join')
    .description('go on with a thread in Claude Code or Codex on this machine, with the whole conversation')
    .argument('<thread-key>', 'as the server names it: slack:C1:17.2')
    .addOption(
      new Option('-c, --client <name>', 'by default the one of the thread’s agent').choices(['claude', 'codex']),
    )
    .option('-u, --url <address>', 'the server; else CHIRON_URL, ANTHROPIC_BASE_URL, OPENAI_BASE_URL, or this machine')
    .option('-k, --key <key>', 'the key; better in CHIRON_API_KEY, which other programs do not see')
    .option('--wait', 'if a turn of the thread is running, wait for its end')
    .option('--print', 'write the conversation, and print only the line that starts the client on it')
    .option('--no-start', 'write the conversation, and say where it is and how to start')
    .addHelpText(
      'after',
      '\nExit codes: 3 the server does not answer, 4 it refuses the key, 5 it has no such thread, 6 a turn is running, 7 the client is not installed; else that of the client. See docs/handover.md.',
    )
    .action(async (key: string, options: JoinOptions) => {
      const { joinThread } = await import('./join/join.js');
      process.exitCode = await joinThread(key, options);
    });
}
