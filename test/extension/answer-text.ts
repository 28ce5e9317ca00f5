import supertest from 'supertest';
import { ask } from '../support/requests.js';

/** What the agent of a server says to a request for this model. */
export async function answerText(url: string, model: string): Promise<string> {
  const { body } = await supertest(url).post('/v1/messages').send(ask('hi', { model })).expect(200);
  return (body as { readonly content: readonly [{ readonly text: string }] }).content[0].text;
}
