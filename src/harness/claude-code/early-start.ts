import type { EarlyStart, HarnessThread } from '../harness.js';
import { loadInstructions } from '../instructions.js';
import { findAddedVariables } from '../spares/added-variables.js';
import type { ClaudeProcess } from './process/claude-process.js';
import { mergeDeploymentSettings } from './process/deployment-settings.js';
import { type EarlyProcess, fitsEarly, settingsAllowSpares, toBindingRequests } from './process/early-process.js';
import { buildCommand, prepareFiles, type ProcessTools } from './process/prepare-command.js';
import { type ProcessSetup, toProcessSetup } from './process/process-setup.js';
import { planEarlyStart, type StartPlan, toEarlyPlan } from './process/start-plan.js';

/** The setup of a turn that needs nothing at the start of its process. */
const PLAIN: ProcessSetup = toProcessSetup({});

/** Starts the process of a session before its first turn, and hands it over to the turn if it fits. */
export class ClaudeEarlyStart {
  #started: EarlyProcess | undefined;
  /** Settles once {@link start} has started a process, or has not. */
  #starting: Promise<unknown> = Promise.resolve();
  #isStarting = false;
  /** The variables of the process. */
  #startedWith: Readonly<Record<string, string>> = {};
  #isStopped = false;
  #onGone: (() => void) | undefined;

  /** @param newProcess makes a process, which is not started yet */
  constructor(
    private readonly tools: ProcessTools,
    private readonly newProcess: (setup: ProcessSetup) => ClaudeProcess,
  ) {}

  /** Starts the process. Resolves to `undefined` if there can be none. Rejects when the thread's files cannot be read or written. */
  start(thread: HarnessThread, sessionId: string | undefined): Promise<EarlyStart | undefined> {
    this.#isStarting = true;
    const starting = this.#start(thread, sessionId).finally(() => (this.#isStarting = false));
    this.#starting = starting.catch(() => undefined);
    return starting;
  }

  async #start(thread: HarnessThread, sessionId: string | undefined): Promise<EarlyStart | undefined> {
    const { sandbox, supportsClientComposed } = this.tools;
    // An older version was not seen to take its thread late.
    if (!supportsClientComposed || (thread.isSpare === true && !(await this.#allowsSpares(thread)))) return undefined;
    const conversation = await planEarlyStart(thread, sessionId);
    if (conversation === undefined) return undefined;
    const files = await prepareFiles(thread, this.tools);
    if (this.#isStopped) return undefined;
    const process = this.newProcess(PLAIN);
    const gone = new Promise<void>((resolve) => (this.#onGone = resolve));
    this.#startedWith = thread.env;
    this.#started = { process, conversation, isSpare: thread.isSpare === true };
    process.start(sandbox, buildCommand(thread, toEarlyPlan(conversation), PLAIN, files, this.tools));
    return { gone };
  }

  /**
   * Returns the process for a turn, which can be written to. `undefined` if there is none, or none that fits: it has ended then, and the turn starts
   * another one.
   *
   * @param onRefused called if the process does not take its thread; see `ClaudeProcess.bind`
   */
  async take(
    thread: HarnessThread,
    plan: StartPlan,
    setup: ProcessSetup,
    onRefused: (process: ClaudeProcess) => void,
  ): Promise<ClaudeProcess | undefined> {
    await this.#starting;
    const early = this.#started;
    if (early === undefined) return undefined;
    if (fitsEarly(early, plan, setup, PLAIN.key) && (!early.isSpare || (await this.#bind(early, thread, onRefused)))) {
      // Gone meanwhile: its exit came here.
      if (this.#started !== early) return undefined;
      this.#started = undefined;
      return early.process;
    }
    await this.#discard();
    return undefined;
  }

  /** Whether there is a process, or will be. */
  get isAhead(): boolean {
    return this.#started !== undefined || this.#isStarting;
  }

  /** Whether an exit was that of the process that no turn uses yet. */
  noteExit(process: ClaudeProcess): boolean {
    if (this.#started?.process !== process) return false;
    this.#started = undefined;
    this.#onGone?.();
    return true;
  }

  /** Stops the process. Resolves when it has exited. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#starting;
    await this.#discard();
  }

  async #discard(): Promise<void> {
    const early = this.#started;
    this.#started = undefined;
    await early?.process.discard();
    this.#onGone?.();
  }

  async #bind(
    { process }: EarlyProcess,
    thread: HarnessThread,
    onRefused: (process: ClaudeProcess) => void,
  ): Promise<boolean> {
    const variables = findAddedVariables(this.#startedWith, thread);
    if (variables === undefined) return false;
    const instructions = await loadInstructions(thread, this.tools.logger);
    process.bind(toBindingRequests({ model: thread.model, instructions, variables }), () => onRefused(process));
    return true;
  }

  async #allowsSpares({ workspaceTemplate }: HarnessThread): Promise<boolean> {
    const { sandbox } = this.tools;
    const { settings, mcpServers } = await mergeDeploymentSettings({
      templateText: (path) => sandbox.templateText(path, workspaceTemplate),
    });
    return settingsAllowSpares(settings, mcpServers);
  }
}
