import { Controller, Delete, Get, HttpCode, Param, Post, Query, Req, UseFilters } from '@nestjs/common';
import type { Request } from 'express';
import { readActor } from '../auth/actor.js';
import { CurrentPrincipal, type Principal } from '../auth/principal.js';
import { readJsonBody } from '../http/read-body.js';
import { noteThread, noteTurn } from '../http/request-facts.js';
import { ThreadStore } from '../storage/stores/thread.store.js';
import { toAnsweredModel } from '../turns/answered-model.js';
import { TurnStore } from '../storage/stores/turn.store.js';
import { UsageStore } from '../storage/stores/usage.store.js';
import { ThreadControl } from '../turns/thread-control.js';
import { parseChatDestination } from './dto/chat-destination.js';
import { encodeCursor } from './dto/cursor.js';
import { parseHistoryQuery } from './dto/history-query.js';
import { parseListQuery } from './dto/list-query.js';
import { SessionHistoryService } from './history/session-history.service.js';
import { SessionErrorFilter } from './session-error.filter.js';
import { toSessionMetadata, type SessionView, toTurnView, toTurnWithMessageView } from './dto/session-views.js';
import { SessionService } from './session.service.js';
import {
  CreateSessionDocs,
  DeleteSessionDocs,
  GetHistoryDocs,
  GetSessionDocs,
  GetTurnDocs,
  ListSessionsDocs,
} from './session.docs.js';
import { ThreadKeyPipe } from './thread-key.pipe.js';

/** How many of its last turns a session includes. */
const LAST_TURNS = 10;

/** Sessions, which are threads: centaur's create-or-get, and the list, get and delete routes that its API lacks. */
@Controller('api')
@UseFilters(SessionErrorFilter)
export class SessionsController {
  constructor(
    private readonly sessions: SessionService,
    private readonly threads: ThreadStore,
    private readonly turns: TurnStore,
    private readonly histories: SessionHistoryService,
    private readonly control: ThreadControl,
    private readonly usage: UsageStore,
  ) {}

  /** Lists the tenant's threads of both APIs, last changed first. */
  @Get('sessions')
  @ListSessionsDocs()
  async list(@CurrentPrincipal() { tenant }: Principal, @Query() query: unknown): Promise<object> {
    const { limit, before, search } = parseListQuery(query);
    // One more than the page, to detect whether there is a next one.
    const threads = await this.threads.list(tenant, {
      limit: limit + 1,
      ...(before === undefined ? {} : { before }),
      ...(search === undefined ? {} : { search }),
    });
    const page = threads.slice(0, limit);
    const last = threads.length > limit ? page.at(-1) : undefined;
    const sessions = page.map((thread) => this.sessions.view(thread));
    return { ok: true, sessions, next_cursor: last === undefined ? null : encodeCursor(last) };
  }

  @Post('session/:threadKey')
  @HttpCode(200)
  @CreateSessionDocs()
  async create(
    @CurrentPrincipal() principal: Principal,
    @Param('threadKey', ThreadKeyPipe) key: string,
    @Req() request: Request,
  ): Promise<SessionView & { readonly harness_switched: boolean }> {
    const { thread, switched } = await this.sessions.create(principal, key, await readJsonBody(request));
    noteThread(request, thread);
    return { ...this.sessions.view(thread), harness_switched: switched };
  }

  @Get('session/:threadKey')
  @GetSessionDocs()
  async get(
    @CurrentPrincipal() { tenant }: Principal,
    @Param('threadKey', ThreadKeyPipe) key: string,
    @Req() request: Request,
  ): Promise<object> {
    const thread = noteThread(request, await this.sessions.thread(tenant, key));
    const turns = await this.turns.lastTurns(thread.id, LAST_TURNS);
    const used = await this.usage.ofTurns(turns.map(({ id }) => id));
    return {
      ok: true,
      ...this.sessions.view(thread),
      ...parseChatDestination(thread.key),
      metadata: toSessionMetadata(thread),
      model: toAnsweredModel(thread),
      turn_count: thread.turnCount,
      turns: turns.map((turn) => toTurnView(thread, turn, used.get(turn.id))),
      waiting_calls: await this.sessions.waitingCalls(thread),
    };
  }

  @Get('session/:threadKey/turns/:turnId')
  @GetTurnDocs()
  async turn(
    @CurrentPrincipal() { tenant }: Principal,
    @Param('threadKey', ThreadKeyPipe) key: string,
    @Param('turnId') turnId: string,
    @Req() request: Request,
  ): Promise<object> {
    const thread = noteThread(request, await this.sessions.thread(tenant, key));
    const turn = noteTurn(request, await this.sessions.turn(thread, turnId));
    const used = await this.usage.ofTurns([turn.id]);
    return toTurnWithMessageView(thread, turn, used.get(turn.id));
  }

  /** Reads the conversation of all clients of the thread, page by page from its end: what a client needs to go on with it. */
  @Get('session/:threadKey/history')
  @GetHistoryDocs()
  async history(
    @CurrentPrincipal() { tenant }: Principal,
    @Param('threadKey', ThreadKeyPipe) key: string,
    @Query() query: unknown,
    @Req() request: Request,
  ): Promise<object> {
    const page = parseHistoryQuery(query);
    const thread = noteThread(request, await this.sessions.thread(tenant, key));
    return { ok: true, thread_key: thread.key, ...(await this.histories.read(thread, page)) };
  }

  /** Interrupts the thread's turn, ends its process, and removes its folders, its turns and the thread. */
  @Delete('session/:threadKey')
  @DeleteSessionDocs()
  async remove(
    @CurrentPrincipal() principal: Principal,
    @Param('threadKey', ThreadKeyPipe) key: string,
    @Req() request: Request,
  ): Promise<object> {
    const thread = noteThread(request, await this.sessions.thread(principal.tenant, key));
    await this.control.remove(thread, readActor(principal));
    return { ok: true, deleted: true, thread_key: thread.key };
  }
}
