import { Module } from '@nestjs/common';
import { ThreadResolver } from './thread.resolver.js';

/** Resolves requests to threads. */
@Module({ providers: [ThreadResolver], exports: [ThreadResolver] })
export class ThreadsModule {}
