// What each of centaur's bots makes of a message of its platform: the bodies and the order of its calls.
import { type Answer, SessionApiError, type SessionClient, type StreamedEvent } from './session-client.js';

/** A file of a message. */
export interface BotAttachment {
  readonly name: string;
  readonly mimeType: string;
  readonly dataBase64: string;
}

/** A message on the bot's platform. */
export interface BotMessage {
  readonly id: string;
  readonly text: string;
  /** Whether the bot itself wrote it. */
  readonly isMe?: boolean;
  readonly attachments?: readonly BotAttachment[];
}

/** How a bot differs from the others. */
export interface BotKind {
  readonly source: string;
  readonly platform: string;
  readonly harnessType: string;
  /** The heading of the list of earlier messages, for a bot that repeats them in its input. */
  readonly contextHeading?: string;
  /** A text before every message, for a bot that tells the agent where it is. */
  readonly preamble?: (threadKey: string) => string;
}

export const SLACK: BotKind = {
  source: 'slackbotv2',
  platform: 'slack',
  harnessType: 'codex',
  contextHeading: 'Slack',
  preamble: (threadKey) => `# Slack Session Context\n\n- thread_key: ${threadKey}\n---`,
};
export const LINEAR: BotKind = { source: 'linearbot', platform: 'linear', harnessType: 'codex' };
export const GITHUB: BotKind = { source: 'githubbot', platform: 'github', harnessType: 'codex' };
export const DISCORD: BotKind = { source: 'discordbot', platform: 'discord', harnessType: 'codex' };
export const TEAMS: BotKind = {
  source: 'teamsbot',
  platform: 'msteams',
  harnessType: 'codex',
  contextHeading: 'Teams',
};

/** The longest attachment in a line; a longer one goes before it in chunks. */
const MAX_INLINE_CHARACTERS = 900 * 1024;
const CHUNK_CHARACTERS = 700 * 1024;

/** One bot in one thread of its platform. */
export class Bot {
  /** The last event that it has had. */
  lastEventId = 0;

  constructor(
    private readonly kind: BotKind,
    private readonly client: SessionClient,
    readonly threadKey: string,
    private readonly harnessType = kind.harnessType,
  ) {}

  /** Creates the session. On another harness it stays, as the bots' implicit default forces no switch. */
  async create(): Promise<void> {
    const body = {
      harness_type: this.harnessType,
      metadata: { source: this.kind.source, platform: this.kind.platform },
    };
    try {
      await this.client.create(this.threadKey, body);
    } catch (error) {
      const [, existing] = /already exists with harness_type ([\w-]+)/.exec(String(error)) ?? [];
      if (existing === undefined) throw error;
      await this.client.create(this.threadKey, { ...body, harness_type: existing });
    }
  }

  /** Appends messages of the thread, and starts nothing. */
  append(...messages: readonly BotMessage[]): Promise<Answer> {
    return this.client.append(
      this.threadKey,
      messages.map((message) => this.toSessionMessage(message)),
    );
  }

  /** Forwards a message that mentions the bot: create, append, execute. `context` is the thread so far. */
  async forward(message: BotMessage, context: readonly BotMessage[] = []): Promise<string> {
    await this.create();
    await this.append(...context, message);
    return this.execute(message, context);
  }

  /** Starts the turn of a message. Returns the execution id. */
  async execute(message: BotMessage, context: readonly BotMessage[] = [], fields: object = {}): Promise<string> {
    const execution = await this.client.execute(this.threadKey, {
      idempotency_key: message.id,
      metadata: { source: this.kind.source, platform: this.kind.platform, message_id: message.id, action: 'execute' },
      input_lines: this.toInputLines(message, context, fields),
      idle_timeout_ms: 10_800_000,
    });
    return String(execution['execution_id']);
  }

  /** Reads the execution to its end, from where the bot was. */
  async render(executionId: string, after = this.lastEventId): Promise<readonly StreamedEvent[]> {
    const events = await this.client.tail(this.threadKey, { after, executionId });
    this.lastEventId = Math.max(this.lastEventId, events.at(-1)?.id ?? 0);
    return events;
  }

  private toSessionMessage(message: BotMessage): object {
    const files = (message.attachments ?? []).map((file) => ({ ...file, attachment_type: 'file', type: 'attachment' }));
    return {
      client_message_id: message.id,
      role: message.isMe === true ? 'assistant' : 'user',
      parts: [...(message.text.trim() === '' ? [] : [{ type: 'text', text: message.text }]), ...files],
      metadata: { source: this.kind.source, platform: this.kind.platform, message_id: message.id },
    };
  }

  private toInputLines(message: BotMessage, context: readonly BotMessage[], fields: object): readonly string[] {
    const files = (message.attachments ?? []).map((file, index) => ({
      file,
      stagedAttachmentId: `att-${message.id}-${index}`,
    }));
    const isStaged = ({ file }: (typeof files)[number]): boolean => file.dataBase64.length > MAX_INLINE_CHARACTERS;
    const content = [
      ...(this.kind.preamble === undefined ? [] : [{ type: 'text', text: this.kind.preamble(this.threadKey) }]),
      ...this.toContext(context),
      ...(message.text.trim() === '' ? [] : [{ type: 'text', text: message.text }]),
      ...files.map((each) => {
        const { dataBase64, ...rest } = each.file;
        const data = isStaged(each) ? { stagedAttachmentId: each.stagedAttachmentId } : { dataBase64 };
        return { type: 'attachment', ...rest, ...data };
      }),
    ];
    const line = { type: 'user', thread_key: this.threadKey, ...fields, message: { role: 'user', content } };
    return [...files.filter(isStaged).flatMap(toChunkLines), JSON.stringify(line)];
  }

  private toContext(context: readonly BotMessage[]): readonly object[] {
    const { contextHeading } = this.kind;
    if (contextHeading === undefined || context.length === 0) return [];
    const lines = [
      `# ${contextHeading} Thread Context`,
      '',
      'Earlier messages in this thread, in chronological order:',
    ];
    for (const [index, { text }] of context.entries()) {
      lines.push('', `${index + 1}. Ada (U1):`, text.replaceAll(/^/gm, '   '));
    }
    lines.push('', '# Current Request', '', 'The user message follows in the next content block.', '---');
    return [{ type: 'text', text: lines.join('\n') }];
  }
}

function toChunkLines({
  file,
  stagedAttachmentId,
}: {
  readonly file: BotAttachment;
  readonly stagedAttachmentId: string;
}) {
  const count = Math.ceil(file.dataBase64.length / CHUNK_CHARACTERS);
  return Array.from({ length: count }, (_, index) =>
    JSON.stringify({
      type: 'attachment.chunk',
      attachmentId: stagedAttachmentId,
      name: file.name,
      mimeType: file.mimeType,
      chunkIndex: index,
      final: index === count - 1,
      dataBase64: file.dataBase64.slice(index * CHUNK_CHARACTERS, (index + 1) * CHUNK_CHARACTERS),
    }),
  );
}

/** Whether a bot would send the call again later. */
export function isRetryable(error: unknown): boolean {
  return error instanceof SessionApiError && ([408, 425, 429].includes(error.status) || error.status >= 500);
}
