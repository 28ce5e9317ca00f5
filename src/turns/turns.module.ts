import { Module } from '@nestjs/common';
import { HarnessModule } from '../harness/harness.module.js';
import { TranslatorModule } from '../translator/translator.module.js';
import { TurnRunner } from './turn.runner.js';
import { TurnService } from './turn.service.js';

/** Opens, runs and recovers turns. */
@Module({
  imports: [HarnessModule, TranslatorModule],
  providers: [TurnService, TurnRunner],
  exports: [TurnService, TurnRunner],
})
export class TurnsModule {}
