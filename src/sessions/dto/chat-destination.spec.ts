import { describe, expect, it } from 'vitest';
import { parseChatDestination } from './chat-destination.js';

describe(parseChatDestination.name, () => {
  it.each([
    ['slack:C1:17.2', { platform: 'slack', slack: { channel_id: 'C1', thread_ts: '17.2' } }],
    ['slack:T1:C1:17.2', { platform: 'slack', slack: { channel_id: 'C1', thread_ts: '17.2' } }],
    ['discord:111:222', { platform: 'discord', discord: { guild_id: '111', channel_id: '222' } }],
    ['discord:111:222:333', { platform: 'discord', discord: { guild_id: '111', channel_id: '222', thread_id: '333' } }],
    ['linear:ISSUE', { platform: 'linear', linear: { issue_id: 'ISSUE' } }],
    ['linear:ISSUE:c:CMT', { platform: 'linear', linear: { issue_id: 'ISSUE', comment_id: 'CMT' } }],
    ['linear:ISSUE:s:SESS', { platform: 'linear', linear: { issue_id: 'ISSUE', agent_session_id: 'SESS' } }],
    [
      'linear:ISSUE:c:CMT:s:SESS',
      { platform: 'linear', linear: { issue_id: 'ISSUE', comment_id: 'CMT', agent_session_id: 'SESS' } },
    ],
    ['github:acme/web:42', { platform: 'github', github: { owner: 'acme', repo: 'web', number: 42, kind: 'pr' } }],
    [
      'github:acme/web:42:rc:99',
      { platform: 'github', github: { owner: 'acme', repo: 'web', number: 42, kind: 'pr', review_comment_id: 99 } },
    ],
    [
      'github:acme/web:issue:7',
      { platform: 'github', github: { owner: 'acme', repo: 'web', number: 7, kind: 'issue' } },
    ],
    ['teams:MTk6YQ', { platform: 'teams', teams: { conversation_id: '19:a' } }],
    ['teams:MTk6YQ:aHR0cHM6', { platform: 'teams', teams: { conversation_id: '19:a', service_url: 'https:' } }],
  ])('reads %s', (key, destination) => {
    expect(parseChatDestination(key)).toEqual(destination);
  });

  it.each([
    'api:demo-1',
    'slack:C1',
    'slack:a:b:c:d',
    'slack::17.2',
    'discord:111:',
    'linear::c:CMT',
    'linear:ISSUE:x:1',
    'github:acme:42',
    'github:acme/web/x:42',
    'github:acme/web:issue:x',
    'teams:',
    'teams:MTk6YQ:aHR0cHM6:x',
    'github-review:acme/web:42',
  ])('finds no destination in %s', (key) => {
    expect(parseChatDestination(key)).toEqual({ platform: 'unknown' });
  });
});
