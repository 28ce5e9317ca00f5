import { Injectable, Logger } from '@nestjs/common';
import type { Response } from 'express';
import type { OpenedTurn } from '../../turns/turn-request.js';
import { TurnService } from '../../turns/turn.service.js';

/** Records which answers have arrived. */
@Injectable()
export class Deliveries {
  private readonly logger = new Logger(Deliveries.name);

  constructor(private readonly turns: TurnService) {}

  /** Records the delivery once the complete answer is sent: a repeated message is then a new one, not a retry. */
  note(opened: OpenedTurn, response: Response): void {
    response.once('finish', () => {
      this.turns.delivered(opened).catch((error: unknown) => {
        this.logger.warn({ turnId: opened.turn.id, err: error }, 'failed to record the delivery of a response');
      });
    });
  }
}
