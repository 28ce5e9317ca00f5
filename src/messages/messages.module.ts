import { Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { HarnessModule } from '../harness/harness.module.js';
import { ThreadsModule } from '../threads/threads.module.js';
import { TranslatorModule } from '../translator/translator.module.js';
import { TurnsModule } from '../turns/turns.module.js';
import { AnswerService } from './response/answer.service.js';
import { AnthropicErrorFilter } from './response/anthropic-error.filter.js';
import { CallerSigns } from './caller-signs.js';
import { CountTokensController } from './count-tokens/count-tokens.controller.js';
import { MessagePlanner } from './request/message-planner.js';
import { MessagesController } from './messages.controller.js';
import { KeepAliveClock } from '../http/keep-alive-clock.js';
import { TokenCounter } from './count-tokens/token-counter.js';

/** The Messages API over HTTP. */
@Module({
  imports: [HarnessModule, ThreadsModule, TranslatorModule, TurnsModule],
  controllers: [MessagesController, CountTokensController],
  providers: [
    MessagePlanner,
    CallerSigns,
    AnswerService,
    KeepAliveClock,
    TokenCounter,
    { provide: APP_FILTER, useClass: AnthropicErrorFilter },
  ],
})
export class MessagesModule {}
