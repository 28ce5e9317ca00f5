import { Module } from '@nestjs/common';
import { TranslatorService } from './translator.service.js';

/** Translates harness events into Anthropic's stream events, for the Messages API. */
@Module({ providers: [TranslatorService], exports: [TranslatorService] })
export class TranslatorModule {}
