import { Module } from '@nestjs/common';
import { ConsoleController } from './console.controller.js';
import { PageFiles } from './page-files.js';

/** The console: a page at `/console` that uses the server's own API with the key of whoever opens it. */
@Module({ controllers: [ConsoleController], providers: [PageFiles] })
export class ConsoleModule {}
