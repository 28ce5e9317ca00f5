import { Injectable } from '@nestjs/common';
import type { Request } from 'express';
import type { Principal } from '../auth/principal.js';
import type { HeaderReader } from '../clients/client-profile.js';
import { EarlyStarts } from '../turns/early-starts.js';
import { findThreadKeyInHeaders } from './request/message-request.js';

/** A shorter body is there before a process could have started. */
const LONG_BODY_BYTES = 256 * 1024;

/** What tells that a caller is about to send a turn to a thread, whose process is started meanwhile. No method waits or throws. */
@Injectable()
export class CallerSigns {
  constructor(private readonly earlyStarts: EarlyStarts) {}

  /** A request with these headers, which is no turn of its thread itself. */
  note({ tenant }: Principal, header: HeaderReader): void {
    const key = findThreadKeyInHeaders(header);
    if (key !== undefined) this.earlyStarts.expect(tenant, key);
  }

  /** A turn whose headers have arrived, if its body takes longer. */
  noteHeaders(principal: Principal, request: Request): void {
    const length = Number(request.get('content-length') ?? Infinity);
    if (length > LONG_BODY_BYTES) this.note(principal, (name) => request.get(name));
  }
}
