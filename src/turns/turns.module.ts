import { Module } from '@nestjs/common';
import { HarnessModule } from '../harness/harness.module.js';
import { TranslatorModule } from '../translator/translator.module.js';
import { EventPruner } from './event-pruner.js';
import { KeyLock } from './key-lock.js';
import { LeaseService } from './lease.service.js';
import { ThreadControl } from './thread-control.js';
import { TurnRunner } from './turn.runner.js';
import { TurnService } from './turn.service.js';

/** Opens, runs and recovers turns. */
@Module({
  imports: [HarnessModule, TranslatorModule],
  providers: [EventPruner, KeyLock, LeaseService, ThreadControl, TurnService, TurnRunner],
  exports: [ThreadControl, TurnService, TurnRunner],
})
export class TurnsModule {}
