import type { JsonObject } from '../../domain/harness-event.js';

/** Where the client of a session delivers answers, as its `GET` shows it: the platform, and an object of that name with the ids. */
export interface ChatDestination extends JsonObject {
  /** `unknown` for a thread key that names no place of a chat platform. */
  readonly platform: 'slack' | 'discord' | 'teams' | 'linear' | 'github' | 'unknown';
}

/**
 * Reads the destination from a thread key. The forms and fields are those of centaur (`ThreadKey::chat_destination`, read in its source of
 * 2026-07-16), whose SDK in the sandbox asks for them. It has none for Teams, whose bot's keys have both parts in base64url.
 *
 * | key                                                       | object                                                          |
 * | --------------------------------------------------------- | --------------------------------------------------------------- |
 * | `slack:[<team>:]<channel>:<ts>`                           | `slack: {channel_id, thread_ts}`                                |
 * | `discord:<guild>:<channel>[:<thread>]`                    | `discord: {guild_id, channel_id, thread_id?}`                   |
 * | `linear:<issue>[:c:<comment>][:s:<session>]`              | `linear: {issue_id, comment_id?, agent_session_id?}`            |
 * | `github:<owner>/<repo>:<pr>[:rc:<comment>]`, `…:issue:<n>` | `github: {owner, repo, number, kind, review_comment_id?}`       |
 * | `teams:<conversation>[:<service URL>]`                    | `teams: {conversation_id, service_url?}`                        |
 */
export function parseChatDestination(key: string): ChatDestination {
  const [source = '', ...parts] = key.split(':');
  switch (source) {
    case 'slack':
      return parseSlack(parts);
    case 'discord':
      return parseDiscord(parts);
    case 'linear':
      return parseLinear(parts);
    case 'github':
      return parseGithub(parts);
    case 'teams':
      return parseTeams(parts);
    default:
      return UNKNOWN;
  }
}

const UNKNOWN: ChatDestination = { platform: 'unknown' };

function parseSlack(parts: readonly string[]): ChatDestination {
  const [channel = '', thread = ''] = parts.slice(-2);
  if (parts.length < 2 || parts.length > 3 || channel === '' || thread === '') return UNKNOWN;
  return { platform: 'slack', slack: { channel_id: channel, thread_ts: thread } };
}

function parseDiscord(parts: readonly string[]): ChatDestination {
  const [guild = '', channel = '', thread = ''] = parts.map((part) => part.trim());
  if (guild === '' || channel === '') return UNKNOWN;
  const ids = { guild_id: guild, channel_id: channel, ...(thread === '' ? {} : { thread_id: thread }) };
  return { platform: 'discord', discord: ids };
}

function parseTeams(parts: readonly string[]): ChatDestination {
  const [conversation = '', service = ''] = parts.map((part) => Buffer.from(part, 'base64url').toString('utf8'));
  if (parts.length > 2 || conversation === '') return UNKNOWN;
  const ids = { conversation_id: conversation, ...(service === '' ? {} : { service_url: service }) };
  return { platform: 'teams', teams: ids };
}

function parseLinear(parts: readonly string[]): ChatDestination {
  const [, issue, , comment = '', , session = ''] = /^([^:]+)(:c:([^:]*))?(:s:([^:]*))?$/.exec(parts.join(':')) ?? [];
  if (issue === undefined) return UNKNOWN;
  const ids = {
    issue_id: issue,
    ...(comment === '' ? {} : { comment_id: comment }),
    ...(session === '' ? {} : { agent_session_id: session }),
  };
  return { platform: 'linear', linear: ids };
}

function parseGithub(parts: readonly string[]): ChatDestination {
  const [, owner, repo, issue, pullRequest, comment] =
    /^([^/:]+)\/([^/:]+):(?:issue:(\d{1,15})|(\d{1,15})(?::rc:(\d{1,15}))?)$/.exec(parts.join(':')) ?? [];
  if (owner === undefined || repo === undefined) return UNKNOWN;
  const github = {
    owner,
    repo,
    number: Number(issue ?? pullRequest),
    kind: issue === undefined ? 'pr' : 'issue',
    ...(comment === undefined ? {} : { review_comment_id: Number(comment) }),
  };
  return { platform: 'github', github };
}
