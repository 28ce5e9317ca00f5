import { Module } from '@nestjs/common';
import { ThreadResolver } from './thread.resolver.js';

/** Which thread a request means. */
@Module({ providers: [ThreadResolver], exports: [ThreadResolver] })
export class ThreadsModule {}
