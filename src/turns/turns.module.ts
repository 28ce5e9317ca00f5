import { Module } from '@nestjs/common';
import { HarnessModule } from '../harness/harness.module.js';
import { TranslatorModule } from '../translator/translator.module.js';
import { KeyLock } from './key-lock.js';
import { ThreadControl } from './thread-control.js';
import { TurnRunner } from './turn.runner.js';
import { TurnService } from './turn.service.js';

/** Opens, runs and recovers turns. */
@Module({
  imports: [HarnessModule, TranslatorModule],
  providers: [KeyLock, ThreadControl, TurnService, TurnRunner],
  exports: [ThreadControl, TurnService, TurnRunner],
})
export class TurnsModule {}
