import { buildEnvironment } from '../environment.js';
import { HostSandbox, type LaunchRequest } from '../host/host.sandbox.js';
import type { HostLaunch } from '../host/host.process.js';

/** Runs the threads' programs as the server's user: folders, environment and lifetime are kept apart, rights are not. */
export class LocalSandbox extends HostSandbox {
  readonly isolates = false;
  protected readonly countsProcesses = undefined;
  readonly description = "local: agents have the rights of the server's user";
  readonly runsAsRoot = process.getuid?.() === 0;

  protected launch({ program, args, outside, added, markers }: LaunchRequest): HostLaunch {
    return {
      program,
      args,
      workingDirectory: outside.workspace,
      environment: buildEnvironment({
        server: process.env,
        folders: outside,
        temporaryFolder: outside.temporary,
        added,
        markers,
      }),
    };
  }
}
