import { Module } from '@nestjs/common';
import { HarnessModule } from '../harness/harness.module.js';
import { TranslatorModule } from '../translator/translator.module.js';
import { EventPruner } from './event-pruner.js';
import { KeyLock } from './key-lock.js';
import { KnownConversations } from './known-conversations.js';
import { LeaseService } from './lease.service.js';
import { MessageThreads } from './message-threads.js';
import { SameTurns } from './same-turns.js';
import { SideThreadRemover } from './side-thread-remover.js';
import { ThreadControl } from './thread-control.js';
import { ThreadMemory } from './thread-memory.js';
import { TurnRunner } from './turn.runner.js';
import { TurnService } from './turn.service.js';

/** Opens, runs and recovers turns. */
@Module({
  imports: [HarnessModule, TranslatorModule],
  providers: [
    EventPruner,
    KeyLock,
    KnownConversations,
    LeaseService,
    MessageThreads,
    SameTurns,
    SideThreadRemover,
    ThreadControl,
    ThreadMemory,
    TurnService,
    TurnRunner,
  ],
  exports: [MessageThreads, ThreadControl, TurnService, TurnRunner],
})
export class TurnsModule {}
