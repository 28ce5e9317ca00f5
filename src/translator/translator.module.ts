import { Module } from '@nestjs/common';
import { TranslatorService } from './translator.service.js';

/** Gives the rest of the server its one way from harness events to Anthropic's stream. */
@Module({ providers: [TranslatorService], exports: [TranslatorService] })
export class TranslatorModule {}
