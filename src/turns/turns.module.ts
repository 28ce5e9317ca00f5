import { Module } from '@nestjs/common';
import { HarnessModule } from '../harness/harness.module.js';
import { EventPruner } from './cleanup/event-pruner.js';
import { HistoryMatcher } from './history/history-matcher.js';
import { HistoryService } from './history/history.service.js';
import { ThreadForker } from './history/thread-forker.js';
import { KeyLock } from './key-lock.js';
import { ConversationFinder } from './matching/conversation-finder.js';
import { LeaseService } from './running/lease.service.js';
import { MessageThreads } from './matching/message-threads.js';
import { OpeningFactsReader } from './matching/opening-facts.js';
import { TurnCallers } from './matching/turn-callers.js';
import { SideThreadRemover } from './cleanup/side-thread-remover.js';
import { ThreadRetention } from './cleanup/thread-retention.js';
import { ThreadControl } from './thread-control.js';
import { ThreadMemory } from './memory/thread-memory.js';
import { TurnMcpServers } from './running/input/turn-mcp-servers.js';
import { TurnRunner } from './running/turn.runner.js';
import { RequestSteering } from './steering/request-steering.js';
import { TurnSteering } from './steering/turn-steering.js';
import { TurnService } from './turn.service.js';

/** Opens, runs and recovers turns. */
@Module({
  imports: [HarnessModule],
  providers: [
    EventPruner,
    HistoryMatcher,
    HistoryService,
    KeyLock,
    ConversationFinder,
    LeaseService,
    MessageThreads,
    OpeningFactsReader,
    TurnCallers,
    TurnMcpServers,
    SideThreadRemover,
    ThreadRetention,
    ThreadControl,
    ThreadForker,
    ThreadMemory,
    TurnService,
    TurnSteering,
    RequestSteering,
    TurnRunner,
  ],
  exports: [MessageThreads, ThreadControl, TurnService, TurnSteering, TurnRunner],
})
export class TurnsModule {}
